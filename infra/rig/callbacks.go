package rig

import (
	"context"
	"time"

	"github.com/waypost/waypost/shared/ledger"
	"github.com/waypost/waypost/shared/stepfunctions"
)

// Hear writes what a callback says of a delivery into its record, and gives
// the record. It wakes nobody: that is a callback function which dies there.
func (w *World) Hear(execution, step string, status ledger.Status) ledger.Delivery {
	w.t.Helper()
	d, _, err := w.Ledger.Hear(context.Background(), w.DeliveryOf(execution, step),
		ledger.Report{Status: status, Code: "30003", Reason: "as it was told", At: time.Now()})
	w.must(err)
	return d
}

// Wake wakes the step that waits for a delivery, as it was read.
func (w *World) Wake(d ledger.Delivery) {
	w.t.Helper()
	w.must(w.Platform.Waker(w.db, &stepfunctions.Service{Client: w.sfn}).Wake(context.Background(), d))
}

// Report does both, as the callback function does.
func (w *World) Report(execution, step string, status ledger.Status) {
	w.t.Helper()
	w.Wake(w.Hear(execution, step, status))
}
