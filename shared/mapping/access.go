package mapping

import "github.com/expr-lang/expr/ast"

// member compiles of.name and of[key]. A chain of names from a root is one step,
// and the only form of which the exact attributes are known.
func (c *compiler) member(n *ast.MemberNode) eval {
	if path, whole := pathOf(n); whole {
		return c.path(path)
	}
	if base, ok := n.Node.(*ast.IdentifierNode); ok && (base.Value == "data" || base.Value == "steps") {
		return c.refuse(n, "", "the name after %s must be a literal one, since what is read must be known beforehand", base.Value)
	}
	of, key := c.node(n.Node), c.node(n.Property)
	if name, ok := n.Property.(*ast.StringNode); ok {
		return func(f *frame) (any, error) {
			v, err := of(f)
			if err != nil {
				return nil, err
			}
			return attribute(v, name.Value), nil
		}
	}
	at := n.Property.Location()
	return func(f *frame) (any, error) {
		v, k, err := two(f, of, key)
		if err != nil || v == nil || k == nil {
			return nil, err
		}
		item, err := index(v, k)
		return item, located(err, at)
	}
}

// path compiles a chain of names from a root, and notes that it is read.
func (c *compiler) path(path []string) eval {
	c.x.reads = append(c.x.reads, path)
	root, first, rest := path[0], path[1], path[2:]
	if len(rest) == 0 {
		return func(f *frame) (any, error) { return f.env.member(root, first), nil }
	}
	return func(f *frame) (any, error) {
		v := f.env.member(root, first)
		for _, name := range rest {
			v = attribute(v, name)
		}
		return v, nil
	}
}

// slice compiles of[from:to]. A missing end is the string's or list's own; an end
// that is there but nil makes the whole nil.
func (c *compiler) slice(n *ast.SliceNode) eval {
	of, from, to := c.node(n.Node), constant(int64(0)), constant(nil)
	if n.From != nil {
		from = c.node(n.From)
	}
	if n.To != nil {
		to = c.node(n.To)
	}
	open, at := n.To == nil, n.Location()
	return func(f *frame) (any, error) {
		v, err := of(f)
		if err != nil {
			return nil, err
		}
		a, b, err := two(f, from, to)
		if err != nil || v == nil || a == nil || b == nil && !open {
			return nil, err
		}
		part, err := cut(f, v, a, b)
		return part, located(err, at)
	}
}

// attribute reads an attribute of a value: nil where it has none.
func attribute(v any, name string) any {
	object, _ := v.(map[string]any)
	return number(object[name])
}

// index reads of[key]: nil where there is no such item.
func index(of, key any) (any, error) {
	switch of := of.(type) {
	case map[string]any:
		name, ok := key.(string)
		if !ok {
			return nil, broken("an attribute's name must be a string, this is " + nameOf(key))
		}
		return number(of[name]), nil
	case []any:
		n, ok := whole(key)
		if !ok {
			return nil, broken("an index must be a whole number, this is " + nameOf(key))
		}
		if n < 0 {
			n += int64(len(of)) // from the end
		}
		if n < 0 || n >= int64(len(of)) {
			return nil, nil
		}
		return number(of[n]), nil
	}
	return nil, nil
}

// cut is of[from:to], with a nil to for the end.
func cut(f *frame, of, from, to any) (any, error) {
	size := 0
	var characters []rune
	list, isList := of.([]any)
	if s, ok := of.(string); ok {
		if err := f.spend(len(s)); err != nil {
			return nil, err
		}
		characters = []rune(s)
		size = len(characters)
	} else if isList {
		size = len(list)
	} else {
		return nil, broken("only a string or a list can be cut, this is " + nameOf(of))
	}
	if to == nil {
		to = int64(size)
	}
	a, ok1 := whole(from)
	b, ok2 := whole(to)
	if !ok1 || !ok2 {
		return nil, broken("an index must be a whole number")
	}
	bound := func(n int64) int64 {
		if n < 0 {
			n += int64(size)
		}
		return max(0, min(n, int64(size)))
	}
	a, b = bound(a), bound(b)
	a = min(a, b)
	if isList {
		return list[a:b:b], nil
	}
	return string(characters[a:b]), nil
}
