package mapping

import (
	"slices"

	"github.com/expr-lang/expr/ast"

	"github.com/waypost/waypost/shared/schema"
)

// kindsOfType are the kinds that a value of a type may be at run time; all,
// where nothing is known of it, or where it is nil anyway.
func kindsOfType(t schema.Type) kinds {
	switch t.Kind {
	case schema.StringKind:
		return isString
	case schema.IntegerKind:
		return isInteger
	case schema.NumberKind:
		return isNumber
	case schema.BooleanKind:
		return isBoolean
	case schema.ObjectKind:
		return isObject
	case schema.ArrayKind:
		return isList
	case schema.TimeKind:
		return isTime
	case schema.DurationKind:
		return isDuration
	}
	return isAny
}

// of says whether a value of type t may be one of these kinds.
func of(t schema.Type, want kinds) bool { return kindsOfType(t)&want != 0 }

// either is the type of a value that is of type a or of type b.
func either(a, b schema.Type) schema.Type {
	nullable := a.Nullable || b.Nullable
	t := schema.Type{Kind: schema.AnyKind}
	switch {
	case a.Kind == schema.NullKind:
		t = b
	case b.Kind == schema.NullKind:
		t = a
	case a.IsNumber() && b.IsNumber() && a.Kind != b.Kind:
		t = schema.Number()
	case a.Kind != b.Kind || a.Kind == schema.AnyKind:
	case a.Kind == schema.ArrayKind:
		t = schema.Type{Kind: schema.ArrayKind}
		if a.Items != nil && b.Items != nil {
			t = schema.Array(either(*a.Items, *b.Items))
		}
	case a.Kind == schema.ObjectKind:
		t = eitherObject(a, b)
	default:
		t = a
	}
	t.Nullable, t.Optional = nullable, false
	return t
}

// eitherObject may have the attributes of both; those of one alone may be absent.
func eitherObject(a, b schema.Type) schema.Type {
	t := schema.Type{Kind: schema.ObjectKind, Open: a.Open || b.Open, Properties: map[string]schema.Type{}}
	for _, name := range append(a.Names(), b.Names()...) {
		mine, inA := a.Properties[name]
		theirs, inB := b.Properties[name]
		var p schema.Type
		switch {
		case inA && inB:
			p = either(mine, theirs)
			p.Optional = mine.Optional || theirs.Optional
		case inA:
			p = mine
			p.Optional = true
		default:
			p = theirs
			p.Optional = true
		}
		t.Properties[name] = p
	}
	return t
}

// typeOf gives the type of a constant.
func typeOf(v any) schema.Type {
	switch v := number(v).(type) {
	case nil:
		return schema.Null()
	case string:
		return schema.String()
	case int64:
		return schema.Integer()
	case float64:
		return schema.Number()
	case bool:
		return schema.Boolean()
	case []any:
		items := schema.Type{}
		for i, item := range v {
			t := typeOf(item)
			if i == 0 {
				items = t
			}
			items = either(items, t)
		}
		return schema.Array(items)
	case map[string]any:
		properties := make(map[string]schema.Type, len(v))
		for key, item := range v {
			properties[key] = typeOf(item)
		}
		return schema.Object(properties)
	}
	return schema.Any()
}

// unary types not and the signs.
func (c *checker) unary(n *ast.UnaryNode) schema.Type {
	t := c.node(n.Node)
	if n.Operator == "not" || n.Operator == "!" {
		c.condition(n.Node, "what follows not")
		return orNull(schema.Boolean(), t)
	}
	if !of(t, isNumber|isDuration) {
		return c.refuse(n, "", "%s needs a number, %s is %s", n.Operator, describe(n.Node), t.NotNull())
	}
	if t.Kind == schema.NullKind {
		return schema.Null()
	}
	return t
}

// orNull is t, or nil where an operand may be.
func orNull(t schema.Type, operands ...schema.Type) schema.Type {
	for _, o := range operands {
		t.Nullable = t.Nullable || o.Nullable
	}
	return t
}

// binary types an operator with two sides. Each is nil where a side is, but for
// ?? and the tests with the word nil.
func (c *checker) binary(n *ast.BinaryNode) schema.Type {
	l, r := c.node(n.Left), c.node(n.Right)
	boolean := orNull(schema.Boolean(), l, r)
	switch n.Operator {
	case "and", "&&", "or", "||":
		c.condition(n.Left, "the left of "+n.Operator)
		c.condition(n.Right, "the right of "+n.Operator)
		return boolean
	case "??":
		return c.otherwise(l, r)
	case "==", "!=":
		if isNil(n.Left) || isNil(n.Right) {
			return schema.Boolean()
		}
		if kindsOfType(l)&kindsOfType(r) == 0 && !(l.IsNumber() && r.IsNumber()) {
			c.mismatch(n, l, r, "are never equal")
		}
		return boolean
	case "<", ">", "<=", ">=":
		c.ordered(n, l, r)
		return boolean
	case "in":
		return c.in(n, l, r)
	case "contains", "startsWith", "endsWith", "matches":
		c.operand(n, n.Left, l, isString)
		c.operand(n, n.Right, r, isString)
		return boolean
	case "..":
		c.operand(n, n.Left, l, isNumber)
		c.operand(n, n.Right, r, isNumber)
		return orNull(schema.Array(schema.Integer()), l, r)
	}
	return c.arithmetic(n, l, r)
}

// operand checks one side of an operator.
func (c *checker) operand(n *ast.BinaryNode, side ast.Node, t schema.Type, want kinds) bool {
	if of(t, want) {
		return true
	}
	c.refuse(side, "", "%s needs %s, %s is %s", n.Operator, want, describe(side), t.NotNull())
	return false
}

// mismatch reports two sides that each would do alone, but not together.
func (c *checker) mismatch(n *ast.BinaryNode, l, r schema.Type, problem string) schema.Type {
	hint := ""
	if kindsOfType(l)|kindsOfType(r) == isString|isTime {
		hint = "; date(…) makes a time of a string"
	}
	return c.refuse(n, "", "%s is %s and %s is %s: they %s%s", describe(n.Left), l.NotNull(), describe(n.Right), r.NotNull(), problem, hint)
}

// otherwise types ??: what is on its left, unless that is nil.
func (c *checker) otherwise(l, r schema.Type) schema.Type {
	if !l.Nullable {
		return l // what follows is never used
	}
	t := either(l.NotNull(), r)
	if l.Kind == schema.NullKind {
		t = r
	}
	t.Nullable = r.Nullable
	return t
}

// ordered checks <, >, <= and >=.
func (c *checker) ordered(n *ast.BinaryNode, l, r schema.Type) {
	const sortable = isString | isNumber | isTime | isDuration
	if !c.operand(n, n.Left, l, sortable) || !c.operand(n, n.Right, r, sortable) {
		return
	}
	if kindsOfType(l)&kindsOfType(r) == 0 && !(l.IsNumber() && r.IsNumber()) {
		c.mismatch(n, l, r, "cannot be compared")
	}
}

// in checks membership: of an item in an array, of a name in an object.
func (c *checker) in(n *ast.BinaryNode, l, r schema.Type) schema.Type {
	c.operand(n, n.Right, r, isList|isObject)
	switch r.Kind {
	case schema.ObjectKind:
		c.operand(n, n.Left, l, isString)
	case schema.ArrayKind:
		item := r.Item()
		if kindsOfType(l)&kindsOfType(item) == 0 && !(l.IsNumber() && item.IsNumber()) {
			c.refuse(n, "", "%s is %s, and the items of %s are not", describe(n.Left), l.NotNull(), describe(n.Right))
		}
	}
	return orNull(schema.Boolean(), l, r)
}

// sums says which operands an operator takes, and what it makes of them.
var sums = [...]struct {
	operators string
	l, r      kinds
	result    schema.Kind
}{
	{"+-*%^", isInteger, isInteger, schema.IntegerKind},
	{"+-*/%^", isNumber, isNumber, schema.NumberKind},
	{"+", isString, isString, schema.StringKind},
	{"+-", isTime, isDuration, schema.TimeKind},
	{"+", isDuration, isTime, schema.TimeKind},
	{"-", isTime, isTime, schema.DurationKind},
	{"+-", isDuration, isDuration, schema.DurationKind},
	{"*", isDuration, isNumber, schema.DurationKind},
	{"*", isNumber, isDuration, schema.DurationKind},
}

// arithmetic types an operator by the first row of sums that fits. Where a side
// is of any type, some row must be possible, and the result is of any type.
func (c *checker) arithmetic(n *ast.BinaryNode, l, r schema.Type) schema.Type {
	if l.Kind == schema.NullKind || r.Kind == schema.NullKind {
		return schema.Null()
	}
	operator := n.Operator
	if operator == "**" {
		operator = "^"
	}
	left, right := kindsOfType(l), kindsOfType(r)
	known := l.Kind != schema.AnyKind && r.Kind != schema.AnyKind
	possible := false
	for _, s := range sums {
		if !containsByte(s.operators, operator) {
			continue
		}
		if known && left&^s.l == 0 && right&^s.r == 0 {
			t := schema.Type{Kind: s.result}
			if operator == "%" { // of whole numbers, whatever they came as
				t.Kind = schema.IntegerKind
			}
			if operator == "^" { // a negative exponent gives a fraction
				t.Kind = schema.NumberKind
			}
			return orNull(t, l, r)
		}
		possible = possible || left&s.l != 0 && right&s.r != 0
	}
	if possible {
		return schema.Any()
	}
	return c.mismatch(n, l, r, "cannot stand on the two sides of "+n.Operator)
}

func containsByte(operators, operator string) bool {
	return len(operator) == 1 && slices.Contains([]byte(operators), operator[0])
}

// call checks a function's arguments.
func (c *checker) call(n ast.Node, name string, arguments []ast.Node) schema.Type {
	if isLoop(name) {
		return c.loop(n, name, arguments)
	}
	fn, ok := lookup(name)
	if !ok {
		return schema.Any() // refused when it was parsed
	}
	types := make([]schema.Type, len(arguments))
	for i, a := range arguments {
		types[i] = c.node(a)
		if want := fn.param(i); !of(types[i], want) {
			hint := ""
			if want == isString && of(types[i], isNumber|isBoolean) {
				hint = "; string(…) makes one of it"
			}
			c.refuse(a, "", "%s needs %s, %s is %s%s", name, want, describe(a), types[i].NotNull(), hint)
			types[i] = schema.Any()
		}
	}
	return fn.returns(types)
}

// loop checks a function with a body: # is an item of its list in there.
func (c *checker) loop(n ast.Node, name string, arguments []ast.Node) schema.Type {
	if len(arguments) == 0 {
		return schema.Any()
	}
	list := c.node(arguments[0])
	if !of(list, isList) {
		c.refuse(arguments[0], "", "%s needs a list, %s is %s", name, describe(arguments[0]), list.NotNull())
		list = schema.Any()
	}
	item := list.Item()
	body := item
	if len(arguments) > 1 {
		in := itemTypes{item: item, acc: schema.Any(), path: c.path(arguments[0]) + "[]"}
		c.items = append(c.items, in)
		body = c.node(arguments[1].(*ast.PredicateNode).Node)
		switch name {
		case "map", "sum", "groupBy", "sortBy", "reduce":
		default:
			c.condition(arguments[1].(*ast.PredicateNode).Node, "the body of "+name)
		}
		c.items = c.items[:len(c.items)-1]
	}
	if len(arguments) > 2 {
		first := c.node(arguments[2])
		if name == "sortBy" && !of(first, isString) {
			c.refuse(arguments[2], "", "the order of sortBy must be 'asc' or 'desc', this is %s", first.NotNull())
		}
	}
	return orNull(c.loopResult(n, name, list, item, body), list)
}

// loopResult is the type that a function with a body gives, by that of its list,
// of the list's items, and of its body.
func (c *checker) loopResult(n ast.Node, name string, list, item, body schema.Type) schema.Type {
	switch name {
	case "all", "any", "none", "one":
		return schema.Boolean()
	case "filter", "sortBy":
		if list.Kind == schema.ArrayKind {
			return list
		}
		return schema.Type{Kind: schema.ArrayKind}
	case "map":
		return schema.Array(body)
	case "count":
		return schema.Integer()
	case "findIndex", "findLastIndex":
		return schema.Integer().OrNull()
	case "find", "findLast":
		return item.OrNull()
	case "groupBy":
		group := list.NotNull()
		if group.Kind != schema.ArrayKind {
			group = schema.Type{Kind: schema.ArrayKind}
		}
		return schema.Type{Kind: schema.ObjectKind, Open: true, Items: &group}
	case "sum":
		if !of(body, isNumber) {
			return c.refuse(n, "", "sum needs numbers, its items are not: %s", body.NotNull())
		}
		if body.IsNumber() {
			return body
		}
		return schema.Number().OrNull()
	}
	return schema.Any() // reduce
}
