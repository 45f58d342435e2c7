package asl

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/waypost/waypost/infra/local/states/value"
)

// maxSeconds bounds every number of seconds, as AWS does.
const maxSeconds = 99_999_999

// Parse reads a definition for a Standard machine, or where express is true
// for an Express one. There are no diagnostics where the definition is good;
// else the machine is nil.
func Parse(definition []byte, express bool) (*Machine, []Diagnostic) {
	v, twice, err := value.DecodeStrict(definition)
	if err != nil {
		d := Diagnostic{Code: CodeJSON, Message: err.Error()}
		if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
			d.Location = fmt.Sprintf("[offset: %d]", syntax.Offset)
		}
		return nil, []Diagnostic{d}
	}
	if _, ok := v.(*value.Object); !ok {
		return nil, []Diagnostic{{Code: CodeSchema, Message: "Definition must be a valid JSON object"}}
	}
	r := &reader{express: express, names: map[string]bool{}}
	for _, at := range twice {
		r.report(CodeJSON, at, "Duplicate field")
	}
	m := r.machine(r.fields(v, "/"), true)
	if r.found != nil {
		return nil, r.found
	}
	return m, nil
}

// machine reads a definition, or a branch or item processor in one.
func (r *reader) machine(f *fields, top bool) *Machine {
	defer f.done()
	m := &Machine{States: map[string]*State{}}
	f.text("Comment")
	if top {
		if s, ok := f.text("Version"); ok && s != "1.0" {
			r.fail(f.path("Version"), "Value must be \"1.0\"")
		}
		if n, ok := f.whole("TimeoutSeconds", 1, maxSeconds); ok {
			m.Timeout = time.Duration(n) * time.Second
		}
		f.queryLanguage()
	}
	f.require("States", "StartAt")
	m.StartAt, _ = f.text("StartAt")
	v, ok := f.take("States")
	if !ok {
		return m
	}
	states := r.fields(v, f.path("States"))
	if states.o.Len() == 0 {
		r.fail(states.at, "Value cannot be empty")
		return m
	}
	for i := range states.o.Len() {
		name, v := states.o.At(i)
		at := states.path(name)
		if name == "" || len([]rune(name)) > 80 {
			r.fail(at, "The name of a state has from 1 to 80 characters")
		}
		if r.names[name] {
			r.report(CodeDuplicate, at, "Duplicate State name: %s", name)
		}
		r.names[name] = true
		m.States[name] = r.state(name, r.fields(v, at))
	}
	r.transitions(m, f, states)
	return m
}

func (f *fields) queryLanguage() {
	if s, ok := f.text("QueryLanguage"); ok && s != "JSONPath" {
		f.r.fail(f.path("QueryLanguage"), "The query language '%s' is not supported: it must be JSONPath", s)
	}
}

// transitions reports targets that are not there, and states that nothing leads to.
func (r *reader) transitions(m *Machine, f, states *fields) {
	if _, ok := m.States[m.StartAt]; !ok && f.has("StartAt") {
		r.report(CodeTransition, f.path("StartAt"), "Missing 'StartAt' target: %s", m.StartAt)
		return
	}
	reached := map[string]bool{}
	queue := []string{m.StartAt}
	for len(queue) > 0 {
		s, ok := m.States[queue[0]]
		queue = queue[1:]
		if !ok || reached[s.Name] {
			continue
		}
		reached[s.Name] = true
		queue = append(queue, s.targets()...)
	}
	for i := range states.o.Len() {
		name, _ := states.o.At(i)
		for _, to := range m.States[name].targets() {
			if _, ok := m.States[to]; !ok {
				r.report(CodeTransition, states.path(name), "Missing 'Next' target: %s", to)
			}
		}
		if !reached[name] && f.has("StartAt") {
			r.report(CodeTransition, states.path(name), "State \"%s\" is not reachable.", name)
		}
	}
}

// targets lists the states that a state may lead to.
func (s *State) targets() []string {
	var to []string
	add := func(name string) {
		if name != "" {
			to = append(to, name)
		}
	}
	add(s.Next)
	add(s.Default)
	for _, c := range s.Choices {
		add(c.Next)
	}
	for _, c := range s.Catch {
		add(c.Next)
	}
	return to
}

func (r *reader) state(name string, f *fields) *State {
	defer f.done()
	s := &State{Name: name}
	f.require("Type")
	kind, _ := f.text("Type")
	s.Type = Type(kind)
	f.text("Comment")
	f.queryLanguage()
	if s.Type != Fail {
		s.InputPath, s.DiscardInput = f.nullablePath("InputPath", ParsePath)
		s.OutputPath, s.DiscardOutput = f.nullablePath("OutputPath", ParsePath)
	}
	switch s.Type {
	case Pass:
		f.pass(s)
	case Task:
		f.task(s)
	case Choice:
		f.require("Choices")
		s.Choices = f.choices()
		s.Default, _ = f.text("Default")
	case Wait:
		f.wait(s)
	case Parallel:
		f.parallel(s)
	case Map:
		f.mapState(s)
	case Succeed:
	case Fail:
		s.Error = f.failText("Error")
		s.Cause = f.failText("Cause")
	default:
		if f.has("Type") {
			r.fail(f.path("Type"), "The field 'Type' should have one of these values: [Task, Wait, Pass, Succeed, Fail, Choice, Parallel, Map]")
		}
		for i := range f.o.Len() { // without its type, nothing else can be judged
			k, _ := f.o.At(i)
			f.taken = append(f.taken, k)
		}
		return s
	}
	switch s.Type {
	case Choice, Succeed, Fail:
	default:
		f.next(s)
	}
	return s
}

// next reads Next or End, of which there must be one.
func (f *fields) next(s *State) {
	next, hasNext := f.text("Next")
	end, hasEnd := f.flag("End")
	switch {
	case hasNext && hasEnd && end:
		f.r.fail(f.at, "'Next' and 'End' can not both be there")
	case !hasNext && !end && !f.has("Next"): // an End that is false ends nothing
		f.r.fail(f.at, "These fields are required: [Next]")
	}
	s.Next = next
}

func (f *fields) pass(s *State) {
	s.Result, s.HasResult = f.take("Result")
	f.parameters(s, "Parameters")
	f.resultPath(s)
}

func (f *fields) parameters(s *State, key string) {
	if v, ok := f.take(key); ok {
		if key != "Parameters" || s.Type != Pass {
			f.r.fields(v, f.path(key)) // must be an object
		}
		s.Parameters = f.r.template(v, f.path(key))
	}
}

func (f *fields) resultPath(s *State) { s.ResultPath, s.DiscardResult = f.resultPlace() }

// resultPlace reads a ResultPath, which can't name the context object.
func (f *fields) resultPlace() (*Path, bool) {
	p, discard := f.nullablePath("ResultPath", ParseReference)
	if p != nil && p.context {
		f.r.fail(f.path("ResultPath"), "A ResultPath can not name the context object")
	}
	return p, discard
}

func (f *fields) resultSelector(s *State) {
	if v, ok := f.take("ResultSelector"); ok {
		f.r.fields(v, f.path("ResultSelector"))
		s.ResultSelector = f.r.template(v, f.path("ResultSelector"))
	}
}

// wait reads how long a Wait state waits: exactly one of four fields says so.
func (f *fields) wait(s *State) {
	given := 0
	if n, ok := f.whole("Seconds", 0, maxSeconds); ok {
		s.Wait.Seconds = &n
	}
	if t, ok := f.timestamp("Timestamp"); ok {
		s.Wait.Timestamp = &t
	}
	s.Wait.SecondsPath = f.jsonPath("SecondsPath", ParsePath)
	s.Wait.TimestampPath = f.jsonPath("TimestampPath", ParsePath)
	for _, k := range []string{"Seconds", "Timestamp", "SecondsPath", "TimestampPath"} {
		if f.has(k) {
			given++
		}
	}
	if given != 1 {
		f.r.fail(f.at, "Exactly one of [Seconds, Timestamp, SecondsPath, TimestampPath] is required")
	}
}

func (f *fields) parallel(s *State) {
	f.require("Branches")
	list, ok := f.list("Branches")
	if ok && len(list) == 0 {
		f.r.fail(f.path("Branches"), "Value cannot be empty")
	}
	for i, v := range list {
		s.Branches = append(s.Branches, f.r.machine(f.r.fields(v, fmt.Sprintf("%s[%d]", f.path("Branches"), i)), false))
	}
	f.parameters(s, "Parameters")
	f.resultSelector(s)
	f.resultPath(s)
	f.handlers(s)
}

// mapState reads a Map. Iterator and Parameters are the older names of
// ItemProcessor and ItemSelector; AWS still takes both.
func (f *fields) mapState(s *State) {
	key := "ItemProcessor"
	if f.has("Iterator") && !f.has(key) {
		key = "Iterator" // its older name
	}
	f.require(key)
	if v, ok := f.take(key); ok {
		g := f.r.fields(v, f.path(key))
		if c, ok := g.take("ProcessorConfig"); ok {
			config := f.r.fields(c, g.path("ProcessorConfig"))
			if mode, ok := config.text("Mode"); ok && mode != "INLINE" {
				f.r.fail(config.path("Mode"), "The mode '%s' is not supported: it must be INLINE", mode)
			}
			config.done()
		}
		s.Processor = f.r.machine(g, false)
	}
	s.ItemsPath = f.jsonPath("ItemsPath", ParsePath)
	if f.has("ItemSelector") {
		f.parameters(s, "ItemSelector")
	} else {
		f.parameters(s, "Parameters") // its older name
	}
	s.MaxConcurrency = f.amount("MaxConcurrency", 0, maxSeconds)
	f.resultSelector(s)
	f.resultPath(s)
	f.handlers(s)
}

// failText reads a Fail state's Error or Cause, or its expression.
func (f *fields) failText(key string) Text {
	var t Text
	t.Constant, _ = f.text(key)
	s, ok := f.text(key + "Path")
	if !ok {
		return t
	}
	if f.has(key) {
		f.r.fail(f.at, "'%s' and '%sPath' can not both be there", key, key)
	}
	expr, err := ParseExpression(s)
	if err != nil {
		f.r.fail(f.path(key+"Path"), "Value is not a valid JSONPath or intrinsic function call: %v", err)
		return t
	}
	if c := expr.call; c != nil {
		switch c.name {
		case "States.Format", "States.JsonToString", "States.ArrayGetItem", "States.Base64Encode",
			"States.Base64Decode", "States.Hash", "States.UUID":
		default: // those that give a string, says AWS
			f.r.fail(f.path(key+"Path"), "The function %s can not be used here", c.name)
		}
	}
	t.Expr = expr
	return t
}
