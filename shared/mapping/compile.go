package mapping

import (
	"fmt"
	"slices"
	"strings"

	"github.com/expr-lang/expr/ast"

	"github.com/waypost/waypost/shared/fault"
)

// An eval gives the value of a node. Nodes are compiled to these closures and
// not to expr-lang's own program: there, nil is an error almost everywhere.
type eval func(*frame) (any, error)

// A compiler turns the syntax tree of one expression into closures. It finds
// what is wrong without knowing any type: names, functions, patterns.
type compiler struct {
	x *Expression
	// known are the nodes already compiled. The parser shares nodes (a < b < c
	// holds b twice), so a tree's walk could otherwise double at every level.
	known   map[ast.Node]eval
	nodes   int // how many
	names   []variable
	items   []string // names of the items of the lists around
	loops   []*loop
	details []fault.Detail
}

// A variable is declared by let; a loop is the body of filter and its like.
type variable struct {
	name string
	slot int
}

type loop struct {
	item, index, acc int // slots; acc is -1 outside reduce
}

// compile makes an expression of a tree that was read from source, which
// stands at a byte offset of text. items are the names of the items of the lists
// around it.
func compile(tree ast.Node, source, text string, start int, items []string) (*Expression, []fault.Detail) {
	x := &Expression{source: source, text: text, offset: len([]rune(text[:start])), tree: tree}
	c := compiler{x: x, known: map[ast.Node]eval{}, items: items}
	x.eval = c.node(tree)
	return x, c.details
}

// slot reserves a place in the frame, for a variable or an item.
func (c *compiler) slot() int {
	c.x.slots++
	return c.x.slots - 1
}

// refuse notes a fault at a node; what it gives is never run.
func (c *compiler) refuse(n ast.Node, suggestion, format string, args ...any) eval {
	d := c.x.detail(n.Location(), fmt.Sprintf(format, args...))
	d.Suggestion = suggestion
	c.details = append(c.details, d)
	return constant(nil)
}

func constant(v any) eval { return func(*frame) (any, error) { return v, nil } }

// node compiles a node, once.
func (c *compiler) node(n ast.Node) eval {
	if e, ok := c.known[n]; ok {
		return e
	}
	c.nodes++
	e := c.compile(n)
	c.known[n] = e
	return e
}

// compile has a case for each node that the parser makes. What expr-lang has and
// the mapping language has not is refused by name.
func (c *compiler) compile(n ast.Node) eval {
	switch n := n.(type) {
	case *ast.NilNode:
		return constant(nil)
	case *ast.IntegerNode:
		return constant(int64(n.Value))
	case *ast.FloatNode:
		return constant(n.Value)
	case *ast.BoolNode:
		return constant(n.Value)
	case *ast.StringNode:
		return constant(n.Value)
	case *ast.IdentifierNode:
		return c.identifier(n)
	case *ast.UnaryNode:
		return c.unary(n)
	case *ast.BinaryNode:
		return c.binary(n)
	case *ast.ChainNode:
		return c.node(n.Node) // every access is a safe one
	case *ast.MemberNode:
		return c.member(n)
	case *ast.SliceNode:
		return c.slice(n)
	case *ast.BuiltinNode:
		return c.call(n, n.Name, n.Arguments)
	case *ast.CallNode:
		return c.callNode(n)
	case *ast.PointerNode:
		return c.pointer(n)
	case *ast.ConditionalNode:
		return c.conditional(n)
	case *ast.VariableDeclaratorNode:
		return c.let(n)
	case *ast.ArrayNode:
		return c.array(n)
	case *ast.MapNode:
		return c.object(n)
	case *ast.SequenceNode:
		return c.refuse(n, "", "an expression is one value; ; may only end a let")
	case *ast.BytesNode:
		return c.refuse(n, "", "byte strings are not part of the mapping language")
	}
	return c.refuse(n, "", "this is not part of the mapping language")
}

// identifier compiles a variable of let, an item of a list around, or a root.
// Reading a whole root is noted: for a profile it means fetching all of it.
func (c *compiler) identifier(n *ast.IdentifierNode) eval {
	for _, v := range slices.Backward(c.names) {
		if v.name == n.Value {
			return func(f *frame) (any, error) { return f.slots[v.slot], nil }
		}
	}
	if slot := slices.Index(c.items, n.Value); slot >= 0 {
		return func(f *frame) (any, error) { return f.items[slot], nil }
	}
	name := n.Value
	switch name {
	case "data":
		return c.refuse(n, "", "data must be followed by a source's name, as in data.weather")
	case "steps":
		return c.refuse(n, "", "steps must be followed by a step's id, as in steps.text")
	}
	if slices.Contains(roots(), name) {
		c.x.reads = append(c.x.reads, []string{name})
		return func(f *frame) (any, error) { return number(f.env.root(name)), nil }
	}
	if _, ok := lookup(name); ok || isLoop(name) {
		return c.refuse(n, name+"()", "%s is a function: write %s(…)", name, name)
	}
	names := append(slices.Clone(c.items), roots()...)
	inScope := strings.Join(names, ", ")
	for _, v := range c.names {
		names = append(names, v.name)
	}
	suggestion := fault.Nearest(name, names)
	return c.refuse(n, suggestion, "there is no %s; in scope are %s and now()%s", name, inScope, didYouMean(suggestion))
}

func didYouMean(name string) string {
	if name == "" {
		return ""
	}
	return "; did you mean " + name + "?"
}

// declared says whether let or an item has taken a name.
func (c *compiler) declared(name string) bool {
	return slices.Contains(c.items, name) || slices.ContainsFunc(c.names, func(v variable) bool { return v.name == name })
}

// callNode compiles a call of what is none of expr-lang's own functions: a method,
// which call looks up with a dot before its name, or a name that it refuses.
func (c *compiler) callNode(n *ast.CallNode) eval {
	switch callee := n.Callee.(type) {
	case *ast.IdentifierNode:
		return c.call(n, callee.Value, n.Arguments)
	case *ast.MemberNode:
		if name, ok := callee.Property.(*ast.StringNode); ok {
			return c.call(n, "."+name.Value, append([]ast.Node{callee.Node}, n.Arguments...))
		}
	}
	return c.refuse(n, "", "only a function can be called")
}

// call compiles a function. Each is nil where one of its arguments is.
func (c *compiler) call(n ast.Node, name string, arguments []ast.Node) eval {
	if isLoop(name) {
		return c.loop(n, name, arguments)
	}
	fn, ok := lookup(name)
	if !ok {
		suggestion := fault.Nearest(name, functionNames())
		return c.refuse(n, suggestion, "there is no function %s()%s", name, didYouMean(suggestion))
	}
	if few, many := fn.arity(); len(arguments) < few || len(arguments) > many {
		return c.refuse(n, "", "%s takes %s, has %d", name, fn.wants(), fn.shown(len(arguments)))
	}
	c.x.timed = c.x.timed || fn.timed()
	if name == "now" {
		return func(f *frame) (any, error) { return f.env.Now, nil }
	}
	args := make([]eval, len(arguments))
	for i, a := range arguments {
		args[i] = c.node(a)
	}
	at := n.Location()
	return func(f *frame) (any, error) {
		var few [4]any
		values := few[:0]
		var missing bool
		for _, arg := range args {
			v, err := arg(f)
			if err != nil {
				return nil, err
			}
			missing = missing || v == nil
			values = append(values, v)
		}
		if err := f.spend(1); missing || err != nil {
			return nil, located(err, at)
		}
		for i, v := range values {
			if want := fn.param(i); want&kindOf(v) == 0 {
				return nil, &evalError{at: at, message: fmt.Sprintf("%s needs %s, has %s", name, want, nameOf(v))}
			}
		}
		v, err := fn.run(f, values)
		return v, located(err, at)
	}
}

// pointer compiles #, #index and #acc of the body that it stands in.
func (c *compiler) pointer(n *ast.PointerNode) eval {
	if len(c.loops) == 0 {
		return c.refuse(n, "", "# stands only in the body of a function such as filter")
	}
	in := c.loops[len(c.loops)-1]
	slot := in.item
	switch {
	case n.Name == "index":
		slot = in.index
	case n.Name == "acc" && in.acc >= 0:
		slot = in.acc
	case n.Name != "":
		return c.refuse(n, "", "there is no #%s here; there are # and #index, and #acc in reduce", n.Name)
	}
	return func(f *frame) (any, error) { return number(f.slots[slot]), nil }
}

// conditional compiles ?:, and if with else. A nil condition is false.
func (c *compiler) conditional(n *ast.ConditionalNode) eval {
	cond, yes, no := c.node(n.Cond), c.node(n.Exp1), c.node(n.Exp2)
	same := n.Exp1 == n.Cond // a ?: b
	at := n.Cond.Location()
	return func(f *frame) (any, error) {
		v, err := cond(f)
		if err != nil {
			return nil, err
		}
		holds, ok := v.(bool)
		switch {
		case !ok && v != nil:
			return nil, &evalError{at: at, message: "a condition must be true or false, this is " + nameOf(v)}
		case holds && same:
			return v, nil
		case holds:
			return yes(f)
		}
		return no(f)
	}
}

// let compiles a variable. It may not take a name that already means something:
// profile must always be the profile, also for who lists what is read.
func (c *compiler) let(n *ast.VariableDeclaratorNode) eval {
	_, isFunction := lookup(n.Name)
	if c.declared(n.Name) || slices.Contains(roots(), n.Name) || isFunction || isLoop(n.Name) {
		return c.refuse(n, "", "%s is already a name here", n.Name)
	}
	value, slot := c.node(n.Value), c.slot()
	c.names = append(c.names, variable{name: n.Name, slot: slot})
	body := c.node(n.Expr)
	c.names = c.names[:len(c.names)-1]
	return func(f *frame) (any, error) {
		v, err := value(f)
		if err != nil {
			return nil, err
		}
		f.slots[slot] = v
		return body(f)
	}
}

// array compiles an array literal. Nil items stay.
func (c *compiler) array(n *ast.ArrayNode) eval {
	items := make([]eval, len(n.Nodes))
	for i, node := range n.Nodes {
		items[i] = c.node(node)
	}
	return func(f *frame) (any, error) {
		if err := f.spend(8 * len(items)); err != nil {
			return nil, err
		}
		array := make([]any, len(items))
		for i, item := range items {
			v, err := item(f)
			if err != nil {
				return nil, err
			}
			array[i] = v
		}
		return array, nil
	}
}

// object compiles an object literal. Nil values stay.
func (c *compiler) object(n *ast.MapNode) eval {
	type pair struct{ key, value eval }
	pairs := make([]pair, len(n.Pairs))
	for i, node := range n.Pairs {
		p, ok := node.(*ast.PairNode)
		if !ok {
			return c.refuse(n, "", "this is not part of the mapping language")
		}
		pairs[i] = pair{c.node(p.Key), c.node(p.Value)}
	}
	at := n.Location()
	return func(f *frame) (any, error) {
		if err := f.spend(16 * len(pairs)); err != nil {
			return nil, err
		}
		object := make(map[string]any, len(pairs))
		for _, p := range pairs {
			k, v, err := two(f, p.key, p.value)
			if err != nil {
				return nil, err
			}
			key, ok := k.(string)
			if !ok {
				return nil, &evalError{at: at, message: "a key must be a string, this is " + nameOf(k)}
			}
			object[key] = v
		}
		return object, nil
	}
}
