package mapping

import (
	"maps"
	"slices"
	"strings"
)

// listFunctions are the functions of lists and objects. None changes its
// arguments, which may be the profile's own.
var listFunctions = [...]function{
	{name: "first", params: []kinds{isList}, gives: givesItem, run: func(_ *frame, a []any) (any, error) { return index(a[0], int64(0)) }},
	{name: "last", params: []kinds{isList}, gives: givesItem, run: func(_ *frame, a []any) (any, error) { return index(a[0], int64(-1)) }},
	{name: "take", params: []kinds{isList, isInteger}, gives: givesFirst, run: func(f *frame, a []any) (any, error) {
		n, _ := whole(a[1])
		return cut(f, a[0], int64(0), max(0, n))
	}},
	{name: "reverse", params: []kinds{isList}, gives: givesFirst, run: func(f *frame, a []any) (any, error) {
		list, err := copied(f, a[0])
		slices.Reverse(list)
		return list, err
	}},
	{name: "sort", params: []kinds{isList, isString}, few: 1, gives: givesFirst, run: func(f *frame, a []any) (any, error) {
		list, err := copied(f, a[0])
		if err != nil {
			return nil, err
		}
		return sorted(f, list, list, optional(a, 1, "asc"))
	}},
	{name: "uniq", params: []kinds{isList}, gives: givesFirst, run: func(f *frame, a []any) (any, error) {
		kept := []any{}
		for _, item := range a[0].([]any) {
			twice := false
			for _, k := range kept {
				same, err := equalItems(f, item, k)
				if err != nil {
					return nil, err
				}
				if twice = same; twice {
					break
				}
			}
			if !twice {
				kept = append(kept, item)
			}
		}
		return kept, f.spend(8 * len(kept))
	}},
	{name: "concat", params: []kinds{isList}, more: true, gives: givesList, run: func(f *frame, a []any) (any, error) {
		list := []any{}
		for _, part := range a {
			items := part.([]any)
			if err := f.spend(8 * len(items)); err != nil {
				return nil, err
			}
			list = append(list, items...)
		}
		return list, nil
	}},
	{name: "flatten", params: []kinds{isList}, gives: givesFlattened, run: func(f *frame, a []any) (any, error) {
		return flattened(f, []any{}, a[0].([]any))
	}},
	{name: "join", params: []kinds{isList, isString}, few: 1, gives: givesString, run: func(f *frame, a []any) (any, error) {
		list, glue := a[0].([]any), optional(a, 1, "")
		parts := make([]string, len(list))
		for i, item := range list {
			if item == nil {
				return nil, nil
			}
			s, ok := item.(string)
			if !ok {
				return nil, broken("join needs a list of strings, an item is " + nameOf(number(item)))
			}
			if err := f.spend(len(s) + len(glue) + 8); err != nil {
				return nil, err
			}
			parts[i] = s
		}
		return strings.Join(parts, glue), nil
	}},
	{name: "keys", params: []kinds{isObject}, gives: givesStrings, run: func(f *frame, a []any) (any, error) {
		list := []any{}
		for _, key := range slices.Sorted(maps.Keys(a[0].(map[string]any))) {
			list = append(list, key)
		}
		return list, f.spend(8 * len(list))
	}},
	{name: "values", params: []kinds{isObject}, gives: givesList, run: func(f *frame, a []any) (any, error) {
		object, list := a[0].(map[string]any), []any{}
		for _, key := range slices.Sorted(maps.Keys(object)) {
			list = append(list, object[key])
		}
		return list, f.spend(8 * len(list))
	}},
}

// copied gives a list that may be changed.
func copied(f *frame, v any) ([]any, error) {
	list := v.([]any)
	if err := f.spend(8 * len(list)); err != nil {
		return nil, err
	}
	return slices.Clone(list), nil
}

// flattened appends the items of a list, and of the lists in it, to into.
func flattened(f *frame, into, list []any) ([]any, error) {
	if err := f.spend(8 * (len(list) + 1)); err != nil {
		return nil, err
	}
	for _, item := range list {
		inner, ok := item.([]any)
		if !ok {
			into = append(into, item)
			continue
		}
		var err error
		if into, err = flattened(f, into, inner); err != nil {
			return nil, err
		}
	}
	return into, nil
}

// sorted sorts items by their values, nils last, items of equal value in their
// order; direction is asc or desc.
func sorted(f *frame, items, values []any, direction string) (any, error) {
	if direction != "asc" && direction != "desc" {
		return nil, broken("the order of sort is asc or desc")
	}
	type pair struct{ item, value any }
	pairs := make([]pair, len(items))
	for i := range items {
		pairs[i] = pair{items[i], number(values[i])}
	}
	var failure error
	slices.SortStableFunc(pairs, func(a, b pair) int {
		if a.value == nil || b.value == nil {
			switch {
			case a.value != nil:
				return -1
			case b.value != nil:
				return +1
			}
			return 0
		}
		n, err := order(f, a.value, b.value)
		if err == nil {
			err = f.spend(1)
		}
		if err != nil {
			failure = err
		}
		if direction == "desc" {
			n = -n
		}
		return n
	})
	list := make([]any, len(pairs))
	for i, p := range pairs {
		list[i] = p.item
	}
	return list, failure
}
