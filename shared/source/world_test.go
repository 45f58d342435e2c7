package source_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/waypost/waypost/shared/egress"
	"github.com/waypost/waypost/shared/fault"
	"github.com/waypost/waypost/shared/mapping"
	"github.com/waypost/waypost/shared/schema"
	"github.com/waypost/waypost/shared/secret"
	"github.com/waypost/waypost/shared/source"
	"github.com/waypost/waypost/shared/token"
)

// A world has one source, stores, whose endpoint answers as a test says.
type world struct {
	*source.Resolver
	t      testing.TB
	source *source.Source

	mu     sync.Mutex
	answer func(n int, c call) reply // to the n-th call, from 1
	calls  []call
	tokens []string // of the secret, by version
}

// A call is one that reached the endpoint.
type call struct {
	Method, URL, Body string
	Header            http.Header
}

// A reply is what becomes of a call.
type reply struct {
	status int
	header string // of Retry-After
	body   string
	fails  egress.Kind
	takes  time.Duration
}

const stores = `{"name": "stores",
	"request": {"path": "/v1/stores/{id}", "pathParams": {"id": "{{ event.storeId }}"}, "query": {"lang": "{{ profile.language ?? 'en' }}", "src": "waypost"}},
	"response": {"city": {"type": "string"}, "open": {"type": "boolean"}, "hours": {"type": "array", "items": {"type": "object", "properties": {"from": {"type": "integer"}}}}},
	"settings": {"url": "https://stores.example", "auth": {"type": "bearer", "secret": "waypost/stores"}, "timeout": "1s", "cache": "5m"}}`

func parse(t testing.TB, document string) *source.Source {
	t.Helper()
	s, err := source.Parse([]byte(document), anyURL{}, schema.OpenObject())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func newWorld(t testing.TB, document string) *world {
	w := &world{t: t, source: parse(t, document), tokens: []string{"tok-1"}}
	w.source.Revision = 1
	w.answer = func(int, call) reply { return reply{body: `{"city": "Ulm", "open": true}`} }
	w.Resolver = source.NewResolver(w, token.NewStore(secret.NewStore(w, time.Now), w, time.Now), w, time.Now)
	return w
}

func (w *world) Cached(name string) (*source.Source, bool) {
	if name != w.source.Name {
		return nil, false
	}
	return w.source, true
}

func (w *world) Read(_ context.Context, name string) (*source.Source, error) {
	return nil, fault.New(fault.NotFound, "there is no source %s", name)
}

// Fetch gives the secret's value: the last of its tokens.
func (w *world) Fetch(context.Context, string) ([]byte, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.tokens) == 0 {
		return nil, fault.New(fault.NotFound, "the secret waypost/stores does not exist")
	}
	return []byte(`{"token": "` + w.tokens[len(w.tokens)-1] + `"}`), nil
}

// Do answers a call, as egress.Client does.
func (w *world) Do(ctx context.Context, r *http.Request, o egress.Options) (*egress.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	w.mu.Lock()
	c := call{r.Method, r.URL.String(), strings.TrimSpace(string(body)), r.Header}
	w.calls = append(w.calls, c)
	out := w.answer(len(w.calls), c)
	w.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, o.Timeout)
	defer cancel()
	select {
	case <-time.After(out.takes):
	case <-ctx.Done():
		return nil, egress.NewError(egress.Timeout, true, r.URL.Hostname())
	}
	if out.fails != "" {
		return nil, egress.NewError(out.fails, false, r.URL.Hostname())
	}
	if out.status == 0 {
		out.status = http.StatusOK
	}
	header := http.Header{}
	if out.header != "" {
		header.Set("Retry-After", out.header)
	}
	return &egress.Response{Status: out.status, Header: header, Body: []byte(out.body)}, nil
}

// count is the number of calls so far.
func (w *world) count() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.calls)
}

// resolve resolves the source for a store and a language, which may be nil.
func (w *world) resolve(store string, language any) source.Answers {
	w.t.Helper()
	a, err := w.Resolve(w.t.Context(), []string{w.source.Name}, inputs(store, language))
	if err != nil {
		w.t.Fatal(err)
	}
	return a
}

func inputs(store string, language any) source.Inputs {
	return source.Inputs{Env: mapping.Env{Event: map[string]any{"storeId": store}}, Until: time.Now().Add(30 * time.Second),
		Profile: func(context.Context, mapping.Paths) (map[string]any, error) {
			return map[string]any{"language": language}, nil
		}}
}

// anyURL lets every URL through: package egress has the real guard.
type anyURL struct{}

func (anyURL) Check(string) error { return nil }
