package delivery

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"time"

	"github.com/waypost/waypost/shared/action"
	"github.com/waypost/waypost/shared/fault"
	"github.com/waypost/waypost/shared/ledger"
)

// quickDelays are the waits before the retries that one invocation makes itself.
var quickDelays = []time.Duration{100 * time.Millisecond, 500 * time.Millisecond}

// quick gives how long to wait here before the next call, or less than 0 where
// it must be left for later. A call that has limits is one that was admitted:
// the next is left until it can be admitted anew, and a cap's window has passed.
// So it is where only time brings what is missing: see where later is set.
func (a *attempt) quick(asked time.Duration) time.Duration {
	if len(a.action.Settings.Limits) > 0 || a.later {
		return -1
	}
	n := 0
	for _, t := range a.rec.Attempts {
		if !t.At.Before(a.began) {
			n++
		}
	}
	if n > len(quickDelays) {
		return -1
	}
	delay := max(a.jitter(quickDelays[n-1]), asked)
	end := a.Now().Add(delay + a.action.Settings.EndpointTimeout() + settleTime)
	if asked > patience || end.After(a.deadline) {
		return -1
	}
	return delay
}

// Bounds of the waits between invocations.
const (
	firstBackoff = 5 * time.Second
	maxBackoff   = 15 * time.Minute
)

// backOff leaves the delivery for later: for as long as was asked, or
// exponentially longer with each attempt. It is dead where that would be too late.
func (a *attempt) backOff(ctx context.Context, reason string, asked time.Duration) (Result, error) {
	delay := time.Duration(math.Min(float64(firstBackoff)*math.Pow(3, float64(max(len(a.rec.Attempts), 1)-1)), float64(maxBackoff)))
	// What waits for AWS makes no attempt: it waits for as long again as it has
	// been waiting, lest it come back so often that its history is full.
	delay = a.jitter(max(delay, min(a.Now().Sub(a.rec.StartedAt), maxBackoff)))
	if asked > 0 {
		delay = asked
	}
	until, within := a.Now().Add(delay), action.DefaultWithin
	if a.action != nil {
		within = a.action.Settings.Within()
	}
	if until.After(a.rec.StartedAt.Add(within)) {
		late := "given up, since the next attempt would come too late: "
		if asked > 0 {
			late += fmt.Sprintf("the endpoint asked to wait for %s, and settings.retry.within is %s; ", action.Duration(asked), action.Duration(within))
		}
		return a.settle(ctx, ledger.Dead, late+reason)
	}
	return a.wait(ctx, until, reason)
}

// jitter gives between a half and the whole of d.
func (a *attempt) jitter(d time.Duration) time.Duration {
	if a.Random == nil {
		return d
	}
	return d/2 + time.Duration(a.Random()*float64(d/2))
}

// wait records that the delivery waits, and ends this invocation with Deferred.
func (a *attempt) wait(ctx context.Context, until time.Time, reason string) (Result, error) {
	a.rec.State, a.rec.Until, a.rec.Reason = ledger.Waiting, until, reason
	a.rec.Lease = time.Time{}
	if _, err := a.Records.Put(ctx, a.rec, a.holder); err != nil {
		return a.overtaken(err)
	}
	a.Log.LogAttrs(ctx, slog.LevelInfo, "delivery waits", slog.String("delivery", a.rec.ID().String()),
		slog.Time("until", until), slog.String("reason", reason))
	return Result{}, comeBack(&a.rec)
}

// comeBack says when a waiting delivery goes on: for a throttle's slot a
// little before it, for the function waits for the rest more precisely.
func comeBack(d *ledger.Delivery) *Deferred {
	if d.Reason == throttled {
		return &Deferred{d.Until.Add(-lead)}
	}
	return &Deferred{d.Until}
}

// settle writes the outcome, and gives it to the journey: without the answer's
// fields where these would be too much for it, since its outcome counts for more.
func (a *attempt) settle(ctx context.Context, outcome ledger.Outcome, reason string) (Result, error) {
	if (a.rec.Response != nil || a.rec.Failure != nil) && !a.hasRoom(outcome, reason) {
		a.rec.Response, a.rec.Failure = nil, nil
		reason = joined(reason, noRoom)
	}
	if err := a.Closer.settle(ctx, &a.rec, a.holder, outcome, reason); err != nil {
		return a.overtaken(err)
	}
	if err := a.Waker.Wake(ctx, a.rec); err != nil { // a step may wait for what was made anew
		a.Log.LogAttrs(ctx, slog.LevelError, "the step that waits for the delivery was not woken; the sweep does it",
			slog.String("delivery", a.rec.ID().String()), slog.Any("error", err))
	}
	return recorded(&a.rec)
}

// overtaken ends an invocation whose last write was refused: where another
// holder has the delivery by now, its lease is waited for.
func (a *attempt) overtaken(err error) (Result, error) {
	if fault.Is(err, fault.Conflict) {
		return Result{}, &Deferred{a.Now().Add(leaseMargin)}
	}
	return Result{}, err
}

// SettledMessage is the message of the log line that each settled delivery
// gets, with its outcome beside it: a deployment's metrics count these lines.
const SettledMessage = "delivery settled"

// settle writes an outcome onto the record that holder has. The dead letter is
// added first: an id that is added twice does no harm, a missing one would.
func (c *Closer) settle(ctx context.Context, d *ledger.Delivery, holder string, outcome ledger.Outcome, reason string) error {
	if outcome == ledger.Dead && leftUnknown(d) {
		outcome, reason = ledger.Unknown, reason+"; "+stillUnknown
	}
	d.State, d.Outcome, d.Reason, d.SettledAt = ledger.Settled, outcome, reason, c.Now()
	d.Lease, d.Until = time.Time{}, time.Time{}
	if outcome == ledger.Dead {
		if err := c.DeadLetters.Add(ctx, d.ID().String()); err != nil {
			c.Log.LogAttrs(ctx, slog.LevelError, "dead letter not queued; the ledger has the delivery",
				slog.String("delivery", d.ID().String()), slog.Any("error", err))
		}
	}
	rec, err := c.Records.Put(ctx, *d, holder)
	if fault.Is(err, fault.TooLarge) && (d.Response != nil || d.Failure != nil) {
		// The outcome counts for more than what the endpoint said.
		d.Response, d.Failure = nil, nil
		d.Reason = joined(reason, "the answer's fields are left out, since the ledger can't keep them")
		rec, err = c.Records.Put(ctx, *d, holder)
	}
	if err != nil {
		return err
	}
	*d = rec
	outcome = d.Outcome // a callback may have decided it meanwhile
	level := slog.LevelInfo
	if !outcome.GoesOn() {
		level = slog.LevelWarn
	}
	c.Log.LogAttrs(ctx, level, SettledMessage,
		slog.String("delivery", d.ID().String()), slog.String("journey", d.Journey), slog.Int("version", d.Version),
		slog.String("action", d.Action), slog.String("channel", d.Channel), slog.String("provider", d.Provider),
		slog.String("outcome", string(outcome)), slog.String("reason", d.Reason), slog.Int("code", d.Code),
		slog.Int("attempts", len(d.Attempts)), slog.Any("timings", d.Timings))
	return nil
}

// GiveUp ends a delivery that no function will make any more, without calling
// its endpoint: a settled one gives back its outcome, without the response
// fields; one that a function still holds is deferred to its lease's end; one
// whose endpoint may have been called ends unknown, or dead where repeating it
// would have done no harm; one that was never begun ends dead; a replay that
// called nothing ends as the generation before it.
//
// It claims nothing: a read and one conditional write, so that dying between
// the two leaves the record as it was.
func (c *Closer) GiveUp(ctx context.Context, d ledger.Delivery) (Result, error) {
	rec, err := c.Records.Delivery(ctx, d.ID())
	now, outcome, reason := c.Now(), ledger.Dead, "given up: no function could make the delivery"
	switch {
	case fault.Is(err, fault.NotFound):
		rec = d
		rec.State, rec.StartedAt = ledger.Settled, now
	case err != nil:
		return Result{}, err
	case rec.State == ledger.Settled:
		return givenUp(&rec)
	case now.Before(rec.Lease): // a waiting one has none
		return Result{}, &Deferred{rec.Lease}
	default:
		if outcome, reason, err = c.abandoned(ctx, &rec); err != nil {
			return Result{}, err
		}
	}
	err = c.settle(ctx, &rec, rec.Holder, outcome, reason)
	switch {
	case fault.Is(err, fault.Conflict):
		return Result{}, &Deferred{now.Add(leaseMargin)}
	case err != nil:
		return Result{}, err
	}
	return givenUp(&rec)
}

// givenUp is what the journey gets: the answer may be what was too large for it.
func givenUp(d *ledger.Delivery) (Result, error) {
	d.Response, d.Failure = nil, nil
	return recorded(d)
}

// abandoned decides the outcome of a delivery that waits, or whose function
// died with it. Its error says that what it takes to decide could not be read.
func (c *Closer) abandoned(ctx context.Context, d *ledger.Delivery) (ledger.Outcome, string, error) {
	if d.State == ledger.Claimed {
		d.Attempts = append(d.Attempts, lost(d))
	}
	reason := "given up while it waited: " + d.Reason
	if last := lastReason(d); last != "" {
		reason = "given up after its attempts; at the last, " + last
	}
	before, replayed := unbegun(d)
	switch {
	case d.Status != "":
		return ledger.Sent, ledger.Heard, nil
	case replayed:
		d.Code, d.ProviderID = before.Code, before.ProviderID
		return before.Outcome, "its replay was given up before anything was called; before that: " + before.Reason, nil
	case !maybeSent(d):
		return ledger.Dead, reason, nil
	}
	act, err := c.Actions.Read(ctx, d.Action, d.ActionVersion)
	switch {
	case err != nil && passing(err):
		return "", "", err
	case err == nil && act.Settings.Guarantee == action.AtLeastOnce:
		return ledger.Dead, reason, nil
	}
	return ledger.Unknown, reason + "; it may have been processed", nil
}
