package rig_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/waypost/waypost/infra/providers/oauth"
	"github.com/waypost/waypost/infra/rig"
	"github.com/waypost/waypost/shared/ledger"
)

const (
	tokenURL = "https://login.example" + oauth.Path
	// byOAuth is a change of an action that has it authenticate by a token.
	byOAuth = `{"settings": {"auth": {"type": "oauth2", "tokenUrl": "` + tokenURL + `", "clientAuth": "post", "scopes": ["send"]}}}`
	// client is the secret of the client that tokens know.
	client = `{"clientId": "c", "clientSecret": "s"}`
)

// tokens is a server of tokens for the client.
func tokens(life time.Duration) *oauth.Server {
	return oauth.New(oauth.Options{URL: tokenURL, Life: life, Clients: []oauth.Client{{ID: "c", Secret: "s", Post: true, Scopes: []string{"send"}}}})
}

// login has a server answer what the world sends it.
func login(server http.Handler) func(int, rig.Request) rig.Reply {
	return func(_ int, c rig.Request) rig.Reply {
		r := httptest.NewRequest(c.Method, c.URL, strings.NewReader(c.Body))
		r.Header = c.Header
		rec := httptest.NewRecorder()
		server.ServeHTTP(rec, r)
		return rig.Reply{Status: rec.Code, Body: rec.Body.String(), Takes: 200 * time.Millisecond,
			Header: map[string]string{"Content-Type": rec.Header().Get("Content-Type")}}
	}
}

// guarded answers 200 to who has a live token, and 401 to everybody else.
func guarded(server *oauth.Server) func(int, rig.Request) rig.Reply {
	return func(_ int, c rig.Request) rig.Reply {
		if !server.Valid(strings.TrimPrefix(c.Header.Get("Authorization"), "Bearer "), "send") {
			return rig.Reply{Status: http.StatusUnauthorized, Takes: 50 * time.Millisecond}
		}
		return rig.Reply{Status: http.StatusOK, Body: `{"id": "m-1"}`, Takes: 50 * time.Millisecond}
	}
}

// sendAll sends so many events at once, and gives what became of their
// deliveries, and how often each called.
func sendAll(t *testing.T, w *rig.World, prefix string, n int) (outcomes map[ledger.Outcome]int, calls map[int]int) {
	t.Helper()
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			if code, text := w.Call(http.MethodPost, "/entry/", rig.EventOf(fmt.Sprint(prefix, i), "c-1")); code != http.StatusAccepted {
				t.Errorf("the event was answered %d %s", code, text)
			}
		})
	}
	wg.Wait()
	w.Settle()
	outcomes, calls = map[ledger.Outcome]int{}, map[int]int{}
	for i := range n {
		x := rig.ExecutionOf(fmt.Sprint(prefix, i), "c-1")
		outcomes[w.Delivery(x).Outcome]++
		calls[len(w.Endpoint.Calls(x))]++
	}
	return outcomes, calls
}

// Two hundred deliveries that need a token at once cost one call of who gives
// it; a token that is revoked among them costs each one retry at most, and one
// more token, and no delivery fails.
func TestOAuthUnderLoad(t *testing.T) {
	t.Parallel()
	rig.Run(t, func(t *testing.T, w *rig.World) {
		const n = 200
		server := tokens(time.Hour)
		w.Endpoint.Source, w.Endpoint.Answer = login(server), guarded(server)
		w.Publish(rig.Setup{Action: byOAuth, Journey: `{"steps": [{"id": "text", "action": {"name": "notify", "version": 1, "with": {"to": "1", "text": "a"}}}]}`})
		w.PutSecret(rig.Secret, client)

		outcomes, calls := sendAll(t, w, "cold-", n)
		if outcomes[ledger.Sent] != n || calls[1] != n || server.Calls() != 1 {
			t.Errorf("cold: got the outcomes %v by calls %v, and %d calls for tokens; want %d sent by one call each, and one token", outcomes, calls, server.Calls(), n)
		}

		answer, seen := guarded(server), 0
		w.Endpoint.Answer = func(n int, c rig.Request) rig.Reply {
			if seen++; seen == 100 { // answers are given one at a time
				server.Revoke()
			}
			return answer(n, c)
		}
		before := server.Calls()
		outcomes, calls = sendAll(t, w, "revoked-", n)
		if outcomes[ledger.Sent] != n || calls[1]+calls[2] != n || calls[2] < n/2 {
			t.Errorf("revoked: got the outcomes %v by calls %v, want %d sent, those after the first hundred by two calls", outcomes, calls, n)
		}
		if got := server.Calls() - before; got != 1 {
			t.Errorf("revoked: got %d calls for tokens, want 1", got)
		}
	})
}

// A token that nobody can get is a failure that passes, and one that is refused
// is told of, with nothing sent.
func TestNoToken(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name   string
		secret string
		answer func(int, rig.Request) rig.Reply
		want   ledger.Outcome
		reason string
	}{
		{"down, and back", client, nil, ledger.Sent, ""},
		{"refused", `{"clientId": "c", "clientSecret": "wrong"}`, login(tokens(time.Hour)), ledger.Failed, "login.example gave no token: it answered 401, invalid_client"},
		{"not for this host", `{"clientId": "c", "clientSecret": "s", "hosts": ["hooks.example"]}`, login(tokens(time.Hour)), ledger.Failed, "may not be sent to login.example"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			rig.Run(t, func(t *testing.T, w *rig.World) {
				server := tokens(time.Hour)
				w.Endpoint.Answer, w.Endpoint.Source = guarded(server), tc.answer
				if tc.answer == nil {
					w.Endpoint.Source = func(n int, c rig.Request) rig.Reply {
						if n < 3 {
							return rig.Reply{Status: http.StatusServiceUnavailable}
						}
						return login(server)(n, c)
					}
				}
				w.Publish(rig.Setup{Action: byOAuth})
				w.PutSecret(rig.Secret, tc.secret)
				x := w.Send("case-1").Executions[0].Execution
				w.Settle()
				d := w.Delivery(x)
				if d.Outcome != tc.want || !strings.Contains(d.Reason, tc.reason) {
					t.Errorf("got %s (%s), want %s (%s)", d.Outcome, d.Reason, tc.want, tc.reason)
				}
				if got := len(w.Endpoint.Calls(x)); got != 0 != (tc.want == ledger.Sent) {
					t.Errorf("the endpoint was called %d times", got)
				}
			})
		})
	}
}

// A source authenticates by a token too, by that of an action with the same
// settings, and gets another where it is refused.
func TestSourceByOAuth(t *testing.T) {
	t.Parallel()
	rig.Run(t, func(t *testing.T, w *rig.World) {
		server := tokens(time.Hour)
		w.Endpoint.Answer = guarded(server)
		w.Endpoint.Source = func(n int, c rig.Request) rig.Reply {
			if c.URL == tokenURL {
				return login(server)(n, c)
			}
			if reply := guarded(server)(n, c); reply.Status != http.StatusOK {
				return reply
			}
			return rig.Reply{Status: http.StatusOK, Body: `{"city": "Ulm"}`}
		}
		var change struct {
			Settings struct {
				Auth map[string]any `json:"auth"`
			} `json:"settings"`
		}
		if err := json.Unmarshal([]byte(byOAuth), &change); err != nil {
			t.Fatal(err)
		}
		change.Settings.Auth["secret"] = rig.Secret
		patch, err := json.Marshal(change)
		if err != nil {
			t.Fatal(err)
		}
		w.PublishWithSources(string(patch), rig.Setup{Action: byOAuth,
			Journey: `{"steps": [{"id": "text", "action": {"name": "notify", "version": 1, "with": {"to": "1", "text": "{{ data.stores.city }}"}}}]}`})
		w.PutSecret(rig.Secret, client)
		for i, want := range []int{1, 2} { // calls for tokens so far
			x := w.Send(fmt.Sprint("case-", i)).Executions[0].Execution
			sleep(10)
			if d := w.Delivery(x); d.Outcome != ledger.Sent || server.Calls() != want {
				t.Errorf("got %s (%s) after %d calls for tokens, want sent after %d", d.Outcome, d.Reason, server.Calls(), want)
			}
			server.Revoke()
		}
	})
}
