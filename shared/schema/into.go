package schema

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/waypost/waypost/shared/fault"
)

// Into reads one JSON value into v, a pointer, as strictly as Decode does, for
// documents that no JSON Schema describes. It refuses a key that no field has
// (names are compared exactly, unlike encoding/json), a value of another type,
// and null for anything but a pointer, a map, a slice or an interface.
//
// Field names come from json tags. A type that implements json.Unmarshaler is
// handed its own text; the details of a fault.Error that it returns gain its
// path. A field of type any gets what Decode gives.
//
// Errors are a fault.Error: Malformed as from Decode, or Invalid with all that
// is wrong, by dotted path. v may then hold a part of the document.
func Into(data []byte, v any) error {
	if _, err := Decode(data); err != nil {
		return err
	}
	target := reflect.ValueOf(v)
	if target.Kind() != reflect.Pointer || target.IsNil() {
		return fault.New(fault.Internal, "the document cannot be read into a %T", v)
	}
	var f filler
	f.fill(data, target.Elem(), nil)
	return fault.Document("the document is not valid", f.details)
}

type filler struct{ details []fault.Detail }

func (f *filler) add(path []string, rule, format string, args ...any) {
	f.details = append(f.details, fault.Detail{Path: strings.Join(path, "."), Rule: rule, Message: fmt.Sprintf(format, args...)})
}

// fill reads JSON text into a value at a path. It goes on after a fault, so that
// an author sees them all at once.
func (f *filler) fill(raw json.RawMessage, v reflect.Value, path []string) {
	if u, ok := v.Addr().Interface().(json.Unmarshaler); ok {
		if err := u.UnmarshalJSON(raw); err != nil {
			f.adopt(err, path)
		}
		return
	}
	decoded, err := Decode(raw)
	if err != nil {
		f.add(path, "", "%v", err)
		return
	}
	if decoded == nil {
		switch v.Kind() {
		case reflect.Pointer, reflect.Map, reflect.Slice, reflect.Interface:
			v.SetZero()
			return
		}
	}
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() {
			v.Set(reflect.New(v.Type().Elem()))
		}
		f.fill(raw, v.Elem(), path)
	case reflect.Interface:
		v.Set(reflect.ValueOf(decoded))
	case reflect.Struct:
		f.fields(raw, decoded, v, path)
	case reflect.Map:
		f.entries(raw, decoded, v, path)
	case reflect.Slice:
		f.items(raw, decoded, v, path)
	default:
		f.scalar(decoded, v, path)
	}
}

// adopt takes over the error of a type that reads itself.
func (f *filler) adopt(err error, path []string) {
	e, ok := errors.AsType[*fault.Error](err)
	if !ok {
		f.add(path, "", "is not valid")
		return
	}
	if len(e.Details) == 0 {
		f.add(path, "", "%s", e.Message)
	}
	for _, d := range e.Details {
		d.Path = strings.Trim(strings.Join(path, ".")+"."+d.Path, ".")
		f.details = append(f.details, d)
	}
}

// fields reads an object into a struct. Fields that the object lacks keep their
// value; which are required is the document's own to say.
func (f *filler) fields(raw json.RawMessage, decoded any, v reflect.Value, path []string) {
	object, ok := decoded.(map[string]any)
	if !ok {
		f.add(path, "type", "must be an object, is %s", nameOf(decoded))
		return
	}
	parts := split[map[string]json.RawMessage](raw)
	var names []string
	for _, field := range reflect.VisibleFields(v.Type()) {
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		if !field.IsExported() || name == "-" || field.Anonymous && name == "" {
			continue
		}
		if name == "" {
			name = field.Name
		}
		names = append(names, name)
		if part, present := parts[name]; present {
			target, err := v.FieldByIndexErr(field.Index)
			if err != nil { // behind an embedded pointer, which documents do not use
				f.add(append(path, name), "", "cannot be read")
				continue
			}
			f.fill(part, target, append(path, name))
		}
	}
	for _, key := range sortedKeys(object) {
		if slices.Contains(names, key) {
			continue
		}
		suggestion := fault.Nearest(key, names)
		f.add(append(path, key), "additionalProperties", "is not a known property%s", didYouMean(suggestion))
		f.details[len(f.details)-1].Suggestion = suggestion
	}
}

// entries reads an object into a map with string keys.
func (f *filler) entries(raw json.RawMessage, decoded any, v reflect.Value, path []string) {
	object, ok := decoded.(map[string]any)
	if !ok {
		f.add(path, "type", "must be an object, is %s", nameOf(decoded))
		return
	}
	if v.Type().Key().Kind() != reflect.String {
		f.add(path, "", "cannot be read")
		return
	}
	parts := split[map[string]json.RawMessage](raw)
	v.Set(reflect.MakeMapWithSize(v.Type(), len(object)))
	for _, key := range sortedKeys(object) {
		item := reflect.New(v.Type().Elem()).Elem()
		f.fill(parts[key], item, append(path, key))
		v.SetMapIndex(reflect.ValueOf(key).Convert(v.Type().Key()), item)
	}
}

// items reads an array into a slice.
func (f *filler) items(raw json.RawMessage, decoded any, v reflect.Value, path []string) {
	if _, ok := decoded.([]any); !ok {
		f.add(path, "type", "must be an array, is %s", nameOf(decoded))
		return
	}
	parts := split[[]json.RawMessage](raw)
	v.Set(reflect.MakeSlice(v.Type(), len(parts), len(parts)))
	for i, part := range parts {
		f.fill(part, v.Index(i), append(path, strconv.Itoa(i)))
	}
}

// scalar reads a string, a boolean or a number.
func (f *filler) scalar(decoded any, v reflect.Value, path []string) {
	switch v.Kind() {
	case reflect.String:
		if s, ok := decoded.(string); ok {
			v.SetString(s)
			return
		}
		f.add(path, "type", "must be a string, is %s", nameOf(decoded))
	case reflect.Bool:
		if b, ok := decoded.(bool); ok {
			v.SetBool(b)
			return
		}
		f.add(path, "type", "must be a boolean, is %s", nameOf(decoded))
	case reflect.Float32, reflect.Float64:
		switch n := decoded.(type) {
		case int64:
			v.SetFloat(float64(n))
		case float64:
			v.SetFloat(n)
		default:
			f.add(path, "type", "must be a number, is %s", nameOf(decoded))
		}
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		n, ok := whole(decoded)
		if !ok || v.OverflowInt(n) {
			f.add(path, "type", "must be an integer of %d bits, is %s", v.Type().Bits(), nameOf(decoded))
			return
		}
		v.SetInt(n)
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		n, ok := whole(decoded)
		if !ok || n < 0 || v.OverflowUint(uint64(n)) {
			f.add(path, "type", "must be an integer of at least 0, is %s", nameOf(decoded))
			return
		}
		v.SetUint(uint64(n))
	default:
		f.add(path, "", "cannot be read")
	}
}

// whole gives a number without a fraction, which JSON may also write as 1.0 or 1e3.
func whole(v any) (int64, bool) {
	switch n := v.(type) {
	case int64:
		return n, true
	case float64:
		return int64(n), n == math.Trunc(n) && math.Abs(n) < 1<<53
	}
	return 0, false
}

// split takes JSON text apart, one level; the text is known to be well formed.
func split[T any](raw json.RawMessage) T {
	var parts T
	_ = json.Unmarshal(raw, &parts) // cannot fail: Decode read it as this type
	return parts
}

func sortedKeys(object map[string]any) []string {
	return slices.Sorted(maps.Keys(object))
}
