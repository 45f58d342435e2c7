// Package channel is the seam between the pipeline of one delivery and what
// differs by channel and provider: how a message is encoded, and what an
// answer means. A channel is a small package below this one, a value that
// implements the pipeline's interface and describes itself by Traits, and a
// folder in functions/.
package channel

import (
	"net/http"
	"slices"
	"time"

	"github.com/waypost/waypost/shared/action"
	"github.com/waypost/waypost/shared/fault"
)

// Traits say what a channel is, to the parts of Waypost that don't run it.
type Traits struct {
	Channel  string // "sms"
	Provider string // "twilio"; empty where a channel has one kind of endpoint
	// Function is the name of the Lambda function that serves the channel.
	Function string
	// Hosts are the provider's own, to which its credentials may always be sent.
	Hosts []string
	// Guarantee is the default for actions that name none: AtMostOnce where
	// the provider honours no Idempotency-Key.
	Guarantee action.Guarantee
	// Senders are the body keys that say who sends, which a failover replaces.
	Senders []string
	// Recipient is the body key of whom the message goes to, where they can opt
	// out: "to". Asking for that makes a second round trip before the call.
	Recipient string
	// Callback is the kind of its callbacks, a part of the URL that they come
	// to: "twilio". It is empty where the provider reports nothing.
	Callback string
	// Parts are the parts of a contract that no other channel has: "award".
	Parts []string
	// Check finds what in a definition the channel can't serve. Paths are from
	// the document's root. Faults has them, and the parts that are not its own.
	Check func(*action.Action) []fault.Detail
}

// Faults finds what in a definition the channel can't serve.
func (t Traits) Faults(a *action.Action) []fault.Detail {
	details := t.Check(a)
	if a.Settings.Callback != nil && t.Callback == "" {
		details = append(details, fault.Detail{Path: "settings.callback", Message: "is for providers that report what becomes of a message, which " + t.name() + " does not; leave it out"})
	}
	for _, part := range a.Contract.Parts() {
		if !slices.Contains(t.Parts, part) {
			details = append(details, fault.Detail{Path: "contract." + part, Rule: "additionalProperties", Message: "is not for the channel " + t.Channel})
		}
	}
	return details
}

// name is the provider's, or the channel's where it has none.
func (t Traits) name() string {
	if t.Provider != "" {
		return "the channel " + t.Channel + " by " + t.Provider
	}
	return "the channel " + t.Channel
}

// An Answer is what an endpoint said to a request.
type Answer struct {
	Code   int // the HTTP status
	Header http.Header
	Body   []byte
	// Version is that of the message which was sent, where it has one.
	Version int64
}

// A Verdict is what an answer means.
type Verdict struct {
	Result Result
	// Reason is for people: what the endpoint refused, in the provider's own
	// codes where it has them. It holds no credential.
	Reason string
	// ProviderID is the provider's own id of the message, where it gave one.
	ProviderID string
	// RetryAfter is how long the endpoint asked to wait, or 0.
	RetryAfter time.Duration
	// Code is the provider's own code of a refusal, where it has one: "21610".
	Code string
	// Suppress says that the refusal is the recipient's own will (an opt-out).
	// Nothing is sent to them over the channel from then on.
	Suppress bool
	// Unauthorized says of a Refused that it is the credential which is
	// refused, as a 401 does: the secret's present one may be taken.
	Unauthorized bool
	// Whose says whose reason it is that the message was not accepted.
	Whose Whose
}

// Whose is whose reason a refusal is. Only where it is the provider's own may
// another provider be asked instead.
type Whose string

const (
	OfProvider  Whose = "provider"  // its account, its credential, its capacity, its outage
	OfRecipient Whose = "recipient" // their number, or their will
	OfMessage   Whose = "message"   // what was sent, and all that nobody can tell of
)

// A Result is the class of an attempt; design.md's "One delivery" defines them.
type Result string

const (
	Accepted  Result = "accepted"  // the endpoint took it
	Refused   Result = "refused"   // for good: repeating it changes nothing
	Retryable Result = "retryable" // certainly not processed: safe to repeat
	Ambiguous Result = "ambiguous" // it may have been processed
	// Superseded: a newer message has taken its place, and it is no longer wanted.
	Superseded Result = "superseded"
)

// ByStatus classifies an HTTP answer of no provider in particular: 2xx is
// accepted; 429 was not processed; a 5xx and 408 may have been, a 503 with
// Retry-After too, since a gateway gives it for what it sent on already; the
// rest are refusals, redirects among them, since they are not followed. A
// refusal is the provider's own where the status speaks of its account.
func ByStatus(a Answer, now time.Time) Verdict {
	after := RetryAfter(a.Header, now)
	reason := "the endpoint answered " + statusText(a.Code)
	switch {
	case a.Code >= 200 && a.Code < 300:
		return Verdict{Result: Accepted}
	case a.Code == http.StatusTooManyRequests:
		return Verdict{Result: Retryable, Reason: reason, RetryAfter: after, Whose: OfProvider}
	case a.Code >= 500, a.Code == http.StatusRequestTimeout:
		return Verdict{Result: Ambiguous, Reason: reason, RetryAfter: after, Whose: OfProvider}
	case a.Code >= 300 && a.Code < 400:
		return Verdict{Result: Refused, Reason: reason + ", a redirect, which is not followed: set settings.url to where it points", Whose: OfMessage}
	case a.Code >= http.StatusUnauthorized && a.Code <= http.StatusNotFound: // 402, payment required, too
		return Verdict{Result: Refused, Reason: reason, Whose: OfProvider}
	}
	return Verdict{Result: Refused, Reason: reason, Whose: OfMessage}
}
