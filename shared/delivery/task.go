package delivery

import (
	"encoding/json"
	"strings"
	"time"

	"github.com/waypost/waypost/shared/fault"
	"github.com/waypost/waypost/shared/ledger"
	"github.com/waypost/waypost/shared/mapping"
	"github.com/waypost/waypost/shared/schema"
)

// Format is the newest format of a step's input. Functions go on reading every
// format that was ever released, since executions last up to a year.
const Format = 1

// A Task is what a state machine hands an action function for one step.
type Task struct {
	Format    int             `json:"format"`
	Action    Ref             `json:"action"`
	With      json.RawMessage `json:"with"` // an object of mappings by field name
	Step      string          `json:"step"`
	Iteration int             `json:"iteration"`
	Execution string          `json:"execution"` // the journey execution's name
	Runner    string          `json:"runner"`    // ARN of the execution that runs this very task
	Entered   time.Time       `json:"entered"`   // when it entered the state
	State     State           `json:"state"`
	// GiveUp asks to end the delivery without calling the endpoint. What only
	// a call needs, the event and the mapping among it, is then left out.
	GiveUp bool `json:"giveUp,omitempty"`
	// Await asks to wake the Task of this Token at the delivery's final status,
	// and Late for the last word once the deadline has passed. Both come as bare
	// as GiveUp does.
	Await bool   `json:"await,omitempty"`
	Token string `json:"token,omitempty"`
	Late  bool   `json:"late,omitempty"`

	size int // of the JSON that it was read from
}

// UnmarshalJSON reads a task, and notes how large it is.
func (t *Task) UnmarshalJSON(data []byte) error {
	type plain Task
	if err := json.Unmarshal(data, (*plain)(t)); err != nil {
		return err
	}
	t.size = len(data)
	return nil
}

// A Ref names a published action.
type Ref struct {
	Name    string `json:"name"`
	Version int    `json:"version"`
}

// A State is an execution's state: what its machine was started with, and
// what its steps left. Keys that only the machine uses are ignored.
type State struct {
	Format  int             `json:"format"`
	Journey Journey         `json:"journey"`
	Entry   Entry           `json:"entry"`
	Event   json.RawMessage `json:"event"`
	Profile string          `json:"profile"`
	Steps   json.RawMessage `json:"steps"`
}

// A Journey names a published version.
type Journey struct {
	Name    string `json:"name"`
	Version int    `json:"version"`
}

// An Entry is the event's envelope; Accepted is when entry took the event.
type Entry struct {
	ID       string    `json:"id"`
	Source   string    `json:"source"`
	Type     string    `json:"type"`
	Time     string    `json:"time,omitempty"`
	Subject  string    `json:"subject,omitempty"`
	Accepted time.Time `json:"accepted"`
}

// ID names the delivery that the task makes.
func (t *Task) ID() ledger.DeliveryID {
	return ledger.DeliveryID{Execution: t.Execution, Step: t.Step, Iteration: t.Iteration}
}

// Check finds what is wrong with a task, which only a machine that Waypost did
// not compile can send.
func (t *Task) Check() error {
	if t.Format != Format {
		return fault.New(fault.Invalid, "the step's input has format %d; this function reads format %d", t.Format, Format)
	}
	for _, need := range []struct{ name, value string }{
		{"action.name", t.Action.Name}, {"step", t.Step}, {"execution", t.Execution},
		{"state.journey.name", t.State.Journey.Name}, {"state.profile", t.State.Profile},
	} {
		if need.value == "" {
			return fault.New(fault.Invalid, "the step's input has no %s", need.name)
		}
	}
	if t.Await && t.Token == "" {
		return fault.New(fault.Invalid, "the step's input has no token to wake it by")
	}
	return nil
}

// Env is what expressions see of the state. The profile and the sources are
// the caller's to add.
func (s *State) Env(execution string, now time.Time) (mapping.Env, error) {
	event, err := value(s.Event)
	if err != nil {
		return mapping.Env{}, err
	}
	steps, err := value(s.Steps)
	if err != nil {
		return mapping.Env{}, err
	}
	stepMap := map[string]any{}
	if left, ok := steps.(map[string]any); ok {
		for id, step := range left { // an action step leaves {"result": …}
			if m, ok := step.(map[string]any); ok {
				stepMap[id] = m["result"]
			}
		}
	}
	return mapping.Env{
		Event:   event,
		Entry:   mapping.Entry{ID: s.Entry.ID, Source: s.Entry.Source, Type: s.Entry.Type, Time: s.Entry.Time, Subject: s.Entry.Subject},
		Steps:   stepMap,
		Journey: mapping.Journey{Name: s.Journey.Name, Version: s.Journey.Version, Execution: execution},
		Now:     now,
	}, nil
}

func value(raw json.RawMessage) (any, error) {
	if len(raw) == 0 {
		return nil, nil
	}
	v, err := schema.Decode(raw)
	if err != nil {
		return nil, fault.Wrap(err, fault.Invalid, "the step's input cannot be read")
	}
	return v, nil
}

// A Result is what a step leaves for the journey: steps.<id>.
type Result struct {
	Outcome ledger.Outcome `json:"outcome"`
	// Status is what a callback had reported by then, where one had.
	Status   ledger.Status `json:"status,omitempty"`
	Code     int           `json:"code"` // the HTTP status; 0 where nothing was called
	Response any           `json:"response"`
	Error    any           `json:"error"`
	// Reason says why, or of what was sent which sources it went without. It
	// holds no profile value, and nothing that a source answered.
	Reason string `json:"reason,omitempty"`
}

// A Deferred error says that the delivery must wait, and until when.
type Deferred struct{ Until time.Time }

// Error gives the time alone, RFC 3339 in UTC: a Wait state reads it. It is
// never before Until.
func (d *Deferred) Error() string {
	return d.Until.Add(time.Millisecond - 1).UTC().Format("2006-01-02T15:04:05.000Z")
}

// A Stopped error is an outcome for which a journey takes onError, or, of what
// was sent, the status of a step that awaits it.
type Stopped struct{ Result Result }

// Name is the error's name for state machines.
func (s *Stopped) Name() string {
	switch s.Result.Outcome {
	case ledger.Capped:
		return fault.NameCapped
	case ledger.Unknown:
		return fault.NameUnknown
	case ledger.Dead:
		return fault.NameDead
	case ledger.Sent:
		if s.Result.Status == ledger.Undelivered {
			return fault.NameUndelivered
		}
		return fault.NameNoStatus
	}
	return fault.NameFailed
}

// maxStopped is the most bytes of a Stopped error in a Lambda's error document.
// Step Functions cuts that document off after 32,768 characters, and a machine
// could not read the rest of it: the journey would end whatever its onError says.
const maxStopped = 24 << 10

// Error gives the result as JSON: the machine reads it. What would make it too
// long is left out: first the answer's fields, then the reason's end.
func (s *Stopped) Error() string {
	r := s.Result
	text, fits := r.message()
	if !fits {
		r.Response, r.Error = nil, nil
		r.Reason = joined(r.Reason, "the answer's fields are left out, since they are too large for an error of a state machine")
		text, fits = r.message()
	}
	for cut := s.Result.Reason; !fits && cut != ""; text, fits = r.message() {
		cut = strings.ToValidUTF8(cut[:len(cut)/2], "")
		r.Reason = cut + "…"
	}
	return text
}

// message gives the result as JSON, and whether it is short enough once that is
// a string of another JSON document.
func (r *Result) message() (string, bool) {
	data, err := schema.Encode(r)
	if err != nil {
		return `{"outcome":"` + string(r.Outcome) + `"}`, true
	}
	outer, err := json.Marshal(string(data))
	return string(data), err == nil && len(outer) <= maxStopped
}

// joined puts two reasons into one.
func joined(reason, more string) string {
	if reason == "" || more == "" {
		return reason + more
	}
	return reason + "; " + more
}
