package schema_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/waypost/waypost/shared/fault"
	"github.com/waypost/waypost/shared/schema"
)

const profileSchema = `{
  "type": "object",
  "required": ["id"],
  "additionalProperties": false,
  "properties": {
    "id": {"type": "string"},
    "firstName": {"type": "string", "minLength": 2, "maxLength": 5},
    "phone": {"type": "string", "format": "e164"},
    "age": {"type": "integer", "minimum": 0, "exclusiveMaximum": 150},
    "score": {"type": "number", "multipleOf": 0.5},
    "tier": {"enum": ["gold", "silver"]},
    "code": {"type": "string", "pattern": "^[A-Z]+$"},
    "note": {"type": ["string", "null"]},
    "address": {"$ref": "#/$defs/address"},
    "addresses": {"type": "array", "items": {"$ref": "#/$defs/address"}, "maxItems": 2, "uniqueItems": true},
    "consents": {"type": "object", "additionalProperties": {"enum": ["y", "n"]}},
    "extra": {"type": "object"},
    "contact": {"anyOf": [{"type": "string", "format": "email"}, {"type": "integer"}]},
    "since": {"type": "string", "format": "date-time"}
  },
  "$defs": {"address": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}}
}`

func compile(t *testing.T, text string) *schema.Schema {
	t.Helper()
	s, err := schema.Compile([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestValidate(t *testing.T) {
	s := compile(t, profileSchema)
	for _, tc := range []struct {
		in   string
		want []fault.Detail
	}{
		{`{"id": "c-1", "firstName": "Zoë", "phone": "+15005550006", "age": 3.0, "score": 1.5, "tier": "gold", "note": null,
			"addresses": [{"city": "Bern"}], "consents": {"sms": "y"}, "contact": 3, "since": "2026-01-31T09:30:00Z"}`, nil},
		{`{}`, []fault.Detail{{Path: "id", Rule: "required", Message: "is required"}}},
		{`{"id": 7}`, []fault.Detail{{Path: "id", Rule: "type", Message: "must be a string, is a number"}}},
		{`{"id": "c", "fristName": "SECRET"}`, []fault.Detail{{
			Path: "fristName", Rule: "additionalProperties", Suggestion: "firstName",
			Message: "is not a known property; did you mean firstName?",
		}}},
		{`{"id": "c", "firstName": "SECRET"}`, []fault.Detail{{Path: "firstName", Rule: "maxLength", Message: "must have at most 5 characters, has 6"}}},
		{`{"id": "c", "phone": "SECRET"}`, []fault.Detail{{Path: "phone", Rule: "format", Message: "must be a phone number in E.164 form, such as +15005550006"}}},
		{`{"id": "c", "age": 2.5}`, []fault.Detail{{Path: "age", Rule: "type", Message: "must be an integer, is a number"}}},
		{`{"id": "c", "age": -1}`, []fault.Detail{{Path: "age", Rule: "minimum", Message: "must be at least 0"}}},
		{`{"id": "c", "age": 150}`, []fault.Detail{{Path: "age", Rule: "exclusiveMaximum", Message: "must be less than 150"}}},
		{`{"id": "c", "score": 0.3}`, []fault.Detail{{Path: "score", Rule: "multipleOf", Message: "must be a multiple of 0.5"}}},
		{`{"id": "c", "tier": "SECRET"}`, []fault.Detail{{Path: "tier", Rule: "enum", Message: `must be one of "gold" or "silver"`}}},
		{`{"id": "c", "code": "secret"}`, []fault.Detail{{Path: "code", Rule: "pattern", Message: "must match the regular expression ^[A-Z]+$"}}},
		{`{"id": "c", "note": 1}`, []fault.Detail{{Path: "note", Rule: "type", Message: "must be null or a string, is a number"}}},
		{`{"id": "c", "addresses": [{"city": 1}, {}, {}]}`, []fault.Detail{
			{Path: "addresses", Rule: "maxItems", Message: "must have at most 2 items, has 3"},
			{Path: "addresses", Rule: "uniqueItems", Message: "must have no two equal items; items 1 and 2 are equal"},
			{Path: "addresses.0.city", Rule: "type", Message: "must be a string, is a number"},
			{Path: "addresses.1.city", Rule: "required", Message: "is required"},
			{Path: "addresses.2.city", Rule: "required", Message: "is required"},
		}},
		{`{"id": "c", "contact": "SECRET"}`, []fault.Detail{{Path: "contact", Rule: "format", Message: "must be an email address"}}},
		{`{"id": "c", "contact": true}`, []fault.Detail{{Path: "contact", Rule: "anyOf", Message: "must be a string or an integer, is a boolean"}}},
		{`{"id": "c", "since": "SECRET"}`, []fault.Detail{{Path: "since", Rule: "format", Message: "must be an RFC 3339 date and time, such as 2026-01-31T09:30:00Z"}}},
		{`[]`, []fault.Detail{{Rule: "type", Message: "must be an object, is an array"}}},
	} {
		v, err := schema.Decode([]byte(tc.in))
		if err != nil {
			t.Fatal(err)
		}
		got := s.Validate(v)
		if diff := cmp.Diff(tc.want, got); diff != "" {
			t.Errorf("Validate(%s) (-want +got):\n%s", tc.in, diff)
		}
		for _, d := range got {
			if strings.Contains(strings.ToLower(d.String()), "secret") {
				t.Errorf("Validate(%s) repeats a value: %s", tc.in, d)
			}
		}
	}
}

func TestE164(t *testing.T) {
	s := compile(t, `{"format": "e164"}`)
	for in, want := range map[string]bool{
		"+15005550006": true, "+12": true, "+123456789012345": true,
		"+1": false, "+1234567890123456": false, "15005550006": false, "+05005550006": false, "+1 500": false, "+１２": false, "": false,
	} {
		if got := s.Validate(in) == nil; got != want {
			t.Errorf("%q is a number: %v, want %v", in, got, want)
		}
	}
}

func TestCompileRefuses(t *testing.T) {
	for _, tc := range []struct {
		in   string
		want string // the details, one a line
	}{
		{`{"type": "strnig"}`, `type: must be one of "array", "boolean", "integer", "null", "number", "object" or "string"`},
		{`{"properties": {"a": {"maxLength": "3"}}}`, `properties.a.maxLength: must be an integer, is a string`},
		{`{"properties": {"a": {"pattern": "("}}}`, `properties.a.pattern: must be a regular expression that Go's regexp (RE2) can read`},
		{`{"properties": {"a": {"$ref": "https://example.com/a.json"}}}`, `properties.a.$ref: refers to another document; a schema may refer only to itself, as in #/$defs/name`},
		{`{"properties": {"a": {"$ref": "file:///etc/passwd"}}}`, `properties.a.$ref: refers to another document; a schema may refer only to itself, as in #/$defs/name`},
		{`{"$ref": "#/$defs/adress", "$defs": {"address": {}}}`, `$ref: refers to "#/$defs/adress", which is not in the schema; did you mean address?`},
		{`{"$ref": "#nowhere"}`, `a reference, an anchor or an id in it cannot be resolved`},
		{`{"$schema": "https://example.com/meta"}`, `names a document that is not here; a schema may refer only to itself, and to a published JSON Schema draft`},
		{`[]`, `must be an object or a boolean, is an array`},
	} {
		_, err := schema.Compile(json.RawMessage(tc.in))
		e, ok := errors.AsType[*fault.Error](err)
		if !ok || e.Code != fault.Invalid {
			t.Errorf("Compile(%s) = %v, want invalid", tc.in, err)
			continue
		}
		var got []string
		for _, d := range e.Details {
			got = append(got, d.String())
		}
		if strings.Join(got, "\n") != tc.want {
			t.Errorf("Compile(%s)\n got %s\nwant %s", tc.in, strings.Join(got, "\n"), tc.want)
		}
	}
	if _, err := schema.Compile([]byte(`{`)); !fault.Is(err, fault.Malformed) {
		t.Errorf("Compile of broken JSON = %v, want malformed", err)
	}
	// What only looks like a reference is none.
	compile(t, `{"properties": {"$ref": {"type": "string"}}, "default": {"$ref": "x:y"}}`)
}

func TestType(t *testing.T) {
	str, opt := schema.String(), func(t schema.Type) schema.Type { t.Optional = true; return t }
	for _, tc := range []struct {
		in   string
		want schema.Type
	}{
		{`true`, schema.Any()},
		{`{}`, schema.Any()},
		{`{"type": "string"}`, str},
		{`{"type": "integer"}`, schema.Integer()},
		{`{"type": ["number", "null"]}`, schema.Number().OrNull()},
		{`{"type": ["string", "integer"]}`, schema.Type{}},
		{`{"type": ["string", "integer", "null"]}`, schema.Any()},
		{`{"type": "null"}`, schema.Null()},
		{`{"enum": ["a", "b", null]}`, str.OrNull()},
		{`{"const": true}`, schema.Boolean()},
		{`{"anyOf": [{"type": "string"}, {"type": "null"}]}`, schema.Any()},
		{`{"oneOf": [{"type": "string"}, {"type": "integer"}]}`, schema.Type{}},
		{`{"type": "array", "items": {"type": "string"}}`, schema.Array(str)},
		{`{"type": "array"}`, schema.Type{Kind: schema.ArrayKind}},
		{`{"type": "object"}`, schema.OpenObject()},
		{`{"type": "object", "additionalProperties": false}`, schema.Type{Kind: schema.ObjectKind, Strict: true}},
		{`{"type": "object", "additionalProperties": false, "patternProperties": {"^x": {}}}`, schema.Type{Kind: schema.ObjectKind}},
		{`{"type": "object", "additionalProperties": {"type": "string"}}`, schema.Type{Kind: schema.ObjectKind, Open: true, Items: &str}},
		{`{"type": "object", "properties": {"a": {"type": "string"}, "b": {}}, "required": ["a"]}`,
			schema.Object(map[string]schema.Type{"a": str, "b": opt(schema.Any())})},
		{`{"properties": {"a": {"type": "string"}}, "required": ["a"], "additionalProperties": true}`,
			schema.Object(map[string]schema.Type{"a": str}).OrNull().NotNull()},
		{`{"$ref": "#/$defs/a", "$defs": {"a": {"type": "string"}}}`, str},
		{`{"allOf": [{"properties": {"a": {"type": "string"}}}, {"properties": {"b": {"type": "integer"}}, "required": ["b"]}], "type": "object"}`,
			schema.Object(map[string]schema.Type{"a": opt(str), "b": schema.Integer()})},
		{`{"allOf": [{"type": "object", "properties": {"a": {"type": "string"}}, "additionalProperties": false}], "type": "object"}`,
			schema.Type{Kind: schema.ObjectKind, Properties: map[string]schema.Type{"a": opt(str)}, Strict: true}},
		{`{"type": "object", "properties": {"next": {"$ref": "#"}}}`, schema.Object(map[string]schema.Type{"next": opt(schema.Any())})},
		{`{"$schema": "http://json-schema.org/draft-07/schema#", "type": "array", "items": {"type": "string"}}`, schema.Array(str)},
	} {
		got := compile(t, tc.in).Type()
		if diff := cmp.Diff(tc.want, got); diff != "" {
			t.Errorf("Type(%s) (-want +got):\n%s", tc.in, diff)
		}
	}
}

// TestTypeIsBounded: written out, this type would have 2^40 attributes.
func TestTypeIsBounded(t *testing.T) {
	defs := []string{`"d0": {"type": "string"}`}
	for i := range 40 {
		defs = append(defs, fmt.Sprintf(`"d%d": {"type": "object", "properties": {"a": {"$ref": "#/$defs/d%d"}, "b": {"$ref": "#/$defs/d%d"}}}`, i+1, i, i))
	}
	count := 0
	var walk func(schema.Type)
	walk = func(t schema.Type) {
		count++
		for _, p := range t.Properties {
			walk(p)
		}
	}
	walk(compile(t, `{"$ref": "#/$defs/d40", "$defs": {`+strings.Join(defs, ",")+`}}`).Type())
	if count < 1000 || count > 40_000 {
		t.Errorf("the type has %d parts, want some thousands", count)
	}
}

// FuzzCompile: no document makes Compile, Type or Validate panic.
func FuzzCompile(f *testing.F) {
	for _, s := range []string{
		profileSchema, `{"$id": "http://x/y", "$defs": {"a": {"$id": "z", "$anchor": "b"}}, "$ref": "z#b"}`, `{"$dynamicRef": "#a", "$dynamicAnchor": "a"}`,
		`{"$schema": "http://json-schema.org/draft-04/schema#", "id": "x", "items": [{}]}`, `{"if": {"const": 1}, "then": false, "not": {}}`,
		`{"unevaluatedProperties": false, "allOf": [{"properties": {"a": true}}], "prefixItems": [true], "contains": {}, "dependentRequired": {"a": ["b"]}}`,
	} {
		f.Add([]byte(s), []byte(`{"a": [1, "x", null, {"b": 2.5}], "id": "c"}`))
	}
	f.Fuzz(func(t *testing.T, doc, value []byte) {
		s, err := schema.Compile(doc)
		if err != nil {
			return
		}
		_ = s.Type().String()
		if v, err := schema.Decode(value); err == nil {
			s.Validate(v)
		}
	})
}

func TestTypeString(t *testing.T) {
	for _, tc := range []struct {
		in   schema.Type
		want string
	}{
		{schema.Any(), "any value"},
		{schema.Integer().OrNull(), "an integer or null"},
		{schema.Array(schema.String()), "an array of strings"},
		{schema.Array(schema.Any()), "an array"},
		{schema.Object(nil), "an object"},
	} {
		if got := tc.in.String(); got != tc.want {
			t.Errorf("got %q, want %q", got, tc.want)
		}
	}
}
