package asl

import (
	"fmt"
	"strings"

	"github.com/waypost/waypost/infra/local/states/value"
)

// A Rule is one of a Choice state's choices: a condition, and where it leads.
type Rule struct {
	Next string
	cond condition
}

// Test says whether the rule's condition holds for a state's input. It is an
// error where its variable is not there (but for IsPresent), or where a
// "…Path" selects nothing.
func (r *Rule) Test(data, context any) (bool, error) { return r.cond.test(data, context) }

// Context says whether the rule reads the context object.
func (r *Rule) Context() bool { return r.cond.usesContext() }

type condition interface {
	test(data, context any) (bool, error)
	usesContext() bool
}

type (
	condAnd []condition
	condOr  []condition
	condNot struct{ of condition }
	// condCompare is a comparison's operator with its variable and its operand.
	condCompare struct {
		variable *Path
		op       operator
		constant any
		path     *Path // the operand, where the operator ends in "Path"
	}
)

func (c condAnd) test(data, context any) (bool, error) {
	for _, d := range c {
		if ok, err := d.test(data, context); !ok || err != nil {
			return false, err
		}
	}
	return true, nil
}

func (c condOr) test(data, context any) (bool, error) {
	for _, d := range c {
		if ok, err := d.test(data, context); ok || err != nil {
			return ok, err
		}
	}
	return false, nil
}

func (c condNot) test(data, context any) (bool, error) {
	ok, err := c.of.test(data, context)
	return !ok && err == nil, err
}

func (c condAnd) usesContext() bool { return anyContext(c) }
func (c condOr) usesContext() bool  { return anyContext(c) }
func (c condNot) usesContext() bool { return c.of.usesContext() }
func (c condCompare) usesContext() bool {
	return c.variable.context || c.path != nil && c.path.context
}

func anyContext(list []condition) bool {
	for _, c := range list {
		if c.usesContext() {
			return true
		}
	}
	return false
}

func (c condCompare) test(data, context any) (bool, error) {
	v, err := c.variable.Get(data, context)
	if c.op.present {
		return (err == nil) == (c.constant == true), nil
	}
	if err != nil {
		return false, fmt.Errorf("Invalid path '%s': The choice state's condition path references an invalid value.", c.variable)
	}
	operand := c.constant
	if c.path != nil {
		if operand, err = c.path.Get(data, context); err != nil {
			return false, fmt.Errorf("Invalid path '%s': The choice state's condition path references an invalid value.", c.path)
		}
	}
	return c.op.holds(v, operand), nil
}

// An operator is a comparison: its kind of value, and which order satisfies it.
type operator struct {
	kind    string // "String", "Numeric", "Timestamp", "Boolean", "Matches", "Is"
	is      string // for "Is": what
	order   string // "Equals", "LessThan", …
	present bool   // IsPresent
}

func (o operator) holds(v, operand any) bool {
	switch o.kind {
	case "Is":
		return isKind(v, o.is) == (operand == true)
	case "Matches":
		s, ok := v.(string)
		pattern, _ := operand.(string)
		return ok && matchText(pattern, s)
	case "Boolean":
		a, ok1 := v.(bool)
		b, ok2 := operand.(bool)
		return ok1 && ok2 && a == b
	}
	order, ok := 0, false
	switch o.kind {
	case "String":
		a, ok1 := v.(string)
		b, ok2 := operand.(string)
		order, ok = strings.Compare(a, b), ok1 && ok2
	case "Numeric":
		if _, isText := v.(string); !isText {
			order, ok = compare(v, operand)
		}
		if order == 0 && ok { // floats may agree where the numbers do not
			ok = o.order != "Equals" || value.Equal(v, operand)
		}
	case "Timestamp":
		a, ok1 := v.(string)
		b, ok2 := operand.(string)
		ta, okA := ParseTimestamp(a)
		tb, okB := ParseTimestamp(b)
		order, ok = ta.Compare(tb), ok1 && ok2 && okA && okB
	}
	if !ok {
		return false
	}
	switch o.order {
	case "Equals":
		return order == 0
	case "LessThan":
		return order < 0
	case "LessThanEquals":
		return order <= 0
	case "GreaterThan":
		return order > 0
	}
	return order >= 0
}

func isKind(v any, kind string) bool {
	switch kind {
	case "Null":
		return v == nil
	case "String":
		_, ok := v.(string)
		return ok
	case "Boolean":
		_, ok := v.(bool)
		return ok
	case "Numeric":
		_, ok := value.Float(v)
		return ok
	case "Timestamp":
		s, ok := v.(string)
		_, isTime := ParseTimestamp(s)
		return ok && isTime
	}
	return false
}

// matchText matches s against a pattern in which "*" stands for any text, and
// a backslash makes "*" and itself plain.
func matchText(pattern, s string) bool {
	type part struct {
		c    byte
		wild bool
	}
	var parts []part
	for i := 0; i < len(pattern); i++ {
		switch c := pattern[i]; {
		case c == '\\' && i+1 < len(pattern):
			i++
			parts = append(parts, part{c: pattern[i]})
		default:
			parts = append(parts, part{c: c, wild: c == '*'})
		}
	}
	// Greedy with one step back: quadratic at worst, never exponential.
	p, i, star, mark := 0, 0, -1, 0
	for i < len(s) {
		switch {
		case p < len(parts) && parts[p].wild:
			star, mark = p, i
			p++
		case p < len(parts) && parts[p].c == s[i]:
			p++
			i++
		case star >= 0:
			mark++
			p, i = star+1, mark
		default:
			return false
		}
	}
	for p < len(parts) && parts[p].wild {
		p++
	}
	return p == len(parts)
}

// operatorOf finds a comparison by its name. path says that its operand is one.
func operatorOf(name string) (op operator, path, ok bool) {
	switch name {
	case "IsPresent":
		return operator{present: true}, false, true
	case "IsNull", "IsString", "IsBoolean", "IsNumeric", "IsTimestamp":
		return operator{kind: "Is", is: name[2:]}, false, true
	case "StringMatches":
		return operator{kind: "Matches"}, false, true
	}
	base, path := strings.CutSuffix(name, "Path")
	if base == "BooleanEquals" {
		return operator{kind: "Boolean"}, path, true
	}
	for _, kind := range []string{"String", "Numeric", "Timestamp"} {
		if order, ok := strings.CutPrefix(base, kind); ok {
			switch order {
			case "Equals", "LessThan", "LessThanEquals", "GreaterThan", "GreaterThanEquals":
				return operator{kind: kind, order: order}, path, true
			}
		}
	}
	return operator{}, false, false
}

// choices reads a Choice state's rules.
func (f *fields) choices() []Rule {
	list, ok := f.list("Choices")
	if ok && len(list) == 0 {
		f.r.fail(f.path("Choices"), "Value cannot be empty")
	}
	rules := make([]Rule, 0, len(list))
	for i, v := range list {
		g := f.r.fields(v, fmt.Sprintf("%s[%d]", f.path("Choices"), i))
		g.require("Next")
		next, _ := g.text("Next")
		rules = append(rules, Rule{Next: next, cond: g.condition()})
	}
	return rules
}

// condition reads a rule, but for its Next.
func (f *fields) condition() condition {
	f.text("Comment")
	defer f.done()
	for _, name := range []string{"And", "Or"} {
		if !f.has(name) {
			continue
		}
		list, ok := f.list(name)
		if ok && len(list) == 0 {
			f.r.fail(f.path(name), "Value cannot be empty")
		}
		var all []condition
		for i, v := range list {
			all = append(all, f.r.fields(v, fmt.Sprintf("%s[%d]", f.path(name), i)).condition())
		}
		if name == "And" {
			return condAnd(all)
		}
		return condOr(all)
	}
	if v, ok := f.take("Not"); ok {
		return condNot{f.r.fields(v, f.path("Not")).condition()}
	}
	return f.comparison()
}

func (f *fields) comparison() condition {
	f.require("Variable")
	c := condCompare{variable: f.jsonPath("Variable", ParsePath)}
	if c.variable == nil {
		c.variable = &Path{text: "$", definite: true}
	}
	found := ""
	for i := range f.o.Len() {
		name, v := f.o.At(i)
		op, path, ok := operatorOf(name)
		if !ok {
			continue // done reports it
		}
		f.taken = append(f.taken, name)
		if found != "" {
			f.r.fail(f.at, "Only one comparison operator may be there, but there are %s and %s", found, name)
			break
		}
		found, c.op = name, op
		if path {
			c.path = f.jsonPath(name, ParsePath)
			continue
		}
		c.constant = v
		f.operand(name, op, v)
	}
	if found == "" {
		f.r.fail(f.at, "A comparison operator is required")
	}
	return c
}

// operand reports a constant that is not of its operator's kind.
func (f *fields) operand(name string, op operator, v any) {
	want := op.kind
	switch {
	case op.present || op.kind == "Is":
		want = "Boolean"
	case op.kind == "Matches":
		want = "String"
	case op.kind == "Timestamp":
		f.timestamp(name)
		return
	}
	if !isKind(v, want) {
		f.r.fail(f.path(name), "Expected value of type %s", want)
	}
}
