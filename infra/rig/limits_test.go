package rig_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/waypost/waypost/infra/rig"
	"github.com/waypost/waypost/shared/ledger"
)

// Each call is admitted by itself, those that repeat one too: an endpoint that
// is busy, or refuses an old credential, is called no more often than its limits allow.
func TestRepeatsKeepToLimits(t *testing.T) {
	t.Parallel()
	busy := answers(status(429), status(429), status(429), accepted)
	rotated := func(_ int, r rig.Request) rig.Reply {
		if strings.HasPrefix(r.Key(), rig.ExecutionOf("case-2", "c-1")) && r.Header.Get("Authorization") != "Bearer new" {
			return status(http.StatusUnauthorized)
		}
		return accepted
	}
	const slow = `{"kind": "throttle", "calls": 1, "per": "10s"}`
	for _, tc := range []struct {
		name, limit string
		answer      func(int, rig.Request) rig.Reply
		calls       int
		apart       time.Duration // at least, between any two calls
		outcomes    string
	}{
		{"a throttle", slow, busy, 8, 10 * time.Second, "sent sent"},
		{"a cap", `{"kind": "cap", "calls": 3, "per": "24h"}`, busy, 3, 0, "capped capped"},
		{"a cap of a second", `{"kind": "cap", "calls": 2, "per": "1s"}`, busy, 8, 0, "sent sent"},
		{"ambiguous ones", slow, answers(status(500), accepted), 4, 10 * time.Second, "sent sent"},
		{"a rotated secret, throttled", slow, rotated, 3, 10 * time.Second, "sent sent"},
		{"a rotated secret, capped", `{"kind": "cap", "calls": 2, "per": "24h"}`, rotated, 2, 0, "sent capped"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			rig.Run(t, func(t *testing.T, w *rig.World) {
				w.Publish(rig.Setup{Action: `{"settings": {"limits": [` + tc.limit + `]}}`})
				w.Endpoint.Answer = tc.answer
				first := w.Send("case-1").Executions[0].Execution
				sleep(1) // it has its credential
				w.PutSecret(rig.Secret, `{"token": "new"}`)
				second := w.Send("case-2").Executions[0].Execution
				w.Settle()
				calls := w.Endpoint.Calls("")
				if len(calls) != tc.calls {
					t.Errorf("got %d calls, want %d", len(calls), tc.calls)
				}
				for i := 1; i < len(calls); i++ {
					if got := calls[i].At.Sub(calls[i-1].At); got < tc.apart-20*time.Millisecond {
						t.Errorf("between calls %d and %d: %v, want %v", i, i+1, got, tc.apart)
					}
				}
				var outcomes []string
				for _, d := range []ledger.Delivery{w.Delivery(first), w.Delivery(second)} {
					outcomes = append(outcomes, string(d.Outcome))
				}
				if got := strings.Join(outcomes, " "); got != tc.outcomes {
					t.Errorf("got %s, want %s", got, tc.outcomes)
				}
			})
		})
	}
}
