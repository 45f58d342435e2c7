package delivery

import (
	"context"
	"errors"

	"github.com/waypost/waypost/shared/action"
	"github.com/waypost/waypost/shared/channel"
	"github.com/waypost/waypost/shared/fault"
	"github.com/waypost/waypost/shared/ledger"
)

// A provider whose credential can't be had, or can't be used, can't be called.
// Where the action has a failover, that is a reason of the first provider's own,
// and nothing was sent: its call is recorded as one that it refused, or, where
// time may help, as one that it may take later, and the second is asked.

// withoutFirst looks whether the second provider has a credential where the
// first has none, as err says. It gives nil where the second can be asked;
// otherwise an error that tells of both, a passing one where either passes.
// It comes before limits are asked: a round in which nobody can be called is
// none, and waits as one does that AWS does not answer.
func (a *attempt) withoutFirst(ctx context.Context, err error) error {
	if err == nil || a.action == nil || a.action.Settings.Failover == nil {
		return err
	}
	b := *a
	second := b.credentials(ctx, needsOf(a.action.Second(nil)))
	if second == nil {
		a.barred = err
		return nil
	}
	code := fault.CodeOf(err)
	if passing(err) || passing(second) {
		code = fault.Unavailable
	}
	return fault.New(code, "%s", joined(fault.Line(err), unasked(a.action.Settings.Failover, second)))
}

// unasked says why the failover's provider was not called.
func unasked(f *action.Failover, err error) string {
	return "the failover " + f.Provider + " could not be asked: " + fault.Line(err)
}

// prepare makes the first provider's request; an empty one, which is never
// sent, where that provider is barred. What its credential lacks bars it, what
// is wrong with the message is an error.
func (a *attempt) prepare() (*channel.Request, error) {
	if a.barred != nil {
		return &channel.Request{}, nil
	}
	request, err := a.encode()
	if _, lacks := errors.AsType[*channel.LacksError](err); lacks && a.action.Settings.Failover != nil {
		a.barred = err
		return &channel.Request{}, nil
	}
	return request, err
}

// callFirst calls the first provider, or says what it comes to that this can't
// be done. An error is for an action without a failover.
func (a *attempt) callFirst(ctx context.Context, r *channel.Request, digest string) (channel.Verdict, channel.Answer, error) {
	if a.barred == nil {
		verdict, answer, err := a.call(ctx, r, digest)
		if err == nil || a.action.Settings.Failover == nil {
			return verdict, answer, err
		}
		a.barred = err // its request can't be made, for the URL or the credential: both are the provider's
	}
	v := channel.Verdict{Result: channel.Refused, Reason: fault.Line(a.barred), Whose: channel.OfProvider}
	if passing(a.barred) {
		v.Result, a.later = channel.Retryable, true
	}
	a.rec.Code, a.rec.Provider = 0, a.action.Provider
	a.rec.Attempts = append(a.rec.Attempts, ledger.Attempt{At: a.Now(), Result: string(v.Result), Reason: v.Reason, Digest: digest, Provider: a.named()})
	return v, channel.Answer{}, nil
}
