// Package delivery is the pipeline of one action step: resolve, compose,
// admit, claim, send, settle. design.md's "One delivery" is its specification.
//
// What holds for every delivery, whatever dies when:
//
//   - it is claimed before its endpoint is called, and the claim's record
//     outlives the function, so two functions never call for one delivery;
//   - it ends in exactly one outcome, and a repeat of a settled one returns
//     that outcome and calls nobody;
//   - under atMostOnce an attempt that may have been processed is never repeated.
//
// A warm delivery without limits makes one round trip before the endpoint is
// called (the claim, the profile and the sources, at once) and one after it
// (settle). A source whose request reads the profile is called after that.
package delivery

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/waypost/waypost/shared/action"
	"github.com/waypost/waypost/shared/channel"
	"github.com/waypost/waypost/shared/egress"
	"github.com/waypost/waypost/shared/ledger"
	"github.com/waypost/waypost/shared/limit"
	"github.com/waypost/waypost/shared/mapping"
	"github.com/waypost/waypost/shared/secret"
	"github.com/waypost/waypost/shared/source"
)

// Records are the ledger's deliveries. All writes are conditional.
type Records interface {
	// Claim takes the delivery for d.Holder until d.Lease where there is no
	// record, or a waiting one that is due by ready. It gives the record as it
	// now is, and whether the claim was taken.
	Claim(ctx context.Context, d ledger.Delivery, ready time.Time) (ledger.Delivery, bool, error)
	// Put replaces the record that holder holds, or creates it where holder is
	// empty and there is none, and gives it as it was written: with what
	// callbacks reported meanwhile. A Conflict means that somebody else has it,
	// a TooLarge that the table can't keep what the record holds.
	Put(ctx context.Context, d ledger.Delivery, holder string) (ledger.Delivery, error)
	// Delivery gives a record. A NotFound means that there is none.
	Delivery(ctx context.Context, id ledger.DeliveryID) (ledger.Delivery, error)
}

// Actions are the published actions, through memory.
type Actions interface {
	// Cached gives what memory has, which may be nil, and whether it is fresh
	// enough to be used without reading it again.
	Cached(name string, version int) (*action.Action, bool)
	// Read reads the action. A NotFound means that the version is not published.
	Read(ctx context.Context, name string, version int) (*action.Action, error)
}

// Profiles are the customers' attributes.
type Profiles interface {
	// Read gives the attributes at these paths and no others, read strongly
	// consistently. A NotFound means that there is no such profile.
	Read(ctx context.Context, id string, paths mapping.Paths) (map[string]any, error)
}

// Sources answer what mappings read as data.<source>; source.Resolver is one.
type Sources interface {
	// Paths lists the profile attributes that the requests of these sources
	// read, as far as memory knows.
	Paths(names []string) mapping.Paths
	// Resolve answers sources. One that fails is told of in the answers; an
	// error is AWS's, or the profile's.
	Resolve(ctx context.Context, names []string, in source.Inputs) (source.Answers, error)
}

// Secrets are the credentials, through memory; token.Store is one. An Auth of
// no type means its secret as it stands.
type Secrets interface {
	Get(ctx context.Context, auth secret.Auth) (secret.Credential, error)
	// Renew gets a credential again that an endpoint refused, or its token, and
	// says whether it has changed.
	Renew(ctx context.Context, auth secret.Auth, used secret.Credential) (secret.Credential, bool, error)
}

// Endpoints is the hardened HTTP client.
type Endpoints interface {
	Do(ctx context.Context, r *http.Request, o egress.Options) (*egress.Response, error)
}

// Limits admits calls.
type Limits interface {
	Admit(ctx context.Context, key string, limits []limit.Limit, now time.Time) (limit.Decision, error)
	// GiveBack undoes an admission that was not used.
	GiveBack(ctx context.Context, d limit.Decision)
}

// DeadLetters hears of deliveries that ended dead, at least once each.
type DeadLetters interface {
	Add(ctx context.Context, id string) error
}

// A Channel encodes messages and judges answers.
type Channel interface {
	// Encode makes the request. An error that is a *channel.LacksError is the
	// credential's, any other the message's.
	Encode(m *action.Message, cred secret.Credential) (*channel.Request, error)
	Classify(a channel.Answer) channel.Verdict
}

// A Provider is a channel with its traits.
type Provider struct {
	Channel
	Traits channel.Traits
}

// A Pipeline delivers. All fields but Random must be set; it is safe for concurrent use.
type Pipeline struct {
	Closer
	Providers []Provider // those of one channel
	Profiles  Profiles
	Sources   Sources
	Secrets   Secrets
	Endpoints Endpoints
	Limits    Limits
	OptOuts   OptOuts // for channels whose recipients can opt out; nil for others
	Turns     Turns   // for channels whose messages replace each other; nil for others
	Programs  *Programs
	Waker     Waker // of steps that await their status
	// Callbacks is where providers report what becomes of messages.
	Callbacks channel.CallbackURL
	NewHolder func() string  // a name that no other invocation has
	Random    func() float64 // in [0,1), for jitter; none where nil
}

// A Closer ends deliveries that nobody will make. The sweep has one too.
type Closer struct {
	Records     Records
	Actions     Actions
	DeadLetters DeadLetters
	Log         *slog.Logger
	Now         func() time.Time
}

// Budgets of one invocation. Times nest: the endpoint's timeout < the
// function's deadline < the lease < the Task's TimeoutSeconds.
const (
	// functionDeadline is the longest that an invocation works on a delivery,
	// even where its function is given more: leases count on it.
	functionDeadline = 40 * time.Second
	// leaseMargin is how far a lease outlasts its function's own deadline.
	leaseMargin = 5 * time.Second
	// early is how much before its time a waiting delivery may be taken up
	// again: the function waits for the rest.
	early = 1500 * time.Millisecond
	// lead is how much before a throttle's slot its machine wakes.
	lead = time.Second
	// patience is how long a repeat looks at a delivery that another function
	// holds before it leaves.
	patience = 2 * time.Second
	look     = 400 * time.Millisecond
	// settleTime is kept free of a function's deadline for its last writes.
	settleTime = 3 * time.Second
)

// Deliver makes the delivery that a task asks for, or finds it made. Its error
// is a *Deferred, a *Stopped, or a fault: Invalid where the task can't be
// understood, Unavailable where AWS did not answer.
func (p *Pipeline) Deliver(ctx context.Context, t Task) (Result, error) {
	if err := t.Check(); err != nil {
		return Result{}, err
	}
	switch {
	case t.GiveUp:
		return p.GiveUp(ctx, t.record())
	case t.Await:
		return p.await(ctx, t)
	case t.Late:
		return p.late(ctx, t)
	}
	prog, err := p.Programs.compile(t.With)
	if err != nil {
		return Result{}, err
	}
	d := &attempt{Pipeline: p, task: t, prog: prog, began: p.Now()}
	d.holder = p.NewHolder()
	d.deadline = d.began.Add(functionDeadline)
	if own, ok := ctx.Deadline(); ok && own.Before(d.deadline) {
		d.deadline = own
	}
	d.lease = d.deadline.Add(leaseMargin)
	return d.deliver(ctx)
}

// record is what a claim on the task's delivery writes.
func (t *Task) record() ledger.Delivery {
	return ledger.Delivery{
		Execution: t.Execution, Step: t.Step, Iteration: t.Iteration, Runner: t.Runner,
		Journey: t.State.Journey.Name, Version: t.State.Journey.Version, Profile: t.State.Profile,
		Action: t.Action.Name, ActionVersion: t.Action.Version,
		EventAt: t.State.Entry.Accepted, EnteredAt: t.Entered,
	}
}
