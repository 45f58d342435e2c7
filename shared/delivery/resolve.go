package delivery

import (
	"context"
	"errors"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/waypost/waypost/shared/action"
	"github.com/waypost/waypost/shared/fault"
	"github.com/waypost/waypost/shared/ledger"
	"github.com/waypost/waypost/shared/mapping"
	"github.com/waypost/waypost/shared/secret"
	"github.com/waypost/waypost/shared/source"
)

// An attempt is one invocation's work on one delivery.
type attempt struct {
	*Pipeline
	task     Task
	prog     *program
	holder   string
	began    time.Time
	deadline time.Time // the function's own
	lease    time.Time
	rec      ledger.Delivery // as this holder last knew it

	action   *action.Action
	provider Provider
	message  *action.Message
	profile  map[string]any
	answers  source.Answers
	cred     secret.Credential
	signing  secret.Credential

	barred       error // why the first provider of two is not called
	triedRenewal bool  // of the credentials, in this invocation
	later        bool  // the next call is another invocation's
}

// What each part of resolving came to. A part that was not needed is nil.
type resolved struct {
	claim, action, profile, secret, sources error
	ours                                    bool
}

// deliver runs the pipeline once.
func (a *attempt) deliver(ctx context.Context) (Result, error) {
	for looks := 0; ; looks++ {
		r := a.resolve(ctx, looks > 0)
		if r.claim != nil {
			return Result{}, r.claim
		}
		if r.ours {
			a.rec.Timings = ledger.Timings{ResolveMs: ms(a.Now().Sub(a.began))}
			return a.proceed(ctx, r)
		}
		again, result, err := a.held(ctx, r)
		if !again || err != nil {
			return result, err
		}
	}
}

// resolve reads everything at once, and claims in the same trip: one round
// trip when memory has the action, and one more for what only the action
// tells, when it has not. Where it looks again at a delivery that was held, it
// probably still is: then it claims, and reads the rest once the claim is its own.
func (a *attempt) resolve(ctx context.Context, again bool) resolved {
	var r resolved
	ref := a.task.Action
	cached, fresh := a.Actions.Cached(ref.Name, ref.Version)
	a.action = cached
	known, reads := cached, a.reads(cached)
	if again {
		known, reads = nil, mapping.References{}
	}
	sources := reads.Sources
	paths := a.paths(reads, sources)
	read := a.profileRead(ctx, paths, sources)

	var trip errgroup.Group
	var leave context.CancelFunc // ends the waiting for sources
	if len(sources) > 0 {
		var calls context.Context
		calls, leave = context.WithCancel(ctx)
		defer leave()
		trip.Go(func() error {
			a.answers, r.sources = a.ask(calls, sources, cached, paths, read)
			return nil
		})
	}
	trip.Go(func() error {
		claim := a.task.record()
		claim.State, claim.Holder, claim.Lease, claim.StartedAt = ledger.Claimed, a.holder, a.lease, a.began
		claim.Callback = a.NewHolder() // whatever the first claim wrote stays
		if cached != nil {
			claim.Channel, claim.Provider = cached.Channel, cached.Provider
		}
		a.rec, r.ours, r.claim = a.Records.Claim(ctx, claim, a.began.Add(early))
		if !r.ours && leave != nil {
			leave() // there is nothing to send
		}
		return nil
	})
	if !fresh {
		trip.Go(func() error {
			a.action, r.action = a.Actions.Read(ctx, ref.Name, ref.Version)
			return nil
		})
	}
	if !paths.Empty() {
		trip.Go(func() error {
			a.profile, r.profile = read()
			return nil
		})
	}
	if needs := needsOf(known); !needs.none() {
		trip.Go(func() error {
			r.secret = a.credentials(ctx, needs)
			return nil
		})
	}
	_ = trip.Wait() // each part keeps its own error
	if !r.ours {
		a.answers, r.sources = source.Answers{}, nil
		return r
	}
	if r.action == nil && a.action != known {
		a.resolveRest(ctx, &r, known, paths)
	}
	return r
}

// resolveRest reads what only the action itself tells to read, where memory
// did not have it or it has changed, and what the first trip left out.
func (a *attempt) resolveRest(ctx context.Context, r *resolved, cached *action.Action, paths mapping.Paths) {
	var trip errgroup.Group
	reads := a.reads(a.action)
	sources := a.unanswered(reads)
	if r.sources != nil {
		sources = nil // what could not be read a moment ago ends the attempt
	}
	need := a.paths(reads, sources)
	read := a.profileRead(ctx, need, sources)
	switch {
	case need.Empty():
		r.profile = nil // what memory's action asked for is of no matter any more
	case r.profile == nil && !paths.Cover(need):
		trip.Go(func() error {
			a.profile, r.profile = read()
			return nil
		})
	case r.profile == nil:
		read = func() (map[string]any, error) { return a.profile, nil }
	}
	if len(sources) > 0 {
		trip.Go(func() error {
			answers, err := a.ask(ctx, sources, a.action, need, read)
			a.answers, r.sources = a.answers.Merge(answers), err
			return nil
		})
	}
	switch needs := needsOf(a.action); {
	case needs.none():
		r.secret = nil
	case !needs.same(needsOf(cached)):
		trip.Go(func() error {
			r.secret = a.credentials(ctx, needs)
			return nil
		})
	}
	_ = trip.Wait()
}

// reads lists what the mapping and the action's settings read.
func (a *attempt) reads(act *action.Action) mapping.References {
	if act == nil || act.Requires == nil {
		return a.prog.reads
	}
	return a.prog.reads.Merge(act.Requires.References())
}

// held decides what a delivery comes to that this invocation could not claim.
// again says that the claim should be tried once more.
func (a *attempt) held(ctx context.Context, r resolved) (again bool, _ Result, _ error) {
	now := a.Now()
	switch {
	case a.rec.State == ledger.Settled:
		return done(recorded(&a.rec))
	case a.rec.State == ledger.Waiting:
		return done(Result{}, comeBack(&a.rec))
	case now.Before(a.rec.Lease):
		if now.Sub(a.began) >= patience {
			return done(Result{}, &Deferred{a.rec.Lease})
		}
		return true, Result{}, pause(ctx, look)
	}
	return a.takeOver(ctx, r)
}

func done(r Result, err error) (bool, Result, error) { return false, r, err }

// takeOver ends or repeats a delivery whose holder's lease ran out: its
// endpoint may have been called.
func (a *attempt) takeOver(ctx context.Context, r resolved) (bool, Result, error) {
	switch {
	case r.action != nil && passing(r.action):
		return done(Result{}, r.action)
	case r.action != nil:
		return done(a.GiveUp(ctx, a.task.record()))
	}
	dead := a.rec.Holder
	a.rec.Attempts = append(a.rec.Attempts, lost(&a.rec))
	a.rec.Holder, a.rec.Lease = a.holder, a.lease
	rec, err := a.Records.Put(ctx, a.rec, dead)
	if fault.Is(err, fault.Conflict) {
		return true, Result{}, nil // somebody else was quicker: look at what it made of it
	} else if err != nil {
		return done(Result{}, err)
	}
	a.rec = rec
	if r.profile == nil && !a.closed() {
		a.resolveRest(ctx, &r, nil, mapping.Paths{})
	}
	return done(a.proceed(ctx, r))
}

// lost is the attempt of a function that died while it held a delivery: nobody
// knows whether it called the endpoint.
func lost(d *ledger.Delivery) ledger.Attempt {
	return ledger.Attempt{At: d.StartedAt, Result: ledger.Lost, Reason: "a function died while it held the delivery"}
}

// maybeSent says whether an attempt before now may have been processed, of this
// generation of the delivery.
func maybeSent(d *ledger.Delivery) bool { return uncertain(d.Attempts) }

// closed says whether the endpoint must not be called again, whatever there is
// to send. One that can be asked what became of the message is.
func (a *attempt) closed() bool {
	return a.rec.Status != "" || maybeSent(&a.rec) && a.onceOnly() && !a.action.Contract.LooksUp()
}

// onceOnly says whether an attempt that may have been processed ends the delivery.
func (a *attempt) onceOnly() bool {
	return a.action != nil && a.action.Settings.Guarantee == action.AtMostOnce
}

// recorded gives back what a settled delivery came to.
func recorded(d *ledger.Delivery) (Result, error) {
	result := resultOf(d)
	if !d.Outcome.GoesOn() {
		return Result{}, &Stopped{result}
	}
	return result, nil
}

func resultOf(d *ledger.Delivery) Result {
	return Result{Outcome: d.Outcome, Status: d.Status, Code: d.Code, Response: d.Response, Error: d.Failure, Reason: d.Reason}
}

// pause waits, or gives the context's end as an Unavailable fault.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return fault.Wrap(ctx.Err(), fault.Unavailable, "the function ran out of time")
	}
}

// passing says whether an error of AWS or of the endpoint's transport may go
// away by itself.
func passing(err error) bool {
	code := fault.CodeOf(err)
	return code == fault.Unavailable || code == fault.Internal || errors.Is(err, context.DeadlineExceeded)
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
