package mapping

import (
	"math"
	"math/bits"
	"time"
)

const (
	overflow    = "the result is too large for an integer"
	notFinite   = "the result is not a finite number"
	tooFarAway  = "the result is too far away for a duration"
	divisor     = "division by zero"
	needNumbers = "two numbers"
)

// finite refuses what JSON cannot hold.
func finite(v float64) (any, error) {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return nil, broken(notFinite)
	}
	return v, nil
}

// signed is unary plus and minus, of numbers and durations. The least int64 has
// no opposite, so it overflows.
func signed(v any, minus bool) (any, error) {
	switch n := v.(type) {
	case int64:
		if minus && n == math.MinInt64 {
			return nil, broken(overflow)
		}
		if minus {
			n = -n
		}
		return n, nil
	case float64:
		if minus {
			n = -n
		}
		return n, nil
	case time.Duration:
		if minus {
			n = -n
		}
		return n, nil
	}
	return nil, broken("a sign needs a number, has " + nameOf(v))
}

// add is +: numbers, strings, and times with durations. A string and a number do
// not add up: an author who means text writes two templates, or string().
func add(f *frame, l, r any) (any, error) {
	switch a := l.(type) {
	case string:
		if b, ok := r.(string); ok {
			if err := f.spend(len(a) + len(b)); err != nil {
				return nil, err
			}
			return a + b, nil
		}
	case time.Time:
		if b, ok := r.(time.Duration); ok {
			return a.Add(b), nil
		}
	case time.Duration:
		switch b := r.(type) {
		case time.Time:
			return b.Add(a), nil
		case time.Duration:
			sum := a + b
			if (sum > a) != (b > 0) && b != 0 {
				return nil, broken(tooFarAway)
			}
			return sum, nil
		}
	}
	if a, b, ok := integers(l, r); ok {
		sum := a + b
		if (sum > a) != (b > 0) && b != 0 {
			return nil, broken(overflow)
		}
		return sum, nil
	}
	if a, b, ok := floats(l, r); ok {
		return finite(a + b)
	}
	return nil, mismatch("+", "two numbers, two strings, or a time and a duration", l, r)
}

// subtract is -: numbers, and times and durations; two times give a duration.
func subtract(f *frame, l, r any) (any, error) {
	switch a := l.(type) {
	case time.Time:
		switch b := r.(type) {
		case time.Time:
			return a.Sub(b), nil
		case time.Duration:
			return a.Add(-b), nil
		}
	case time.Duration:
		if b, ok := r.(time.Duration); ok && b != math.MinInt64 {
			return add(f, a, -b)
		}
	}
	if a, b, ok := integers(l, r); ok {
		difference := a - b
		if (difference < a) != (b > 0) && b != 0 {
			return nil, broken(overflow)
		}
		return difference, nil
	}
	if a, b, ok := floats(l, r); ok {
		return finite(a - b)
	}
	return nil, mismatch("-", "two numbers, or times and durations", l, r)
}

// multiply is *: numbers, or a duration by a number from either side.
func multiply(f *frame, l, r any) (any, error) {
	if d, ok := r.(time.Duration); ok {
		l, r = d, l
	}
	if d, ok := l.(time.Duration); ok {
		n, ok := float(r)
		if !ok {
			return nil, mismatch("*", needNumbers+", or a duration and a number", l, r)
		}
		product := float64(d) * n
		if math.IsNaN(product) || math.Abs(product) >= 1<<63 {
			return nil, broken(tooFarAway)
		}
		return time.Duration(product), nil
	}
	if a, b, ok := integers(l, r); ok {
		high, low := bits.Mul64(magnitude(a), magnitude(b))
		bound := uint64(math.MaxInt64)
		if a < 0 != (b < 0) {
			bound++ // the least integer is one further from 0 than the greatest
		}
		if high != 0 || low > bound {
			return nil, broken(overflow)
		}
		return a * b, nil
	}
	if a, b, ok := floats(l, r); ok {
		return finite(a * b)
	}
	return nil, mismatch("*", needNumbers, l, r)
}

func magnitude(n int64) uint64 {
	if n < 0 {
		return -uint64(n)
	}
	return uint64(n)
}

// divide is /. It always gives a float64: 4 / 2 prints as 2 all the same, and
// fills an integer field.
func divide(_ *frame, l, r any) (any, error) {
	a, b, ok := floats(l, r)
	if !ok {
		return nil, mismatch("/", needNumbers, l, r)
	}
	if b == 0 {
		return nil, broken(divisor)
	}
	return finite(a / b)
}

// modulo is %, with the sign of the dividend as in Go. It takes 40.0 as 40, since
// whether a whole number came with a point is up to whoever wrote the JSON.
func modulo(_ *frame, l, r any) (any, error) {
	a, ok1 := whole(l)
	b, ok2 := whole(r)
	switch {
	case !ok1 || !ok2:
		return nil, mismatch("%", "two whole numbers", l, r)
	case b == 0:
		return nil, broken(divisor)
	case b == -1:
		return int64(0), nil // the one case in which a / b overflows
	}
	return a % b, nil
}

// power is ** and ^. Integers give an integer where it fits; a negative exponent
// or a larger result gives a float64.
func power(_ *frame, l, r any) (any, error) {
	a, b, ok := floats(l, r)
	if !ok {
		return nil, mismatch("**", needNumbers, l, r)
	}
	result := math.Pow(a, b)
	if x, n, ok := integers(l, r); ok && n >= 0 && math.Abs(result) < 1<<63 {
		exact := int64(1)
		for ; n > 0 && x != 1 && x != 0 && x != -1; n-- { // |x| ≥ 2, so n < 63
			exact *= x
		}
		switch {
		case x == 0 && n > 0:
			exact = 0
		case x == -1 && n%2 == 1:
			exact = -1
		}
		return exact, nil
	}
	return finite(result)
}

// integers gives two operands that are both integers.
func integers(l, r any) (a, b int64, ok bool) {
	a, ok1 := l.(int64)
	b, ok2 := r.(int64)
	return a, b, ok1 && ok2
}

// floats gives two operands that are both numbers.
func floats(l, r any) (a, b float64, ok bool) {
	a, ok1 := float(l)
	b, ok2 := float(r)
	return a, b, ok1 && ok2
}
