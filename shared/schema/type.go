package schema

import (
	"maps"
	"slices"
	"strings"
)

// A Kind is what sort of value a Type describes.
type Kind uint8

const (
	// AnyKind is a value of any type: nothing is known of it.
	AnyKind Kind = iota
	StringKind
	IntegerKind
	// NumberKind is any number, whole or not.
	NumberKind
	BooleanKind
	ObjectKind
	ArrayKind
	// NullKind is null and nothing else.
	NullKind
	// TimeKind and DurationKind are of no JSON Schema: they are what now() and
	// date() give inside an expression. A result of them is a string.
	TimeKind
	DurationKind
)

var kindNames = [...]string{"any value", "a string", "an integer", "a number", "a boolean", "an object", "an array", "null", "a time", "a duration"}

// A Type is what is known of a value before there is one: the part of a JSON
// Schema that the mapping language is checked against. It is a value, and is
// not changed once made. The zero Type is any value that may not be null.
type Type struct {
	Kind Kind
	// Properties are an object's known attributes.
	Properties map[string]Type
	// Open says that an object may have other attributes than Properties.
	Open bool
	// Strict says that the schema itself refuses attributes that are not in
	// Properties. One that is neither Strict nor Open takes them, and yet nobody
	// may read them: nobody described them.
	Strict bool
	// Items is the type of an array's items, or of an open object's other
	// attributes; nil is any.
	Items *Type
	// Nullable says that the value may be null.
	Nullable bool
	// Optional says that, as an object's attribute, it may be absent.
	Optional bool
}

// Any is a value of which nothing is known, null included.
func Any() Type { return Type{Kind: AnyKind, Nullable: true} }

// String, Integer, Number, Boolean, Time and Duration are the plain types.
func String() Type   { return Type{Kind: StringKind} }
func Integer() Type  { return Type{Kind: IntegerKind} }
func Number() Type   { return Type{Kind: NumberKind} }
func Boolean() Type  { return Type{Kind: BooleanKind} }
func Time() Type     { return Type{Kind: TimeKind} }
func Duration() Type { return Type{Kind: DurationKind} }

// Null is the type of null alone.
func Null() Type { return Type{Kind: NullKind, Nullable: true} }

// Object is a closed object: it has these attributes and no others.
func Object(properties map[string]Type) Type {
	return Type{Kind: ObjectKind, Properties: properties}
}

// OpenObject is an object of which no attribute is known: any may be read.
func OpenObject() Type { return Type{Kind: ObjectKind, Open: true} }

// Array is an array of items of one type.
func Array(items Type) Type { return Type{Kind: ArrayKind, Items: &items} }

// OrNull is t, or null.
func (t Type) OrNull() Type {
	t.Nullable = true
	return t
}

// NotNull is t where it is not null.
func (t Type) NotNull() Type {
	t.Nullable, t.Optional = false, false
	return t
}

// Item is the type of an array's items: any, where that is not known.
func (t Type) Item() Type {
	if t.Items == nil {
		return Any()
	}
	return *t.Items
}

// Property gives the type of an object's attribute, and whether it may have one
// of that name at all. The type is nullable where the attribute may be absent.
func (t Type) Property(name string) (Type, bool) {
	if p, ok := t.Properties[name]; ok {
		p.Nullable = p.Nullable || p.Optional
		p.Optional = false
		return p, true
	}
	if t.Kind == ObjectKind && !t.Open {
		return Type{}, false
	}
	return t.Item().OrNull(), true
}

// Names lists the attributes that are known, sorted.
func (t Type) Names() []string { return slices.Sorted(maps.Keys(t.Properties)) }

// IsNumber says whether t is an integer or a number.
func (t Type) IsNumber() bool { return t.Kind == IntegerKind || t.Kind == NumberKind }

// String says what a value of the type is, as a message does: "a string",
// "an array of integers", "an object or null".
func (t Type) String() string {
	s := kindNames[t.Kind]
	if t.Kind == ArrayKind && t.Items != nil && t.Items.Kind != AnyKind {
		s = "an array of " + plural(*t.Items)
	}
	if t.Nullable && t.Kind != AnyKind && t.Kind != NullKind {
		s += " or null"
	}
	return s
}

// plural names several values of a type.
func plural(t Type) string {
	name := kindNames[t.Kind]
	if t.Kind == NullKind {
		return "nulls"
	}
	_, noun, _ := strings.Cut(name, " ")
	return noun + "s"
}
