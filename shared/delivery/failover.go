package delivery

import (
	"context"

	"github.com/waypost/waypost/shared/action"
	"github.com/waypost/waypost/shared/channel"
	"github.com/waypost/waypost/shared/fault"
)

// An action may name a second provider (action.Failover). A round of such a
// delivery is a call of the first, and, where that refuses for a reason of its
// own, a call of the second right after it, in the same invocation and under
// the same claim. Each further round begins with the first again;
// settings.retry.attempts counts rounds, and limits admit rounds too, since at
// most one of the two calls of a round sends.
//
// Nothing is written between the two calls. A function that dies there leaves
// what any other death leaves: a claim whose attempt may have been processed,
// which atMostOnce never repeats, and atLeastOnce begins anew.

// failsOver says whether the second provider is asked after the first's answer:
// never for the recipient's or the message's sake, and under atMostOnce never
// after an answer that leaves open whether the message was taken.
func (a *attempt) failsOver(v channel.Verdict) bool {
	if a.action.Settings.Failover == nil || v.Whose != channel.OfProvider || v.Result == channel.Accepted {
		return false
	}
	return v.Result != channel.Ambiguous || a.action.Settings.Guarantee != action.AtMostOnce
}

// failOver asks the second provider, and says what a round comes to whose first
// call was judged so, with the answer that decided it.
func (a *attempt) failOver(ctx context.Context, digest string, first channel.Verdict, answer channel.Answer) (channel.Verdict, channel.Answer) {
	f := a.action.Settings.Failover
	b := *a // the same attempt, of another action
	b.action, b.message, b.triedRenewal = a.action.Second(a.provider.Traits.Senders), a.message.Second(f, a.provider.Traits.Senders), false
	second, answered, err := b.callSecond(ctx, digest)
	a.rec = b.rec
	both := first
	switch {
	case err != nil:
		both.Reason = joined(first.Reason, unasked(f, err))
		if passing(err) && first.Result == channel.Refused {
			both.Result = channel.Retryable
		}
		return both, answer
	case second.Result == channel.Accepted, second.Result == channel.Ambiguous, second.Suppress, second.Whose == channel.OfRecipient:
		return second, answered
	case second.Whose != channel.OfProvider && first.Result == channel.Refused:
		return second, answered
	}
	// Where the first may take the message later, it is asked again, even if the
	// second refused what it was sent: that was in a form of its own.
	both.Reason = joined(first.Reason, second.Reason)
	if first.Result == channel.Refused {
		both.Result, both.RetryAfter = second.Result, second.RetryAfter
	}
	return both, answered
}

// callSecond calls the failover's provider. Its error says why that could not
// be done; it is a passing one where a later round may do it.
func (a *attempt) callSecond(ctx context.Context, digest string) (channel.Verdict, channel.Answer, error) {
	if err := a.serve(); err != nil {
		return channel.Verdict{}, channel.Answer{}, err
	}
	a.message.Callback = a.callback()
	if err := a.credentials(ctx, needsOf(a.action)); err != nil {
		return channel.Verdict{}, channel.Answer{}, err
	}
	for {
		r, err := a.encode()
		if err != nil {
			return channel.Verdict{}, channel.Answer{}, err
		}
		if end := a.Now().Add(a.action.Settings.EndpointTimeout() + settleTime); end.After(a.deadline) {
			return channel.Verdict{}, channel.Answer{}, fault.New(fault.Unavailable, "the function had no time left for its timeout")
		}
		verdict, answer, err := a.call(ctx, r, digest)
		if err != nil {
			return verdict, answer, err
		}
		again, verdict := a.renewed(ctx, verdict, answer)
		if !again {
			return verdict, answer, nil
		}
	}
}

// named is what an attempt calls its provider: nothing where there is but one.
func (a *attempt) named() string {
	if a.action.Settings.Failover == nil {
		return ""
	}
	return a.action.Provider
}

// digest identifies what is sent: the request, or, where two providers would
// get it in two forms, the message that both are made of.
func (a *attempt) digest(r *channel.Request) string {
	if a.action.Settings.Failover == nil {
		return r.Digest()
	}
	body, err := a.message.JSON()
	if err != nil { // what could be encoded for a provider can be written as JSON
		return r.Digest()
	}
	return (&channel.Request{Body: body}).Digest()
}

// tries counts the rounds: the calls but those of the failover's provider.
func (a *attempt) tries() int {
	n := 0
	for _, t := range a.rec.Attempts {
		if f := a.action.Settings.Failover; f == nil || t.Provider != f.Provider {
			n++
		}
	}
	return n
}
