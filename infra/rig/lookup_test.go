package rig_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/waypost/waypost/infra/providers/sink"
	"github.com/waypost/waypost/infra/rig"
	"github.com/waypost/waypost/shared/egress"
	"github.com/waypost/waypost/shared/ledger"
)

// A token that was revoked before a lookup is replaced for it: the lookup is
// what tells whether the award is to be made again.
func TestLookupIsRefused(t *testing.T) {
	t.Parallel()
	for _, guarantee := range []string{"atLeastOnce", "atMostOnce"} {
		t.Run(guarantee, func(t *testing.T) {
			t.Parallel()
			rig.Run(t, func(t *testing.T, w *rig.World) {
				server := tokens(time.Hour)
				service := sink.NewLoyalty(sink.Options{}).Handler("")
				w.Endpoint.Source = login(server)
				w.Endpoint.Answer = func(n int, c rig.Request) rig.Reply {
					if !server.Valid(strings.TrimPrefix(c.Header.Get("Authorization"), "Bearer "), "send") {
						return rig.Reply{Status: http.StatusUnauthorized}
					}
					reply := stood(service, c)
					if n == 1 {
						server.Revoke()
						return rig.Reply{Fails: egress.Lost, Written: true}
					}
					return reply
				}
				w.Publish(rig.Setup{Action: rig.Patch(t, fmt.Sprintf(loyalty, lookup, guarantee), byOAuth), Journey: awardJourney})
				w.PutSecret(rig.Secret, client)
				x := w.Send("case-1").Executions[0].Execution
				w.Settle()
				d := w.Delivery(x)
				if d.Outcome != ledger.Sent || !strings.Contains(d.Reason, "looked up") {
					t.Errorf("got %s (%s), want sent, as looked up", d.Outcome, d.Reason)
				}
				var calls []string
				for _, c := range w.Endpoint.Calls(x) {
					calls = append(calls, c.Method)
				}
				if got, want := strings.Join(calls, " "), "POST GET GET"; got != want {
					t.Errorf("got the calls %s, want %s", got, want)
				}
			})
		})
	}
}
