package asl

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/waypost/waypost/infra/local/states/value"
)

// A Template is a payload template: JSON in which a field whose name ends in
// ".$" has a path or a function for its value.
type Template struct {
	root    node
	context bool
}

// A node of a template: a constant where nothing in it is computed, else an
// expression, an object or an array of nodes.
type node struct {
	constant any
	expr     *Expression
	field    string // the expression's field, with its ".$"
	keys     []string
	nodes    []node
	object   bool
	array    bool
}

// A TemplateError says that a path in a template selects nothing.
type TemplateError struct {
	Path, Field string
	Input       any
}

func (e *TemplateError) Error() string {
	return fmt.Sprintf("The JSONPath '%s' specified for the field '%s' could not be found in the input '%s'",
		e.Path, e.Field, value.Encode(e.Input))
}

// An Expression is what the value of a ".$" field, an ErrorPath or a CausePath
// may be: a path or the call of a function.
type Expression struct {
	path *Path
	call *call
}

// ParseExpression reads a path or a function's call.
func ParseExpression(text string) (*Expression, error) {
	switch {
	case !utf8.ValidString(text): // no JSON document has such a string
		return nil, errors.New("it is not valid UTF-8")
	case strings.HasPrefix(text, "$"):
		p, err := ParsePath(text)
		return &Expression{path: p}, err
	case strings.HasPrefix(text, "States."):
		c, err := parseCall(text)
		return &Expression{call: c}, err
	}
	return nil, errors.New("it begins with neither '$' nor 'States.'")
}

// Context says whether the expression reads the context object.
func (e *Expression) Context() bool {
	return e.path != nil && e.path.context || e.call != nil && e.call.usesContext()
}

// Eval computes the expression. field names it in an error, which is a
// *TemplateError or a *FunctionError.
func (e *Expression) Eval(field string, data, context any) (any, error) {
	var v any
	var err error
	if e.path != nil {
		v, err = e.path.Get(data, context)
	} else {
		v, err = e.call.eval(data, context)
	}
	var missing *NoValueError
	if errors.As(err, &missing) {
		input := data
		if strings.HasPrefix(missing.Path, "$$") {
			input = context
		}
		return nil, &TemplateError{Path: missing.Path, Field: field, Input: input}
	}
	return v, err
}

// Eval fills the template. The error is a *TemplateError or a *FunctionError.
func (t *Template) Eval(data, context any) (any, error) { return t.root.eval(data, context) }

// Context says whether the template reads the context object.
func (t *Template) Context() bool { return t.context }

func (n *node) eval(data, context any) (any, error) {
	switch {
	case n.expr != nil:
		return n.expr.Eval(n.field, data, context)
	case n.object:
		o := value.NewObject(len(n.keys))
		for i, k := range n.keys {
			v, err := n.nodes[i].eval(data, context)
			if err != nil {
				return nil, err
			}
			o.Set(k, v)
		}
		return o, nil
	case n.array:
		l := make([]any, len(n.nodes))
		for i := range n.nodes {
			v, err := n.nodes[i].eval(data, context)
			if err != nil {
				return nil, err
			}
			l[i] = v
		}
		return l, nil
	}
	return n.constant, nil
}

// fixed says whether nothing in the node is computed.
func (n *node) fixed() bool { return n.expr == nil && !n.object && !n.array }

// template reads a payload template; what is wrong in it goes to r.
func (r *reader) template(v any, at string) *Template {
	t := &Template{}
	t.root = r.node(v, at, t)
	return t
}

func (r *reader) node(v any, at string, t *Template) node {
	switch v := v.(type) {
	case *value.Object:
		n := node{object: true}
		fixed := true
		for i := range v.Len() {
			k, e := v.At(i)
			name, computed := strings.CutSuffix(k, ".$")
			if !computed {
				child := r.node(e, at, t)
				fixed = fixed && child.fixed()
				n.keys, n.nodes = append(n.keys, k), append(n.nodes, child)
				continue
			}
			fixed = false
			if _, twice := v.Get(name); twice {
				r.fail(at, "The field '%s' is there both with and without '.$'", name)
			}
			s, ok := e.(string)
			if !ok {
				r.fail(at, "The value for the field '%s' must be a STRING that contains a JSONPath or an intrinsic function call", k)
				continue
			}
			expr, err := ParseExpression(s)
			if err != nil {
				r.fail(at, "The value for the field '%s' must be a valid JSONPath or a valid intrinsic function call: %v", k, err)
				continue
			}
			t.context = t.context || expr.Context()
			n.keys, n.nodes = append(n.keys, name), append(n.nodes, node{expr: expr, field: k})
		}
		if fixed {
			return node{constant: v}
		}
		return n
	case []any:
		n := node{array: true}
		fixed := true
		for _, e := range v {
			child := r.node(e, at, t)
			fixed = fixed && child.fixed()
			n.nodes = append(n.nodes, child)
		}
		if fixed {
			return node{constant: v}
		}
		return n
	}
	return node{constant: v}
}
