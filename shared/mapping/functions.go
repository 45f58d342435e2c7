package mapping

import (
	"fmt"
	"strings"

	"github.com/waypost/waypost/shared/schema"
)

// A function is one that can be called with values. None is called with nil.
type function struct {
	name   string
	params []kinds
	// few is how many arguments it needs, where not all; more says that the
	// last parameter may be given again and again.
	few   int
	more  bool
	gives result
	run   func(f *frame, args []any) (any, error)
}

// A result says what type a function gives.
type result uint8

const (
	givesAny result = iota
	givesString
	givesStrings
	givesInteger
	givesNumber
	givesBoolean
	givesTime
	givesDuration
	givesFirst     // the type of its first argument
	givesItem      // the type of an item of its first argument, or nil
	givesList      // a list of anything
	givesExtremum  // the type of its arguments, or of the items of its only one
	givesRounded   // an integer for an integer, else a number
	givesFlattened // a list of the items' items
)

// maxArguments bounds functions that take any number of arguments.
const maxArguments = 16

// arity is how few and how many arguments a function takes.
func (fn *function) arity() (few, many int) {
	few, many = len(fn.params), len(fn.params)
	if fn.few > 0 {
		few = fn.few
	}
	if fn.more {
		many = maxArguments
	}
	return few, many
}

// param is what the argument at a place may be.
func (fn *function) param(i int) kinds { return fn.params[min(i, len(fn.params)-1)] }

// method says whether the function is called on a value, with a dot.
func (fn *function) method() bool { return strings.HasPrefix(fn.name, ".") }

// shown is a number of arguments as the author counts them: the receiver of a
// method is none.
func (fn *function) shown(n int) int {
	if fn.method() {
		n--
	}
	return n
}

// wants says how many arguments a function takes.
func (fn *function) wants() string {
	few, many := fn.arity()
	few, many = fn.shown(few), fn.shown(many)
	switch {
	case fn.more:
		return fmt.Sprintf("%d to %d arguments", few, many)
	case few != many:
		return fmt.Sprintf("%d or %d arguments", few, many)
	case few == 0:
		return "no arguments"
	case few == 1:
		return "1 argument"
	}
	return fmt.Sprintf("%d arguments", few)
}

// timed says whether a time or duration may come of it.
func (fn *function) timed() bool { return fn.gives == givesTime || fn.gives == givesDuration }

// returns gives the type of the result for arguments of these types.
func (fn *function) returns(args []schema.Type) schema.Type {
	t := schema.Any()
	switch fn.gives {
	case givesString:
		t = schema.String()
	case givesStrings:
		t = schema.Array(schema.String())
	case givesInteger:
		t = schema.Integer()
	case givesNumber:
		t = schema.Number()
	case givesBoolean:
		t = schema.Boolean()
	case givesTime:
		t = schema.Time()
	case givesDuration:
		t = schema.Duration()
	case givesFirst:
		t = args[0].NotNull()
	case givesRounded:
		// A number may be too large for an integer, and then stays as it is.
		if t = schema.Number(); args[0].Kind == schema.IntegerKind {
			t = schema.Integer()
		}
	case givesItem:
		return args[0].Item().OrNull()
	case givesList:
		t = schema.Type{Kind: schema.ArrayKind}
	case givesFlattened:
		t = schema.Type{Kind: schema.ArrayKind}
		if inner := args[0].Item(); inner.Kind == schema.ArrayKind {
			t.Items = inner.Items
		}
	case givesExtremum:
		if t = args[0]; t.Kind == schema.ArrayKind {
			return t.Item().OrNull() // an empty list has none
		}
		for _, a := range args[1:] {
			t = either(t, a)
		}
	}
	// Whether an argument may be nil decides whether the result may be.
	t.Nullable = t.Kind == schema.AnyKind
	for _, a := range args {
		t.Nullable = t.Nullable || a.Nullable
		if a.Kind == schema.ArrayKind { // mean of an empty list; join of one that holds nil
			t.Nullable = t.Nullable || fn.gives == givesNumber || fn.name == "join" && a.Item().Nullable
		}
	}
	return t
}

// lookup finds a function; a method's name starts with a dot.
func lookup(name string) (*function, bool) {
	for _, table := range [][]function{textFunctions[:], numberFunctions[:], listFunctions[:], timeFunctions[:]} {
		for i := range table {
			if table[i].name == name {
				return &table[i], true
			}
		}
	}
	return nil, false
}

// functionNames lists all functions, to suggest one.
func functionNames() []string {
	names := append([]string(nil), loopNames[:]...)
	for _, table := range [][]function{textFunctions[:], numberFunctions[:], listFunctions[:], timeFunctions[:]} {
		for _, fn := range table {
			names = append(names, fn.name)
		}
	}
	return names
}
