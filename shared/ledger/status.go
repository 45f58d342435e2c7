package ledger

import (
	"crypto/subtle"
	"slices"
	"strings"
	"time"
)

// A Status is what became of a message after its provider accepted it, as
// callbacks report it, in Waypost's words. It only moves forward: callbacks
// come twice, and out of order.
type Status string

// The statuses. One that comes later in this list moves a delivery on from the
// earlier ones; of the two that are final the first that is reported stands,
// but that the recipient read a message proves that it was delivered.
const (
	Accepted    Status = "accepted"    // the provider has it
	Forwarded   Status = "sent"        // it went on, to a carrier or a device
	Delivered   Status = "delivered"   // final
	Undelivered Status = "undelivered" // final, with the reason
	Read        Status = "read"        // final, beyond delivered
)

// Rank orders statuses; that of none, or of an unknown one, is 0.
func (s Status) Rank() int {
	switch s {
	case Accepted:
		return 1
	case Forwarded:
		return 2
	case Delivered, Undelivered:
		return 3
	case Read:
		return 4
	}
	return 0
}

// Final says whether a status is what a journey that waits for one waits for.
func (s Status) Final() bool { return s.Rank() >= Delivered.Rank() }

// A Report is what one callback says of a delivery.
type Report struct {
	Status Status
	// Code and Reason are the provider's own, where it gives them: "30003".
	Code, Reason string
	// ProviderID is the provider's id of the message, where it gives one.
	ProviderID string
	At         time.Time // when it was received
}

// Heard is the reason of a delivery whose outcome a callback decided.
const Heard = "a callback reported its status"

// Hear puts a report into the record, if it moves its status forward. It
// proves that the message was accepted, which decides an outcome that nobody
// knew, and undoes a giving up.
func (d *Delivery) Hear(r Report) (moved bool) {
	return !d.outlived(r) && d.hear(r)
}

// outlived says whether a report is of the message of an earlier generation or
// attempt, when another was sent since, and does not say that it arrived.
func (d *Delivery) outlived(r Report) bool {
	return (len(d.Replays) > 0 || slices.ContainsFunc(d.Attempts, Attempt.Uncertain)) && d.State == Settled && d.Outcome == Sent &&
		d.ProviderID != "" && r.ProviderID != "" && r.ProviderID != d.ProviderID &&
		r.Status != Delivered && r.Status != Read
}

func (d *Delivery) hear(r Report) (moved bool) {
	if r.Status.Rank() <= d.Status.Rank() {
		return false
	}
	d.Status, d.StatusCode, d.StatusReason, d.StatusAt = r.Status, r.Code, r.Reason, r.At
	if r.ProviderID != "" {
		d.ProviderID = r.ProviderID
	}
	d.proven()
	return true
}

// Over says whether a step that awaits the delivery's final status has nothing
// to wait for any more: that status is known, also while the delivery is made
// anew, or it was not sent. Of one that nobody knows of a callback may tell yet.
func (d *Delivery) Over() bool {
	if d.State == Settled && d.Outcome != Sent {
		return d.Outcome != Unknown
	}
	return d.Status.Final()
}

// Overhear takes from the record as it is in the ledger what was reported
// while a function held it.
func (d *Delivery) Overhear(there *Delivery) {
	d.hear(Report{Status: there.Status, Code: there.StatusCode, Reason: there.StatusReason, ProviderID: there.ProviderID, At: there.StatusAt})
}

func (d *Delivery) proven() {
	if d.Outcome == Unknown || d.Outcome == Dead {
		d.Outcome, d.Reason = Sent, Heard
	}
}

// CallbackToken is what a provider is given to report on the delivery under:
// its id, and a part that cannot be guessed.
func (d *Delivery) CallbackToken() string { return d.ID().String() + "." + d.Callback }

// Opens says whether a token is that of the delivery. It takes as long for
// every token of the same length.
func (d *Delivery) Opens(token string) bool {
	return d.Callback != "" && subtle.ConstantTimeCompare([]byte(token), []byte(d.CallbackToken())) == 1
}

// ParseCallbackToken gives the id of the delivery that a token is for. Only
// the delivery itself knows whether the token opens it.
func ParseCallbackToken(token string) (DeliveryID, bool) {
	i := strings.LastIndexByte(token, '.')
	if i < 0 || i == len(token)-1 {
		return DeliveryID{}, false
	}
	return ParseDeliveryID(token[:i])
}
