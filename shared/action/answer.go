package action

import (
	"github.com/waypost/waypost/shared/fault"
	"github.com/waypost/waypost/shared/schema"
)

// pick reads an answer's body and keeps what the schema names.
func pick(rules *schema.Schema, body []byte) (any, error) {
	if rules == nil {
		return nil, nil
	}
	v, err := schema.Decode(body)
	if err != nil {
		return nil, fault.Wrap(err, fault.Invalid, "the answer is not JSON, and the contract reads fields of it")
	}
	picked, _ := Keep(rules.Type(), Whole(v))
	return picked, nil
}

// Keep gives the part of v that a type names, and whether v is of that type at
// all. Whatever else the endpoint answered stays out of the journey's history.
func Keep(t schema.Type, v any) (any, bool) {
	if v == nil {
		return nil, false
	}
	switch t.Kind {
	case schema.ObjectKind:
		m, ok := v.(map[string]any)
		if !ok {
			return nil, false
		}
		out := make(map[string]any, len(m))
		for name, item := range m {
			pt, named := t.Property(name)
			if kept, ok := Keep(pt, item); named && ok {
				out[name] = kept
			}
		}
		return out, true
	case schema.ArrayKind:
		items, ok := v.([]any)
		if !ok || t.Items == nil {
			return v, ok
		}
		out := make([]any, 0, len(items))
		for _, item := range items {
			if kept, ok := Keep(*t.Items, item); ok {
				out = append(out, kept)
			}
		}
		return out, true
	case schema.IntegerKind:
		v = Whole(v)
		_, ok := v.(int64)
		return v, ok
	case schema.NumberKind:
		switch v.(type) {
		case int64, float64:
			return v, true
		}
		return nil, false
	case schema.StringKind:
		_, ok := v.(string)
		return v, ok
	case schema.BooleanKind:
		_, ok := v.(bool)
		return v, ok
	}
	return v, true
}
