package mapping

import (
	"cmp"
	"fmt"
	"math"
	"strings"
	"time"
)

// A kinds is a set of the kinds of values that there are at run time.
type kinds uint16

const (
	isString  kinds = 1 << iota
	isInteger       // a number that is whole, whatever it came as
	isFraction
	isBoolean
	isList
	isObject
	isTime
	isDuration

	isNumber = isInteger | isFraction
	isAny    = isString | isNumber | isBoolean | isList | isObject | isTime | isDuration
)

// String names a set, as in "a string or a list".
func (k kinds) String() string {
	if k == isAny {
		return "any value"
	}
	var names []string
	for _, one := range []struct {
		kind kinds
		name string
	}{
		{isString, "a string"}, {isNumber, "a number"}, {isInteger, "a whole number"}, {isBoolean, "a boolean"},
		{isList, "a list"}, {isObject, "an object"}, {isTime, "a time"}, {isDuration, "a duration"},
	} {
		if k&one.kind == one.kind {
			names = append(names, one.name)
			k &^= one.kind
		}
	}
	return strings.Join(names, " or ")
}

// kindOf gives the one kind of a value; 0 for nil, and for what is no JSON value.
func kindOf(v any) kinds {
	switch v := v.(type) {
	case string:
		return isString
	case int64:
		return isInteger
	case float64:
		if _, ok := whole(v); ok {
			return isInteger
		}
		return isFraction
	case bool:
		return isBoolean
	case []any:
		return isList
	case map[string]any:
		return isObject
	case time.Time:
		return isTime
	case time.Duration:
		return isDuration
	}
	return 0
}

// nameOf says what a value is, and never which.
func nameOf(v any) string {
	switch kind := kindOf(v); kind {
	case 0:
		if v == nil {
			return "nil"
		}
		return "a value of an unknown kind"
	case isInteger, isFraction:
		return "a number"
	default:
		return kind.String()
	}
}

// number makes an int64 of an int, which Go code rather than JSON may hand in.
func number(v any) any {
	if n, ok := v.(int); ok {
		return int64(n)
	}
	return v
}

// whole gives a number that has no fraction as an integer.
func whole(v any) (int64, bool) {
	switch n := v.(type) {
	case int64:
		return n, true
	case float64:
		if n == math.Trunc(n) && n >= -(1<<63) && n < 1<<63 {
			return int64(n), true
		}
	}
	return 0, false
}

// float gives any number as a float64.
func float(v any) (float64, bool) {
	switch n := v.(type) {
	case int64:
		return float64(n), true
	case float64:
		return n, true
	}
	return 0, false
}

// equal compares two values that are not nil. Numbers are compared by value;
// values of different kinds are not equal.
func equal(f *frame, l, r any) (bool, error) {
	if err := f.spend(1); err != nil {
		return false, err
	}
	switch a := l.(type) {
	case string:
		b, ok := r.(string)
		return ok && a == b, f.spend(len(a) / 32)
	case bool:
		b, ok := r.(bool)
		return ok && a == b, nil
	case int64, float64:
		_, ok := float(r)
		return ok && compareNumbers(l, r) == 0, nil
	case time.Time:
		b, ok := r.(time.Time)
		return ok && a.Equal(b), nil
	case time.Duration:
		b, ok := r.(time.Duration)
		return ok && a == b, nil
	case []any:
		b, ok := r.([]any)
		if !ok || len(a) != len(b) {
			return false, nil
		}
		for i := range a {
			if same, err := equalItems(f, a[i], b[i]); !same || err != nil {
				return false, err
			}
		}
		return true, nil
	case map[string]any:
		b, ok := r.(map[string]any)
		if !ok || len(a) != len(b) {
			return false, nil
		}
		for key, item := range a {
			other, ok := b[key]
			if !ok {
				return false, nil
			}
			if same, err := equalItems(f, item, other); !same || err != nil {
				return false, err
			}
		}
		return true, nil
	}
	return false, nil
}

// equalItems compares within lists and objects, where nil equals nil.
func equalItems(f *frame, l, r any) (bool, error) {
	if l == nil || r == nil {
		return l == nil && r == nil, nil
	}
	return equal(f, number(l), number(r))
}

// compareNumbers compares exactly, even where a float64 could not hold both.
func compareNumbers(l, r any) int {
	a, ok1 := l.(int64)
	b, ok2 := r.(int64)
	if ok1 && ok2 {
		return cmp.Compare(a, b)
	}
	x, _ := float(l)
	y, _ := float(r)
	if c := cmp.Compare(x, y); c != 0 {
		return c
	}
	a, ok1 = whole(l)
	b, ok2 = whole(r)
	if ok1 && ok2 {
		return cmp.Compare(a, b)
	}
	return 0
}

// order compares two values of one kind that has an order.
func order(f *frame, l, r any) (int, error) {
	switch a := l.(type) {
	case string:
		if b, ok := r.(string); ok {
			return strings.Compare(a, b), f.spend(min(len(a), len(b)) / 32)
		}
	case int64, float64:
		if _, ok := float(r); ok {
			return compareNumbers(l, r), nil
		}
	case time.Time:
		if b, ok := r.(time.Time); ok {
			return a.Compare(b), nil
		}
	case time.Duration:
		if b, ok := r.(time.Duration); ok {
			return cmp.Compare(a, b), nil
		}
	}
	return 0, broken(fmt.Sprintf("%s and %s cannot be compared", nameOf(l), nameOf(r)))
}
