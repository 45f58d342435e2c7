package asl

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/waypost/waypost/infra/local/states/value"
)

// A filter is the condition of a [?(…)] step: comparisons, "exists", &&, ||,
// ! and parentheses.
type filter interface{ test(node, root any) bool }

type (
	filterOr  []filter
	filterAnd []filter
	filterNot struct{ of filter }
	// filterHas is true where its path selects something.
	filterHas struct{ of operand }
	filterCmp struct {
		op          string
		left, right operand
	}
)

// An operand is a path from the node ("@") or the root ("$"), or a constant.
type operand struct {
	path     *Path
	fromRoot bool
	constant any
}

func (o operand) get(node, root any) (any, bool) {
	if o.path == nil {
		return o.constant, true
	}
	if o.fromRoot {
		node = root
	}
	v, err := o.path.Get(node, nil)
	return v, err == nil
}

func (f filterOr) test(node, root any) bool {
	for _, g := range f {
		if g.test(node, root) {
			return true
		}
	}
	return false
}

func (f filterAnd) test(node, root any) bool {
	for _, g := range f {
		if !g.test(node, root) {
			return false
		}
	}
	return true
}

func (f filterNot) test(node, root any) bool { return !f.of.test(node, root) }

// A path that may select many is there where it selects any; null is there.
func (f filterHas) test(node, root any) bool {
	v, ok := f.of.get(node, root)
	if ok && !f.of.path.definite {
		list, _ := v.([]any)
		return len(list) > 0
	}
	return ok
}

// What is not there equals nothing, and differs from all that is; values of
// two kinds are neither less nor greater, so that such a comparison is false.
func (f filterCmp) test(node, root any) bool {
	l, okL := f.left.get(node, root)
	r, okR := f.right.get(node, root)
	if !okL || !okR {
		return f.op == "!=" && okL != okR
	}
	switch f.op {
	case "==":
		return value.Equal(l, r)
	case "!=":
		return !value.Equal(l, r)
	}
	order, ok := compare(l, r)
	if !ok {
		return false
	}
	switch f.op {
	case "<":
		return order < 0
	case "<=":
		return order <= 0
	case ">":
		return order > 0
	default:
		return order >= 0
	}
}

// compare orders two numbers or two strings; others have no order.
func compare(a, b any) (order int, ok bool) {
	if x, isString := a.(string); isString {
		if y, isString := b.(string); isString {
			return strings.Compare(x, y), true
		}
		return 0, false
	}
	x, ok1 := value.Float(a)
	y, ok2 := value.Float(b)
	switch {
	case !ok1 || !ok2:
		return 0, false
	case x < y:
		return -1, true
	case x > y:
		return 1, true
	}
	return 0, true
}

// filterDepth bounds filters and parentheses within each other.
const filterDepth = 50

// filterStep reads what follows a "?": a condition in parentheses. Its grammar,
// from loose to tight: or := and {"||" and}; and := term {"&&" term};
// term := "!" term | "(" or ")" | operand [op operand].
func (p *pathParser) filterStep() (step, error) {
	if !p.accept("(") {
		return step{}, p.unexpected()
	}
	f, err := p.or()
	if err != nil {
		return step{}, err
	}
	if p.spaces(); !p.accept(")") {
		return step{}, p.unexpected()
	}
	return step{kind: stepFilter, filter: f}, nil
}

func (p *pathParser) or() (filter, error) {
	if p.depth++; p.depth > filterDepth {
		return nil, errors.New("the filter nests too deep")
	}
	defer func() { p.depth-- }()
	var f filterOr
	for {
		g, err := p.and()
		if err != nil {
			return nil, err
		}
		f = append(f, g)
		if p.spaces(); !p.accept("||") {
			return f, nil
		}
	}
}

func (p *pathParser) and() (filter, error) {
	var f filterAnd
	for {
		g, err := p.term()
		if err != nil {
			return nil, err
		}
		f = append(f, g)
		if p.spaces(); !p.accept("&&") {
			return f, nil
		}
	}
}

func (p *pathParser) term() (filter, error) {
	p.spaces()
	if p.accept("!") {
		if p.depth++; p.depth > filterDepth {
			return nil, errors.New("the filter nests too deep")
		}
		defer func() { p.depth-- }()
		f, err := p.term()
		return filterNot{f}, err
	}
	if p.accept("(") {
		f, err := p.or()
		if err != nil {
			return nil, err
		}
		if p.spaces(); !p.accept(")") {
			return nil, p.unexpected()
		}
		return f, nil
	}
	left, err := p.operand()
	if err != nil {
		return nil, err
	}
	p.spaces()
	// The longer operators first: "<" also begins "<=".
	for _, op := range []string{"==", "!=", "<=", ">=", "<", ">"} {
		if p.accept(op) {
			right, err := p.operand()
			return filterCmp{op: op, left: left, right: right}, err
		}
	}
	// Operators of Jayway's JsonPath, which AWS uses, are refused by name: a
	// definition that needs them must not seem to work.
	for _, op := range []string{"=~", "in ", "nin ", "subsetof ", "contains ", "size ", "empty "} {
		if p.accept(op) {
			return nil, fmt.Errorf("the filter operator %q is not implemented", strings.TrimSpace(op))
		}
	}
	if left.path == nil {
		return nil, p.unexpected() // a constant alone is no condition
	}
	return filterHas{left}, nil
}

func (p *pathParser) operand() (operand, error) {
	p.spaces()
	if p.pos >= len(p.text) {
		return operand{}, p.unexpected()
	}
	start := p.pos
	switch c := p.text[p.pos]; {
	case c == '@' || c == '$':
		p.pos++
		steps, err := p.steps()
		if err != nil {
			return operand{}, err
		}
		path := &Path{text: p.text[start:p.pos], steps: steps, definite: true}
		for _, s := range steps {
			path.definite = path.definite && (s.kind == stepName || s.kind == stepIndex)
		}
		return operand{path: path, fromRoot: c == '$'}, nil
	case c == '\'' || c == '"':
		s, err := p.quoted()
		return operand{constant: s}, err
	}
	for p.pos < len(p.text) && (nameByte(p.text[p.pos]) || strings.IndexByte("+.", p.text[p.pos]) >= 0) {
		p.pos++
	}
	text := p.text[start:p.pos]
	v, err := value.Decode([]byte(text))
	if err != nil {
		p.pos = start
		return operand{}, p.unexpected()
	}
	switch v.(type) {
	case nil, bool, json.Number:
		return operand{constant: v}, nil
	}
	p.pos = start
	return operand{}, p.unexpected()
}
