// Package ledger holds the records of executions and deliveries: what trace,
// reports, sweep and replay read. An execution's own record and those of its
// deliveries lie together, so a trace is one query.
//
// The delivery's record is also the claim on it. Every write of a record is
// conditional on its holder, so a function that was given up on can't
// overwrite its successor:
//
//	(none) ── claim ──> claimed (holder, lease) ── defer ──> waiting (until)
//	                      │        ▲                            │
//	                      │        └────────── claim ───────────┘
//	                      └── settle ──> settled (outcome)
//
// A settled one that was not sent goes back to waiting by a replay, as its next
// generation.
//
// A claimed record whose lease ran out is ambiguous: its holder may have
// called the endpoint. Package delivery says what becomes of it.
package ledger

import (
	"crypto/sha256"
	"encoding/base32"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// A State is where a delivery stands.
type State string

const (
	Claimed State = "claimed"
	Waiting State = "waiting"
	Settled State = "settled"
)

// An Outcome is how a delivery ended; design.md's table says what each means.
type Outcome string

const (
	Sent       Outcome = "sent"
	Suppressed Outcome = "suppressed"
	Capped     Outcome = "capped"
	Failed     Outcome = "failed"
	Unknown    Outcome = "unknown"
	Dead       Outcome = "dead"
)

// Outcomes lists them all.
var Outcomes = []Outcome{Sent, Suppressed, Capped, Failed, Unknown, Dead}

// GoesOn says whether a journey simply goes on after the outcome; after any
// other it takes onError.
func (o Outcome) GoesOn() bool { return o == Sent || o == Suppressed }

// A DeliveryID names one action step of one execution.
type DeliveryID struct {
	Execution string
	Step      string
	Iteration int
}

// String gives "<execution>.<step>.<iteration>": what the endpoint sees as the
// Idempotency-Key, and what the API shows.
func (id DeliveryID) String() string {
	return id.Execution + "." + id.Step + "." + strconv.Itoa(id.Iteration)
}

// ParseDeliveryID reads what String wrote.
func ParseDeliveryID(s string) (DeliveryID, bool) {
	parts := strings.Split(s, ".")
	if len(parts) != 3 || parts[0] == "" || parts[1] == "" {
		return DeliveryID{}, false
	}
	n, err := strconv.Atoi(parts[2])
	return DeliveryID{parts[0], parts[1], n}, err == nil && n >= 0
}

// ExecutionName derives an execution's name: 32 characters of base32, a hash
// that shows no personal data and is the same for a repeat of the event.
func ExecutionName(journey, source, eventID, profile string) string {
	h := sha256.New()
	for _, part := range []string{journey, source, eventID, profile} {
		fmt.Fprintf(h, "%d:%s", len(part), part)
	}
	return strings.ToLower(base32.StdEncoding.EncodeToString(h.Sum(nil)[:20]))
}

// An Attempt is one call of the endpoint, or one that may have been; where the
// action has a failover, also one of the first provider that a credential kept
// from being made.
type Attempt struct {
	At     time.Time `json:"at"`
	Result string    `json:"result"` // accepted, refused, retryable, ambiguous, lost
	Code   int       `json:"code,omitempty"`
	Ms     float64   `json:"ms"`
	Reason string    `json:"reason,omitempty"`
	// Provider is who was called, where the action has a failover.
	Provider string `json:"provider,omitempty"`
	// Digest is of the request: its method, URL, headers and body, without the credential.
	Digest string `json:"digest,omitempty"`
}

// Lost is the result of an attempt whose function died: nobody knows whether
// the endpoint was called.
const Lost = "lost"

// Uncertain says whether the attempt may have been processed.
func (t Attempt) Uncertain() bool { return t.Result == Lost || t.Result == "ambiguous" }

// Timings say where a delivery's time went, in milliseconds, for its last start.
type Timings struct {
	ResolveMs  float64 `json:"resolveMs"`  // reading profile, action, secret and sources, and claiming
	OwnMs      float64 `json:"ownMs"`      // composing, encoding, judging
	QueueMs    float64 `json:"queueMs"`    // waiting for a throttle's slot
	EndpointMs float64 `json:"endpointMs"` // the endpoint's own time
}

// A Delivery is the record of one.
type Delivery struct {
	Execution string `json:"execution"`
	Step      string `json:"step"`
	Iteration int    `json:"iteration"`

	Journey       string `json:"journey"`
	Version       int    `json:"version"`
	Profile       string `json:"profile"`
	Action        string `json:"action"`
	ActionVersion int    `json:"actionVersion"`
	Channel       string `json:"channel"`
	Provider      string `json:"provider,omitempty"`
	// Runner is the ARN of the execution that runs the step: the journey's
	// own, or the delivery machine's.
	Runner string `json:"runner,omitempty"`

	State  State     `json:"state"`
	Holder string    `json:"holder"`
	Lease  time.Time `json:"lease,omitzero"`
	Until  time.Time `json:"until,omitzero"`

	Outcome    Outcome   `json:"outcome,omitempty"`
	Reason     string    `json:"reason,omitempty"`
	Code       int       `json:"code,omitempty"`
	ProviderID string    `json:"providerId,omitempty"`
	Attempts   []Attempt `json:"attempts,omitempty"`
	Response   any       `json:"response,omitempty"`
	Failure    any       `json:"error,omitempty"`
	// Replays are the earlier generations of the delivery, oldest first.
	Replays []Replay `json:"replays,omitempty"`

	// Callback is the part of the callback URL's token that only the provider
	// was told. No answer of Waypost's shows it.
	Callback string `json:"callback,omitempty"`
	// What callbacks reported last; the code and the reason are the provider's.
	Status       Status    `json:"status,omitempty"`
	StatusCode   string    `json:"statusCode,omitempty"`
	StatusReason string    `json:"statusReason,omitempty"`
	StatusAt     time.Time `json:"statusAt,omitzero"`
	// TaskToken is of the state machine's Task that waits for the final status.
	TaskToken string `json:"taskToken,omitempty"`

	EventAt     time.Time `json:"eventAt,omitzero"`     // when entry accepted the event
	EnteredAt   time.Time `json:"enteredAt,omitzero"`   // when the execution reached the step
	StartedAt   time.Time `json:"startedAt,omitzero"`   // when a function first claimed it
	RequestedAt time.Time `json:"requestedAt,omitzero"` // when the last call of the endpoint began
	SettledAt   time.Time `json:"settledAt,omitzero"`
	Timings     Timings   `json:"timings,omitzero"`
}

// ID names the delivery.
func (d *Delivery) ID() DeliveryID { return DeliveryID{d.Execution, d.Step, d.Iteration} }

// ExpressRun says whether an execution of an Express machine runs the step:
// Step Functions tells nobody of those.
func (d *Delivery) ExpressRun() bool { return strings.Contains(d.Runner, ":express:") }

// Start states of an execution's record.
const (
	Pending = "pending" // accepted; Step Functions may not know of it yet
	Started = "started" // Step Functions has it
	Refused = "failed"  // Step Functions refused it for good, with Reason
)

// An Execution is the record of one profile's run through one journey version.
type Execution struct {
	Execution    string    `json:"execution"`
	Journey      string    `json:"journey"`
	Version      int       `json:"version"`
	Profile      string    `json:"profile"`
	StateMachine string    `json:"stateMachine"` // ARN
	Express      bool      `json:"express,omitempty"`
	Input        string    `json:"input"` // what the machine is started with
	State        string    `json:"state"`
	Reason       string    `json:"reason,omitempty"`
	EventSource  string    `json:"eventSource"`
	EventID      string    `json:"eventId"`
	EventType    string    `json:"eventType"`
	EnteredAt    time.Time `json:"enteredAt"`
	StartedAt    time.Time `json:"startedAt,omitzero"`
}

// RunnerARN gives the ARN of the Standard execution that the record names.
func (e *Execution) RunnerARN() string {
	return strings.Replace(e.StateMachine, ":stateMachine:", ":execution:", 1) + ":" + e.Execution
}

// An EventRecord says which executions an event started.
type EventRecord struct {
	Source     string       `json:"source"`
	ID         string       `json:"id"`
	Type       string       `json:"type"`
	Executions []ExecutedAs `json:"executions"`
	At         time.Time    `json:"at"`
}

// ExecutedAs names one execution of an event, with what it takes to record it
// again from the event.
type ExecutedAs struct {
	Execution    string `json:"execution"`
	Journey      string `json:"journey"`
	Version      int    `json:"version"`
	Profile      string `json:"profile"`
	StateMachine string `json:"stateMachine"`
	Express      bool   `json:"express,omitempty"`
}

// Due is some of what somebody must come back to.
type Due struct {
	Executions []Execution
	Deliveries []Delivery
}

// A Reentry is a journey's rule on entering it again.
type Reentry struct {
	Allowed bool
	After   time.Duration // since the last entry; 0 is at once
}

// Bare is the delivery without what only its holder may write: what a claim on it says.
func (d *Delivery) Bare() Delivery {
	return Delivery{Execution: d.Execution, Step: d.Step, Iteration: d.Iteration, Runner: d.Runner,
		Journey: d.Journey, Version: d.Version, Profile: d.Profile, Action: d.Action, ActionVersion: d.ActionVersion,
		Channel: d.Channel, Provider: d.Provider, EventAt: d.EventAt, EnteredAt: d.EnteredAt}
}
