package journey

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/waypost/waypost/shared/action"
	"github.com/waypost/waypost/shared/fault"
	"github.com/waypost/waypost/shared/mapping"
	"github.com/waypost/waypost/shared/schema"
	"github.com/waypost/waypost/shared/source"
)

// View is what a journey can see when it is published. Its methods give a
// NotFound fault, with a message for authors, for what does not exist.
type View interface {
	// Types gives the types of an event type's data and of the profile.
	Types(event string) (data, profile schema.Type, _ error)
	// Action gives a published action, and who serves it.
	Action(name string, version int) (*action.Action, Server, error)
	// Sources gives every source, by name. It is asked where a step reads one.
	Sources() (map[string]*source.Source, error)
}

// A Server is what a journey needs to know of the channel that serves an action.
type Server struct {
	Function string // the name of its function
	Reports  bool   // its provider can report by callback what becomes of a message
}

// Compile checks a journey against all that it can see, and makes its machine.
// Its error is an Invalid fault that lists everything wrong, each with its
// path, or one of the view's that says nothing of the journey.
func Compile(j *Journey, view View, names Names) (*Machine, error) {
	c := &checker{journey: j, steps: map[string]bool{}, view: view, names: names, functions: map[*Action]string{},
		actions: map[*Action]*action.Action{}, read: map[string]bool{}}
	data, profile, err := view.Types(j.Entry.Event)
	if err != nil {
		c.adopt("entry.event", err)
	}
	c.scope = mapping.Scope{Event: data, Profile: profile, Steps: map[string]mapping.StepTypes{}}
	c.shape(j.Steps, "steps")
	if len(c.details) == 0 {
		c.entry()
		c.types(j.Steps, "steps")
	}
	if len(c.details) == 0 && j.Express() {
		c.lasts(j.Steps, "steps", 0)
	}
	if c.failed != nil {
		return nil, c.failed
	}
	if err := fault.Document("the journey "+j.Name+" is not valid", c.details); err != nil {
		return nil, err
	}
	b := &compiler{journey: j, names: names, functions: c.functions}
	return b.build()
}

// A checker finds what is wrong with a journey.
type checker struct {
	journey   *Journey
	view      View
	scope     mapping.Scope // what a step may read: grows with the steps before it
	steps     map[string]bool
	names     Names
	functions map[*Action]string         // each action step's function, by name
	actions   map[*Action]*action.Action // and its action
	sources   map[string]*source.Source  // nil until a step reads one
	read      map[string]bool            // sources that were checked against the journey
	details   []fault.Detail
	failed    error // of the view, which says nothing of the journey
}

func (c *checker) say(path, format string, args ...any) {
	c.details = append(c.details, fault.Detail{Path: path, Message: fmt.Sprintf(format, args...)})
}

// adopt takes over what an error says of the journey at a path.
func (c *checker) adopt(path string, err error) {
	if code := fault.CodeOf(err); code == fault.Unavailable || code == fault.Internal {
		c.failed = err
	}
	c.details = append(c.details, fault.Under(path, fault.Details(err))...)
}

// shape checks what needs only the document: ids, kinds of step, durations.
func (c *checker) shape(steps []Step, at string) {
	for i := range steps {
		s, at := &steps[i], fmt.Sprintf("%s.%d", at, i)
		if c.steps[s.ID] {
			c.say(at+".id", "%s is the id of another step; each needs its own", s.ID)
		}
		c.steps[s.ID] = true
		kinds := 0
		for _, given := range []bool{s.Action != nil, s.Wait != nil, s.Condition != nil} {
			if given {
				kinds++
			}
		}
		if kinds != 1 {
			c.say(at, "must be exactly one of action, wait and condition")
			continue
		}
		switch {
		case s.Wait != nil && s.Wait.For <= 0:
			c.say(at+".wait.for", "must be a second at least, such as PT1S")
		case s.Wait != nil && c.journey.Express() && time.Duration(s.Wait.For) > expressStep:
			c.say(at+".wait.for", "must be at most %s in an express journey", Duration(expressStep))
		case s.Condition != nil:
			for k, b := range s.Condition.Branches {
				c.parses(b.When, fmt.Sprintf("%s.condition.branches.%d.when", at, k))
				c.shape(b.Steps, fmt.Sprintf("%s.condition.branches.%d.steps", at, k))
			}
			c.shape(s.Condition.Otherwise, at+".condition.otherwise")
		case s.Action != nil:
			c.actionShape(s, at)
		}
		if s.OnError != nil && (s.Action == nil || s.Action.Await == AwaitNone) {
			c.say(at+".onError", "is only for an action step that waits for its endpoint's answer")
		}
		if s.OnError != nil {
			c.shape(s.OnError.Steps, at+".onError")
		}
	}
}

func (c *checker) actionShape(s *Step, at string) {
	c.statusShape(s.Action, at+".action")
	for _, name := range sortedNames(s.Action.With) {
		at := at + ".action.with." + name
		v, err := schema.Decode(s.Action.With[name])
		if err == nil {
			_, err = mapping.Parse(v)
		}
		if err != nil {
			c.adopt(at, err)
		}
		if key := pathKey(name, v); key != "" {
			c.say(at, "has the key %s: Step Functions would take a key that ends with .$ for a path", key)
		}
	}
}

// pathKey finds a key that Step Functions would not take as it stands.
func pathKey(key string, v any) string {
	if strings.HasSuffix(key, ".$") {
		return key
	}
	switch v := v.(type) {
	case map[string]any:
		for k, item := range v {
			if found := pathKey(k, item); found != "" {
				return found
			}
		}
	case []any:
		for _, item := range v {
			if found := pathKey("", item); found != "" {
				return found
			}
		}
	}
	return ""
}

// parses checks an expression's syntax.
func (c *checker) parses(src, at string) *mapping.Expression {
	if src == "" {
		return nil
	}
	e, err := action.ParseExpression(src)
	if err != nil {
		c.adopt(at, err)
	}
	return e
}

// entry checks what entry evaluates, which sees the event and nothing else.
func (c *checker) entry() {
	scope := mapping.Scope{Event: c.scope.Event, Hidden: []string{"profile", "steps", "data"}}
	if t, ok := c.typed(c.parses(c.journey.Entry.Profile, "entry.profile"), scope, "entry.profile"); ok && !stringly(t) {
		c.say("entry.profile", "must give the profile's id, a string; it gives %s", t)
	}
	if e := c.parses(c.journey.Entry.When, "entry.when"); e != nil {
		if t, ok := c.typed(e, scope, "entry.when"); ok {
			c.boolean(t, "entry.when")
		}
	}
}

func stringly(t schema.Type) bool { return t.Kind == schema.StringKind || t.Kind == schema.AnyKind }

func (c *checker) boolean(t schema.Type, at string) {
	if t.Kind != schema.BooleanKind && t.Kind != schema.AnyKind && t.Kind != schema.NullKind {
		c.say(at, "must be true or false; it gives %s", t)
	}
}

// typed checks an expression's types.
func (c *checker) typed(e *mapping.Expression, scope mapping.Scope, at string) (schema.Type, bool) {
	if e == nil {
		return schema.Type{}, false
	}
	if !slices.Contains(scope.Hidden, "data") {
		c.reads(e.References(), at)
		scope.Data = c.scope.Data
	}
	t, err := e.Check(scope)
	if err != nil {
		c.adopt(at, err)
		return t, false
	}
	return t, true
}

// types checks every expression and mapping against what it can see. Steps
// that stand before another, in a branch too, may be read by it: where they
// did not run they are nil.
func (c *checker) types(steps []Step, at string) {
	for i := range steps {
		s, at := &steps[i], fmt.Sprintf("%s.%d", at, i)
		switch {
		case s.Condition != nil:
			c.deployed(NameDecide, at+".condition")
			for k, b := range s.Condition.Branches {
				when := fmt.Sprintf("%s.condition.branches.%d.when", at, k)
				if t, ok := c.typed(c.parses(b.When, when), c.scope, when); ok {
					c.boolean(t, when)
				}
			}
			for k, b := range s.Condition.Branches {
				c.types(b.Steps, fmt.Sprintf("%s.condition.branches.%d.steps", at, k))
			}
			c.types(s.Condition.Otherwise, at+".condition.otherwise")
		case s.Action != nil:
			c.actionTypes(s, at+".action")
			if s.OnError != nil {
				c.types(s.OnError.Steps, at+".onError")
			}
		}
	}
}

func (c *checker) actionTypes(s *Step, at string) {
	act, server, err := c.view.Action(s.Action.Name, s.Action.Version)
	if err != nil {
		c.adopt(at, err)
		return
	}
	c.functions[s.Action], c.actions[s.Action] = server.Function, act
	c.deployed(server.Function, at)
	switch s.Action.Await {
	case AwaitNone:
		c.deployed(NameDelivery, at+".await")
	case AwaitStatus:
		c.reports(act, server, s.Action, at+".await")
	}
	what := fmt.Sprintf("%s version %d", s.Action.Name, s.Action.Version)
	c.fills(act, act.Fields, what, sortedNames(s.Action.With), func(name string) given {
		return c.typedField(s.Action.With[name], at+".with."+name)
	}, at+".with")
	if act.Requires != nil {
		if t, ok := c.typed(act.Requires, c.scope, at+".settings.requires"); ok {
			c.boolean(t, at+".settings.requires")
		}
	}
	if c.journey.Express() {
		c.express(act, s.Action, at)
	}
	c.scope.Steps[s.ID] = mapping.StepTypes{Response: act.ResponseType(), Error: act.ErrorType()}
}

// deployed checks that there is an ARN for what a step needs: Step Functions
// takes a machine without one, and fails at the step.
func (c *checker) deployed(name, at string) {
	if c.names(name) == "" {
		c.say(at, "needs the function or machine %s, which this deployment does not have", cmp.Or(name, "of its channel"))
	}
}

// dynamic says whether a value has an expression in it.
func dynamic(v any) bool {
	switch v := v.(type) {
	case string:
		return strings.Contains(v, "{{")
	case map[string]any:
		return mapping.IsEach(v) || slices.ContainsFunc(slices.Collect(maps.Values(v)), dynamic)
	case []any:
		return slices.ContainsFunc(v, dynamic)
	}
	return false
}

func sortedNames[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

func list(names []string) string {
	if len(names) == 0 {
		return "no fields"
	}
	return strings.Join(names, ", ")
}
