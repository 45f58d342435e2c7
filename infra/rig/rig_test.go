package rig_test

import (
	"testing"

	"github.com/waypost/waypost/infra/rig"
	"github.com/waypost/waypost/shared/ledger"
)

func TestOneEventBecomesOneDelivery(t *testing.T) {
	t.Parallel()
	rig.Run(t, func(t *testing.T, w *rig.World) {
		w.Publish(rig.Setup{})
		x := w.Send("case-1").Executions[0].Execution
		w.Settle()
		d := w.Delivery(x)
		if got, want := d.Outcome, ledger.Sent; got != want {
			t.Errorf("outcome: got %s (%s), want %s", got, d.Reason, want)
		}
		if got, want := len(w.Endpoint.Calls(x)), 1; got != want {
			t.Errorf("calls: got %d, want %d", got, want)
		}
		if t.Failed() {
			t.Log(w.Logs())
			for _, op := range w.Ops() {
				t.Log(op.Function, op.Name)
			}
		}
	})
}
