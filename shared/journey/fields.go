package journey

import (
	"fmt"
	"slices"
	"strings"

	"github.com/waypost/waypost/shared/action"
	"github.com/waypost/waypost/shared/fault"
	"github.com/waypost/waypost/shared/mapping"
	"github.com/waypost/waypost/shared/schema"
)

// A taker has fields that a mapping fills: an action, or the items of a list.
type taker interface {
	Field(name string) *action.Field
	FieldNames() []string
}

// A given is what a mapping gives a field: the value as it is written, and the
// type of what comes of it. unsure says that it has faults of its own, which
// were reported.
type given struct {
	value  any
	typ    schema.Type
	unsure bool
}

// fills checks that what a mapping names are fields of a taker, each once, that
// they take what it gives, and that no required one is left out. what names
// the taker in a message; of gives what is mapped to a name.
func (c *checker) fills(to taker, fields []*action.Field, what string, names []string, of func(name string) given, at string) {
	mapped := map[*action.Field]string{}
	isMapped := func(f *action.Field) bool { _, ok := mapped[f]; return ok }
	for _, name := range names {
		at, f := at+"."+name, to.Field(name)
		if f == nil {
			c.details = append(c.details, fault.Detail{Path: at, Suggestion: fault.Nearest(name, to.FieldNames()),
				Message: fmt.Sprintf("is not a field of %s, which has %s", what, list(to.FieldNames()))})
			continue
		}
		if isMapped(f) {
			c.say(at, "maps the field %s a second time", f.Name)
		}
		mapped[f] = name
		c.takes(f, of(name), at)
	}
	for _, f := range fields {
		if over := f.Covering(isMapped); over != nil && isMapped(f) {
			c.say(at+"."+mapped[f], "is in an item of %s, which is mapped as a list: map one or the other", over.Name)
		}
	}
	for _, f := range action.Unmapped(fields, isMapped) {
		message := "is required by " + what + " and is not mapped"
		if f.Lone() {
			message += ": map it item by item, with each, or the fields of one item, as " + f.Name + ".0." + one(f.Item)
		}
		c.details = append(c.details, fault.Detail{Path: at + "." + f.Name, Rule: "required", Message: message})
	}
}

// one names a field of an item, for an example.
func one(item *action.Item) string {
	i := max(0, slices.IndexFunc(item.Fields, func(f *action.Field) bool { return f.Required() }))
	return item.Fields[i].Name
}

// takes checks that a field can take what it is given.
func (c *checker) takes(f *action.Field, g given, at string) {
	switch {
	case g.unsure && g.value == nil: // it can't be read
	case f.Item != nil:
		c.eachItem(f, g, at)
	case g.unsure:
	case !dynamic(g.value):
		for _, d := range f.Check(g.value) {
			c.say(strings.TrimSuffix(at+"."+d.Path, "."), "%s", d.Message)
		}
	default:
		if problem := f.Misfit(g.typ); problem != "" {
			c.say(at, "%s", problem)
		}
	}
}

// eachItem checks what is mapped to a list, each item of which has fields.
func (c *checker) eachItem(f *action.Field, g given, at string) {
	object, _ := g.value.(map[string]any)
	if !mapping.IsEach(object) {
		c.say(at, `is a list, and must be mapped item by item: {"each": "{{ … }}", "as": "line", "with": {…}}, where with maps %s`, list(f.Item.FieldNames()))
		return
	}
	with, ok := object["with"].(map[string]any)
	if !ok || mapping.IsEach(with) {
		c.say(at+".with", "must be an object that maps the fields of an item: %s", list(f.Item.FieldNames()))
		return
	}
	types := g.typ.Item().Properties
	c.fills(f.Item, f.Item.Fields, "the items of "+f.Name, sortedNames(with), func(name string) given {
		return given{value: with[name], typ: types[name]}
	}, at+".with")
}

// typedField parses and types what is mapped to a field, and reports its faults.
func (c *checker) typedField(raw []byte, at string) given {
	v, err := schema.Decode(raw)
	if err != nil {
		return given{unsure: true} // shape has said so
	}
	t, err := mapping.Parse(v)
	if err != nil {
		return given{unsure: true}
	}
	c.reads(t.References(), at)
	typ, err := t.Check(c.scope)
	if err != nil {
		c.adopt(at, err)
	}
	return given{value: v, typ: typ, unsure: err != nil}
}
