package action

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/waypost/waypost/shared/fault"
	"github.com/waypost/waypost/shared/schema"
)

// A Field is one value of a contract that a journey maps.
type Field struct {
	// Name is how a mapping names the field: a dotted body path ("to",
	// "address.city", "items.0.sku"), or "path.id", "query.lang", "headers.X-City".
	// A field of a list's item is named by its dotted path in the item.
	Name string
	// Label is what people call it.
	Label string
	// Optional fields may be left unmapped, and are left out where they come
	// out nil; Nullable ones are then sent as null.
	Optional, Nullable bool
	// Type is what the mapping language must give.
	Type schema.Type
	// Item is what each item of a list is made of, where the field is one whose
	// items are mapped one by one; else nil.
	Item *Item

	place  place
	rules  *schema.Schema
	preset any // the schema's default, or nil
	// presetSize is how many bytes of JSON the default is.
	presetSize int
	lone       bool   // a list of which the body writes one item
	list       *Field // the lone list whose one item the field is in, or nil
}

// A place is a part of a request.
type place string

const (
	inPath    place = "path"
	inQuery   place = "query"
	inHeaders place = "headers"
	inBody    place = "body"
)

// fieldKeywords are Waypost's own keywords in a field object; the others are JSON Schema's.
var fieldKeywords = []string{"toBeMapped", "label", "optional", "nullable", "each"}

// isField says whether a value of a contract is a field object.
func isField(v any) bool {
	m, ok := v.(map[string]any)
	_, marked := m["toBeMapped"]
	return ok && marked
}

// field makes a field of its object, which stands at a path of the contract,
// and says what is wrong with it.
func (w *walker) field(in place, name, at string, m map[string]any) {
	f := &Field{Name: name, place: in}
	say := func(key, format string, args ...any) { w.say(at+"."+key, format, args...) }
	if m["toBeMapped"] != true {
		say("toBeMapped", "must be true; a constant is written as a plain value, without toBeMapped")
	}
	flag := func(key string) bool {
		v, given := m[key]
		b, ok := v.(bool)
		if given && !ok {
			say(key, "must be true or false")
		}
		return b
	}
	f.Optional, f.Nullable = flag("optional"), flag("nullable")
	if v, given := m["label"]; given {
		label, ok := v.(string)
		if !ok {
			say("label", "must be text")
		}
		f.Label = label
	}
	rules := map[string]any{}
	for k, v := range m {
		if !slices.Contains(fieldKeywords, k) {
			rules[k] = v
		}
	}
	if t, given := rules["type"]; !given {
		say("type", "is missing; give string, number, integer, boolean, object or array")
	} else if name, ok := t.(string); in != inBody && (!ok || !slices.Contains([]string{"string", "number", "integer", "boolean"}, name)) {
		say("type", "must be string, number, integer or boolean here")
	}
	w.details = append(w.details, unknownIn(rules, at)...)
	f.Item = w.listOf(at, rules, m)
	compiled, err := schema.Compile(rules)
	if err != nil {
		w.details = append(w.details, fault.Under(at, fault.Details(err))...)
		return
	}
	f.rules, f.Type, f.preset = compiled, compiled.Type(), rules["default"]
	if f.preset != nil {
		text, _ := schema.Encode(f.preset) // what was read as JSON can be written so
		f.presetSize = len(text)
		for _, d := range compiled.Validate(f.preset) {
			say("default", "%s", d.Message)
		}
	}
	if f.Nullable && in != inBody {
		say("nullable", "only a body field can be null")
	}
	if f.Optional && in == inPath {
		say("optional", "a part of the path can't be left out")
	}
	if f.Item != nil {
		f.Type = schema.Array(f.Item.typ())
	}
	w.fields = append(w.fields, f)
}

// unknownIn finds keywords and formats of a field that JSON Schema would pass
// over in silence: here they are slips of the pen.
func unknownIn(rules map[string]any, at string) []fault.Detail {
	var details []fault.Detail
	for _, key := range sortedKeys(rules) {
		if !slices.Contains(schemaKeywords, key) {
			details = append(details, fault.Detail{Path: at + "." + key, Rule: "additionalProperties", Message: "is not a key of a field",
				Suggestion: fault.Nearest(key, append(slices.Clone(fieldKeywords), schemaKeywords...))})
		}
	}
	if format, ok := rules["format"].(string); ok && !slices.Contains(formats, format) {
		details = append(details, fault.Detail{Path: at + ".format", Rule: "format", Suggestion: fault.Nearest(format, formats),
			Message: "must be one of " + strings.Join(formats, ", ") + " (a phone number is e164)"})
	}
	return details
}

// schemaKeywords are those of JSON Schema, draft 2020-12, that describe a
// value, with the annotations; formats are those that package schema asserts.
var (
	schemaKeywords = []string{
		"type", "format", "enum", "const", "default", "title", "description", "examples", "$comment", "deprecated", "readOnly", "writeOnly",
		"minLength", "maxLength", "pattern", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf",
		"items", "prefixItems", "contains", "minContains", "maxContains", "minItems", "maxItems", "uniqueItems", "unevaluatedItems",
		"properties", "patternProperties", "additionalProperties", "propertyNames", "unevaluatedProperties", "required", "minProperties",
		"maxProperties", "dependentRequired", "dependentSchemas", "allOf", "anyOf", "oneOf", "not", "if", "then", "else",
		"$ref", "$defs", "contentEncoding", "contentMediaType",
	}
	formats = []string{"date", "date-time", "duration", "e164", "email", "hostname", "ipv4", "ipv6", "regex", "time", "uri", "uri-reference", "uuid"}
)

// Required says whether each journey must map the field. It must not where it
// may map a list instead; see Unmapped.
func (f *Field) Required() bool { return f.needed() && !f.lone && f.list == nil }

// needed says whether the field may not come out nil.
func (f *Field) needed() bool { return !f.Optional && !f.Nullable && f.preset == nil }

// byName orders fields.
func byName(x, y *Field) int { return strings.Compare(x.Name, y.Name) }

// contractKey is the contract's key that holds a place.
func contractKey(in place) string {
	if in == inPath {
		return "pathParams"
	}
	return string(in)
}

// fieldName is how a mapping names a field; see Field.Name.
func fieldName(in place, path []string) string {
	name := strings.Join(path, ".")
	if in != inBody {
		return string(in) + "." + name
	}
	if len(path) == 0 {
		return string(inBody)
	}
	if slices.Contains([]place{inPath, inQuery, inHeaders, inBody}, place(path[0])) {
		return "body." + name
	}
	return name
}

// canonical gives the one name of a field that a mapping may name in two
// ways: "body." may stand before any body path.
func canonical(name string, known map[string]*Field) string {
	if _, ok := known[name]; ok {
		return name
	}
	if rest, ok := strings.CutPrefix(name, "body."); ok {
		if f, ok := known[rest]; ok && f.place == inBody {
			return rest
		}
	}
	return name
}

// A walker finds the fields of a contract's values, or of a list's item.
type walker struct {
	at      string // of the body or the item, in the contract
	inItem  bool
	fields  []*Field
	details []fault.Detail
}

// name is how a mapping names a field of what is walked.
func (w *walker) name(in place, path []string) string {
	if w.inItem {
		return strings.Join(path, ".")
	}
	return fieldName(in, path)
}

// place is where a path of the body or the item stands.
func (w *walker) place(path []string) string {
	return strings.Join(append([]string{w.at}, path...), ".")
}

func (w *walker) say(path, format string, args ...any) {
	w.details = append(w.details, fault.Detail{Path: path, Message: fmt.Sprintf(format, args...)})
}

// values walks the flat values of path, query or headers.
func (w *walker) values(in place, values map[string]any) {
	for _, name := range sortedKeys(values) {
		at := "contract." + contractKey(in) + "." + name
		switch v := values[name].(type) {
		case map[string]any:
			if !isField(v) {
				w.say(at, "must be a constant (text, a number, true or false) or a field object with \"toBeMapped\": true")
				continue
			}
			w.field(in, fieldName(in, []string{name}), at, v)
		case []any, nil:
			w.say(at, "must be a constant (text, a number, true or false) or a field object with \"toBeMapped\": true")
		}
	}
}

// body walks the body for fields at any depth.
func (w *walker) body(path []string, v any) {
	switch v := v.(type) {
	case map[string]any:
		if isField(v) {
			w.field(inBody, w.name(inBody, path), w.place(path), v)
			return
		}
		for _, key := range sortedKeys(v) {
			at := w.place(append(slices.Clone(path), key))
			switch {
			case key == "":
				w.say(at, "a body key must not be empty")
			case strings.HasPrefix(key, "$"):
				w.say(at, "a body key must not begin with $")
			case strings.Contains(key, "."):
				w.say(at, "a body key must not contain a dot; a dot separates the steps of a field's path")
			default:
				w.body(append(slices.Clone(path), key), v[key])
			}
		}
	case []any:
		if item := loneItem(v); item != nil {
			w.lone(path, item)
			return
		}
		for i, item := range v {
			w.body(append(slices.Clone(path), strconv.Itoa(i)), item)
		}
	}
}

func sortedKeys[K cmp.Ordered, V any](m map[K]V) []K {
	return slices.Sorted(maps.Keys(m))
}

// Check finds what the field's schema says against a value. A lone list has no
// schema.
func (f *Field) Check(v any) []fault.Detail {
	if f.rules == nil {
		return nil
	}
	return f.rules.Validate(Whole(v))
}

// Misfit says why a value of type got can never fill the field, or "". What
// depends on the value, such as a number that may be whole, is judged when the
// message is composed.
func (f *Field) Misfit(got schema.Type) string { return misfit(got, f.Type) }

func misfit(got, want schema.Type) string {
	if got.Kind == schema.AnyKind || want.Kind == schema.AnyKind || got.Kind == schema.NullKind {
		return ""
	}
	if got.IsNumber() && want.IsNumber() {
		return ""
	}
	if got.Kind != want.Kind {
		hint := ""
		if want.Kind == schema.StringKind {
			hint = "; string(…) makes text of it"
		}
		return fmt.Sprintf("must be %s, and the mapping gives %s%s", want.NotNull(), got.NotNull(), hint)
	}
	switch got.Kind {
	case schema.ArrayKind:
		if why := misfit(got.Item(), want.Item()); why != "" {
			return "each item " + why
		}
	case schema.ObjectKind:
		return misfitObject(got, want)
	}
	return ""
}

// misfitObject says all that is wrong with an object's attributes: those whose
// types differ, those that are required and never there, and those that are
// always there and not taken.
func misfitObject(got, want schema.Type) string {
	var all []string
	for _, name := range want.Names() {
		given, ok := got.Property(name)
		if !ok {
			if !want.Properties[name].Optional {
				all = append(all, name+" is required, and the mapping gives none")
			}
			continue
		}
		if why := misfit(given, want.Properties[name]); why != "" {
			all = append(all, name+" "+why)
		}
	}
	for _, name := range got.Names() {
		if _, known := want.Properties[name]; !known && want.Strict && !got.Properties[name].Optional {
			all = append(all, name+" is not one of its properties ("+cmp.Or(strings.Join(want.Names(), ", "), "none")+")")
		}
	}
	return strings.Join(all, "; ")
}
