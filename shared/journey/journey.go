// Package journey holds the document that authors write: an entry and the
// steps that a profile goes through. It checks a document against what the
// journey can see when it is published (schemas and published actions), and
// compiles it to Amazon States Language.
//
// The compiled machine holds no setting of an action and no ARN: settings may
// change under running journeys, and ${names} stand for functions and machines.
package journey

import (
	_ "embed"
	"encoding/json"
	"regexp"
	"strconv"
	"sync"
	"time"

	"github.com/waypost/waypost/shared/action"
	"github.com/waypost/waypost/shared/fault"
	"github.com/waypost/waypost/shared/schema"
)

// A Journey is the document.
type Journey struct {
	Name        string   `json:"name"`
	Description string   `json:"description,omitempty"`
	Tags        []string `json:"tags,omitempty"`
	// Mode is "standard" (the default) or "express".
	Mode  string `json:"mode,omitempty"`
	Entry Entry  `json:"entry"`
	Steps []Step `json:"steps"`
}

// Express says whether the journey asked for Express machines.
func (j *Journey) Express() bool { return j.Mode == "express" }

// An Entry says which events let which profiles in.
type Entry struct {
	Event   string   `json:"event"`             // a CloudEvents type
	When    string   `json:"when,omitempty"`    // an expression; nil is false
	Profile string   `json:"profile"`           // an expression that gives the profile's id
	Reentry *Reentry `json:"reentry,omitempty"` // absent: always allowed
}

// Reentry bounds how often a profile may enter, by journey, across versions.
type Reentry struct {
	Allowed bool     `json:"allowed"`
	After   Duration `json:"after,omitempty"` // not before so long after the last entry
}

// A Step is one node: exactly one of Action, Wait and Condition is set.
type Step struct {
	ID          string     `json:"id"`
	Description string     `json:"description,omitempty"`
	Tags        []string   `json:"tags,omitempty"`
	Action      *Action    `json:"action,omitempty"`
	OnError     *OnError   `json:"onError,omitempty"`
	Wait        *Wait      `json:"wait,omitempty"`
	Condition   *Condition `json:"condition,omitempty"`
}

// An Action step delivers a message by a published action.
type Action struct {
	Name     string                     `json:"name"`
	Version  int                        `json:"version"`
	Await    string                     `json:"await,omitempty"` // none, response (the default), status
	Deadline Duration                   `json:"deadline,omitempty"`
	With     map[string]json.RawMessage `json:"with,omitempty"`
}

// Values of Action.Await.
const (
	AwaitNone     = "none"
	AwaitResponse = "response"
	AwaitStatus   = "status"
)

// OnError says what follows an outcome other than sent and suppressed: the
// end (absent or "stop"), the next step ("continue"), or steps of its own
// before the next.
type OnError struct {
	Continue bool
	Steps    []Step
}

// UnmarshalJSON reads "stop", "continue" or a list of steps.
func (o *OnError) UnmarshalJSON(data []byte) error {
	var word string
	if json.Unmarshal(data, &word) == nil {
		o.Continue = word == "continue"
		return nil
	}
	return json.Unmarshal(data, &o.Steps)
}

// MarshalJSON writes what UnmarshalJSON reads.
func (o OnError) MarshalJSON() ([]byte, error) {
	switch {
	case o.Continue:
		return []byte(`"continue"`), nil
	case o.Steps == nil:
		return []byte(`"stop"`), nil
	}
	return json.Marshal(o.Steps)
}

// A Wait step waits.
type Wait struct {
	For Duration `json:"for"`
}

// A Condition step takes the first branch whose expression is true.
type Condition struct {
	Branches  []Branch `json:"branches"`
	Otherwise []Step   `json:"otherwise,omitempty"`
}

// A Branch is one way of a condition.
type Branch struct {
	When  string `json:"when"`
	Steps []Step `json:"steps"`
}

// Duration is a length of time in whole seconds that JSON writes in ISO 8601's
// form with days, hours, minutes and seconds ("P1DT2H", "PT5M"); a day is 24 hours.
type Duration time.Duration

var isoDuration = regexp.MustCompile(`^P(?:([0-9]+)D)?(?:T(?:([0-9]+)H)?(?:([0-9]+)M)?(?:([0-9]+)S)?)?$`)

// UnmarshalJSON reads ISO 8601.
func (d *Duration) UnmarshalJSON(data []byte) error {
	var s string
	if err := json.Unmarshal(data, &s); err != nil {
		return err
	}
	m := isoDuration.FindStringSubmatch(s)
	if m == nil {
		return fault.New(fault.Invalid, "%q is not a duration such as PT5M or P1D", s)
	}
	var total time.Duration
	for i, unit := range []time.Duration{24 * time.Hour, time.Hour, time.Minute, time.Second} {
		if m[i+1] == "" {
			continue
		}
		n, err := strconv.ParseInt(m[i+1], 10, 64)
		if err != nil || n > int64(maxDuration/unit) {
			return fault.New(fault.Invalid, "%q is too long: at most a year", s)
		}
		total += time.Duration(n) * unit
	}
	*d = Duration(total)
	return nil
}

// maxDuration is the longest that an execution can last.
const maxDuration = 365 * 24 * time.Hour

// MarshalJSON writes ISO 8601.
func (d Duration) MarshalJSON() ([]byte, error) { return json.Marshal(d.String()) }

// String writes "P1DT2H3M4S", without parts that are zero.
func (d Duration) String() string {
	seconds := int64(time.Duration(d) / time.Second)
	days, seconds := seconds/86400, seconds%86400
	s := "P"
	if days > 0 {
		s += strconv.FormatInt(days, 10) + "D"
	}
	clock := ""
	for _, part := range []struct {
		n    int64
		unit string
	}{{seconds / 3600, "H"}, {seconds / 60 % 60, "M"}, {seconds % 60, "S"}} {
		if part.n > 0 {
			clock += strconv.FormatInt(part.n, 10) + part.unit
		}
	}
	if clock != "" {
		return s + "T" + clock
	}
	if days == 0 {
		return "PT0S"
	}
	return s
}

//go:embed journey.schema.json
var documentSchema []byte

// SchemaJSON is the JSON Schema of a journey's document, for API descriptions.
func SchemaJSON() []byte { return documentSchema }

var compiledDocument = sync.OnceValues(func() (*schema.Schema, error) { return schema.Compile(documentSchema) })

// Parse reads a journey's document and checks what needs nothing else: its
// form, its ids, its expressions. Its errors are Malformed (with line and
// column) or Invalid (with a path each).
func Parse(data []byte) (*Journey, error) {
	doc, err := schema.Decode(data)
	if err != nil {
		return nil, err
	}
	rules, err := compiledDocument()
	if err != nil {
		return nil, err
	}
	if err := fault.Document("the journey is not valid", action.Plainly(rules.Validate(doc))); err != nil {
		return nil, err
	}
	j := &Journey{}
	if err := json.Unmarshal(data, j); err != nil {
		return nil, fault.Wrap(err, fault.Invalid, "the journey is not valid: %s", fault.Public(err))
	}
	c := &checker{journey: j, steps: map[string]bool{}}
	c.shape(j.Steps, "steps")
	c.parses(j.Entry.When, "entry.when")
	c.parses(j.Entry.Profile, "entry.profile")
	return j, fault.Document("the journey "+j.Name+" is not valid", c.details)
}
