package delivery

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/waypost/waypost/shared/action"
	"github.com/waypost/waypost/shared/channel"
	"github.com/waypost/waypost/shared/egress"
	"github.com/waypost/waypost/shared/fault"
	"github.com/waypost/waypost/shared/ledger"
	"github.com/waypost/waypost/shared/limit"
	"github.com/waypost/waypost/shared/secret"
)

// proceed makes a claimed delivery, once all that it needs was read.
func (a *attempt) proceed(ctx context.Context, r resolved) (Result, error) {
	switch {
	case a.rec.Status != "":
		return a.settle(ctx, ledger.Sent, ledger.Heard)
	case a.closed():
		return a.settle(ctx, ledger.Unknown, "an earlier attempt may have been processed, so it is not sent again: "+lastReason(&a.rec))
	}
	if a.action != nil && a.rec.Channel == "" { // whoever claimed it did not know the action
		a.rec.Channel, a.rec.Provider = a.action.Channel, a.action.Provider
	}
	for _, err := range []error{r.action, r.profile, a.withoutFirst(ctx, r.secret), r.sources} {
		switch {
		case err == nil:
		case passing(err):
			return a.backOff(ctx, fault.Public(err), 0)
		default:
			return a.refuse(ctx, ledger.Failed, fault.Public(err))
		}
	}
	if err := a.serve(); err != nil {
		return a.refuse(ctx, ledger.Failed, fault.Public(err))
	}
	a.rec.Channel, a.rec.Provider = a.action.Channel, a.action.Provider

	composing := a.Now()
	request, end, err := a.compose()
	a.rec.Timings.OwnMs += ms(a.Now().Sub(composing))
	if err != nil {
		return a.refuse(ctx, ledger.Failed, a.because(fault.Line(err)))
	}
	if end != "" {
		return a.refuse(ctx, ledger.Suppressed, a.because(end))
	}
	if held, result, err := a.admit(ctx); held {
		return result, err
	}
	return a.send(ctx, request)
}

// serve finds the action's provider among those of this function.
func (a *attempt) serve() error {
	i := slices.IndexFunc(a.Providers, func(p Provider) bool { return p.Traits.Provider == a.action.Provider })
	if i < 0 || a.Providers[i].Traits.Channel != a.action.Channel {
		return fault.New(fault.Invalid, "this function does not serve the channel %s %s", a.action.Channel, a.action.Provider)
	}
	a.provider = a.Providers[i]
	return nil
}

// refuse settles a delivery whose endpoint is not to be called, or has refused
// it. Where an earlier attempt may have been processed, nobody can say that it
// was not sent: a 409, for one, may well mean that the endpoint has it.
func (a *attempt) refuse(ctx context.Context, outcome ledger.Outcome, reason string) (Result, error) {
	switch {
	case maybeSent(&a.rec):
		return a.settle(ctx, ledger.Unknown, "an earlier attempt may have been processed, and it cannot be repeated: "+reason)
	case doubted(&a.rec):
		return a.settle(ctx, ledger.Unknown, reason+"; "+stillUnknown)
	}
	return a.settle(ctx, outcome, reason)
}

// lastReason says how the last attempt went.
func lastReason(d *ledger.Delivery) string {
	if len(d.Attempts) == 0 {
		return ""
	}
	return d.Attempts[len(d.Attempts)-1].Reason
}

// compose evaluates the mapping and encodes the message. end is why the
// delivery is suppressed, where it is: consent is asked first, so that nothing
// is composed for a customer who refused.
func (a *attempt) compose() (_ *channel.Request, end string, _ error) {
	env, err := a.task.State.Env(a.task.Execution, a.rec.StartedAt)
	if err != nil {
		return nil, "", err
	}
	env.Profile, env.Data = a.profile, a.answers.Data
	if a.action.Requires != nil {
		allowed, err := a.action.Requires.True(env)
		if err != nil {
			return nil, "", err
		}
		if !allowed {
			return nil, "not allowed: requires " + a.action.Settings.Requires, nil
		}
	}
	values, err := a.prog.eval(env)
	if err != nil {
		return nil, "", err
	}
	if a.message, err = a.action.Compose(values); err != nil {
		return nil, "", err
	}
	a.message.Delivery, a.message.Start = a.rec.ID().String(), a.rec.StartedAt
	a.message.Callback = a.callback()
	request, err := a.prepare()
	return request, "", err
}

// callback is the URL at which the provider is to report on the delivery, where
// the action asks for that and there is one.
func (a *attempt) callback() string {
	if a.action.Settings.Callback == nil || a.Callbacks == "" {
		return ""
	}
	return a.Callbacks.Of(a.provider.Traits.Callback, a.rec.CallbackToken())
}

// encode makes the provider's request of the composed message and the credential.
func (a *attempt) encode() (*channel.Request, error) {
	request, err := a.provider.Encode(a.message, a.cred)
	if err != nil {
		return nil, err
	}
	if len(request.Body) > action.MaxBody {
		return nil, fault.New(fault.TooLarge, "the composed body has %d bytes, over the limit of %d", len(request.Body), action.MaxBody)
	}
	return request, nil
}

// admit asks for opt-outs and the action's limits, and waits for a throttle's
// slot. held says that the endpoint is not to be called now. It is one round
// trip where there is something to ask, and none for a channel whose recipients
// can't opt out and an action without limits.
func (a *attempt) admit(ctx context.Context) (held bool, _ Result, _ error) {
	slot, now := a.rec.Until, a.Now()
	comesBack := !slot.IsZero() && a.rec.Reason == throttled && len(a.action.Settings.Limits) > 0
	out, decision, err := a.admission(ctx, comesBack)
	switch {
	case out != nil:
		return held3(a.refuse(ctx, ledger.Suppressed, out.Reason()))
	case err != nil:
		return held3(a.backOff(ctx, fault.Public(err), 0))
	case comesBack:
		return a.awaitSlot(ctx, slot)
	case len(a.action.Settings.Limits) == 0:
		return false, Result{}, nil
	case !decision.Admitted:
		return held3(a.refuse(ctx, ledger.Capped, decision.Reason))
	case decision.At.After(a.rec.StartedAt.Add(a.action.Settings.Within())):
		a.Limits.GiveBack(ctx, decision)
		return held3(a.refuse(ctx, ledger.Capped, "held back by "+throttles(a.action.Settings.Limits)+" beyond its deadline"))
	}
	a.rec.Timings.QueueMs += max(0, ms(decision.At.Sub(now)))
	return a.awaitSlot(ctx, decision.At)
}

// throttles names the limits that can hold a call back.
func throttles(limits []limit.Limit) string {
	var names []string
	for _, l := range limits {
		if l.Kind == limit.Throttle {
			names = append(names, l.String())
		}
	}
	return strings.Join(names, " and ")
}

// throttled marks a record that waits for a slot which it has already been given.
const throttled = "waiting for a slot of its action's throttle"

// awaitSlot waits here for a slot that is near, and leaves for one that is not.
func (a *attempt) awaitSlot(ctx context.Context, slot time.Time) (held bool, _ Result, _ error) {
	wait := slot.Sub(a.Now())
	if wait <= early {
		if wait > 0 {
			if err := pause(ctx, wait); err != nil { // nothing was sent: the slot is kept for the next try
				return held3(a.wait(context.WithoutCancel(ctx), slot, throttled))
			}
		}
		a.rec.Until, a.rec.Reason = time.Time{}, ""
		return false, Result{}, nil
	}
	return held3(a.wait(ctx, slot, throttled))
}

func held3(r Result, err error) (bool, Result, error) { return true, r, err }

// send calls the endpoint until an answer settles the delivery, its attempts
// are used up, or the next one must wait longer than this function may.
func (a *attempt) send(ctx context.Context, r *channel.Request) (Result, error) {
	digest := a.digest(r)
	if maybeSent(&a.rec) || doubted(&a.rec) {
		if known, result, err := a.lookUp(ctx, r); known {
			return result, err
		}
	}
	if i := slices.IndexFunc(a.rec.Attempts, func(t ledger.Attempt) bool {
		return t.Result == string(channel.Ambiguous) && t.Digest != digest
	}); i >= 0 {
		return a.settle(ctx, ledger.Unknown, "an earlier attempt may have been processed, and the message now composes to another request")
	}
	if a.onceOnly() && maybeSent(&a.rec) {
		return a.settle(ctx, ledger.Unknown, "an earlier attempt may have been processed, so it is not sent again: "+lastReason(&a.rec))
	}
	if a.tries() >= a.action.Settings.Attempts() {
		return a.settle(ctx, ledger.Dead, fmt.Sprintf("given up after %d attempts; at the last, %s", len(a.rec.Attempts), lastReason(&a.rec)))
	}
	for {
		if end := a.Now().Add(a.action.Settings.EndpointTimeout() + settleTime); end.After(a.deadline) {
			return a.backOff(ctx, "the function had no time left for the endpoint's timeout", 0)
		}
		if held, result, err := a.outOfTurn(ctx, r); held {
			return result, err
		}
		verdict, answer, err := a.callFirst(ctx, r, digest)
		if err != nil {
			return a.refuse(ctx, ledger.Failed, fault.Line(err))
		}
		a.takeTurn(ctx, r, verdict)
		again, verdict := a.renewed(ctx, verdict, answer)
		if again {
			if r, err = a.prepare(); err != nil {
				return a.refuse(ctx, ledger.Failed, fault.Line(err))
			}
			digest = a.digest(r)
			if held, result, err := a.admit(ctx); held { // it is another call
				return result, err
			}
			continue
		}
		if a.failsOver(verdict) {
			verdict, answer = a.failOver(ctx, digest, verdict, answer)
		}
		switch {
		case verdict.Result == channel.Accepted:
			return a.accepted(ctx, verdict, answer)
		case verdict.Result == channel.Superseded: // it no longer matters whether an earlier attempt was processed
			return a.settle(ctx, ledger.Suppressed, verdict.Reason)
		case verdict.Suppress:
			a.optOut(ctx, verdict)
			return a.refuse(ctx, ledger.Suppressed, verdict.Reason)
		case verdict.Result == channel.Refused:
			a.rec.Failure = a.action.Failure(answer.Body)
			return a.refuse(ctx, ledger.Failed, verdict.Reason)
		case verdict.Result == channel.Ambiguous && r.Lookup != nil:
			if known, result, err := a.lookUp(ctx, r); known {
				return result, err
			}
			a.later = true // what is still on its way there shows in the lookup before the next call
		}
		switch {
		case verdict.Result == channel.Ambiguous && a.onceOnly():
			return a.settle(ctx, ledger.Unknown, verdict.Reason+"; it may have been processed, so it is not sent again")
		case a.tries() >= a.action.Settings.Attempts():
			return a.settle(ctx, ledger.Dead, fmt.Sprintf("given up after %d attempts; at the last, %s", len(a.rec.Attempts), verdict.Reason))
		}
		delay := a.quick(verdict.RetryAfter)
		if delay < 0 {
			return a.backOff(ctx, verdict.Reason, verdict.RetryAfter)
		}
		if err := pause(ctx, delay); err != nil {
			return a.backOff(context.WithoutCancel(ctx), verdict.Reason, verdict.RetryAfter)
		}
	}
}

// call calls the endpoint once and records the attempt. Its error means that
// the request could not be made at all.
func (a *attempt) call(ctx context.Context, r *channel.Request, digest string) (channel.Verdict, channel.Answer, error) {
	began := a.Now()
	req, err := a.request(ctx, r)
	if err != nil {
		return channel.Verdict{}, channel.Answer{}, err
	}
	certificate, err := secret.Certificate(a.action.Settings.Auth, a.cred)
	if err != nil {
		return channel.Verdict{}, channel.Answer{}, err
	}
	a.rec.RequestedAt, a.rec.Provider = a.Now(), a.action.Provider
	res, err := a.Endpoints.Do(ctx, req, egress.Options{Timeout: a.action.Settings.EndpointTimeout(), Certificate: certificate})
	answered := a.Now()
	var answer channel.Answer
	verdict := failedCall(err)
	if res != nil {
		answer = channel.Answer{Code: res.Status, Header: res.Header, Body: res.Body, Version: r.Version()}
	}
	switch e, ok := errors.AsType[*egress.Error](err); {
	case err == nil:
		verdict = a.provider.Classify(answer)
	case ok && e.Kind == egress.TooLarge && (answer.Code < 200 || answer.Code > 299):
		verdict = a.provider.Classify(channel.Answer{Code: answer.Code, Header: answer.Header}) // a refusal is one at any size
	}
	spent := ms(answered.Sub(a.rec.RequestedAt))
	a.rec.Code = answer.Code
	a.rec.Attempts = append(a.rec.Attempts, ledger.Attempt{At: a.rec.RequestedAt, Result: string(verdict.Result), Code: answer.Code,
		Ms: spent, Reason: verdict.Reason, Digest: digest, Provider: a.named()})
	a.rec.Timings.EndpointMs += spent
	a.rec.Timings.OwnMs += ms(a.Now().Sub(began)) - spent
	return verdict, answer, nil
}

// request makes the HTTP request: the encoded message, the credential, the
// delivery's identity, and the signature of what is sent at this moment.
func (a *attempt) request(ctx context.Context, r *channel.Request) (*http.Request, error) {
	req, err := r.HTTP(ctx, a.action.Settings.Auth, a.cred, a.provider.Traits.Hosts)
	if err != nil {
		return nil, err
	}
	id := a.rec.ID().String()
	req.Header.Set(action.IdempotencyKey, id)
	if s := a.action.Settings.Signature; s != nil {
		if err := s.Sign(a.signing, id, a.Now(), r.Body, req); err != nil {
			return nil, err
		}
	}
	return req, secret.Seal(a.action.Settings.Auth, a.cred, a.Now(), r.Body, req)
}

// failedCall judges a call that brought no answer.
func failedCall(err error) channel.Verdict {
	e, ok := errors.AsType[*egress.Error](err)
	reason := fault.Public(err)
	switch {
	case ok && (e.Kind == egress.Blocked || e.Kind == egress.Unsendable):
		return channel.Verdict{Result: channel.Refused, Reason: reason, Whose: channel.OfMessage}
	case ok && e.Kind == egress.Certificate: // as a 401 does, it refuses the credential
		return channel.Verdict{Result: channel.Refused, Reason: reason, Whose: channel.OfProvider, Unauthorized: true}
	case ok && e.Kind == egress.TooLarge: // the status said that it was accepted
		return channel.Verdict{Result: channel.Accepted, Reason: reason}
	case ok && !e.Written:
		return channel.Verdict{Result: channel.Retryable, Reason: reason, Whose: channel.OfProvider}
	}
	return channel.Verdict{Result: channel.Ambiguous, Reason: reason, Whose: channel.OfProvider}
}

// accepted settles a delivery that the endpoint took. An answer that the
// contract can't read was perhaps not the endpoint's own, and asking again
// would bring no better one: nobody knows what became of the message.
func (a *attempt) accepted(ctx context.Context, v channel.Verdict, answer channel.Answer) (Result, error) {
	a.rec.ProviderID = v.ProviderID
	if v.Reason != "" {
		return a.settle(ctx, ledger.Unknown, v.Reason)
	}
	response, err := a.action.Response(answer.Body)
	if err != nil {
		return a.settle(ctx, ledger.Unknown, fmt.Sprintf("the endpoint answered %d, but %s", answer.Code, fault.Public(err)))
	}
	a.rec.Response = response
	return a.settle(ctx, ledger.Sent, a.because(""))
}
