package rig_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/waypost/waypost/infra/providers/sink"
	"github.com/waypost/waypost/infra/rig"
	"github.com/waypost/waypost/shared/egress"
	"github.com/waypost/waypost/shared/ledger"
)

const (
	signage = `{"channel": "signage", "contract": {"method": "PUT", "path": "/v1/screens/{screen}", "pathParams": {"screen": {"toBeMapped": true, "type": "string"}},
		"body": {"to": null, "text": null, "headline": {"toBeMapped": true, "type": "string"}},
		"display": {"screen": "path.screen", "version": "version", "validUntil": "validUntil", "validFor": "10m"},
		"response": {"id": null, "version": {"type": "integer"}}}, "settings": {"url": "https://screens.example"}}`
	screenJourney = `{"steps": [{"id": "text", "action": {"name": "notify", "version": 1, "with": {"path.screen": "{{ profile.phone }}", "headline": "{{ event.orderId }}"}}}]}`
)

// Each row is a message whose first attempts met what before and after say, and
// a newer one to the same screen that is sent while the first waits.
func TestScreens(t *testing.T) {
	t.Parallel()
	busy := func(rig.Reply) rig.Reply {
		return rig.Reply{Status: 429, Header: map[string]string{"Retry-After": "60"}}
	}
	long := func(rig.Reply) rig.Reply {
		return rig.Reply{Status: 429, Header: map[string]string{"Retry-After": "900"}}
	}
	lost := func(rig.Reply) rig.Reply { return rig.Reply{Fails: egress.Lost, Written: true} }
	gone := func(rig.Reply) rig.Reply { return rig.Reply{Status: 422} }
	type bend = func(rig.Reply) rig.Reply
	for _, tc := range []struct {
		name          string
		before, after map[int]bend // of the first message's n-th call
		newer         bool         // another message is sent after a second
		second        bend         // what becomes of the newer one
		direct        bool         // the newer one was put there by another system

		outcome ledger.Outcome
		reason  string
		calls   int // of the first message
		shown   string
	}{
		{name: "shown", outcome: "sent", calls: 1, shown: "o-case-1"},
		{name: "repeated, with nothing newer", before: map[int]bend{1: busy}, outcome: "sent", calls: 2, shown: "o-case-1"},
		{name: "an ambiguous one is repeated, and is the same message", after: map[int]bend{1: lost}, outcome: "sent", calls: 2, shown: "o-case-1"},
		{name: "a stale retry is dropped", before: map[int]bend{1: busy}, newer: true, outcome: "suppressed", reason: "a newer version was sent there since", calls: 1, shown: "o-case-2"},
		{name: "a newer one that was refused replaces nothing", before: map[int]bend{1: busy}, newer: true, second: gone, outcome: "sent", calls: 2, shown: "o-case-1"},
		{name: "the screen has a newer one", before: map[int]bend{1: busy}, direct: true, outcome: "suppressed", reason: "the endpoint has a newer version", calls: 2, shown: "other"},
		{name: "not valid any more", before: map[int]bend{1: long}, outcome: "suppressed", reason: "it is not valid any more", calls: 1},
		{name: "refused", before: map[int]bend{1: gone}, outcome: "failed", reason: "422", calls: 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			rig.Run(t, func(t *testing.T, w *rig.World) {
				screens := sink.NewSignage(sink.Options{}).Handler("")
				shown := func() string {
					reply := stood(screens, rig.Request{Method: "GET", URL: "/v1/screens/+15550001", Header: map[string][]string{"Authorization": {"Bearer t"}}})
					var c struct{ Headline string }
					if err := json.Unmarshal([]byte(reply.Body), &c); err != nil {
						t.Fatal(err)
					}
					return c.Headline
				}
				w.Endpoint.Answer = func(n int, c rig.Request) rig.Reply {
					bend, after := tc.before[n], tc.after[n]
					if strings.Contains(c.Body, "o-case-2") {
						bend, after = tc.second, nil
					}
					if bend != nil {
						return bend(rig.Reply{})
					}
					reply := stood(screens, c)
					if after != nil {
						return after(reply)
					}
					return reply
				}
				w.Publish(rig.Setup{Action: signage, Journey: screenJourney})
				x := w.Send("case-1").Executions[0].Execution
				time.Sleep(time.Second) // the bubble's
				if tc.newer {
					w.Send("case-2")
				}
				if tc.direct {
					stood(screens, rig.Request{Method: "PUT", URL: "/v1/screens/+15550001", Body: `{"headline": "other", "version": 9007199254740991, "validUntil": "2100-01-01T00:00:00Z"}`,
						Header: map[string][]string{"Authorization": {"Bearer t"}, "Content-Type": {"application/json"}}})
				}
				w.Settle()
				d := w.Delivery(x)
				if d.Outcome != tc.outcome || !strings.Contains(d.Reason, tc.reason) {
					t.Errorf("got %s (%s), want %s (%s)", d.Outcome, d.Reason, tc.outcome, tc.reason)
				}
				if d.Outcome == ledger.Suppressed && strings.ContainsAny(d.Reason, "0123456789") {
					t.Errorf("the reason may repeat what was mapped: %s", d.Reason)
				}
				if got := len(w.Endpoint.Calls(x)); got != tc.calls {
					t.Errorf("got %d calls, want %d", got, tc.calls)
				}
				if got := shown(); got != tc.shown {
					t.Errorf("the screen shows %q, want %q", got, tc.shown)
				}
				seen, _ := d.Response.(map[string]any)
				if got, want := seen["version"] != nil, tc.outcome == ledger.Sent; got != want {
					t.Errorf("the journey saw %v", d.Response)
				}
				bodies := map[string]bool{} // an attempt is the one before it, version and all
				for _, c := range w.Endpoint.Calls(x) {
					bodies[c.Body] = true
				}
				if diff := cmp.Diff(1, len(bodies)); diff != "" {
					t.Errorf("the attempts differ: %v", bodies)
				}
			})
		})
	}
}
