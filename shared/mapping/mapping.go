// Package mapping is the one language in which journeys say what goes into a
// request: templates and the expressions in them.
//
// A string in a mapping is a template. {{ … }} holds an expression in the
// grammar of expr-lang (github.com/expr-lang/expr). A string that is one
// expression and nothing else keeps that expression's type; with text around
// it, the result is text. Objects and arrays are walked, so that the strings in
// them are templates too (their keys are not); any other JSON value is a
// constant. A bare expression, as in `when`, has no braces.
//
// }} ends an expression only where the expression could end, so an object
// literal or a string may hold }}. To write {{ itself, put it in an expression:
// {{ '{{' }}.
//
// # What is in scope
//
//	event                the event's data
//	entry                id, source, type, time, subject of the event
//	profile              the customer's attributes
//	data.<source>        what a source answered
//	steps.<id>           outcome, code, response, error of an earlier step
//	journey              name, version, execution
//	now()                the step's first start
//
// An attribute whose name is no identifier is read as profile["first name"].
//
// # Lists
//
// An object with each, with, and perhaps as makes a list of a list:
//
//	{"each": "{{ event.lines }}", "as": "line", "with": {"sku": "{{ line.sku }}"}}
//
// with is mapped for each item, which it calls by the name in as, or else item.
// It may hold such an object again, in which the outer names stay visible. each
// is one expression, with braces or without; at most MaxItems items are mapped.
// A list that is nil gives nil. An object that is to have such keys itself is
// written as an expression: {{ {'each': 1, 'with': 2} }}.
//
// # Nil
//
// An attribute that is absent is nil, below a missing parent too. == nil and
// != nil (with the word nil) test for that; any other comparison, arithmetic or
// function with nil gives nil. and, or and not are three-valued: false and nil
// is false, true or nil is true, else nil stays nil. ?? gives a default. A nil
// condition, of ?: or of a filter, counts as false. A template with text around
// an expression that is nil is nil as a whole.
//
// # Numbers
//
// Integers stay integers under + - * % and ** where both sides are integers; /
// gives a number with a fraction. An integer that overflows, a result that is
// not finite, and a division by zero are errors. % takes any whole numbers.
//
// # Functions
//
// Those of expr-lang that depend on their arguments alone, with its names:
//
//	text     upper lower trim trimPrefix trimSuffix split replace repeat
//	         indexOf lastIndexOf hasPrefix hasSuffix string len
//	numbers  abs ceil floor round int float min max sum mean median
//	lists    all any none one filter map count find findIndex findLast
//	         findLastIndex groupBy sortBy reduce first last take reverse
//	         sort uniq concat flatten join keys values len
//	time     now date duration; of a time .Year() .Month() .Day() .Hour()
//	         .Minute() .Second() .Weekday() .Unix() .Format(layout) .In(zone);
//	         of a duration .Hours() .Minutes() .Seconds()
//	coding   toJSON fromJSON toBase64 fromBase64
//
// They differ from expr-lang's in this: text is counted and cut in characters,
// not bytes; toJSON is compact; keys and values come sorted by key; floor, ceil
// and round of a whole number give an integer; matches takes a literal pattern;
// In takes a zone's name; min, max, sum, mean, median and join of a list with a
// nil in it are nil; an index beyond a list gives nil.
//
// # Using it
//
// Parse and ParseExpression read; Check types an expression against a Scope, as
// a publish does; References lists what it reads, so that no more is fetched;
// Eval runs it, without types, on values as schema.Decode gives them. All
// results are such values too: a time becomes its RFC 3339 text.
//
// Templates and Expressions are immutable and safe for concurrent use. What
// Eval returns may share parts with its Env and with the template: read it, do
// not change it. Every evaluation has a budget, so none runs away. The zero
// Template is the constant null; the zero Expression is of no use.
package mapping

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/waypost/waypost/shared/fault"
	"github.com/waypost/waypost/shared/schema"
)

// A Template is a JSON value with expressions in its strings.
type Template struct {
	constant any         // where all below are empty
	parts    []part      // text with expressions in it
	alone    *Expression // one expression and nothing else
	object   map[string]*Template
	keys     []string // of object, sorted
	array    []*Template
	each     *each
}

// A part of a text is an expression, or else literal text.
type part struct {
	text       string
	expression *Expression
}

// Parse reads a template from a JSON value, as schema.Decode gives it. Its
// error is a fault.Error of code Invalid; a detail's path is that of the string
// in the value, and its line and column, from 1, count in that string.
func Parse(value any) (*Template, error) {
	var details []fault.Detail
	t := parseValue(value, nil, nil, &details)
	if len(details) > 0 {
		return nil, fault.Document("the mapping is not valid", details)
	}
	return t, nil
}

// parseValue reads a value at a path. Where nothing in it is an expression it
// stays what it is, so that constants cost nothing at run time. items are the
// names of the items of the lists that it stands in.
func parseValue(value any, path, items []string, details *[]fault.Detail) *Template {
	below := func(name string) []string { return append(slices.Clone(path), name) }
	switch v := value.(type) {
	case string:
		t, found := parseText(v, items)
		*details = append(*details, under(path, found)...)
		return t
	case map[string]any:
		if IsEach(v) {
			return parseEach(v, path, items, details)
		}
		t := &Template{object: make(map[string]*Template, len(v)), keys: slices.Sorted(maps.Keys(v))}
		fixed := true
		for _, key := range t.keys {
			t.object[key] = parseValue(v[key], below(key), items, details)
			fixed = fixed && t.object[key].isConstant()
		}
		if !fixed {
			return t
		}
	case []any:
		t := &Template{array: make([]*Template, len(v))}
		fixed := true
		for i, item := range v {
			t.array[i] = parseValue(item, below(strconv.Itoa(i)), items, details)
			fixed = fixed && t.array[i].isConstant()
		}
		if !fixed {
			return t
		}
	}
	return &Template{constant: value}
}

// under puts details that were found in a string below the string's path.
func under(path []string, details []fault.Detail) []fault.Detail {
	for i := range details {
		details[i].Path = strings.Join(path, ".")
	}
	return details
}

// isConstant says whether the value is the same for each Env.
func (t *Template) isConstant() bool {
	return t.parts == nil && t.alone == nil && t.object == nil && t.array == nil && t.each == nil
}

// Eval gives the template's value for env: nil where it comes out nil. Its
// error is a fault.Error of code Invalid that names the expression, where it
// stands in the value or in the list made, and what failed in it, and repeats no
// value.
func (t *Template) Eval(env Env) (any, error) {
	if t.isConstant() {
		return t.constant, nil
	}
	return t.eval(&frame{env: env, budget: budget})
}

// eval runs the template; all its expressions share one frame and one budget.
func (t *Template) eval(f *frame) (any, error) {
	switch {
	case t.alone != nil:
		return t.alone.run(f)
	case t.parts != nil:
		var buffer [128]byte
		text := buffer[:0]
		for _, p := range t.parts {
			if p.expression == nil {
				text = append(text, p.text...)
				continue
			}
			v, err := p.expression.run(f)
			if v == nil || err != nil {
				return nil, err
			}
			text = appendText(text, v)
		}
		return string(text), nil
	case t.object != nil:
		object := make(map[string]any, len(t.object))
		for _, key := range t.keys {
			v, err := t.object[key].eval(f)
			if err != nil {
				return nil, beneath(key, err)
			}
			object[key] = v
		}
		return object, nil
	case t.array != nil:
		array := make([]any, len(t.array))
		for i, item := range t.array {
			v, err := item.eval(f)
			if err != nil {
				return nil, beneath(strconv.Itoa(i), err)
			}
			array[i] = v
		}
		return array, nil
	case t.each != nil:
		return t.each.eval(f)
	}
	return t.constant, nil
}

// Check types the template against a scope. It gives the type of its value: a
// string, with text around an expression. Its error is a fault.Error of code
// Invalid with all that is wrong; paths and places are as in Parse's.
func (t *Template) Check(scope Scope) (schema.Type, error) {
	var details []fault.Detail
	typ := t.check(scope, nil, &details)
	return typ, fault.Document("the mapping does not fit what it reads", details)
}

// check types the template at a path.
func (t *Template) check(scope Scope, path []string, details *[]fault.Detail) schema.Type {
	switch {
	case t.alone != nil:
		typ, found := t.alone.check(scope)
		*details = append(*details, under(path, found)...)
		return typ
	case t.parts != nil:
		text := schema.String()
		for _, p := range t.parts {
			if p.expression == nil {
				continue
			}
			typ, found := p.expression.check(scope)
			*details = append(*details, under(path, found)...)
			text.Nullable = text.Nullable || typ.Nullable
		}
		return text
	case t.object != nil:
		properties := make(map[string]schema.Type, len(t.object))
		for _, key := range t.keys {
			properties[key] = t.object[key].check(scope, append(slices.Clone(path), key), details)
		}
		return schema.Object(properties)
	case t.array != nil:
		items := schema.Type{}
		for i, item := range t.array {
			typ := item.check(scope, append(slices.Clone(path), strconv.Itoa(i)), details)
			if i == 0 {
				items = typ
			}
			items = either(items, typ)
		}
		return schema.Array(items)
	case t.each != nil:
		return t.each.check(scope, path, details)
	}
	return typeOf(t.constant)
}

// References lists what the template reads.
func (t *Template) References() References {
	var r References
	t.expressions(func(x *Expression) { r.add(x.reads) })
	return r.minimal()
}

// expressions calls visit with each expression in the template.
func (t *Template) expressions(visit func(*Expression)) {
	if t.alone != nil {
		visit(t.alone)
	}
	for _, p := range t.parts {
		if p.expression != nil {
			visit(p.expression)
		}
	}
	for _, key := range t.keys {
		t.object[key].expressions(visit)
	}
	for _, item := range t.array {
		item.expressions(visit)
	}
	if t.each != nil {
		visit(t.each.of)
		t.each.with.expressions(visit)
	}
}
