// Package sweep comes back, every minute, to what nobody else comes back to:
// executions that were recorded and never started, and deliveries whose
// function died and whose execution has ended. It settles as giving up does,
// and never calls an endpoint.
package sweep

import (
	"context"
	"log/slog"
	"slices"
	"time"

	"github.com/waypost/waypost/shared/delivery"
	"github.com/waypost/waypost/shared/entry"
	"github.com/waypost/waypost/shared/fault"
	"github.com/waypost/waypost/shared/ledger"
)

// Ledger is what the sweep reads.
type Ledger interface {
	// Due lists up to limit records, of each index shard, that are due.
	Due(ctx context.Context, now time.Time, limit int) ([]ledger.Execution, []ledger.Delivery, error)
	// Postpone moves the time at which a delivery is due again, if it is as it was.
	Postpone(ctx context.Context, d ledger.Delivery, until time.Time) error
	// Drop deletes an execution's record, if it is as it was.
	Drop(ctx context.Context, e ledger.Execution) error
}

// Events reads the events' records; entry.Events has the contract.
type Events interface {
	Event(ctx context.Context, source, id string) (ledger.EventRecord, error)
}

// Runs knows which executions still run.
type Runs interface {
	// Running says whether the execution of this ARN runs. One that Step
	// Functions doesn't know, or can't tell of, does not.
	Running(ctx context.Context, arn string) (bool, error)
}

// Handler sweeps. All fields must be set.
type Handler struct {
	Ledger  Ledger
	Events  Events
	Runs    Runs
	Starter entry.Starter
	Closer  delivery.Closer
	Log     *slog.Logger
	Now     func() time.Time
}

// A Report counts what one sweep did.
type Report struct {
	Started   int `json:"started"`   // executions that nobody had started
	Dropped   int `json:"dropped"`   // records of executions whose event was never accepted
	Settled   int `json:"settled"`   // deliveries that nobody will make
	Postponed int `json:"postponed"` // deliveries whose execution still runs
	Failed    int `json:"failed"`    // records that could not be dealt with; the next sweep tries again
}

const (
	// batch bounds one sweep, so that it ends within its function's deadline.
	batch = 100
	// again is when a delivery is looked at again whose execution runs.
	again = 5 * time.Minute
)

// Sweep deals with everything that is due. Its error means that the ledger
// could not be read.
func (h *Handler) Sweep(ctx context.Context) (Report, error) {
	var r Report
	executions, deliveries, err := h.Ledger.Due(ctx, h.Now(), batch)
	if err != nil {
		return r, err
	}
	for _, e := range executions {
		h.count(ctx, &r, e.Execution, h.execution(ctx, &r, e))
	}
	for _, d := range deliveries {
		h.count(ctx, &r, d.ID().String(), h.delivery(ctx, &r, d))
	}
	if r != (Report{}) {
		h.Log.LogAttrs(ctx, slog.LevelInfo, "swept", slog.Any("report", r))
	}
	return r, nil
}

func (h *Handler) count(ctx context.Context, r *Report, id string, err error) {
	if err != nil {
		r.Failed++
		h.Log.LogAttrs(ctx, slog.LevelError, "not swept; the next sweep tries again", slog.String("id", id), slog.Any("error", err))
	}
}

// execution starts what an accepted event still waits for.
func (h *Handler) execution(ctx context.Context, r *Report, e ledger.Execution) error {
	record, err := h.Events.Event(ctx, e.EventSource, e.EventID)
	if err != nil && !fault.Is(err, fault.NotFound) {
		return err
	}
	i := slices.IndexFunc(record.Executions, func(x ledger.ExecutedAs) bool { return x.Execution == e.Execution })
	if i < 0 { // its event may still be accepted, by a repeat, which then writes the record anew
		r.Dropped++
		return h.Ledger.Drop(ctx, e)
	}
	if e, err = entry.Listed(e, record.Executions[i]); err != nil {
		return err
	}
	if err := h.Starter.Start(ctx, e); err != nil {
		return err
	}
	r.Started++
	return nil
}

// delivery settles what no running execution will come back to.
func (h *Handler) delivery(ctx context.Context, r *Report, d ledger.Delivery) error {
	running, err := h.Runs.Running(ctx, d.Runner)
	if err != nil {
		return err
	}
	if running {
		r.Postponed++
		return h.Ledger.Postpone(ctx, d, h.Now().Add(again))
	}
	_, err = h.Closer.GiveUp(ctx, d.Bare())
	switch err.(type) {
	case nil, *delivery.Stopped:
		r.Settled++
		return nil
	case *delivery.Deferred:
		r.Postponed++
		return nil
	}
	return err
}
