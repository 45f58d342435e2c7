package rig_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/waypost/waypost/infra/rig"
	"github.com/waypost/waypost/shared/admin"
)

// An execution that is said to have ended shows all its deliveries, though it
// ended while it was looked at.
func TestTraceOfWhatEndsMeanwhile(t *testing.T) {
	t.Parallel()
	rig.Run(t, func(t *testing.T, w *rig.World) {
		w.Publish(rig.Setup{})
		w.Latency = func(op string) time.Duration {
			switch {
			case strings.HasPrefix(op, "UpdateItem"): // the claim
				return 100 * time.Millisecond
			case op == "DescribeExecution":
				return time.Second
			}
			return 5 * time.Millisecond
		}
		x := w.Send("case-1").Executions[0].Execution
		code, text := w.Call(http.MethodGet, "/admin/v1/executions/"+x, "")
		var got admin.Execution
		if err := json.Unmarshal([]byte(text), &got); err != nil || code != http.StatusOK {
			t.Fatalf("got %d %s", code, text)
		}
		if got.Status != "SUCCEEDED" || len(got.Deliveries) != 1 || got.Deliveries[0].Outcome != "sent" || len(got.Steps) != 1 {
			t.Errorf("got %s with %d deliveries and %d steps: %s", got.Status, len(got.Deliveries), len(got.Steps), text)
		}
	})
}
