package mapping

import (
	"fmt"
	"maps"
	"math"
	"regexp"
	"slices"
	"strings"

	"github.com/expr-lang/expr/ast"

	"github.com/waypost/waypost/shared/fault"
	"github.com/waypost/waypost/shared/schema"
)

// MaxItems is how many items a list may have of which each is mapped.
const MaxItems = 1000

// defaultItem is what an item is called where the mapping gives it no name.
const defaultItem = "item"

// An each makes a list of a list: what a template gives for each item.
type each struct {
	of   *Expression // the list
	name string      // what with calls an item
	slot int         // of the item, among those of the lists around it
	with *Template
	cost int // of one item, beside what its expressions spend
}

// eachKeys are the keys of an object that maps a list.
var eachKeys = []string{"each", "as", "with"}

// IsEach says whether an object of a mapping maps a list item by item: it has
// each, and with or as.
func IsEach(object map[string]any) bool {
	_, each := object["each"]
	_, as := object["as"]
	_, with := object["with"]
	return each && (as || with)
}

// parseEach reads such an object. items are the names of the items of the lists
// around it, from the outermost.
func parseEach(object map[string]any, path, items []string, details *[]fault.Detail) *Template {
	e := &each{slot: len(items)}
	say := func(key, message string) {
		*details = append(*details, fault.Detail{Path: strings.Join(append(slices.Clone(path), key), "."), Message: message})
	}
	for _, key := range slices.Sorted(maps.Keys(object)) {
		if !slices.Contains(eachKeys, key) {
			nearest := fault.Nearest(key, eachKeys)
			say(key, "is not a key of a list's mapping, which has each, as and with"+didYouMean(nearest))
			(*details)[len(*details)-1].Suggestion = nearest
		}
	}
	if _, given := object["with"]; !given {
		say("with", "is required: it is what each item is mapped to")
	}
	of, found := parseList(object["each"], items)
	*details = append(*details, under(append(slices.Clone(path), "each"), found)...)
	name, problem := itemName(object, items)
	if problem != "" {
		say("as", problem)
		return &Template{} // what with reads depends on the name
	}
	e.of, e.name = of, name
	e.with = parseValue(object["with"], append(slices.Clone(path), "with"), append(slices.Clone(items), name), details)
	e.cost = 8 + size(e.with)
	return &Template{each: e}
}

// parseList reads the expression of a list, with braces around it or without.
func parseList(value any, items []string) (*Expression, []fault.Detail) {
	wrong := []fault.Detail{{Message: "must be one expression that gives a list, such as {{ event.lines }}"}}
	source, ok := value.(string)
	if !ok {
		return nil, wrong
	}
	if strings.Contains(source, "{{") {
		t, found := parseText(source, items)
		if t.alone == nil && len(found) == 0 {
			found = wrong
		}
		return t.alone, found
	}
	tree, problem := parseSource(source)
	if problem != nil {
		return nil, []fault.Detail{problem.detail(source, 0)}
	}
	return compile(tree, source, source, 0, items)
}

var identifier = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]{0,29}$`)

// itemName gives the name of an item, and what is wrong with it. It takes no
// name that already means something, so that a reader need not ask which.
func itemName(object map[string]any, items []string) (name, problem string) {
	as, given := object["as"]
	if !given {
		as = defaultItem
	}
	name, _ = as.(string)
	tree, _ := parseSource(name)
	plain, isName := tree.(*ast.IdentifierNode)
	_, isFunction := lookup(name)
	switch {
	case !identifier.MatchString(name):
		return "", "must be a name of at most 30 letters, digits and _, such as line"
	case slices.Contains(items, name) && !given:
		return "", "is missing: a list around this one calls its items " + name + " already, so give these another name"
	case !isName || plain.Value != name, slices.Contains(items, name), slices.Contains(roots(), name), isFunction, isLoop(name):
		return "", name + " is already a name here; give the item one of its own"
	}
	return name, ""
}

// eval makes the list; nil where there is none to make it of.
func (e *each) eval(f *frame) (any, error) {
	v, err := e.of.list(f)
	if v == nil || err != nil {
		return nil, beneath("each", err)
	}
	list, ok := v.([]any)
	switch {
	case !ok:
		err = broken("it must be a list, this is " + nameOf(v))
	case len(list) > MaxItems:
		err = broken(fmt.Sprintf("it has %d items, and at most %d are mapped", len(list), MaxItems))
	default:
		err = f.spend(e.cost * len(list))
	}
	if err != nil {
		return nil, beneath("each", e.of.failed(err))
	}
	mapped := make([]any, len(list))
	for i, item := range list {
		f.items = append(f.items[:e.slot], number(item))
		if mapped[i], err = e.with.eval(f); err != nil {
			return nil, beneath(fmt.Sprint(i), err)
		}
	}
	return mapped, nil
}

// list evaluates the expression of a list. Unlike a result it is not printed, so
// it is weighed only where it must be walked for its times.
func (x *Expression) list(f *frame) (any, error) {
	if x.timed {
		return x.run(f)
	}
	f.reserve(x.slots)
	v, err := x.eval(f)
	if err != nil {
		return nil, x.failed(err)
	}
	return v, nil
}

// check types the list.
func (e *each) check(scope Scope, path []string, details *[]fault.Detail) schema.Type {
	at := append(slices.Clone(path), "each")
	of, found := e.of.check(scope)
	*details = append(*details, under(at, found)...)
	if of.Kind != schema.ArrayKind && of.Kind != schema.AnyKind {
		*details = append(*details, fault.Detail{Path: strings.Join(at, "."), Message: fmt.Sprintf("must be an array, and the expression gives %s", of.NotNull())})
		of = schema.Any()
	}
	scope.items = append(slices.Clone(scope.items), typedVariable{e.name, of.Item()})
	list := schema.Array(e.with.check(scope, append(slices.Clone(path), "with"), details))
	list.Nullable = of.Nullable
	return list
}

// size is what a template's own text and constants spend each time that it is
// made: little for each item, but an item may be made a million times.
func size(t *Template) int {
	units := 8
	for _, p := range t.parts {
		units += 8 + len(p.text)
	}
	for _, key := range t.keys {
		units += 16 + len(key) + size(t.object[key])
	}
	for _, item := range t.array {
		units += size(item)
	}
	f := &frame{budget: math.MaxInt}
	_ = f.weigh(t.constant, 0) // too deep a document is refused when it is read
	return units + math.MaxInt - f.budget
}

// beneath puts what an error says of a place below a name.
func beneath(name string, err error) error {
	if err == nil {
		return nil
	}
	return &fault.Error{Code: fault.CodeOf(err), Message: fault.Public(err), Details: fault.Under(name, fault.Details(err))}
}
