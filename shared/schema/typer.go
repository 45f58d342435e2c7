package schema

import (
	"maps"
	"slices"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// A typer reads Types off a compiled schema. A schema may refer to itself: where
// it does, the type is any from there on. It may also refer to one part often,
// and that to another, so that a page of schema describes millions of
// attributes: from maxSize on, the type is any too.
type typer struct {
	active map[*jsonschema.Schema]bool
	known  map[*jsonschema.Schema]sized
	size   int // of all so far, were it written out
}

type sized struct {
	typ  Type
	size int
}

const maxSize = 20_000

// of gives the type of a schema: what its own keywords say, and what those that it
// takes in by allOf and $ref say too.
func (t *typer) of(s *jsonschema.Schema) Type {
	if s == nil || s.Bool != nil || t.active[s] || t.size > maxSize {
		return Any()
	}
	if known, ok := t.known[s]; ok && t.size+known.size <= maxSize {
		t.size += known.size
		return known.typ
	} else if ok {
		return Any()
	}
	if t.active == nil {
		t.active, t.known = map[*jsonschema.Schema]bool{}, map[*jsonschema.Schema]sized{}
	}
	before := t.size
	t.size++
	t.active[s] = true
	typ := t.own(s)
	for _, part := range append(slices.Clone(s.AllOf), s.Ref, dynamic(s)) {
		if part != nil {
			typ = both(typ, t.of(part))
		}
	}
	delete(t.active, s)
	t.known[s] = sized{typ, t.size - before}
	return typ
}

// dynamic gives the target of $dynamicRef, or of draft 2019-09's $recursiveRef.
func dynamic(s *jsonschema.Schema) *jsonschema.Schema {
	if s.DynamicRef != nil {
		return s.DynamicRef.Ref
	}
	return s.RecursiveRef
}

// own is the type that a schema's own keywords give, apart from allOf and $ref.
func (t *typer) own(s *jsonschema.Schema) Type {
	typ := Any()
	names := typeNames(s)
	null := slices.Contains(names, "null")
	names = slices.DeleteFunc(names, func(n string) bool { return n == "null" })
	switch {
	case len(names) == 0 && null:
		return Null()
	case len(names) == 1:
		typ = Type{Kind: kindOf(names[0]), Nullable: null}
	case len(names) > 1:
		typ.Nullable = null
	case len(s.Properties) > 0: // No type, but what it says is said of objects.
		typ = Type{Kind: ObjectKind}
	}
	if branches := append(slices.Clone(s.AnyOf), s.OneOf...); len(branches) > 0 && typ.Kind == AnyKind {
		typ.Nullable = slices.ContainsFunc(branches, func(b *jsonschema.Schema) bool { return t.of(b).Nullable })
		return typ
	}
	switch typ.Kind {
	case ObjectKind:
		t.object(s, &typ)
	case ArrayKind:
		if item, ok := s.Items.(*jsonschema.Schema); ok {
			typ.Items = pointer(t.of(item))
		} else if s.Items2020 != nil && len(s.PrefixItems) == 0 {
			typ.Items = pointer(t.of(s.Items2020))
		}
	}
	return typ
}

// object reads an object's attributes. One that lists attributes is closed for
// the mapping language, even where its schema would let others pass: a name that
// nobody described is a slip of the pen. It stays open where the schema says
// what type the others have.
func (t *typer) object(s *jsonschema.Schema, typ *Type) {
	typ.Open = len(s.Properties) == 0
	switch others := s.AdditionalProperties.(type) {
	case bool:
		typ.Open = typ.Open && others
		typ.Strict = !others && len(s.PatternProperties) == 0
	case *jsonschema.Schema:
		if of := t.of(others); of.Kind != AnyKind {
			typ.Open, typ.Items = true, &of
		}
	}
	if len(s.Properties) == 0 {
		return
	}
	typ.Properties = make(map[string]Type, len(s.Properties))
	for name, property := range s.Properties {
		p := t.of(property)
		p.Optional = !slices.Contains(s.Required, name)
		typ.Properties[name] = p
	}
}

// typeNames lists the JSON types that type, enum or const allow; none is any.
func typeNames(s *jsonschema.Schema) []string {
	if s.Types != nil && !s.Types.IsEmpty() {
		return s.Types.ToStrings()
	}
	var values []any
	if s.Enum != nil {
		values = s.Enum.Values
	}
	if s.Const != nil {
		values = []any{*s.Const}
	}
	var names []string
	for _, v := range values {
		name := "number"
		switch v.(type) {
		case nil:
			name = "null"
		case string:
			name = "string"
		case bool:
			name = "boolean"
		case int64:
			name = "integer"
		case []any:
			name = "array"
		case map[string]any:
			name = "object"
		}
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// kindOf gives the kind of a JSON type that is not null.
func kindOf(name string) Kind {
	switch name {
	case "string":
		return StringKind
	case "integer":
		return IntegerKind
	case "number":
		return NumberKind
	case "boolean":
		return BooleanKind
	case "array":
		return ArrayKind
	}
	return ObjectKind
}

func pointer(t Type) *Type { return &t }

// both is the type of a value that is of type a and of type b (allOf).
func both(a, b Type) Type {
	nullable := a.Nullable && b.Nullable
	switch {
	case a.Kind == AnyKind:
		b.Nullable = nullable
		return b
	case b.Kind == AnyKind:
		a.Nullable = nullable
		return a
	case a.Kind == NumberKind && b.Kind == IntegerKind:
		b.Nullable = nullable
		return b
	case a.Kind != ObjectKind || b.Kind != ObjectKind:
		if a.Items == nil {
			a.Items = b.Items
		}
		a.Nullable = nullable
		return a
	}
	merged := Type{Kind: ObjectKind, Nullable: nullable, Properties: maps.Clone(a.Properties), Items: a.Items}
	if merged.Properties == nil {
		merged.Properties = map[string]Type{}
	}
	for name, p := range b.Properties {
		if mine, ok := merged.Properties[name]; ok {
			optional := mine.Optional && p.Optional
			p = both(mine, p)
			p.Optional = optional
		}
		merged.Properties[name] = p
	}
	if merged.Items == nil {
		merged.Items = b.Items
	}
	merged.Strict = a.Strict || b.Strict
	merged.Open = len(merged.Properties) == 0 && a.Open && b.Open || merged.Items != nil && (a.Open || b.Open)
	return merged
}
