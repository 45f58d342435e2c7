package delivery

import (
	"context"

	"github.com/waypost/waypost/shared/channel"
	"github.com/waypost/waypost/shared/egress"
	"github.com/waypost/waypost/shared/fault"
	"github.com/waypost/waypost/shared/ledger"
	"github.com/waypost/waypost/shared/secret"
)

// lookUp asks the endpoint what became of an attempt that may have been
// processed, where the request says how. known says that the delivery needs no
// other attempt now: it was found, or nobody can tell yet. A message that the endpoint
// does not have may be sent again, under the same key.
//
// A lookup uses up no attempt, and one that is not answered is repeated for as
// long as the delivery may be retried.
func (a *attempt) lookUp(ctx context.Context, r *channel.Request) (known bool, _ Result, _ error) {
	if r.Lookup == nil {
		return false, Result{}, nil
	}
	var verdict channel.Verdict
	var answer channel.Answer
	for again := true; again; {
		if end := a.Now().Add(a.action.Settings.EndpointTimeout() + settleTime); end.After(a.deadline) {
			return held3(a.backOff(ctx, "the function had no time left to ask what became of an attempt", 0))
		}
		verdict, answer = a.inquire(ctx, r.Lookup)
		again, verdict = a.renewed(ctx, verdict, answer)
	}
	switch {
	case verdict.Result == channel.Accepted:
		return held3(a.found(ctx, answer))
	case verdict.Result == channel.Retryable:
		return false, Result{}, nil
	case a.onceOnly():
		return held3(a.settle(ctx, ledger.Unknown, "an attempt may have been processed; "+verdict.Reason))
	}
	return held3(a.backOff(ctx, verdict.Reason, verdict.RetryAfter))
}

// inquire makes the lookup's call.
func (a *attempt) inquire(ctx context.Context, l *channel.Lookup) (channel.Verdict, channel.Answer) {
	began := a.Now()
	unknown := func(err error) channel.Verdict {
		return channel.Verdict{Result: channel.Ambiguous, Reason: "asked what became of it: " + fault.Line(err)}
	}
	req, err := a.request(ctx, l.Request)
	if err != nil {
		return unknown(err), channel.Answer{}
	}
	certificate, err := secret.Certificate(a.action.Settings.Auth, a.cred)
	if err != nil {
		return unknown(err), channel.Answer{}
	}
	res, err := a.Endpoints.Do(ctx, req, egress.Options{Timeout: a.action.Settings.EndpointTimeout(), Certificate: certificate})
	a.rec.Timings.EndpointMs += ms(a.Now().Sub(began))
	if err != nil {
		return unknown(err), channel.Answer{}
	}
	answer := channel.Answer{Code: res.Status, Header: res.Header, Body: res.Body}
	return l.Judge(answer, a.Now()), answer
}

// found settles a delivery whose message the endpoint has: sent, with what the
// journey may read of the lookup's answer.
func (a *attempt) found(ctx context.Context, answer channel.Answer) (Result, error) {
	const reason = "an ambiguous attempt was looked up, and the endpoint has it"
	a.rec.Code = answer.Code
	response, err := a.action.Response(answer.Body)
	if err != nil {
		return a.settle(ctx, ledger.Sent, reason)
	}
	a.rec.Response = response
	return a.settle(ctx, ledger.Sent, a.because(reason))
}
