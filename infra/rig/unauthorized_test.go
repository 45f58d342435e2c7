package rig_test

import (
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/waypost/waypost/infra/providers/oauth"
	"github.com/waypost/waypost/infra/rig"
	"github.com/waypost/waypost/shared/ledger"
)

// A credential that is refused, while the one that would be taken can't be
// got, is a failure that passes: nothing was processed.
func TestRefusedWhileNoOtherCanBeGot(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ name, action, secret string }{{"a token", byOAuth, client}, {"a secret", "", `{"token": "old"}`}} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			rig.Run(t, func(t *testing.T, w *rig.World) {
				// harmed: what memory has is refused; down: nothing else can be got.
				var harmed, down atomic.Bool
				server := tokens(time.Hour)
				w.Endpoint.Source = func(n int, c rig.Request) rig.Reply {
					if down.Load() {
						return rig.Reply{Status: http.StatusServiceUnavailable}
					}
					return login(server)(n, c)
				}
				w.Fail = func(op string, _ []byte) rig.Fault {
					if op == "GetSecretValue" && down.Load() {
						return rig.Refuses
					}
					return rig.Works
				}
				w.Endpoint.Answer = func(_ int, c rig.Request) rig.Reply {
					sent := strings.TrimPrefix(c.Header.Get("Authorization"), "Bearer ")
					if sent == "new" || sent == "old" && !harmed.Load() || server.Valid(sent, "send") {
						return rig.Reply{Status: http.StatusOK, Body: `{"id": "m-1"}`}
					}
					return rig.Reply{Status: http.StatusUnauthorized}
				}
				w.Publish(rig.Setup{Action: tc.action})
				w.PutSecret(rig.Secret, tc.secret)
				warm := w.Send("case-1").Executions[0].Execution
				w.Settle()
				if d := w.Delivery(warm); d.Outcome != ledger.Sent {
					t.Fatalf("warming up: got %s (%s)", d.Outcome, d.Reason)
				}
				server.Revoke()
				if tc.action == "" {
					w.PutSecret(rig.Secret, `{"token": "new"}`)
				}
				harmed.Store(true)
				down.Store(true)
				x := w.Send("case-2").Executions[0].Execution
				sleep(20)
				down.Store(false)
				w.Settle()
				d := w.Delivery(x)
				if d.Outcome != ledger.Sent || !strings.HasPrefix(results(d), "refused ") {
					t.Errorf("got %s (%s) after the attempts %q, want sent after some that were refused", d.Outcome, d.Reason, results(d))
				}
				if calls := w.Endpoint.Calls(x); len(calls) > 1 && calls[1].At.Sub(calls[0].At) < time.Second {
					t.Errorf("the second call came after %v, with the credential that was refused", calls[1].At.Sub(calls[0].At))
				}
			})
		})
	}
}

// A client that is refused a token is told of beside the 401 that asked for one.
func TestRefusedAndSoIsTheClient(t *testing.T) {
	t.Parallel()
	rig.Run(t, func(t *testing.T, w *rig.World) {
		server := tokens(time.Hour)
		w.Endpoint.Source, w.Endpoint.Answer = login(server), guarded(server)
		w.Publish(rig.Setup{Action: byOAuth})
		w.PutSecret(rig.Secret, client)
		w.Send("case-1")
		w.Settle()
		server.Revoke()
		w.Endpoint.Source = login(oauth.New(oauth.Options{URL: tokenURL})) // it knows nobody any more
		x := w.Send("case-2").Executions[0].Execution
		w.Settle()
		d := w.Delivery(x)
		if want := "401 Unauthorized; login.example gave no token: it answered 401, invalid_client"; d.Outcome != ledger.Failed || !strings.Contains(d.Reason, want) {
			t.Errorf("got %s (%s), want failed (%s)", d.Outcome, d.Reason, want)
		}
	})
}
