// Package schema holds what Waypost knows of JSON: a strict reader of JSON
// text (Decode, Into), JSON Schema documents (Compile, Validate), and the Type
// that a schema gives to the mapping language.
//
// A schema is JSON Schema, draft 2020-12 unless its $schema names an older
// draft. A $ref stays inside its document: nothing is ever loaded from a file
// or a network. Formats are asserted, not just noted; "e164" is one more, a
// phone number as ITU-T E.164 has it, with a leading plus.
//
// No message about a value repeats the value, since it may be a customer's: a
// message gives types, lengths, limits and the alternatives that the schema
// lists. Names of attributes are repeated.
//
// The zero Schema is of no use; Compile makes one. A Schema is immutable and
// safe for concurrent use.
package schema

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/waypost/waypost/shared/fault"
)

// location is the name that documents go by in the library. It is never loaded.
const location = "waypost:schema"

// A Schema is a compiled JSON Schema document.
type Schema struct {
	compiled *jsonschema.Schema
	typ      Type
}

// Compile reads a JSON Schema document: its JSON text as a []byte or a
// json.RawMessage, or the value that Decode makes of it.
//
// Its error is a fault.Error: Malformed where the text is no JSON, Invalid
// where the document is no schema, with paths in the document.
func Compile(doc any) (compiled *Schema, err error) {
	switch text := doc.(type) {
	case []byte:
		doc, err = Decode(text)
	case json.RawMessage:
		doc, err = Decode(text)
	}
	if err != nil {
		return nil, err
	}
	const invalid = "the JSON Schema is not valid"
	switch doc.(type) {
	case map[string]any, bool:
	default:
		return nil, fault.Document(invalid, []fault.Detail{{Rule: "type", Message: "must be an object or a boolean, is " + nameOf(doc)}})
	}
	if details := checkReferences(doc); len(details) > 0 {
		return nil, fault.Document(invalid, details)
	}
	// The library panics where a document leads it to what it holds impossible.
	defer func() {
		if cause := recover(); cause != nil {
			compiled, err = nil, &fault.Error{
				Code: fault.Invalid, Message: invalid, Details: compileDetails(nil), Cause: fmt.Errorf("%v", cause),
			}
		}
	}()
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	c.AssertFormat()
	c.UseLoader(noLoader{})
	c.RegisterFormat(&jsonschema.Format{Name: "e164", Validate: validateE164})
	if err := c.AddResource(location, doc); err != nil {
		return nil, fault.Wrap(err, fault.Internal, "the JSON Schema could not be read")
	}
	root, err := c.Compile(location)
	if err != nil {
		return nil, &fault.Error{Code: fault.Invalid, Message: invalid, Details: compileDetails(err), Cause: err}
	}
	return &Schema{compiled: root, typ: (&typer{}).of(root)}, nil
}

// Validate checks a value, as Decode makes it, and lists what breaks the
// schema, sorted by path; nil where nothing does. A detail's Rule is the JSON
// Schema keyword.
func (s *Schema) Validate(v any) []fault.Detail {
	err := s.compiled.Validate(v)
	if err == nil {
		return nil
	}
	failure, ok := errors.AsType[*jsonschema.ValidationError](err)
	if !ok {
		return []fault.Detail{{Message: "could not be checked against its schema"}}
	}
	return details(failure, s.typ)
}

// Type gives the type that the mapping language sees.
func (s *Schema) Type() Type { return s.typ }

// noLoader refuses to load: a $ref or $schema that names another document.
type noLoader struct{}

func (noLoader) Load(string) (any, error) {
	return nil, errors.New("a schema may refer only to itself")
}

// validateE164 checks ^\+[1-9][0-9]{1,14}$ (ITU-T E.164, section 6).
func validateE164(v any) error {
	s, ok := v.(string)
	if !ok {
		return nil
	}
	digits, plus := strings.CutPrefix(s, "+")
	if !plus || len(digits) < 2 || len(digits) > 15 || digits[0] == '0' || strings.Trim(digits, "0123456789") != "" {
		return errors.New("not an E.164 number")
	}
	return nil
}

// checkReferences finds every $ref that leaves the document or points at
// nothing, which the library would report without a place.
func checkReferences(doc any) []fault.Detail {
	var found []fault.Detail
	var walk func(v any, path []string)
	nested := false // a $id below the root moves what "#" means; the library resolves it then
	walk = func(v any, path []string) {
		switch v := v.(type) {
		case []any:
			for i, item := range v {
				walk(item, append(path, fmt.Sprint(i)))
			}
		case map[string]any:
			_, hasID := v["$id"].(string)
			nested = nested || hasID && len(path) > 0
			for _, key := range slices.Sorted(maps.Keys(v)) {
				at := append(slices.Clone(path), key)
				ref, isText := v[key].(string)
				switch {
				case isText && (key == "$ref" || key == "$dynamicRef"):
					if d, bad := checkReference(doc, ref, nested); bad {
						d.Path, d.Rule = strings.Join(at, "."), key
						found = append(found, d)
					}
				case slices.Contains([]string{"const", "enum", "default", "examples"}, key) && (len(path) == 0 || path[len(path)-1] != "properties"):
					// Values, not schemas: what looks like a $ref there is none.
				default:
					walk(v[key], at)
				}
			}
		}
	}
	walk(doc, nil)
	return found
}

// checkReference follows a JSON pointer (RFC 6901) as far as objects go.
func checkReference(doc any, ref string, nested bool) (fault.Detail, bool) {
	if !strings.HasPrefix(ref, "#") {
		return fault.Detail{Message: "refers to another document; a schema may refer only to itself, as in #/$defs/name"}, true
	}
	pointer, isPointer := strings.CutPrefix(ref, "#/")
	if !isPointer || nested || strings.Contains(pointer, "%") {
		return fault.Detail{}, false
	}
	unescape := strings.NewReplacer("~1", "/", "~0", "~")
	for token := range strings.SplitSeq(pointer, "/") {
		name := unescape.Replace(token)
		object, ok := doc.(map[string]any)
		if !ok {
			return fault.Detail{}, false // into an array, or nowhere: the library's to say
		}
		next, ok := object[name]
		if !ok {
			d := fault.Detail{Message: fmt.Sprintf("refers to %s, which is not in the schema", quote(ref))}
			d.Suggestion = fault.Nearest(name, slices.Sorted(maps.Keys(object)))
			d.Message += didYouMean(d.Suggestion)
			return d, true
		}
		doc = next
	}
	return fault.Detail{}, false
}

// didYouMean ends a message with a suggestion, where there is one.
func didYouMean(name string) string {
	if name == "" {
		return ""
	}
	return "; did you mean " + name + "?"
}

// compileDetails puts the library's compile error into words.
func compileDetails(err error) []fault.Detail {
	if e, ok := errors.AsType[*jsonschema.SchemaValidationError](err); ok {
		if failure, ok := errors.AsType[*jsonschema.ValidationError](e.Err); ok {
			return details(failure, Any())
		}
	}
	if e, ok := errors.AsType[*jsonschema.InvalidRegexError](err); ok {
		_, pointer, _ := strings.Cut(e.URL, "#/")
		return []fault.Detail{{
			Path: strings.ReplaceAll(pointer, "/", "."), Rule: "pattern",
			Message: "is not a regular expression that Go's regexp (RE2) can read",
		}}
	}
	if _, ok := errors.AsType[*jsonschema.LoadURLError](err); ok {
		return []fault.Detail{{
			Rule:    "$schema",
			Message: "names a document that is not here; a schema may refer only to itself, and to a published JSON Schema draft",
		}}
	}
	return []fault.Detail{{Message: "a reference, an anchor or an id in it cannot be resolved"}}
}
