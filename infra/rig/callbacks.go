package rig

import (
	"context"
	"time"

	awslambda "github.com/aws/aws-lambda-go/lambda"

	"github.com/waypost/waypost/shared/assemble"
	"github.com/waypost/waypost/shared/assemble/admin"
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

// admin makes the admin function of a deployment whose providers all report
// what becomes of messages.
func (w *World) admin(p *assemble.Platform) awslambda.Handler {
	channels := admin.Channels()
	for i := range channels {
		if channels[i].Callback == "" {
			channels[i].Callback = channels[i].Channel
		}
	}
	return admin.Of(p, channels)
}
