package mapping

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/expr-lang/expr/ast"

	"github.com/waypost/waypost/shared/fault"
	"github.com/waypost/waypost/shared/schema"
)

// A checker gives each node of an expression its type. It does not stop at the
// first fault: what is wrong counts as of any type from there on.
//
// It is not expr-lang's own checker. That one knows Go's types, so it has no
// nullable ones, tells an integer from a number where JSON does not, and loses
// an object's attributes behind functions such as first.
type checker struct {
	x       *Expression
	scope   Scope
	known   map[ast.Node]schema.Type
	names   []typedVariable
	items   []itemTypes
	details []fault.Detail
}

type typedVariable struct {
	name string
	typ  schema.Type
}

// itemTypes are the types of # and #acc in a body, and what # is called.
type itemTypes struct {
	item, acc schema.Type
	path      string
}

// check types the expression; times in its result count as text.
func (x *Expression) check(scope Scope) (schema.Type, []fault.Detail) {
	c := checker{x: x, scope: scope, known: map[ast.Node]schema.Type{}, names: slices.Clone(scope.items)}
	t := c.node(x.tree)
	if x.timed {
		t = untimedType(t, 0)
	}
	return t, c.details
}

// untimedType is the type of a result: its times and durations are text. It
// looks no deeper than expressions are ever nested by hand.
func untimedType(t schema.Type, depth int) schema.Type {
	switch {
	case t.Kind == schema.TimeKind || t.Kind == schema.DurationKind:
		t.Kind = schema.StringKind
	case depth > 4:
	case t.Items != nil:
		items := untimedType(*t.Items, depth+1)
		t.Items = &items
	case t.Properties != nil:
		properties := make(map[string]schema.Type, len(t.Properties))
		for name, p := range t.Properties {
			properties[name] = untimedType(p, depth+1)
		}
		t.Properties = properties
	}
	return t
}

// refuse notes a fault at a node. The node then counts as of any type, so that
// one slip is reported once.
func (c *checker) refuse(n ast.Node, suggestion, format string, args ...any) schema.Type {
	d := c.x.detail(n.Location(), fmt.Sprintf(format, args...))
	d.Suggestion = suggestion
	c.details = append(c.details, d)
	return schema.Any()
}

// node gives the type of a node, worked out once: the parser shares nodes.
func (c *checker) node(n ast.Node) schema.Type {
	if t, ok := c.known[n]; ok {
		return t
	}
	t := c.check(n)
	c.known[n] = t
	return t
}

func (c *checker) check(n ast.Node) schema.Type {
	switch n := n.(type) {
	case *ast.NilNode:
		return schema.Null()
	case *ast.IntegerNode:
		return schema.Integer()
	case *ast.FloatNode:
		return schema.Number()
	case *ast.BoolNode:
		return schema.Boolean()
	case *ast.StringNode:
		return schema.String()
	case *ast.IdentifierNode:
		return c.identifier(n)
	case *ast.UnaryNode:
		return c.unary(n)
	case *ast.BinaryNode:
		return c.binary(n)
	case *ast.ChainNode:
		return c.node(n.Node)
	case *ast.MemberNode:
		return c.member(n)
	case *ast.SliceNode:
		return c.slice(n)
	case *ast.BuiltinNode:
		return c.call(n, n.Name, n.Arguments)
	case *ast.CallNode:
		switch callee := n.Callee.(type) {
		case *ast.IdentifierNode:
			return c.call(n, callee.Value, n.Arguments)
		case *ast.MemberNode:
			if name, ok := callee.Property.(*ast.StringNode); ok {
				return c.call(n, "."+name.Value, append([]ast.Node{callee.Node}, n.Arguments...))
			}
		}
	case *ast.PointerNode:
		return c.pointer(n)
	case *ast.ConditionalNode:
		c.condition(n.Cond, "a condition")
		return either(c.node(n.Exp1), c.node(n.Exp2))
	case *ast.VariableDeclaratorNode:
		c.names = append(c.names, typedVariable{n.Name, c.node(n.Value)})
		t := c.node(n.Expr)
		c.names = c.names[:len(c.names)-1]
		return t
	case *ast.ArrayNode:
		items := schema.Type{}
		for i, item := range n.Nodes {
			t := c.node(item)
			if i == 0 {
				items = t
			}
			items = either(items, t)
		}
		return schema.Array(items)
	case *ast.MapNode:
		return c.object(n)
	}
	return schema.Any()
}

// object types an object literal: closed where its keys are literal ones.
func (c *checker) object(n *ast.MapNode) schema.Type {
	properties, fixed := map[string]schema.Type{}, true
	for _, node := range n.Pairs {
		p, ok := node.(*ast.PairNode)
		if !ok {
			continue
		}
		value := c.node(p.Value)
		if key, ok := p.Key.(*ast.StringNode); ok {
			properties[key.Value] = value
			continue
		}
		fixed = false
		if t := c.node(p.Key); !of(t, isString) {
			c.refuse(p.Key, "", "a key must be a string, this is %s", t.NotNull())
		}
	}
	if !fixed {
		return schema.OpenObject()
	}
	return schema.Object(properties)
}

// condition checks what must be true or false.
func (c *checker) condition(n ast.Node, what string) {
	if t := c.node(n); !of(t, isBoolean) {
		c.refuse(n, "", "%s must be a boolean, %s is %s", what, describe(n), t.NotNull())
	}
}

// identifier types a variable of let, an item, or a root.
func (c *checker) identifier(n *ast.IdentifierNode) schema.Type {
	for _, v := range slices.Backward(c.names) {
		if v.name == n.Value {
			return v.typ
		}
	}
	return c.root(n, n.Value)
}

// root types a name that expressions start from.
func (c *checker) root(n ast.Node, name string) schema.Type {
	if slices.Contains(c.scope.Hidden, name) {
		return c.refuse(n, "", "%s cannot be read here", name)
	}
	return c.scope.typeOf(name)
}

// declared says whether a name is one of let, or of an item.
func (c *checker) declared(name string) bool {
	return slices.ContainsFunc(c.names, func(v typedVariable) bool { return v.name == name })
}

// member types of.name. Below a value that may be nil all may be nil; below one
// that is an array or a scalar there is nothing to read, and saying so beats the
// nil that would come of it at run time.
func (c *checker) member(n *ast.MemberNode) schema.Type {
	var base schema.Type
	if id, ok := n.Node.(*ast.IdentifierNode); ok && !c.declared(id.Value) {
		base = c.root(n.Node, id.Value) // not through identifier: data and steps stand before a dot only
	} else {
		base = c.node(n.Node)
	}
	name, isName := n.Property.(*ast.StringNode)
	if !isName {
		return c.index(n, base)
	}
	var t schema.Type
	switch base.Kind {
	case schema.AnyKind, schema.NullKind:
		return schema.Any()
	case schema.ObjectKind:
		var ok bool
		if t, ok = base.Property(name.Value); !ok {
			return c.unknown(n, name.Value, base)
		}
	case schema.ArrayKind:
		return c.refuse(n.Property, "", "%s is an array: read an item of it, as in %s[0].%s, or use map", c.path(n.Node), c.path(n.Node), name.Value)
	default:
		return c.refuse(n.Property, "", "%s is %s, which has no attributes", c.path(n.Node), base.NotNull())
	}
	t.Nullable = t.Nullable || base.Nullable
	return t
}

// unknown reports an attribute that its object does not have.
func (c *checker) unknown(n *ast.MemberNode, name string, base schema.Type) schema.Type {
	suggestion := fault.Nearest(name, base.Names())
	path := c.path(n.Node)
	owner := path + " has no " + name
	if segments := strings.Split(path, "."); !strings.ContainsAny(path, "[#") {
		switch {
		case path == "profile":
			owner = "the profile schema has no " + name
		case path == "event":
			owner = "the event's schema has no " + name
		case path == "data":
			owner = "there is no source " + name
		case path == "steps":
			owner = "there is no step " + name + " before this one"
		case segments[0] == "data" && len(segments) == 2:
			owner = "the response of source " + segments[1] + " has no " + name
		}
	}
	return c.refuse(n.Property, suggestion, "%s: %s%s", join(path, name), owner, didYouMean(suggestion))
}

// index types of[key], where key is not a literal name. An item may always be
// absent. With a computed name even a closed object gives any value.
func (c *checker) index(n *ast.MemberNode, base schema.Type) schema.Type {
	key := c.node(n.Property)
	switch base.Kind {
	case schema.AnyKind, schema.NullKind:
		return schema.Any()
	case schema.ArrayKind:
		if !of(key, isNumber) {
			return c.refuse(n.Property, "", "an index must be an integer, %s is %s", describe(n.Property), key.NotNull())
		}
		return base.Item().OrNull()
	case schema.ObjectKind:
		if !of(key, isString) {
			return c.refuse(n.Property, "", "an attribute's name must be a string, %s is %s", describe(n.Property), key.NotNull())
		}
		if base.Open && len(base.Properties) == 0 {
			return base.Item().OrNull()
		}
		return schema.Any()
	}
	return c.refuse(n.Property, "", "%s is %s, which has no items", c.path(n.Node), base.NotNull())
}

// slice types of[from:to].
func (c *checker) slice(n *ast.SliceNode) schema.Type {
	t := c.node(n.Node)
	for _, end := range []ast.Node{n.From, n.To} {
		if end == nil {
			continue
		}
		key := c.node(end)
		if !of(key, isNumber) {
			c.refuse(end, "", "an index must be an integer, %s is %s", describe(end), key.NotNull())
		}
		t.Nullable = t.Nullable || key.Nullable
	}
	if !of(t, isString|isList) {
		return c.refuse(n, "", "only a string or an array can be cut, %s is %s", describe(n.Node), t.NotNull())
	}
	return t
}

// pointer types #, #index and #acc. What reduce gathers is of any type: it
// depends on itself.
func (c *checker) pointer(n *ast.PointerNode) schema.Type {
	if len(c.items) == 0 {
		return schema.Any()
	}
	in := c.items[len(c.items)-1]
	switch n.Name {
	case "index":
		return schema.Integer()
	case "acc":
		return in.acc
	}
	return in.item
}

// path is how a node is called in a message: its path, as far as it has one.
func (c *checker) path(n ast.Node) string {
	switch n := n.(type) {
	case *ast.ChainNode:
		return c.path(n.Node)
	case *ast.MemberNode:
		if name, ok := n.Property.(*ast.StringNode); ok {
			return join(c.path(n.Node), name.Value)
		}
		if i, ok := n.Property.(*ast.IntegerNode); ok {
			return c.path(n.Node) + "[" + strconv.Itoa(i.Value) + "]"
		}
		return c.path(n.Node) + "[…]"
	case *ast.PointerNode:
		if n.Name == "" && len(c.items) > 0 {
			return c.items[len(c.items)-1].path
		}
	}
	return describe(n)
}

// join puts a name behind a path, in brackets where it is no identifier.
func join(path, name string) string {
	for i, r := range name {
		letter := r == '_' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
		if !letter && (i == 0 || r < '0' || r > '9') {
			return path + "[" + strconv.Quote(name) + "]"
		}
	}
	return path + "." + name
}

// describe names a node in a message: in full where it is short, else as what
// it stands for.
func describe(n ast.Node) string {
	switch n := n.(type) {
	case *ast.IdentifierNode:
		return n.Value
	case *ast.PointerNode:
		return "#" + n.Name
	case *ast.StringNode:
		if len(n.Value) <= 30 {
			return "'" + n.Value + "'"
		}
		return "the string"
	case *ast.IntegerNode:
		return strconv.Itoa(n.Value)
	case *ast.FloatNode:
		return string(appendFloat(nil, n.Value))
	case *ast.BoolNode:
		return strconv.FormatBool(n.Value)
	case *ast.ChainNode:
		return describe(n.Node)
	case *ast.MemberNode:
		if name, ok := n.Property.(*ast.StringNode); ok {
			return join(describe(n.Node), name.Value)
		}
		return describe(n.Node) + "[…]"
	case *ast.BuiltinNode:
		return n.Name + "(…)"
	case *ast.CallNode:
		if id, ok := n.Callee.(*ast.IdentifierNode); ok {
			return id.Value + "(…)"
		}
	case *ast.UnaryNode:
		return describe(n.Node)
	}
	return "this"
}
