package local_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/google/go-cmp/cmp"

	"github.com/waypost/waypost/infra/local"
	"github.com/waypost/waypost/infra/local/lambda"
	"github.com/waypost/waypost/infra/local/urls"
	"github.com/waypost/waypost/shared/assemble"
	"github.com/waypost/waypost/shared/assemble/admin"
	"github.com/waypost/waypost/shared/egress"
	waypostsecrets "github.com/waypost/waypost/shared/secretsmanager"
)

// An endpoint is a server on loopback that answers each path in its own way,
// well or badly, and keeps what it was asked.
type endpoint struct {
	mu   sync.Mutex
	seen map[string][]string // requests by path, as text
}

func (e *endpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	e.mu.Lock()
	text := fmt.Sprintf("%s %s\n", r.Method, r.URL.RequestURI())
	for _, name := range []string{"Authorization", "X-Property", "X-City", "Content-Type"} {
		text += name + ": " + r.Header.Get(name) + "\n"
	}
	e.seen[r.URL.Path] = append(e.seen[r.URL.Path], text+string(body))
	e.mu.Unlock()
	switch r.URL.Path {
	case "/redirect":
		http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
	case "/large":
		fmt.Fprintf(w, `{"id": "1", "rest": %q}`, strings.Repeat("x", egress.DefaultMaxResponse))
	case "/slow":
		<-r.Context().Done()
	case "/page", "/page-unread":
		fmt.Fprint(w, "<html>Welcome</html>")
	default:
		fmt.Fprint(w, `{"id": "b-1"}`)
	}
}

// settledLog is a log that tells of the deliveries that were settled.
type settledLog chan string

func (s settledLog) Enabled(context.Context, slog.Level) bool { return true }
func (s settledLog) WithAttrs([]slog.Attr) slog.Handler       { return s }
func (s settledLog) WithGroup(string) slog.Handler            { return s }
func (s settledLog) Handle(_ context.Context, r slog.Record) error {
	r.Attrs(func(a slog.Attr) bool {
		if r.Message == "delivery settled" && a.Key == "delivery" {
			s <- a.Value.String()
		}
		return true
	})
	return nil
}

// ask makes a request that must get this status, and gives the answer.
func ask(t *testing.T, method, url, body string, status int) string {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	if method == http.MethodPatch {
		r.Header.Set("Content-Type", "application/merge-patch+json")
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != status {
		t.Fatalf("%s %s: got %d %s, %v; want %d", method, url, res.StatusCode, text, err, status)
	}
	return string(text)
}

// started starts a runtime that ends with the test.
func started(t *testing.T, log slog.Handler) *local.Runtime {
	t.Helper()
	r, err := local.Start(t.Context(), local.Config{Log: slog.New(log)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return r
}

// A bundle that the runtime has never seen, put in place by its URL, calls a
// server on loopback over real HTTP with exactly what it composed, once; and
// whatever an endpoint does wrong ends in an outcome that says so.
func TestEndpoints(t *testing.T) {
	done := make(settledLog, 100)
	r := started(t, done)
	shop := &endpoint{seen: map[string][]string{}}
	server := httptest.NewServer(shop)
	t.Cleanup(server.Close)
	put := func(path, body string) {
		t.Helper()
		ask(t, http.MethodPut, r.URL+"/admin/v1/"+path, body, http.StatusOK)
	}

	put("profile-schema", `{"type": "object", "properties": {"city": {"type": "string"}, "nights": {"type": "integer"}, "passport": {"type": "string"}}}`)
	put("events/stay.booked", `{"type": "object", "required": ["booking", "guest"], "properties": {"booking": {"type": "string"}, "guest": {"type": "string"}}}`)
	put("profiles/g-1", `{"city": "Zürich & Bern", "nights": 3, "passport": "X1"}`)
	source := waypostsecrets.Source{Client: secretsmanager.NewFromConfig(r.AWS)}
	if _, err := source.Put(t.Context(), "waypost/hotel", `{"token": "t-1"}`); err != nil {
		t.Fatal(err)
	}

	contract := `{"method": "PUT", "path": "/%s", "query": {"lang": "de", "city": {"toBeMapped": true, "type": "string"}},
		"headers": {"X-Property": "P-9", "X-City": {"toBeMapped": true, "type": "string"}},
		"body": {"stay": {"nights": {"toBeMapped": true, "type": "integer"}, "source": "waypost"}, "ref": {"toBeMapped": true, "type": "string"}}%s}`
	cases := map[string]struct{ settings, outcome, reason string }{
		"good":     {"", "sent", ""},
		"redirect": {"", "failed", "redirect, which is not followed"},
		"large":    {"", "unknown", "too large"},
		"slow":     {`"timeout": "1s", "guarantee": "atMostOnce",`, "unknown", "did not answer within the timeout"},
		"page":     {"", "unknown", "not JSON"},
		"unread":   {"", "sent", ""},
		"metadata": {"", "failed", "169.254.169.254 is an address"},
	}
	for name, c := range cases {
		response, path := `, "response": {"id": {"type": "string"}}`, name
		if name == "unread" {
			response, path = "", "page-unread"
		}
		put("actions/"+name, fmt.Sprintf(`{"name": %q, "channel": "webhook", "contract": %s, "settings": {%s "url": %q, "auth": {"type": "bearer", "secret": "waypost/hotel"}}}`,
			name, fmt.Sprintf(contract, path, response), c.settings, server.URL))
		ask(t, http.MethodPost, r.URL+"/admin/v1/actions/"+name+"/publish", "", http.StatusOK)
		put("journeys/"+name, fmt.Sprintf(`{"name": %q, "entry": {"event": "stay.booked", "profile": "event.guest"}, "steps": [{"id": "call", "action": {"name": %q, "version": 1,
			"with": {"query.city": "{{ profile.city }}", "headers.X-City": "{{ upper(profile.city) }}", "stay.nights": "{{ profile.nights }}", "ref": "B/{{ event.booking }}"}}}]}`, name, name))
		ask(t, http.MethodPost, r.URL+"/admin/v1/journeys/"+name+"/publish", "", http.StatusOK)
	}
	allowOnce(t, r, "metadata", `{"url": "https://169.254.169.254"}`)

	event := `{"specversion": "1.0", "id": "e-1", "source": "desk", "type": "stay.booked", "data": {"booking": "7", "guest": "g-1"}}`
	var accepted struct {
		Executions []struct{ Execution, Journey string }
		Duplicate  bool
	}
	decode := func(text string, into any) {
		t.Helper()
		if err := json.Unmarshal([]byte(text), into); err != nil {
			t.Fatal(err)
		}
	}
	decode(ask(t, http.MethodPost, r.URL+"/entry/", event, http.StatusAccepted), &accepted)
	late := time.After(20 * time.Second)
	for range cases {
		select {
		case <-done:
		case <-late:
			t.Fatal("not all deliveries were settled within 20 s")
		}
	}
	for _, x := range accepted.Executions {
		var d struct{ Outcome, Reason string }
		decode(ask(t, http.MethodGet, r.URL+"/admin/v1/deliveries/"+x.Execution+".call.0", "", http.StatusOK), &d)
		if want := cases[x.Journey]; d.Outcome != want.outcome || !strings.Contains(d.Reason, want.reason) {
			t.Errorf("%s: got %s (%s), want %s (%s)", x.Journey, d.Outcome, d.Reason, want.outcome, want.reason)
		}
	}

	decode(ask(t, http.MethodPost, r.URL+"/entry/", event, http.StatusAccepted), &accepted)
	if !accepted.Duplicate || len(accepted.Executions) != len(cases) {
		t.Errorf("the same event again: got %+v, want a duplicate with the same executions", accepted)
	}
	shop.mu.Lock()
	defer shop.mu.Unlock()
	request := "PUT /good?city=Z%C3%BCrich+%26+Bern&lang=de\nAuthorization: Bearer t-1\nX-Property: P-9\nX-City: ZÜRICH & BERN\nContent-Type: application/json\n" +
		`{"ref":"B/7","stay":{"nights":3,"source":"waypost"}}`
	if diff := cmp.Diff([]string{request}, shop.seen["/good"]); diff != "" {
		t.Errorf("the good endpoint saw: %s", diff)
	}
	if got := shop.seen["/elsewhere"]; len(got) > 0 {
		t.Errorf("the redirect was followed: %v", got)
	}
	for _, path := range []string{"/redirect", "/large", "/slow", "/page", "/page-unread"} {
		if got := len(shop.seen[path]); got != 1 {
			t.Errorf("%s was called %d times, want once", path, got)
		}
	}
}

// allowOnce changes an action's settings as an operator could who allowed the
// address then, and does not any more: it is judged again when it is called.
func allowOnce(t *testing.T, r *local.Runtime, action, settings string) {
	t.Helper()
	path := "/admin/v1/actions/" + action + "/versions/1/settings"
	ask(t, http.MethodPatch, r.URL+path, settings, http.StatusUnprocessableEntity)
	policy, err := egress.ParsePolicy("169.254.0.0/16", "")
	if err != nil {
		t.Fatal(err)
	}
	host := lambda.New(lambda.Options{})
	host.Register("admin", admin.New(&assemble.Platform{AWS: r.AWS, Log: slog.New(slog.DiscardHandler), Now: time.Now, Env: assemble.Env{
		ProfilesTable: local.ProfilesTable, ProfileKey: "id", CatalogTable: local.CatalogTable, LedgerTable: local.LedgerTable, LimitsTable: local.LimitsTable,
		Egress: policy, Names: map[string]string{"webhook": host.ARN("webhook")}}}), lambda.Config{})
	lax := httptest.NewServer(urls.Handler(host, "admin"))
	defer lax.Close()
	ask(t, http.MethodPatch, lax.URL+path, settings, http.StatusOK)
	if err := host.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
}
