package action

import (
	"slices"
	"strconv"
	"strings"

	"github.com/waypost/waypost/shared/mapping"
	"github.com/waypost/waypost/shared/schema"
)

// An Item is the shape of a list's items: constants, which each item has, and
// fields, which a journey maps for each.
type Item struct {
	// Fields are in the order of their names, dotted paths in the item.
	Fields []*Field

	byName map[string]*Field
	shape  any
}

// Field gives the field of that name, or nil.
func (i *Item) Field(name string) *Field { return i.byName[name] }

// FieldNames lists the names of the fields.
func (i *Item) FieldNames() []string { return sortedKeys(i.byName) }

// typ is what one item's mapping gives: its fields by their names.
func (i *Item) typ() schema.Type {
	properties := make(map[string]schema.Type, len(i.Fields))
	for _, f := range i.Fields {
		t := f.Type
		t.Optional = !f.needed()
		properties[f.Name] = t
	}
	return schema.Object(properties)
}

// listKeywords are those that a field with each may have beside Waypost's own.
var listKeywords = []string{"type", "default", "title", "description", "examples", "$comment", "deprecated", "readOnly", "writeOnly",
	"minItems", "maxItems", "uniqueItems"}

// item reads the shape of a list's items.
func (w *walker) item(at string, shape map[string]any) *Item {
	in := &walker{at: at, inItem: true}
	in.body(nil, shape)
	w.details = append(w.details, in.details...)
	i := &Item{Fields: in.fields, byName: map[string]*Field{}, shape: shape}
	for _, f := range in.fields {
		i.byName[f.Name] = f
	}
	slices.SortFunc(i.Fields, byName)
	return i
}

// listOf reads each, the shape of the items of a field's list, and takes out of
// rules what is not JSON Schema's. It gives nil where the field has none.
func (w *walker) listOf(at string, rules map[string]any, m map[string]any) *Item {
	shape, given := m["each"]
	if !given {
		if path := marked(m["items"]); path != "" {
			w.say(at+".items"+path, "is in a schema, where nothing is mapped: to map the fields of each item, write each instead of items, with an item as it stands in the body")
		}
		return nil
	}
	object, ok := shape.(map[string]any)
	switch {
	case rules["type"] != "array":
		w.say(at+".each", "is only for a field of type array")
		return nil
	case !ok:
		w.say(at+".each", "must be an object: an item as it stands in the body, with fields to be mapped")
		return nil
	case isField(object):
		w.say(at+".each", "must be an object with fields, and is one itself: describe such items by items, in JSON Schema")
		return nil
	case !holdsField(object):
		w.say(at+".each", "has no field: mark what is mapped for each item with \"toBeMapped\": true")
		return nil
	}
	for _, key := range sortedKeys(rules) {
		if slices.Contains(schemaKeywords, key) && !slices.Contains(listKeywords, key) {
			w.say(at+"."+key, "is not for a list with each, which says what an item is")
		}
	}
	if most, ok := Whole(rules["maxItems"]).(int64); ok && most > mapping.MaxItems {
		w.say(at+".maxItems", "must be at most %d", mapping.MaxItems)
	}
	return w.item(at+".each", object)
}

// lone adds the list that an array of the body with one item in it may be: a
// journey maps it as a list, or the fields of its one item.
func (w *walker) lone(path []string, shape map[string]any) {
	item := w.item(w.place(append(slices.Clone(path), "0")), shape)
	f := &Field{Name: w.name(inBody, path), Type: schema.Array(item.typ()), Item: item, place: inBody, lone: true}
	w.fields = append(w.fields, f)
	copies := map[*Field]*Field{nil: f}
	for _, of := range item.Fields {
		c := *of
		copies[of] = &c
	}
	for _, of := range item.Fields {
		c := copies[of]
		c.Name = w.name(inBody, slices.Concat(path, []string{"0"}, strings.Split(of.Name, ".")))
		c.list = copies[of.list]
		w.fields = append(w.fields, c)
	}
}

// pin makes of the lone lists that a field is in plain arrays: the contract
// reads that field of each message, and so a journey maps it and not the list.
func (w *walker) pin(name string) {
	known := map[string]*Field{}
	for _, f := range w.fields {
		known[f.Name] = f
	}
	f := known[canonical(name, known)]
	if f == nil || f.list == nil {
		return
	}
	pinned := map[*Field]bool{}
	for list := f.list; list != nil; list = list.list {
		pinned[list] = true
	}
	w.fields = slices.DeleteFunc(w.fields, func(f *Field) bool { return pinned[f] })
	for _, f := range w.fields {
		if pinned[f.list] {
			f.list = nil
		}
	}
}

// loneItem gives the one item of an array that may be a list, or nil.
func loneItem(v []any) map[string]any {
	if len(v) != 1 || isField(v[0]) || !holdsField(v[0]) {
		return nil
	}
	item, _ := v[0].(map[string]any)
	return item
}

// holdsField says whether there is a field at any depth of a value.
func holdsField(v any) bool {
	switch v := v.(type) {
	case map[string]any:
		if isField(v) {
			return true
		}
		for _, item := range v {
			if holdsField(item) {
				return true
			}
		}
	case []any:
		return slices.ContainsFunc(v, holdsField)
	}
	return false
}

// marked gives the path, with a dot before it, of a toBeMapped in a schema, or "".
func marked(v any) string {
	switch v := v.(type) {
	case map[string]any:
		if _, flag := v["toBeMapped"].(bool); flag {
			return ".toBeMapped"
		}
		for _, key := range sortedKeys(v) {
			if path := marked(v[key]); path != "" {
				return "." + key + path
			}
		}
	case []any:
		for i, item := range v {
			if path := marked(item); path != "" {
				return "." + strconv.Itoa(i) + path
			}
		}
	}
	return ""
}

// Lone says whether the field is a list of which the contract writes one item:
// a journey may map that item's fields instead.
func (f *Field) Lone() bool { return f.lone }

// Covering gives the mapped list, if any, whose items the field is in.
func (f *Field) Covering(mapped func(*Field) bool) *Field {
	for list := f.list; list != nil; list = list.list {
		if mapped(list) {
			return list
		}
	}
	return nil
}

// Unmapped gives those of the fields that must be mapped and are not. For a list
// of which the contract writes one item it is the list, or what lacks of its
// one item where a part of that is mapped.
func Unmapped(fields []*Field, mapped func(*Field) bool) []*Field {
	begun := map[*Field]bool{} // lists of which something is mapped
	for _, f := range fields {
		for list := f.list; list != nil && mapped(f); list = list.list {
			begun[list] = true
		}
	}
	var missing []*Field
	for _, f := range fields {
		if f.lone || !f.needed() || mapped(f) || f.Covering(mapped) != nil {
			continue
		}
		for list := f.list; list != nil; list = list.list {
			if !begun[list] {
				f = list // the outermost of those that are not begun
			}
		}
		if !slices.Contains(missing, f) {
			missing = append(missing, f)
		}
	}
	return missing
}
