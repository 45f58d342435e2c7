// Package replay has a delivery that was not sent made anew, because a person
// decided so: as the next generation of the same delivery, with the same id and so
// the same Idempotency-Key, claimed like the first and resolved afresh. The
// profile, the sources, the secret and the action's settings are those of that
// moment; the event, the mapping and the action's version are those it had.
//
// The platform's delivery machine makes it, as it makes what a journey does not
// wait for. The journey itself is not rewound: it went on, or ended, by the
// outcome that it saw.
//
// A replay is one conditional write, then one start. Where the start fails, the
// record is put back as it was. Whoever dies between the two leaves a delivery
// that waits and that nothing runs: the sweep ends it as it ended before.
package replay

import (
	"context"
	"crypto/sha256"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/waypost/waypost/shared/fault"
	"github.com/waypost/waypost/shared/journey"
	"github.com/waypost/waypost/shared/ledger"
)

// Records reads an execution's own record, nil where there is none, and its deliveries.
type Records interface {
	Trace(ctx context.Context, execution string) (*ledger.Execution, []ledger.Delivery, error)
}

// Ledger writes deliveries.
type Ledger interface {
	// Replay turns a settled record into that of its next generation. A
	// Conflict means that it is not as it was read, a TooLarge that the table
	// can't keep what it holds.
	Replay(ctx context.Context, was, next ledger.Delivery) error
	// Put replaces a record that is not settled and that holder has; a Conflict
	// means that somebody else has it.
	Put(ctx context.Context, d ledger.Delivery, holder string) (ledger.Delivery, error)
}

// Steps knows the published journeys; catalog.Catalog has the contract.
type Steps interface {
	Step(ctx context.Context, journey string, version int, step string) (_ journey.Action, function string, _ error)
}

// Machines starts executions of state machines; entry.Machines has the contract.
type Machines interface {
	Start(ctx context.Context, machine, name, input string) error
}

// A Replayer replays. All fields must be set.
type Replayer struct {
	Records  Records
	Ledger   Ledger
	Steps    Steps
	Machines Machines
	// Names gives the ARNs of the functions and of the delivery machine.
	Names     journey.Names
	NewHolder func() string // a name that no other replay has
	Log       *slog.Logger
	Now       func() time.Time
}

// undoing is how long putting a record back may take, when the start has used
// up the time that there was.
const undoing = 5 * time.Second

// Replay begins the next generation of a delivery, and gives its record. A
// NotFound means that there is no such delivery; a Conflict, that it can't be
// replayed, or not now; an Unavailable, that it may be tried again.
func (r *Replayer) Replay(ctx context.Context, id ledger.DeliveryID, q Request) (ledger.Delivery, error) {
	own, all, err := r.Records.Trace(ctx, id.Execution)
	if err != nil {
		return ledger.Delivery{}, err
	}
	i := slices.IndexFunc(all, func(d ledger.Delivery) bool { return d.ID() == id })
	if i < 0 {
		return ledger.Delivery{}, fault.New(fault.NotFound, "there is no delivery %s", id)
	}
	was := all[i]
	if err := refusal(&was, q); err != nil {
		return ledger.Delivery{}, err
	}
	input, err := r.input(ctx, own, &was, all)
	if err != nil {
		return ledger.Delivery{}, err
	}
	holder := r.NewHolder()
	next := was.Replayed(holder, r.Now(), q.Reason)
	run := ledger.Execution{StateMachine: r.Names(journey.NameDelivery), Execution: nameOf(&next)}
	next.Runner = run.RunnerARN()
	if err := r.Ledger.Replay(ctx, was, next); err != nil {
		return ledger.Delivery{}, err
	}
	if err := r.Machines.Start(ctx, run.StateMachine, run.Execution, input); err != nil {
		return next, r.undo(ctx, was, holder, err)
	}
	r.Log.LogAttrs(ctx, slog.LevelInfo, "delivery replayed", slog.String("delivery", id.String()), slog.Int("generation", next.Generation()),
		slog.String("outcome", string(was.Outcome)))
	return next, nil
}

// nameOf names the execution that makes a generation: the same for each try to
// start it. Its holder is in the name, since a generation whose start failed is
// begun again under its number, and that must be another execution.
func nameOf(d *ledger.Delivery) string {
	return fmt.Sprintf("%x", sha256.Sum256(fmt.Appendf(nil, "%s.%d.%s", d.ID(), d.Generation(), d.Holder)))
}

// undo puts a record back whose generation could not be started. A start whose
// answer was lost does no harm then: its execution finds the delivery settled, and
// calls nobody. Where a function has the delivery already, it was started.
func (r *Replayer) undo(ctx context.Context, was ledger.Delivery, holder string, failed error) error {
	undo, cancel := context.WithTimeout(context.WithoutCancel(ctx), undoing)
	defer cancel()
	_, err := r.Ledger.Put(undo, was, holder)
	switch {
	case fault.Is(err, fault.Conflict):
		return nil
	case err != nil:
		r.Log.LogAttrs(ctx, slog.LevelError, "a replay that was not started could not be undone; the sweep does it",
			slog.String("delivery", was.ID().String()), slog.Any("error", err))
		return fault.Wrap(failed, fault.Unavailable, "the replay of %s could not be started: %s; until the sweep, within minutes, ends it as %s again, it waits",
			was.ID(), fault.Public(failed), was.Outcome)
	}
	return fault.Wrap(failed, fault.Unavailable, "the replay of %s could not be started: %s; the delivery is as it was, so try again", was.ID(), fault.Public(failed))
}
