// Package sweep comes back, every minute, to what nobody else comes back to:
// executions that were recorded and never started, deliveries whose function
// died and whose execution has ended, and steps that await a status which came
// without waking them. It settles as giving up does, and never calls an endpoint.
package sweep

import (
	"context"
	"iter"
	"log/slog"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/waypost/waypost/shared/delivery"
	"github.com/waypost/waypost/shared/entry"
	"github.com/waypost/waypost/shared/fault"
	"github.com/waypost/waypost/shared/ledger"
)

// Ledger is what the sweep reads.
type Ledger interface {
	// Due gives what is due, oldest first, in pages of up to limit records of
	// each index shard. An error ends it.
	Due(ctx context.Context, now time.Time, limit int) iter.Seq2[ledger.Due, error]
	// Postpone moves the time at which a delivery is due again, if it is as it was.
	Postpone(ctx context.Context, d ledger.Delivery, until time.Time) error
	// PostponeStart does the same to an execution that is pending.
	PostponeStart(ctx context.Context, e ledger.Execution, until time.Time) error
	// Drop deletes an execution's record, if it is as it was.
	Drop(ctx context.Context, e ledger.Execution) error
}

// Events reads the events' records; entry.Events has the contract.
type Events interface {
	Event(ctx context.Context, source, id string) (ledger.EventRecord, error)
}

// Runs knows which executions still run.
type Runs interface {
	// Running says whether the execution of this ARN, which is no Express one,
	// runs. One that Step Functions doesn't know does not.
	Running(ctx context.Context, arn string) (bool, error)
}

// Waker wakes the steps that await a status; delivery.Waker is one.
type Waker interface {
	// Wake ends the Task that waits for a delivery, if there is nothing to wait
	// for any more. An error means that it may still wait.
	Wake(ctx context.Context, d ledger.Delivery) error
}

// Handler sweeps. All fields must be set.
type Handler struct {
	Ledger  Ledger
	Events  Events
	Runs    Runs
	Starter entry.Starter
	Closer  delivery.Closer
	Waker   Waker
	Log     *slog.Logger
	Now     func() time.Time
}

// A Report counts what one sweep did.
type Report struct {
	Started   int `json:"started"`   // executions that nobody had started
	Dropped   int `json:"dropped"`   // records of executions whose event was never accepted
	Settled   int `json:"settled"`   // deliveries that nobody will make
	Woken     int `json:"woken"`     // steps that waited for a status which had come
	Postponed int `json:"postponed"` // deliveries whose execution still runs
	Failed    int `json:"failed"`    // records that could not be dealt with; a later sweep tries again
}

const (
	// batch is how many records of each index shard are read at a time.
	batch = 100
	// workers deal with a batch at once.
	workers = 8
	// again is when a delivery is looked at again whose execution runs.
	again = 5 * time.Minute
	// expressTime is how long an execution of an Express machine lasts at most.
	expressTime = 5 * time.Minute
	// reserve is what a record may need of the function's deadline.
	reserve = 15 * time.Second
	// soonest and latest bound when what failed is tried again: it is put off by
	// half its age, so that what fails for long takes ever less of a sweep.
	soonest, latest = time.Minute, 15 * time.Minute
)

// Sweep deals with everything that is due, as far as its time allows. Its
// error means that the ledger could not be read.
func (h *Handler) Sweep(ctx context.Context) (r Report, err error) {
	for due, readErr := range h.Ledger.Due(ctx, h.Now(), batch) {
		if err = readErr; err != nil {
			break
		}
		if h.deal(ctx, &r, due); h.late(ctx) {
			break
		}
	}
	if r != (Report{}) {
		h.Log.LogAttrs(ctx, slog.LevelInfo, "swept", slog.Any("report", r))
	}
	return r, err
}

// late says whether the function's time is nearly over.
func (h *Handler) late(ctx context.Context) bool {
	deadline, limited := ctx.Deadline()
	return limited && deadline.Sub(h.Now()) < reserve
}

// deal deals with records and counts what became of them. What fails is put
// off, so that it doesn't stand before what can be dealt with.
func (h *Handler) deal(ctx context.Context, r *Report, due ledger.Due) {
	var mu sync.Mutex
	var all errgroup.Group // each has its own error
	all.SetLimit(workers)
	work := func(id string, since time.Time, f func() (count func(*Report) *int, _ error), postpone func(until time.Time) error) {
		all.Go(func() error {
			if h.late(ctx) {
				return nil // the next sweep's
			}
			count, err := f()
			if err != nil {
				count = failed
				until := h.Now().Add(min(max(h.Now().Sub(since)/2, soonest), latest))
				h.Log.LogAttrs(ctx, slog.LevelError, "not swept; a later sweep tries again", slog.String("id", id), slog.Time("until", until), slog.Any("error", err))
				if err := postpone(until); err != nil {
					h.Log.LogAttrs(ctx, slog.LevelError, "not put off; the next sweep tries again", slog.String("id", id), slog.Any("error", err))
				}
			}
			mu.Lock()
			defer mu.Unlock()
			*count(r)++
			return nil
		})
	}
	for _, e := range due.Executions {
		work(e.Execution, e.EnteredAt, func() (func(*Report) *int, error) { return h.execution(ctx, e) },
			func(until time.Time) error { return h.Ledger.PostponeStart(ctx, e, until) })
	}
	for _, d := range due.Deliveries {
		since := d.Lease
		switch d.State {
		case ledger.Waiting:
			since = d.Until
		case ledger.Settled:
			since = d.StatusAt
		}
		work(d.ID().String(), since, func() (func(*Report) *int, error) { return h.delivery(ctx, d) },
			func(until time.Time) error { return h.Ledger.Postpone(ctx, d, until) })
	}
	_ = all.Wait()
}

// The counters of a Report.
func started(r *Report) *int   { return &r.Started }
func dropped(r *Report) *int   { return &r.Dropped }
func settled(r *Report) *int   { return &r.Settled }
func woken(r *Report) *int     { return &r.Woken }
func postponed(r *Report) *int { return &r.Postponed }
func failed(r *Report) *int    { return &r.Failed }

// execution starts what an accepted event still waits for.
func (h *Handler) execution(ctx context.Context, e ledger.Execution) (func(*Report) *int, error) {
	record, err := h.Events.Event(ctx, e.EventSource, e.EventID)
	if err != nil && !fault.Is(err, fault.NotFound) {
		return nil, err
	}
	i := slices.IndexFunc(record.Executions, func(x ledger.ExecutedAs) bool { return x.Execution == e.Execution })
	if i < 0 { // its event may still be accepted, by a repeat, which then writes the record anew
		return dropped, h.Ledger.Drop(ctx, e)
	}
	if e, err = h.Starter.Listed(ctx, e, record.Executions[i]); err != nil {
		return nil, err
	}
	return started, h.Starter.Start(ctx, e)
}

// delivery settles what no running execution will come back to, and wakes what
// waits for a settled one.
func (h *Handler) delivery(ctx context.Context, d ledger.Delivery) (func(*Report) *int, error) {
	if d.State == ledger.Settled {
		return woken, h.Waker.Wake(ctx, d)
	}
	if err := h.Waker.Wake(ctx, d); err != nil { // a step may wait for what is being made anew
		return nil, err
	}
	until, err := h.runs(ctx, d)
	if err != nil {
		return nil, err
	}
	if !until.IsZero() {
		return postponed, h.Ledger.Postpone(ctx, d, until)
	}
	_, err = h.Closer.GiveUp(ctx, d.Bare())
	switch err.(type) {
	case nil, *delivery.Stopped:
		return settled, nil
	case *delivery.Deferred:
		return postponed, nil
	}
	return nil, err
}

// runs says until when a delivery's execution runs, or may run; zero where it
// has ended. Step Functions tells nobody of an Express one, and a policy names
// no such execution: it has ended when it can't last longer.
func (h *Handler) runs(ctx context.Context, d ledger.Delivery) (until time.Time, _ error) {
	if d.ExpressRun() {
		if end := d.EnteredAt.Add(expressTime); h.Now().Before(end) {
			return end, nil
		}
		return time.Time{}, nil
	}
	running, err := h.Runs.Running(ctx, d.Runner)
	if err != nil || !running {
		return time.Time{}, err
	}
	return h.Now().Add(again), nil
}
