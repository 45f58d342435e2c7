package asl

import (
	"fmt"
	"strings"

	"github.com/waypost/waypost/infra/local/states/value"
)

// A Path is a JSONPath of the kind that the States Language takes: "$" (the
// data) or "$$" (the context object), then names, indexes, wildcards, slices,
// unions of indexes, "..", and filters.
//
// A definite path (names and indexes alone) selects one value, and it is an
// error where that is not there. Any other gives the list of what it selects,
// which may be empty.
type Path struct {
	text     string
	context  bool // begins with "$$"
	steps    []step
	definite bool
}

// A NoValueError says that a path selects nothing.
type NoValueError struct {
	Path string
	// Missing names the first property or index that is not there, as
	// "$['a']", where the path is a definite one.
	Missing string
	// Leaf says that all but the last step was there.
	Leaf bool
}

func (e *NoValueError) Error() string {
	if e.Leaf {
		return fmt.Sprintf("Invalid path '%s' : No results for path: %s", e.Path, e.Missing)
	}
	return fmt.Sprintf("Invalid path '%s' : Missing property in path %s", e.Path, e.Missing)
}

type stepKind int

const (
	stepName stepKind = iota
	stepIndex
	stepWild
	stepDeep // "..": this node and all below it; the next step selects
	stepSlice
	stepUnion
	stepFilter
)

type step struct {
	kind     stepKind
	name     string
	index    int
	indexes  []int
	from, to *int
	filter   filter
}

// String gives the path as it was written.
func (p *Path) String() string { return p.text }

// Context says whether the path reads the context object.
func (p *Path) Context() bool { return p.context }

// maxNodes bounds what a path may select on its way: "$..*..*..*" multiplies.
// No state's data could hold as many values.
const maxNodes = 300_000

// Get selects from the data, or where the path begins with "$$" from the
// context object. The error is a *NoValueError.
func (p *Path) Get(data, context any) (any, error) {
	root := data
	if p.context {
		root = context
	}
	if len(p.steps) == 0 {
		return root, nil
	}
	if p.definite {
		v := root
		for i, s := range p.steps {
			next, ok := s.one(v)
			if !ok {
				return nil, p.missing(i)
			}
			v = next
		}
		return v, nil
	}
	nodes := []any{root}
	definite := true // so far
	for i, s := range p.steps {
		single := s.kind == stepName || s.kind == stepIndex
		next := make([]any, 0, len(nodes))
		for _, n := range nodes {
			if next = s.all(n, root, next); len(next) > maxNodes {
				return nil, &NoValueError{Path: p.text, Missing: p.text}
			}
		}
		if definite && single && len(next) == 0 {
			return nil, p.missing(i) // the definite part of the path must be there
		}
		definite = definite && single
		nodes = next
	}
	return nodes, nil
}

func (p *Path) missing(i int) *NoValueError {
	var b strings.Builder
	b.WriteString("$")
	if p.context {
		b.WriteString("$")
	}
	for _, s := range p.steps[:i+1] {
		if s.kind == stepIndex {
			fmt.Fprintf(&b, "[%d]", s.index)
		} else {
			fmt.Fprintf(&b, "['%s']", s.name)
		}
	}
	return &NoValueError{Path: p.text, Missing: b.String(), Leaf: i == len(p.steps)-1}
}

// one follows a name or an index.
func (s *step) one(v any) (any, bool) {
	if s.kind == stepName {
		if o, ok := v.(*value.Object); ok {
			return o.Get(s.name)
		}
		return nil, false
	}
	if list, ok := v.([]any); ok {
		return at(list, s.index)
	}
	return nil, false
}

func at(list []any, i int) (any, bool) {
	if i < 0 {
		i += len(list) // from the end
	}
	if i < 0 || i >= len(list) {
		return nil, false
	}
	return list[i], true
}

// all appends to out what the step selects from v.
func (s *step) all(v, root any, out []any) []any {
	switch s.kind {
	case stepName, stepIndex:
		if next, ok := s.one(v); ok {
			out = append(out, next)
		}
	case stepWild:
		out = children(v, out)
	case stepDeep:
		out = below(v, out)
	case stepUnion:
		if list, ok := v.([]any); ok {
			for _, i := range s.indexes {
				if e, ok := at(list, i); ok {
					out = append(out, e)
				}
			}
		}
	case stepSlice:
		if list, ok := v.([]any); ok {
			from, to := bounds(s.from, s.to, len(list))
			if from < to {
				out = append(out, list[from:to]...)
			}
		}
	case stepFilter:
		// A filter tests an array's elements, and of anything else the thing itself.
		if list, ok := v.([]any); ok {
			for _, e := range list {
				if s.filter.test(e, root) {
					out = append(out, e)
				}
			}
		} else if o, ok := v.(*value.Object); ok && s.filter.test(o, root) {
			out = append(out, o)
		}
	}
	return out
}

func children(v any, out []any) []any {
	switch v := v.(type) {
	case []any:
		out = append(out, v...)
	case *value.Object:
		for i := range v.Len() {
			_, e := v.At(i)
			out = append(out, e)
		}
	}
	return out
}

// below appends v and everything in it, parents first.
func below(v any, out []any) []any {
	switch v.(type) {
	case []any, *value.Object:
		out = append(out, v)
		for _, e := range children(v, nil) {
			out = below(e, out)
		}
	}
	return out
}

func bounds(from, to *int, n int) (int, int) {
	clamp := func(i int) int {
		if i < 0 {
			i += n
		}
		return min(max(i, 0), n)
	}
	lo, hi := 0, n
	if from != nil {
		lo = clamp(*from)
	}
	if to != nil {
		hi = clamp(*to)
	}
	return lo, hi
}

// An ApplyError says that a result has no place in the input at a path.
type ApplyError struct{ Path, Input string }

func (e *ApplyError) Error() string {
	return fmt.Sprintf("Unable to apply ReferencePath %s to input %s", e.Path, e.Input)
}

// Set gives data with v at the place that a reference path names. Objects that
// are missing on the way are made; an array's element must already be there.
// The data itself is not changed. The error is an *ApplyError.
func (p *Path) Set(data, v any) (any, error) {
	out, ok := set(data, p.steps, v)
	if !ok {
		return nil, &ApplyError{Path: p.text, Input: value.Encode(data)}
	}
	return out, nil
}

func set(data any, steps []step, v any) (any, bool) {
	if len(steps) == 0 {
		return v, true
	}
	s := steps[0]
	switch s.kind {
	case stepName:
		o, ok := data.(*value.Object)
		if !ok {
			return nil, false
		}
		child, there := o.Get(s.name)
		if !there {
			child = &value.Object{}
		}
		child, ok = set(child, steps[1:], v)
		if !ok {
			return nil, false
		}
		return o.With(s.name, child), true
	case stepIndex:
		list, ok := data.([]any)
		if !ok || s.index < 0 || s.index >= len(list) {
			return nil, false
		}
		child, ok := set(list[s.index], steps[1:], v)
		if !ok {
			return nil, false
		}
		copied := append([]any(nil), list...)
		copied[s.index] = child
		return copied, true
	}
	return nil, false
}
