package schema

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"

	"github.com/waypost/waypost/shared/fault"
)

// details turns the library's tree of failures into a flat, sorted list. root
// is the type of the whole value: the names to suggest come from it.
func details(failure *jsonschema.ValidationError, root Type) []fault.Detail {
	var list []fault.Detail
	collect(failure, root, &list)
	slices.SortStableFunc(list, func(a, b fault.Detail) int {
		return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.Rule, b.Rule), cmp.Compare(a.Message, b.Message))
	})
	return slices.Compact(list)
}

// collect walks the failures. A failure about the object as a whole, such as a
// missing attribute, becomes one detail an attribute, at that attribute's path.
func collect(e *jsonschema.ValidationError, root Type, list *[]fault.Detail) {
	path := strings.Join(e.InstanceLocation, ".")
	add := func(path, message string) {
		rule := "false"
		if keywords := e.ErrorKind.KeywordPath(); len(keywords) > 0 {
			rule = keywords[0]
		}
		*list = append(*list, fault.Detail{Path: path, Rule: rule, Message: message})
	}
	below := func(name string) string { return strings.Join(append(slices.Clone(e.InstanceLocation), name), ".") }

	switch k := e.ErrorKind.(type) {
	case *kind.Schema, *kind.Group, *kind.AllOf, *kind.Reference:
		for _, cause := range e.Causes {
			collect(cause, root, list)
		}
	case *kind.AnyOf:
		alternatives(e, root, list, add)
	case *kind.OneOf:
		if len(k.Subschemas) > 0 {
			add(path, fmt.Sprintf("must match just one of the alternatives, matches the %s and the %s", ordinal(k.Subschemas[0]), ordinal(k.Subschemas[1])))
			return
		}
		alternatives(e, root, list, add)
	case *kind.Required:
		for _, name := range k.Missing {
			add(below(name), "is required")
		}
	case *kind.DependentRequired:
		for _, name := range k.Missing {
			add(below(name), "is required where "+quote(k.Prop)+" is present")
		}
	case *kind.Dependency:
		for _, name := range k.Missing {
			add(below(name), "is required where "+quote(k.Prop)+" is present")
		}
	case *kind.AdditionalProperties:
		names := at(root, e.InstanceLocation).Names()
		for _, name := range k.Properties {
			suggestion := fault.Nearest(name, names)
			*list = append(*list, fault.Detail{
				Path: below(name), Rule: "additionalProperties", Suggestion: suggestion,
				Message: "is not a known property" + didYouMean(suggestion),
			})
		}
	case *kind.PropertyNames:
		add(below(k.Property), "has a name that is not allowed")
	default:
		add(path, message(k))
	}
}

// alternatives reports a value that fits no branch of an anyOf or oneOf: what
// is wrong in the only branch that is of the right type, if there is just one;
// the types that are allowed, if none is; else just that none fits.
func alternatives(e *jsonschema.ValidationError, root Type, list *[]fault.Detail, add func(path, message string)) {
	var near []*jsonschema.ValidationError
	var want []string
	got := ""
	for _, cause := range e.Causes {
		leaf := cause
		for isReference(leaf) && len(leaf.Causes) == 1 {
			leaf = leaf.Causes[0]
		}
		k, isType := leaf.ErrorKind.(*kind.Type)
		if isType && len(leaf.InstanceLocation) == len(e.InstanceLocation) {
			want, got = append(want, k.Want...), k.Got
		} else {
			near = append(near, cause)
		}
	}
	switch path := strings.Join(e.InstanceLocation, "."); len(near) {
	case 0:
		add(path, mustBe(want, got))
	case 1:
		collect(near[0], root, list)
	default:
		add(path, fmt.Sprintf("matches none of the %d alternatives", len(e.Causes)))
	}
}

// isReference says whether a failure only leads on to that of a $ref.
func isReference(e *jsonschema.ValidationError) bool {
	_, ok := e.ErrorKind.(*kind.Reference)
	return ok
}

// message says what a value must be. It never repeats the value.
func message(k jsonschema.ErrorKind) string {
	switch k := k.(type) {
	case *kind.Type:
		return mustBe(k.Want, k.Got)
	case *kind.Enum:
		return "must be one of " + literals(k.Want)
	case *kind.Const:
		return "must be " + literals([]any{k.Want})
	case *kind.Format:
		return "must be " + formatName(k.Want)
	case *kind.MinLength:
		return fmt.Sprintf("must have at least %s, has %d", count(k.Want, "character"), k.Got)
	case *kind.MaxLength:
		return fmt.Sprintf("must have at most %s, has %d", count(k.Want, "character"), k.Got)
	case *kind.MinItems:
		return fmt.Sprintf("must have at least %s, has %d", count(k.Want, "item"), k.Got)
	case *kind.MaxItems:
		return fmt.Sprintf("must have at most %s, has %d", count(k.Want, "item"), k.Got)
	case *kind.MinProperties:
		return fmt.Sprintf("must have at least %d properties, has %d", k.Want, k.Got)
	case *kind.MaxProperties:
		return fmt.Sprintf("must have at most %d properties, has %d", k.Want, k.Got)
	case *kind.AdditionalItems:
		return fmt.Sprintf("has %s too many", count(k.Count, "item"))
	case *kind.Minimum:
		return "must be at least " + decimal(k.Want)
	case *kind.Maximum:
		return "must be at most " + decimal(k.Want)
	case *kind.ExclusiveMinimum:
		return "must be more than " + decimal(k.Want)
	case *kind.ExclusiveMaximum:
		return "must be less than " + decimal(k.Want)
	case *kind.MultipleOf:
		return "must be a multiple of " + decimal(k.Want)
	case *kind.Pattern:
		return "must match the regular expression " + k.Want
	case *kind.UniqueItems:
		return fmt.Sprintf("must have no two equal items; items %d and %d are equal", k.Duplicates[0], k.Duplicates[1])
	case *kind.Contains:
		return "has no item of the kind it must contain"
	case *kind.MinContains:
		return fmt.Sprintf("must contain at least %s of the kind that its schema names", count(k.Want, "item"))
	case *kind.MaxContains:
		return fmt.Sprintf("must contain at most %s of the kind that its schema names", count(k.Want, "item"))
	case *kind.Not:
		return "must not match the schema under not"
	case *kind.FalseSchema:
		return "is not allowed here"
	case *kind.ContentEncoding:
		return "must be encoded as " + k.Want
	case *kind.ContentMediaType:
		return "must hold " + k.Want
	case *kind.RefCycle:
		return "its schema refers to itself without end"
	}
	return "does not match its schema"
}

// mustBe says which JSON types are allowed, and which the value is.
func mustBe(want []string, got string) string {
	names := make([]string, 0, len(want))
	for _, w := range want {
		if n := withArticle(w); !slices.Contains(names, n) {
			names = append(names, n)
		}
	}
	return "must be " + orList(names) + ", is " + withArticle(got)
}

// withArticle names a JSON type.
func withArticle(jsonType string) string {
	switch jsonType {
	case "null":
		return "null"
	case "object", "array", "integer":
		return "an " + jsonType
	}
	return "a " + jsonType
}

// nameOf says what a decoded value is.
func nameOf(v any) string {
	switch v.(type) {
	case nil:
		return "null"
	case string:
		return "a string"
	case bool:
		return "a boolean"
	case []any:
		return "an array"
	case map[string]any:
		return "an object"
	}
	return "a number"
}

// orList joins names: "a, b or c".
func orList(names []string) string {
	if len(names) < 2 {
		return strings.Join(names, "")
	}
	return strings.Join(names[:len(names)-1], ", ") + " or " + names[len(names)-1]
}

// literals shows values of the schema (never of the instance) as JSON.
func literals(values []any) string {
	const most = 12
	shown := make([]string, 0, most)
	for i, v := range values {
		if i == most {
			return strings.Join(shown, ", ") + fmt.Sprintf(" and %d more", len(values)-most)
		}
		text, err := json.Marshal(v)
		if err != nil || len(text) > 100 {
			text = []byte("another value")
		}
		shown = append(shown, string(text))
	}
	return orList(shown)
}

// formatName says what a format asks for, with an example that is no one's.
func formatName(format string) string {
	switch format {
	case "e164":
		return "a phone number in E.164 form, such as +15005550006"
	case "date-time":
		return "an RFC 3339 date and time, such as 2026-01-31T09:30:00Z"
	case "date":
		return "a date, such as 2026-01-31"
	case "time":
		return "an RFC 3339 time of day, such as 09:30:00Z"
	case "duration":
		return "an ISO 8601 duration, such as PT10M"
	case "email":
		return "an email address"
	case "uri":
		return "an absolute URI"
	case "uuid":
		return "a UUID"
	case "regex":
		return "a regular expression that Go's regexp (RE2) can read"
	}
	return "of the format " + format
}

// count gives a number of things.
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// decimal writes a limit of the schema as people do.
func decimal(r *big.Rat) string {
	if r.IsInt() {
		return r.Num().String()
	}
	return strings.TrimRight(r.FloatString(10), "0")
}

// ordinal names the place of an alternative.
func ordinal(index int) string {
	names := []string{"first", "second", "third"}
	if index < len(names) {
		return names[index]
	}
	return fmt.Sprintf("%dth", index+1)
}

// at finds the type at a place in a value of type t.
func at(t Type, location []string) Type {
	for _, name := range location {
		if t.Kind == ArrayKind {
			t = t.Item()
			continue
		}
		t, _ = t.Property(name)
	}
	return t
}

// quote puts a name into a message, cut where it is long.
func quote(name string) string {
	const most = 60
	if utf8.RuneCountInString(name) > most {
		name = string([]rune(name)[:most]) + "…"
	}
	return strconv.Quote(name)
}
