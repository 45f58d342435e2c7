package rig_test

import (
	"strings"
	"testing"
	"time"

	"github.com/waypost/waypost/infra/rig"
)

// A condition that can't read the profile waits for as long as it takes.
func TestConditionOutlastsAnOutage(t *testing.T) {
	rig.Run(t, func(t *testing.T, w *rig.World) {
		w.Publish(rig.Setup{Journey: `{"steps": [{"id": "tier", "condition": {"branches": [{"when": "profile.tier == 'gold'", "steps": [
			{"id": "text", "action": {"name": "notify", "version": 1, "with": {"to": "{{ profile.phone }}", "text": "x"}}}]}]}}]}`})
		began := time.Now()
		w.Fail = func(op string, _ []byte) rig.Fault {
			if strings.Contains(op, "GetItem profiles") && time.Since(began) < 20*time.Minute {
				return rig.Refuses
			}
			return rig.Works
		}
		x := w.Send("case-1").Executions[0].Execution
		w.Settle()
		if run := w.Executions()[0]; run.Status != "SUCCEEDED" {
			t.Errorf("the execution ended %s (%s: %s)", run.Status, run.Error, run.Cause)
		}
		if got := len(w.Endpoint.Calls(x)); got != 1 {
			t.Errorf("the endpoint was called %d times, want once", got)
		}
	})
}
