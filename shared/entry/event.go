package entry

import (
	"fmt"
	"maps"
	"mime"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/waypost/waypost/shared/fault"
	"github.com/waypost/waypost/shared/schema"
)

// MaxEvent is the most bytes that an event may have: its data stands in the
// execution's state, whose limit is 256 KiB for all that is gathered on the way.
const MaxEvent = 128 << 10

// MaxInput is the most bytes that an execution's input may have: Step Functions
// takes 256 KiB, for the input and all that the steps add to it. Data that is
// sent in few bytes may take many as JSON: 1e20 does. The execution's record,
// which holds it, stays within DynamoDB's 400 KB too.
const MaxInput = 192 << 10

// An Event is a CloudEvent (https://github.com/cloudevents/spec, version 1.0)
// in structured JSON.
type Event struct {
	ID, Source, Type string
	Time, Subject    string // "" where absent
	Data             any    // as schema.Decode gives it
}

var (
	attributeName = regexp.MustCompile(`^[a-z0-9]{1,40}$`)
	required      = []string{"id", "source", "type"}
	optional      = []string{"specversion", "time", "subject", "datacontenttype", "dataschema", "data"}
)

// ParseEvent reads a CloudEvent. Extension attributes are allowed and ignored.
func ParseEvent(body []byte) (Event, error) {
	if len(body) > MaxEvent {
		return Event{}, fault.New(fault.TooLarge, "the event has %d bytes, over the limit of %d", len(body), MaxEvent)
	}
	doc, err := schema.Decode(body)
	if err != nil {
		return Event{}, err
	}
	m, ok := doc.(map[string]any)
	if !ok {
		return Event{}, fault.New(fault.Invalid, "an event must be a JSON object, a CloudEvent with id, source, type and data")
	}
	p := parser{m: m}
	e := Event{ID: p.text("id", 256), Source: p.text("source", 1024), Type: p.text("type", 200),
		Time: p.text("time", 64), Subject: p.text("subject", 1024), Data: m["data"]}
	if v := p.text("specversion", 16); v != "" && v != "1.0" {
		p.say("specversion", "", "must be 1.0")
	}
	if e.Time != "" {
		if _, err := time.Parse(time.RFC3339, e.Time); err != nil {
			p.say("time", "format", "must be a time of RFC 3339, such as 2026-01-31T12:00:00Z")
		}
	}
	if kind := p.text("datacontenttype", 256); kind != "" && !isJSON(kind) {
		p.say("datacontenttype", "", "must be a JSON type: journeys read the data as JSON")
	}
	if _, binary := m["data_base64"]; binary {
		p.say("data_base64", "", "binary data is not supported: give data as JSON")
	}
	for _, name := range slices.Sorted(maps.Keys(m)) {
		if !attributeName.MatchString(name) && name != "data_base64" {
			p.details = append(p.details, fault.Detail{Path: name, Rule: "additionalProperties",
				Message:    "is not a CloudEvents attribute: names have only a-z and 0-9",
				Suggestion: fault.Nearest(strings.ToLower(name), slices.Concat(required, optional))})
		}
	}
	return e, fault.Document("the event is not a valid CloudEvent", p.details)
}

// isJSON says whether a media type is JSON, or JSON by its suffix.
func isJSON(contentType string) bool {
	kind, _, err := mime.ParseMediaType(contentType)
	return err == nil && (kind == "application/json" || strings.HasSuffix(kind, "+json"))
}

type parser struct {
	m       map[string]any
	details []fault.Detail
}

func (p *parser) say(path, rule, format string, args ...any) {
	p.details = append(p.details, fault.Detail{Path: path, Rule: rule, Message: fmt.Sprintf(format, args...)})
}

// text reads an attribute that is text of at most limit bytes.
func (p *parser) text(name string, limit int) string {
	v, given := p.m[name]
	s, ok := v.(string)
	switch {
	case !given && slices.Contains(required, name):
		p.say(name, "required", "is missing")
	case given && v == nil && !slices.Contains(required, name):
	case given && !ok:
		p.say(name, "type", "must be a string")
	case given && s == "":
		p.say(name, "minLength", "must not be empty")
	case len(s) > limit:
		p.say(name, "maxLength", "must have %d bytes at most", limit)
	}
	return s
}
