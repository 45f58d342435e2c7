package mapping

import (
	"math"
	"slices"
)

// numberFunctions are the functions of numbers, alone or in a list.
var numberFunctions = [...]function{
	{name: "abs", params: []kinds{isNumber}, gives: givesFirst, run: func(_ *frame, a []any) (any, error) {
		if n, _ := float(a[0]); n < 0 {
			return signed(a[0], true)
		}
		return a[0], nil
	}},
	{name: "ceil", params: []kinds{isNumber}, gives: givesRounded, run: rounding(math.Ceil)},
	{name: "floor", params: []kinds{isNumber}, gives: givesRounded, run: rounding(math.Floor)},
	{name: "round", params: []kinds{isNumber}, gives: givesRounded, run: rounding(math.Round)},
	{name: "min", params: []kinds{isNumber | isString | isTime | isDuration | isList}, more: true, gives: givesExtremum, run: extremum(-1)},
	{name: "max", params: []kinds{isNumber | isString | isTime | isDuration | isList}, more: true, gives: givesExtremum, run: extremum(+1)},
	{name: "mean", params: []kinds{isNumber | isList}, more: true, gives: givesNumber, run: func(f *frame, a []any) (any, error) {
		values, err := numbers(f, "mean", a)
		if err != nil || values == nil {
			return nil, err
		}
		sum := 0.0
		for _, v := range values {
			sum += v
		}
		return finite(sum / float64(len(values)))
	}},
	{name: "median", params: []kinds{isNumber | isList}, more: true, gives: givesNumber, run: func(f *frame, a []any) (any, error) {
		values, err := numbers(f, "median", a)
		if err != nil || values == nil {
			return nil, err
		}
		slices.Sort(values)
		half := len(values) / 2
		if len(values)%2 == 1 {
			return values[half], nil
		}
		return finite(values[half-1]/2 + values[half]/2)
	}},
}

// rounding gives a whole number as an integer where it fits in one.
func rounding(round func(float64) float64) func(*frame, []any) (any, error) {
	return func(_ *frame, a []any) (any, error) {
		n, ok := a[0].(float64)
		if !ok {
			return a[0], nil
		}
		rounded := round(n)
		if i, ok := whole(rounded); ok {
			return i, nil
		}
		return rounded, nil
	}
}

// spread gives the items of an only argument that is a list, or else the
// arguments; ok is false where there are none, or one is nil.
func spread(f *frame, args []any) (items []any, ok bool, err error) {
	items = args
	if list, isList := args[0].([]any); isList && len(args) == 1 {
		items = list
	}
	if err := f.spend(8 * len(items)); err != nil {
		return nil, false, err
	}
	return items, len(items) > 0 && !slices.Contains(kindsOf(items), 0), nil
}

// kindsOf gives the kinds of items; 0 is nil.
func kindsOf(items []any) []kinds {
	list := make([]kinds, len(items))
	for i, item := range items {
		list[i] = kindOf(number(item))
	}
	return list
}

// numbers gives what mean and median are taken of; none, where there is nothing
// or a nil among it.
func numbers(f *frame, name string, args []any) ([]float64, error) {
	items, ok, err := spread(f, args)
	if err != nil || !ok {
		return nil, err
	}
	values := make([]float64, len(items))
	for i, item := range items {
		if values[i], ok = float(number(item)); !ok {
			return nil, broken(name + " needs numbers, has " + nameOf(item))
		}
	}
	return values, nil
}

// extremum is min (a sign of -1) or max (+1), of arguments or of one list.
func extremum(sign int) func(*frame, []any) (any, error) {
	return func(f *frame, a []any) (any, error) {
		items, ok, err := spread(f, a)
		if err != nil || !ok {
			return nil, err
		}
		best := number(items[0])
		for _, item := range items {
			item = number(item)
			c, err := order(f, item, best) // the first too: it must have an order
			if err != nil {
				return nil, err
			}
			if c*sign > 0 {
				best = item
			}
		}
		return best, nil
	}
}
