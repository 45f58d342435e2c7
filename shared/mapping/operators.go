package mapping

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/expr-lang/expr/ast"
)

// unary compiles not and the signs; each of nil is nil.
func (c *compiler) unary(n *ast.UnaryNode) eval {
	of, at := c.node(n.Node), n.Location()
	switch n.Operator {
	case "not", "!":
		return func(f *frame) (any, error) {
			v, err := of(f)
			if err != nil || v == nil {
				return nil, err
			}
			b, ok := v.(bool)
			if !ok {
				return nil, &evalError{at: at, message: "not needs a boolean, has " + nameOf(v)}
			}
			return !b, nil
		}
	case "-", "+":
		minus := n.Operator == "-"
		return func(f *frame) (any, error) {
			v, err := of(f)
			if err != nil || v == nil {
				return nil, err
			}
			v, err = signed(v, minus)
			return v, located(err, at)
		}
	}
	return c.refuse(n, "", "%s is not an operator here", n.Operator)
}

// isNil says whether a node is the word nil.
func isNil(n ast.Node) bool {
	_, ok := n.(*ast.NilNode)
	return ok
}

// binary compiles the operators with two sides. Those that have no case of their
// own are nil where a side is.
func (c *compiler) binary(n *ast.BinaryNode) eval {
	at := n.Location()
	switch n.Operator {
	case "and", "&&":
		return c.logic(n, false)
	case "or", "||":
		return c.logic(n, true)
	case "??":
		left, right := c.node(n.Left), c.node(n.Right)
		return func(f *frame) (any, error) {
			v, err := left(f)
			if err != nil || v != nil {
				return v, err
			}
			return right(f)
		}
	case "==", "!=":
		return c.equality(n)
	case "matches":
		left := c.node(n.Left)
		re, refused := c.pattern(n)
		if refused != nil {
			return refused
		}
		return func(f *frame) (any, error) {
			v, err := left(f)
			if err != nil || v == nil {
				return nil, err
			}
			s, ok := v.(string)
			if !ok {
				return nil, &evalError{at: at, message: "matches needs a string, has " + nameOf(v)}
			}
			if err := f.spend(len(s)); err != nil {
				return nil, located(err, at)
			}
			return re.MatchString(s), nil
		}
	}
	apply, ok := operator(n.Operator)
	if !ok {
		return c.refuse(n, "", "%s is not an operator here", n.Operator)
	}
	left, right := c.node(n.Left), c.node(n.Right)
	return func(f *frame) (any, error) {
		l, r, err := two(f, left, right)
		if err != nil || l == nil || r == nil {
			return nil, err
		}
		if err = f.spend(1); err == nil {
			l, err = apply(f, l, r)
		}
		if err != nil {
			return nil, located(err, at)
		}
		return l, nil
	}
}

// logic is three-valued and, where decisive is false, or or, where it is true.
// The right side is only looked at where the left does not decide.
func (c *compiler) logic(n *ast.BinaryNode, decisive bool) eval {
	left, right := c.node(n.Left), c.node(n.Right)
	operand := func(f *frame, of eval, node ast.Node) (any, error) {
		v, err := of(f)
		if err != nil {
			return nil, err
		}
		if _, ok := v.(bool); !ok && v != nil {
			return nil, &evalError{at: node.Location(), message: n.Operator + " needs booleans, has " + nameOf(v)}
		}
		return v, nil
	}
	return func(f *frame) (any, error) {
		if err := f.spend(1); err != nil {
			return nil, located(err, n.Location())
		}
		l, err := operand(f, left, n.Left)
		if err != nil || l == decisive {
			return l, err
		}
		r, err := operand(f, right, n.Right)
		if err != nil || r == decisive || l != nil {
			return r, err
		}
		return nil, nil
	}
}

// equality is == and !=. With the word nil it tests for nil; else it is nil
// where a side is.
func (c *compiler) equality(n *ast.BinaryNode) eval {
	left, right := c.node(n.Left), c.node(n.Right)
	negate, at := n.Operator == "!=", n.Location()
	test := isNil(n.Left) || isNil(n.Right)
	return func(f *frame) (any, error) {
		l, r, err := two(f, left, right)
		if err != nil {
			return nil, err
		}
		if test {
			return (l == nil && r == nil) != negate, nil
		}
		if l == nil || r == nil {
			return nil, nil
		}
		same, err := equal(f, l, r)
		if err != nil {
			return nil, located(err, at)
		}
		return same != negate, nil
	}
}

// operator gives what an operator does with two values that are not nil.
func operator(name string) (func(f *frame, l, r any) (any, error), bool) {
	switch name {
	case "<":
		return func(f *frame, l, r any) (any, error) { n, err := order(f, l, r); return n < 0, err }, true
	case ">":
		return func(f *frame, l, r any) (any, error) { n, err := order(f, l, r); return n > 0, err }, true
	case "<=":
		return func(f *frame, l, r any) (any, error) { n, err := order(f, l, r); return n <= 0, err }, true
	case ">=":
		return func(f *frame, l, r any) (any, error) { n, err := order(f, l, r); return n >= 0, err }, true
	case "+":
		return add, true
	case "-":
		return subtract, true
	case "*":
		return multiply, true
	case "/":
		return divide, true
	case "%":
		return modulo, true
	case "**", "^":
		return power, true
	case "..":
		return span, true
	case "in":
		return contained, true
	case "contains":
		return texts(name, strings.Contains), true
	case "startsWith":
		return texts(name, strings.HasPrefix), true
	case "endsWith":
		return texts(name, strings.HasSuffix), true
	}
	return nil, false
}

// texts makes an operator of a test on two strings.
func texts(name string, test func(s, part string) bool) func(*frame, any, any) (any, error) {
	return func(f *frame, l, r any) (any, error) {
		s, ok1 := l.(string)
		part, ok2 := r.(string)
		if !ok1 || !ok2 {
			return nil, mismatch(name, "two strings", l, r)
		}
		return test(s, part), f.spend(len(s) / 8)
	}
}

// mismatch is a failure that tells the kinds of both sides.
func mismatch(operator, needs string, l, r any) error {
	return broken(fmt.Sprintf("%s needs %s, has %s and %s", operator, needs, nameOf(l), nameOf(r)))
}

// contained is the operator in: an item of a list, or a key of an object.
func contained(f *frame, l, r any) (any, error) {
	switch of := r.(type) {
	case map[string]any:
		name, ok := l.(string)
		if !ok {
			return nil, broken("in needs a string to look up in an object, has " + nameOf(l))
		}
		v, ok := of[name]
		return ok && v != nil, nil
	case []any:
		for _, item := range of {
			if item == nil {
				continue
			}
			same, err := equal(f, l, number(item))
			if same || err != nil {
				return same, err
			}
		}
		return false, nil
	}
	return nil, broken("in needs a list or an object on its right, has " + nameOf(r))
}

// span is the operator ..: the integers from l to r, both included.
func span(f *frame, l, r any) (any, error) {
	from, ok1 := whole(l)
	to, ok2 := whole(r)
	if !ok1 || !ok2 {
		return nil, mismatch("..", "two whole numbers", l, r)
	}
	if to < from {
		return []any{}, nil
	}
	if size := uint64(to) - uint64(from); size >= budget/8 {
		return nil, f.spend(-1)
	}
	list := make([]any, 0, to-from+1)
	if err := f.spend(8 * cap(list)); err != nil {
		return nil, err
	}
	for n := range cap(list) {
		list = append(list, from+int64(n))
	}
	return list, nil
}

// pattern compiles the literal pattern of matches.
func (c *compiler) pattern(n *ast.BinaryNode) (*regexp.Regexp, eval) {
	s, ok := n.Right.(*ast.StringNode)
	if !ok {
		return nil, c.refuse(n.Right, "", "the pattern of matches must be a literal string")
	}
	re, err := regexp.Compile(s.Value)
	if err != nil {
		return nil, c.refuse(n.Right, "", "the pattern is not a regular expression that Go's regexp (RE2) can read")
	}
	return re, nil
}
