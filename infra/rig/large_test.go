package rig_test

import (
	"strings"
	"testing"

	"github.com/waypost/waypost/infra/rig"
	"github.com/waypost/waypost/shared/ledger"
)

// goesOn is a journey whose second step must be reached whatever the first comes to.
const goesOn = `{"steps": [
	{"id": "text", "action": {"name": "notify", "version": 1, "with": {"to": "{{ profile.phone }}", "text": "a"}}, "onError": "continue"},
	{"id": "two", "action": {"name": "notify", "version": 1, "with": {"to": "{{ profile.phone }}", "text": "{{ steps.text.outcome }}"}}, "onError": "continue"}]}`

// An error that is too large for a state machine keeps nobody from onError.
func TestLargeError(t *testing.T) {
	t.Parallel()
	rig.Run(t, func(t *testing.T, w *rig.World) {
		w.Publish(rig.Setup{Action: `{"contract": {"error": {"message": {"type": "string"}}}}`, Journey: goesOn})
		w.Endpoint.Answer = func(_ int, r rig.Request) rig.Reply {
			if strings.Contains(r.Key(), ".two.") {
				return accepted
			}
			return rig.Reply{Status: 400, Body: `{"message": "` + strings.Repeat("x", 40_000) + `"}`}
		}
		x := w.Send("case-1").Executions[0].Execution
		w.Settle()
		if d := w.Delivery(x); d.Outcome != ledger.Failed || d.Failure == nil {
			t.Errorf("got %s (%s) with %v", d.Outcome, d.Reason, d.Failure != nil)
		}
		calls, run := w.Endpoint.Calls(x), w.Executions()[0]
		if run.Status != "SUCCEEDED" || len(calls) != 2 || !strings.Contains(calls[1].Body, "failed") {
			t.Errorf("the execution ended %s (%s, %.80s) after %d calls", run.Status, run.Error, run.Cause, len(calls))
		}
	})
}
