package mapping

import (
	"errors"
	"time"

	"github.com/expr-lang/expr/file"
)

// budget is what one Eval may spend: roughly a unit for each operation, each
// node of a loop's body and each byte of text made, and eight for each item of a
// list looked at. It takes about ten milliseconds to spend, where a usual
// mapping spends a few dozen.
const budget = 1_000_000

// maxDepth is how deep a result may be nested; schema.Decode has the same limit.
const maxDepth = 100

// A frame is the state of one evaluation.
type frame struct {
	env    Env
	slots  []any // variables, and the items of loops
	items  []any // of the lists around, from the outermost
	budget int
}

// An evalError is what failed at a place of an expression. Its message holds
// types, never values: it goes into execution histories.
type evalError struct {
	at      file.Location
	placed  bool
	message string
}

func (e *evalError) Error() string { return e.message }

// located puts an error at a place, unless it has one.
func located(err error, at file.Location) error {
	if err == nil {
		return nil
	}
	if e, ok := errors.AsType[*evalError](err); ok {
		if !e.placed && e.at == (file.Location{}) {
			e.at, e.placed = at, true
		}
		return e
	}
	return &evalError{at: at, placed: true, message: "it could not be evaluated"}
}

// broken is a failure whose place is added by located, further up.
func broken(message string) error { return &evalError{message: message} }

// spend takes from the budget.
func (f *frame) spend(units int) error {
	if units < 0 || units > f.budget {
		f.budget = 0
		return broken("it takes too much work; lists or texts are too large for it")
	}
	f.budget -= units
	return nil
}

// run evaluates an expression in a frame. Times become text.
func (x *Expression) run(f *frame) (any, error) {
	f.reserve(x.slots)
	v, err := x.eval(f)
	if err == nil {
		err = f.weigh(v, 0)
	}
	if err != nil {
		return nil, x.failed(err)
	}
	if x.timed {
		v = untimed(v)
	}
	return v, nil
}

// reserve makes room for an expression's variables.
func (f *frame) reserve(slots int) {
	if len(f.slots) < slots {
		f.slots = make([]any, slots)
	}
}

// weigh spends for all that a value holds. A few lines can make a list that
// holds a list a thousand times over, each time the same one: small in memory,
// but endless once it is printed.
func (f *frame) weigh(v any, depth int) error {
	if depth > maxDepth {
		return broken("the value is nested too deep")
	}
	switch v := v.(type) {
	case string:
		return f.spend(len(v))
	case []any:
		if err := f.spend(8 * len(v)); err != nil {
			return err
		}
		for _, item := range v {
			if err := f.weigh(item, depth+1); err != nil {
				return err
			}
		}
	case map[string]any:
		for key, item := range v {
			if err := f.spend(16 + len(key)); err != nil {
				return err
			}
			if err := f.weigh(item, depth+1); err != nil {
				return err
			}
		}
	}
	return nil
}

// untimed replaces times and durations, anywhere in a value, by their text.
func untimed(v any) any {
	switch v := v.(type) {
	case time.Time, time.Duration:
		return Text(v)
	case []any:
		list := make([]any, len(v))
		for i, item := range v {
			list[i] = untimed(item)
		}
		return list
	case map[string]any:
		object := make(map[string]any, len(v))
		for key, item := range v {
			object[key] = untimed(item)
		}
		return object
	}
	return v
}

// two evaluates two operands, in order.
func two(f *frame, left, right eval) (l, r any, err error) {
	if l, err = left(f); err != nil {
		return nil, nil, err
	}
	r, err = right(f)
	return l, r, err
}
