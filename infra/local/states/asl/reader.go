package asl

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/waypost/waypost/infra/local/states/value"
)

// A Diagnostic is one thing wrong with a definition, as
// ValidateStateMachineDefinition reports it.
type Diagnostic struct {
	Code     string // SCHEMA_VALIDATION_FAILED and so on
	Message  string
	Location string // "/States/Foo/Next"; "" for the document as a whole
}

// The codes of diagnostics.
const (
	CodeSchema     = "SCHEMA_VALIDATION_FAILED"
	CodeJSON       = "INVALID_JSON_DESCRIPTION"
	CodeTransition = "MISSING_TRANSITION_TARGET"
	CodeDuplicate  = "DUPLICATE_STATE_NAME"
)

// String puts the diagnostic as CreateStateMachine's error does.
func (d Diagnostic) String() string {
	if d.Location == "" {
		return d.Code + ": " + d.Message
	}
	return d.Code + ": " + d.Message + " at " + d.Location
}

// maxDiagnostics bounds what is reported of one definition.
const maxDiagnostics = 100

// A reader walks a definition and gathers what is wrong with it.
type reader struct {
	express bool
	found   []Diagnostic
	names   map[string]bool // of all states, at all depths
}

func (r *reader) report(code, at, format string, args ...any) {
	if len(r.found) < maxDiagnostics {
		r.found = append(r.found, Diagnostic{Code: code, Message: fmt.Sprintf(format, args...), Location: at})
	}
}

func (r *reader) fail(at, format string, args ...any) { r.report(CodeSchema, at, format, args...) }

// fields reads an object's fields one by one; done reports those nobody asked for.
type fields struct {
	r     *reader
	o     *value.Object
	at    string
	taken []string
}

// fields begins to read an object. What is none is reported, and reads as empty.
func (r *reader) fields(v any, at string) *fields {
	o, ok := v.(*value.Object)
	if !ok {
		r.fail(at, "Expected value of type Object")
		o = &value.Object{}
	}
	return &fields{r: r, o: o, at: at}
}

func (f *fields) has(key string) bool {
	_, ok := f.o.Get(key)
	return ok
}

func (f *fields) take(key string) (any, bool) {
	f.taken = append(f.taken, key)
	return f.o.Get(key)
}

func (f *fields) path(key string) string { return strings.TrimSuffix(f.at, "/") + "/" + key }

// done reports the fields that were not taken: what is not implemented.
func (f *fields) done() {
	for i := range f.o.Len() {
		if k, _ := f.o.At(i); !slices.Contains(f.taken, k) {
			f.r.fail(f.at, "Field '%s' is not supported", k)
		}
	}
}

// require reports those of the keys that are missing.
func (f *fields) require(keys ...string) {
	var missing []string
	for _, k := range keys {
		if !f.has(k) {
			missing = append(missing, k)
		}
	}
	if missing != nil {
		f.r.fail(f.at, "These fields are required: [%s]", strings.Join(missing, ", "))
	}
}

func (f *fields) text(key string) (string, bool) {
	v, ok := f.take(key)
	if !ok {
		return "", false
	}
	s, ok := v.(string)
	if !ok {
		f.r.fail(f.path(key), "Expected value of type String")
	}
	return s, ok
}

func (f *fields) flag(key string) (on, ok bool) {
	v, ok := f.take(key)
	if !ok {
		return false, false
	}
	on, ok = v.(bool)
	if !ok {
		f.r.fail(f.path(key), "Expected value of type Boolean")
	}
	return on, ok
}

// whole reads a whole number from least to most.
func (f *fields) whole(key string, least, most int64) (int, bool) {
	v, ok := f.take(key)
	if !ok {
		return 0, false
	}
	n, isNumber := v.(json.Number)
	i, err := n.Int64()
	switch {
	case !isNumber || err != nil:
		f.r.fail(f.path(key), "Expected value of type Integer")
		return 0, false
	case i < least || i > most:
		f.r.fail(f.path(key), "Value must be from %d to %d", least, most)
		return 0, false
	}
	return int(i), true
}

func (f *fields) list(key string) ([]any, bool) {
	v, ok := f.take(key)
	if !ok {
		return nil, false
	}
	l, ok := v.([]any)
	if !ok {
		f.r.fail(f.path(key), "Expected value of type Array")
	}
	return l, ok
}

// jsonPath reads a path, by ParsePath or ParseReference.
func (f *fields) jsonPath(key string, parse func(string) (*Path, error)) *Path {
	s, ok := f.text(key)
	if !ok {
		return nil
	}
	p, err := parse(s)
	if err != nil {
		f.r.fail(f.path(key), "Value is not a valid JSONPath: %v", err)
		return nil
	}
	return p
}

// nullablePath reads a path that may be null, which discards.
func (f *fields) nullablePath(key string, parse func(string) (*Path, error)) (p *Path, discard bool) {
	if v, ok := f.o.Get(key); ok && v == nil {
		f.taken = append(f.taken, key)
		return nil, true
	}
	return f.jsonPath(key, parse), false
}

// amount reads key, or key+"Path", but not both.
func (f *fields) amount(key string, least, most int64) Amount {
	var a Amount
	if n, ok := f.whole(key, least, most); ok {
		a = Amount{Set: true, N: n}
	}
	if p := f.jsonPath(key+"Path", ParsePath); p != nil {
		if f.has(key) {
			f.r.fail(f.at, "'%s' and '%sPath' can not both be there", key, key)
		}
		a = Amount{Set: true, Path: p}
	}
	return a
}

// timestamp reads an RFC 3339 time, with the capital T and Z that the
// language asks for.
func (f *fields) timestamp(key string) (time.Time, bool) {
	s, ok := f.text(key)
	if !ok {
		return time.Time{}, false
	}
	t, ok := ParseTimestamp(s)
	if !ok {
		f.r.fail(f.path(key), "String does not match RFC3339 timestamp")
	}
	return t, ok
}

// ParseTimestamp reads a time in the language's form: RFC 3339 with a capital
// "T", and a capital "Z" or an offset.
func ParseTimestamp(s string) (time.Time, bool) {
	if strings.ContainsAny(s, "tz ,") {
		return time.Time{}, false
	}
	t, err := time.Parse(time.RFC3339, s)
	return t, err == nil
}
