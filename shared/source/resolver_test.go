package source_test

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/waypost/waypost/shared/egress"
	"github.com/waypost/waypost/shared/fault"
	"github.com/waypost/waypost/shared/mapping"
	"github.com/waypost/waypost/shared/source"
)

const get = `{"name": "stores", "response": {"city": {"type": "string"}}, "settings": {"url": "https://stores.example/base"}, "request": `

// What a request comes to: nil is left out, and a path can't be changed by what fills it.
func TestRequest(t *testing.T) {
	for _, tc := range []struct {
		name, document string
		store          string
		language       any
		want           string
	}{
		{"nil is left out", get + `{"path": "/s", "query": {"lang": "{{ profile.language }}", "src": "waypost", "n": 3}, "headers": {"X-L": "{{ profile.language }}"}}}`, "s-1", nil,
			"GET https://stores.example/base/s?n=3&src=waypost"},
		{"one path segment", get + `{"path": "/s/{id}", "pathParams": {"id": "{{ event.storeId }}"}}}`, "a/b?c", nil, "GET https://stores.example/base/s/a%2Fb%3Fc"},
		{"no path", get + `{"query": {"id": "{{ event.storeId }}"}}}`, "s-1", nil, "GET https://stores.example/base?id=s-1"},
		{"a body", get + `{"method": "POST", "body": {"ids": ["{{ event.storeId }}", "{{ event.other }}"], "lang": "{{ profile.language }}", "max": 10}}}`, "s-1", nil,
			`POST https://stores.example/base {"ids":["s-1"],"max":10}`},
		{"a list in the body", get + `{"method": "POST", "body": {"stores": {"each": "{{ [event.storeId, event.other] }}", "as": "store", "with": {"id": "{{ store }}", "kind": "shop"}}}}}`, "s-1", nil,
			`POST https://stores.example/base {"stores":[{"id":"s-1","kind":"shop"},{"kind":"shop"}]}`},
		{"a header", get + `{"headers": {"X-Language": "{{ profile.language }}"}}}`, "s-1", "de", "GET https://stores.example/base X-Language=de"},
		{"dots in the path", get + `{"path": "/s/{id}", "pathParams": {"id": "{{ event.storeId }}"}}}`, "..", nil,
			"data.stores is nil: its request could not be composed: pathParams.id: came out empty, nil or as dots"},
		{"nil in the path", get + `{"path": "/s/{id}", "pathParams": {"id": "{{ event.other }}"}}}`, "s-1", nil,
			"data.stores is nil: its request could not be composed: pathParams.id: came out empty, nil or as dots"},
		{"a list in the query", get + `{"query": {"l": "{{ profile.language }}"}}}`, "s-1", []any{"planted"},
			"data.stores is nil: its request could not be composed: query.l: came out as no text, number or boolean"},
		{"a line break in a header", get + `{"headers": {"X-L": "{{ profile.language }}"}}}`, "s-1", "planted\r\nX-Evil: 1",
			"data.stores is nil: its request could not be composed: headers.X-L: came out with a character that a header may not have"},
		{"what can't be evaluated", get + `{"query": {"n": "{{ profile.language + 1 }}"}}}`, "s-1", "planted",
			"data.stores is nil: its request could not be composed: query.n: + needs two numbers, two strings, or a time and a duration, has a string and a number"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := newWorld(t, tc.document)
			got := w.resolve(tc.store, tc.language).Why()
			if len(w.calls) == 1 {
				c := w.calls[0]
				got = strings.TrimSpace(c.Method + " " + c.URL + " " + c.Body)
				for _, name := range []string{"X-L", "X-Language"} {
					if v := c.Header.Get(name); v != "" {
						got += " " + name + "=" + v
					}
				}
			}
			if got != tc.want {
				t.Errorf("got  %s\nwant %s", got, tc.want)
			}
			if strings.Contains(got, "planted") {
				t.Errorf("a value of the profile is in %s", got)
			}
		})
	}
}

// An answer is what the schema names of it. One that can't be used is none, and
// its reason holds nothing of it.
func TestAnswer(t *testing.T) {
	const byCustomer = `{"name": "stores", "response": {"type": "object", "additionalProperties": {"type": "object", "properties": {"n": {"type": "integer"}}}}, "settings": {"url": "https://stores.example"}}`
	for _, tc := range []struct {
		name, document string
		reply          reply
		want           any
		why            string
	}{
		{"what is named", stores, reply{body: `{"city": "Ulm", "open": true, "secret": "planted", "hours": [{"from": 9.0, "to": 17}]}`},
			map[string]any{"city": "Ulm", "open": true, "hours": []any{map[string]any{"from": int64(9)}}}, ""},
		{"nothing of what is named", stores, reply{body: `{"town": "Ulm"}`}, map[string]any{}, ""},
		{"another status of success", stores, reply{status: 203, body: `{"city": "Ulm"}`}, map[string]any{"city": "Ulm"}, ""},
		{"no JSON", stores, reply{body: `<html>planted</html>`}, nil, "its answer is not JSON"},
		{"no content", stores, reply{status: 204}, nil, "its answer is not JSON"},
		{"another type", stores, reply{body: `{"city": {"name": "planted"}}`}, nil, "its answer breaks its response schema: city: must be a string, is an object"},
		{"another type, in a list", stores, reply{body: `{"hours": [{"from": 9}, {"from": "planted"}]}`}, nil, "its answer breaks its response schema: hours.1.from: must be an integer, is a string"},
		{"a list", stores, reply{body: `[]`}, nil, "its answer breaks its response schema: must be an object, is an array"},
		{"names that are data", byCustomer, reply{body: `{"planted": {"n": "x"}}`}, nil, "its answer breaks its response schema: *.n: is not as the schema has it"},
		{"names that are data, with a dot", byCustomer, reply{body: `{"planted@example.com": {"n": "x"}}`}, nil, "its answer breaks its response schema: *.*.*: is not as the schema has it"},
		{"a refusal", stores, reply{status: 404, body: `{"error": "planted"}`}, nil, "the endpoint answered 404 Not Found"},
		{"a redirect", stores, reply{status: 302}, nil, "the endpoint answered 302 Found, a redirect, which is not followed: set settings.url to where it points"},
		{"an outage", stores, reply{status: 503}, nil, "the endpoint answered 503 Service Unavailable"},
		{"a blocked address", stores, reply{fails: egress.Blocked}, nil, "stores.example resolves to an address that may not be called: private, local or reserved"},
		{"no connection", stores, reply{fails: egress.Connect}, nil, "no connection to stores.example could be made"},
		{"too large", stores, reply{fails: egress.TooLarge}, nil, "the answer of stores.example is too large"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, tc.document)
				w.answer = func(int, call) reply { return tc.reply }
				a := w.resolve("s-1", nil)
				if diff := cmp.Diff(tc.want, a.Data["stores"]); diff != "" {
					t.Error(diff)
				}
				if got := a.Failed["stores"]; got != tc.why || strings.Contains(got, "planted") {
					t.Errorf("got  %s\nwant %s", got, tc.why)
				}
			})
		})
	}
}

// An answer is used again for its time, for the same request and revision; a
// failure is not.
func TestMemory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, stores)
		after := func(d time.Duration, store string, calls int) {
			t.Helper()
			time.Sleep(d)
			w.resolve(store, nil)
			if got := w.count(); got != calls {
				t.Errorf("%d calls, want %d", got, calls)
			}
		}
		after(0, "s-1", 1)
		after(5*time.Minute-time.Second, "s-1", 1)
		after(0, "s-2", 2)
		after(time.Second, "s-1", 3)
		w.source = parse(t, strings.Replace(stores, `"5m"`, `"10m"`, 1))
		w.source.Revision = 2
		after(0, "s-1", 4)
		after(9*time.Minute, "s-1", 4)

		w.answer = func(int, call) reply { return reply{status: 404} }
		after(0, "s-3", 5)
		w.answer = func(int, call) reply { return reply{body: `{}`} }
		after(0, "s-3", 6)
		after(0, "s-3", 6)

		w.source = parse(t, strings.Replace(stores, `"5m"`, `"0s"`, 1))
		w.source.Revision = 3
		after(0, "s-1", 7)
		after(0, "s-1", 8)
	})
}

// All who ask the same at the same time share one call. One who leaves early
// leaves the others their answer.
func TestOneCallForMany(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, strings.Replace(stores, `"5m"`, `"0s"`, 1))
		w.answer = func(int, call) reply { return reply{body: `{"city": "Ulm"}`, takes: 500 * time.Millisecond} }
		var all sync.WaitGroup
		for i := range 50 {
			all.Go(func() {
				ctx := t.Context()
				if i == 0 {
					early, cancel := context.WithTimeout(ctx, 100*time.Millisecond)
					defer cancel()
					ctx = early
				} else {
					time.Sleep(50 * time.Millisecond) // the one who leaves began it
				}
				a, err := w.Resolve(ctx, []string{"stores"}, inputs("s-1", nil))
				if _, answered := a.Data["stores"]; err != nil || answered == (i == 0) {
					t.Errorf("%d: %v, %v", i, a, err)
				}
			})
		}
		all.Wait()
		if got, want := len(w.calls), 1; got != want {
			t.Errorf("%d calls, want %d", got, want)
		}
	})
}

// What may pass is tried once more, where the source's own time allows it.
func TestRetry(t *testing.T) {
	for _, tc := range []struct {
		name   string
		first  reply
		second reply
		calls  int
		takes  time.Duration
		why    string
	}{
		{"an outage that passes", reply{status: 503}, reply{body: `{}`}, 2, 50 * time.Millisecond, ""},
		{"a lost connection", reply{fails: egress.Lost}, reply{body: `{}`}, 2, 50 * time.Millisecond, ""},
		{"an outage that stays", reply{status: 500}, reply{status: 502}, 2, 50 * time.Millisecond, "the endpoint answered 502 Bad Gateway"},
		{"too busy, for a moment", reply{status: 429, header: "0"}, reply{body: `{}`}, 2, 50 * time.Millisecond, ""},
		{"too busy, for long", reply{status: 429, header: "2"}, reply{}, 1, 0, "the endpoint answered 429 Too Many Requests"},
		{"an outage, told late", reply{status: 503, takes: 900 * time.Millisecond}, reply{}, 1, 900 * time.Millisecond, "the endpoint answered 503 Service Unavailable"},
		{"too slow", reply{takes: time.Minute}, reply{}, 1, time.Second, "stores.example did not answer within the timeout"},
		{"too slow the second time", reply{status: 503}, reply{takes: time.Minute}, 2, time.Second, "stores.example did not answer within the timeout"},
		{"a refusal", reply{status: 400}, reply{}, 1, 0, "the endpoint answered 400 Bad Request"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, stores)
				w.answer = func(n int, _ call) reply { return []reply{tc.first, tc.second}[n-1] }
				began := time.Now()
				a := w.resolve("s-1", nil)
				if got := time.Since(began); got != tc.takes {
					t.Errorf("took %v, want %v", got, tc.takes)
				}
				if got := a.Failed["stores"]; got != tc.why {
					t.Errorf("got %q, want %q", got, tc.why)
				}
				if got := w.count(); got != tc.calls {
					t.Errorf("%d calls, want %d", got, tc.calls)
				}
			})
		})
	}
}

// After a 401 the secret is read again, once; what is sent to no host that it
// does not list, and a secret that is none, is the source's failure.
func TestCredential(t *testing.T) {
	const refused = "the endpoint answered 401 Unauthorized"
	const refusedCertificate = "stores.example refused the client certificate, or wants one"
	for _, tc := range []struct {
		name   string
		tokens []string // as the secret has them, one after the other
		accept string
		calls  int
		why    string
		as     egress.Kind // with which what is not accepted is refused, instead of a 401
	}{
		{"a good one", []string{"tok-1"}, "tok-1", 1, "", ""},
		{"a new one", []string{"tok-1", "tok-2"}, "tok-2", 2, "", ""},
		{"a bad one", []string{"tok-1"}, "tok-2", 1, refused, ""},
		{"a bad one, and a new bad one", []string{"tok-1", "tok-2"}, "tok-3", 2, refused, ""},
		{"one that is not for this host", []string{`tok-1", "hosts": ["other.example"], "x": "`}, "tok-1", 0,
			"the secret waypost/stores may not be sent to stores.example: it is not among the secret's hosts; correct the URL, or list it there", ""},
		{"none", nil, "", 0, "the secret waypost/stores does not exist", ""},
		{"a new certificate", []string{"tok-1", "tok-2"}, "tok-2", 2, "", egress.Certificate},
		{"a bad certificate", []string{"tok-1"}, "tok-2", 1, refusedCertificate, egress.Certificate},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, stores)
				w.tokens = tc.tokens[:min(1, len(tc.tokens))]
				w.answer = func(n int, c call) reply {
					w.tokens = tc.tokens
					if c.Header.Get("Authorization") != "Bearer "+tc.accept {
						return reply{status: http.StatusUnauthorized, fails: tc.as}
					}
					return reply{body: `{}`}
				}
				if got := w.resolve("s-1", nil).Failed["stores"]; got != tc.why {
					t.Errorf("got %q, want %q", got, tc.why)
				}
				if got := w.count(); got != tc.calls {
					t.Errorf("%d calls, want %d", got, tc.calls)
				}
			})
		})
	}
}

// A source has no more time than its caller leaves it.
func TestUntil(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, stores)
		w.answer = func(int, call) reply { return reply{takes: time.Minute} }
		for left, want := range map[time.Duration]string{
			300 * time.Millisecond: "stores.example did not answer within the timeout",
			50 * time.Millisecond:  "there was no time left to call it",
			-time.Second:           "there was no time left to call it",
		} {
			in := inputs("s-1", nil)
			began := time.Now()
			in.Until = began.Add(left)
			a, err := w.Resolve(t.Context(), []string{"stores"}, in)
			if got := a.Failed["stores"]; err != nil || got != want {
				t.Errorf("%v: %q, %v", left, got, err)
			}
			if took := time.Since(began); took > max(0, left) {
				t.Errorf("with %v left it took %v", left, took)
			}
			time.Sleep(time.Minute)
		}
	})
}

// A source that does not exist is one that failed; a definition or a profile
// that could not be read is not for mappings to judge.
func TestWhatCouldNotBeRead(t *testing.T) {
	w := newWorld(t, stores)
	in := inputs("s-1", nil)
	a, err := w.Resolve(t.Context(), []string{"shops", "stores"}, in)
	if diff := cmp.Diff(map[string]string{"shops": "there is no source shops"}, a.Failed); err != nil || diff != "" {
		t.Error(diff, err)
	}
	if got, want := a.Why(), "data.shops is nil: there is no source shops"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	in.Profile = func(context.Context, mapping.Paths) (map[string]any, error) {
		return nil, fault.New(fault.Unavailable, "the profiles' table did not answer")
	}
	if _, err := w.Resolve(t.Context(), []string{"stores"}, in); !fault.Is(err, fault.Unavailable) {
		t.Errorf("%v, want an Unavailable", err)
	}
	down := source.NewResolver(unread{}, nil, w, time.Now)
	if _, err := down.Resolve(t.Context(), []string{"stores"}, in); !fault.Is(err, fault.Unavailable) {
		t.Errorf("%v, want an Unavailable", err)
	}
}

// unread are definitions that can't be read.
type unread struct{}

func (unread) Cached(string) (*source.Source, bool) { return nil, false }

func (unread) Read(context.Context, string) (*source.Source, error) {
	return nil, fault.New(fault.Unavailable, "the catalog did not answer")
}
