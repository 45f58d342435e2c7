package mapping

import (
	"fmt"
	"slices"

	"github.com/expr-lang/expr/ast"
)

// loopNames are the functions that look at each item of a list.
var loopNames = [...]string{
	"all", "any", "none", "one", "filter", "map", "count", "sum", "find", "findIndex",
	"findLast", "findLastIndex", "groupBy", "sortBy", "reduce",
}

func isLoop(name string) bool { return slices.Contains(loopNames[:], name) }

// loop compiles a function with a body. The grammar has seen to the arguments:
// a list, then the body (count and sum may have none), then for sortBy the
// order and for reduce the first value. A list that is nil gives nil.
func (c *compiler) loop(n ast.Node, name string, arguments []ast.Node) eval {
	if len(arguments) == 0 {
		return c.refuse(n, "", "%s takes a list", name)
	}
	of := c.node(arguments[0])
	before := c.nodes
	in := &loop{item: c.slot(), index: c.slot(), acc: -1}
	if name == "reduce" {
		in.acc = c.slot()
	}
	body := func(f *frame) (any, error) { return number(f.slots[in.item]), nil }
	if len(arguments) > 1 {
		predicate, ok := arguments[1].(*ast.PredicateNode)
		if !ok {
			return c.refuse(n, "", "%s takes a list and a body, as in %s(event.items, .price > 10)", name, name)
		}
		c.loops = append(c.loops, in)
		body = c.node(predicate.Node)
		c.loops = c.loops[:len(c.loops)-1]
	}
	var extra eval
	if len(arguments) > 2 {
		extra = c.node(arguments[2])
	}
	cost, at := 8+c.nodes-before, n.Location()
	return func(f *frame) (any, error) {
		v, err := of(f)
		if err != nil || v == nil {
			return nil, err
		}
		list, ok := v.([]any)
		if !ok {
			return nil, &evalError{at: at, message: fmt.Sprintf("%s needs a list, has %s", name, nameOf(v))}
		}
		each := func(i int) (any, error) {
			if err := f.spend(cost); err != nil {
				return nil, err
			}
			f.slots[in.item], f.slots[in.index] = list[i], int64(i)
			return body(f)
		}
		v, err = runLoop(f, name, list, each, in, extra)
		return v, located(err, at)
	}
}

// runLoop runs one, with each giving the body's value for an item.
func runLoop(f *frame, name string, list []any, each func(int) (any, error), in *loop, extra eval) (any, error) {
	switch name {
	case "map":
		mapped := make([]any, len(list))
		for i := range list {
			v, err := each(i)
			if err != nil {
				return nil, err
			}
			mapped[i] = v
		}
		return mapped, nil
	case "sum":
		return sum(f, list, each)
	case "groupBy":
		groups := map[string]any{}
		for i, item := range list {
			v, err := each(i)
			if err != nil {
				return nil, err
			}
			if err := f.weigh(v, 0); err != nil {
				return nil, err
			}
			key := Text(v)
			group, _ := groups[key].([]any)
			groups[key] = append(group, item)
		}
		return groups, nil
	case "sortBy":
		values := make([]any, len(list))
		for i := range list {
			v, err := each(i)
			if err != nil {
				return nil, err
			}
			values[i] = v
		}
		direction := "asc"
		if extra != nil {
			v, err := extra(f)
			if err != nil || v == nil {
				return nil, err
			}
			direction, _ = v.(string)
		}
		return sorted(f, list, values, direction)
	case "reduce":
		return reduce(f, list, each, in, extra)
	}
	return search(name, list, each)
}

// sum adds up; with a nil among them the total is unknown, and so nil.
func sum(f *frame, list []any, each func(int) (any, error)) (any, error) {
	var total any = int64(0)
	for i := range list {
		v, err := each(i)
		if err != nil || v == nil {
			return nil, err
		}
		if _, ok := float(v); !ok {
			return nil, broken("sum needs numbers, has " + nameOf(v))
		}
		if total, err = add(f, total, v); err != nil {
			return nil, err
		}
	}
	return total, nil
}

// reduce starts from extra, or else from the first item. Of an empty list
// without a start there is nothing, so nil, where expr-lang fails.
func reduce(f *frame, list []any, each func(int) (any, error), in *loop, extra eval) (any, error) {
	start := 0
	var total any
	switch {
	case extra != nil:
		v, err := extra(f)
		if err != nil {
			return nil, err
		}
		total = v
	case len(list) == 0:
		return nil, nil
	default:
		total, start = list[0], 1
	}
	for i := start; i < len(list); i++ {
		f.slots[in.acc] = total
		v, err := each(i)
		if err != nil {
			return nil, err
		}
		total = v
	}
	return total, nil
}

// search runs those whose body is a condition; nil counts as false.
func search(name string, list []any, each func(int) (any, error)) (any, error) {
	var found []int
	backwards := name == "findLast" || name == "findLastIndex"
	for i := range list {
		if backwards {
			i = len(list) - 1 - i
		}
		v, err := each(i)
		if err != nil {
			return nil, err
		}
		holds, ok := v.(bool)
		if !ok && v != nil {
			return nil, broken("the body of " + name + " must be true or false, it is " + nameOf(v))
		}
		switch {
		case name == "all" && !holds, name == "none" && holds:
			return false, nil
		case !holds:
			continue
		}
		switch name {
		case "any":
			return true, nil
		case "find", "findLast":
			return number(list[i]), nil
		case "findIndex", "findLastIndex":
			return int64(i), nil
		}
		found = append(found, i)
	}
	switch name {
	case "all", "none":
		return true, nil
	case "any":
		return false, nil
	case "one":
		return len(found) == 1, nil
	case "count":
		return int64(len(found)), nil
	case "filter":
		kept := make([]any, len(found))
		for i, at := range found {
			kept[i] = list[at]
		}
		return kept, nil
	}
	return nil, nil // nothing was found
}
