package webhook

import (
	"encoding/json"
	"fmt"
	"maps"
	"mime"
	"net/url"
	"slices"
	"strings"

	"github.com/waypost/waypost/shared/action"
	"github.com/waypost/waypost/shared/fault"
	"github.com/waypost/waypost/shared/mapping"
)

// A kind is how a body is written.
type kind int

const (
	asJSON  kind = iota
	asForm       // of an object whose values are text, numbers, booleans, or arrays of them: a name with each
	asText       // of text alone, as it is
	unknown      // a content type that can't be written
)

// kindOf gives the kind of a content type. XML, CSV and whatever is no JSON
// is text, which the mapping's template makes.
func kindOf(contentType string) kind {
	media, _, err := mime.ParseMediaType(contentType)
	switch {
	case err != nil, !strings.Contains(media, "/"), strings.HasPrefix(media, "multipart/"):
		return unknown
	case media == "application/json", strings.HasSuffix(media, "+json"):
		return asJSON
	case media == "application/x-www-form-urlencoded":
		return asForm
	}
	return asText
}

// checkBody holds the body against the contract's Content-Type, which must be
// a constant where there is a body.
func checkBody(a *action.Action) []fault.Detail {
	if len(a.Contract.Body) == 0 {
		return nil
	}
	of, details := asJSON, []fault.Detail(nil)
	for _, name := range slices.Sorted(maps.Keys(a.Contract.Headers)) {
		if !strings.EqualFold(name, "Content-Type") {
			continue
		}
		var text string
		if json.Unmarshal(a.Contract.Headers[name], &text) != nil {
			return []fault.Detail{{Path: "contract.headers." + name, Message: "must be constant text: it says how the body is written"}}
		}
		if of = kindOf(text); of == unknown {
			return []fault.Detail{{Path: "contract.headers." + name, Message: fmt.Sprintf(
				"%q is not a type that a body can be written in; give application/json, application/x-www-form-urlencoded, or a type of text", text)}}
		}
	}
	var body any
	if err := json.Unmarshal(a.Contract.Body, &body); err != nil {
		return nil // it was told of already
	}
	say := func(path, format string, args ...any) {
		details = append(details, fault.Detail{Path: strings.Join([]string{"contract.body", path}, "."), Message: fmt.Sprintf(format, args...)})
	}
	switch m, object := body.(map[string]any); {
	case of == asText && !text(body):
		details = append(details, fault.Detail{Path: "contract.body", Message: "must be text, or one field of type string: the Content-Type is not JSON's"})
	case of == asForm && (!object || m["toBeMapped"] != nil):
		details = append(details, fault.Detail{Path: "contract.body", Message: "must be an object of the form's parameters"})
	case of == asForm:
		for _, name := range slices.Sorted(maps.Keys(m)) {
			if !flat(m[name]) {
				say(name, "must be text, a number, true or false, or an array of these: a form has nothing else")
			}
		}
	}
	return details
}

// CheckPlace finds why a value of Waypost's own can't be put in a place, as
// Action.CheckPlace does, and of the body also as it is written.
func CheckPlace(a *action.Action, at string, p action.Place) []fault.Detail {
	if details := a.CheckPlace(at, p); len(details) > 0 {
		return details
	}
	path, inBody := p.InBody()
	if !inBody {
		return nil
	}
	why := ""
	for name, raw := range a.Contract.Headers {
		var text string
		if !strings.EqualFold(name, "Content-Type") || json.Unmarshal(raw, &text) != nil {
			continue
		}
		switch of := kindOf(text); {
		case of == asText:
			why = "the body is text: name a header or a query parameter"
		case of == asForm && len(path) > 1:
			why = "must be a key of the form, or a header or a query parameter: a form has no objects"
		}
	}
	if why == "" {
		return nil
	}
	return []fault.Detail{{Path: at, Message: why}}
}

// text says whether a value of a contract is constant text or a field of it.
func text(v any) bool {
	if m, ok := v.(map[string]any); ok {
		return m["toBeMapped"] != nil && m["type"] == "string"
	}
	_, ok := v.(string)
	return ok
}

// flat says whether a value of a contract can be a form's parameter.
func flat(v any) bool {
	switch v := v.(type) {
	case map[string]any:
		items, _ := v["items"].(map[string]any)
		return v["toBeMapped"] != nil && v["each"] == nil && v["type"] != "object" && items["type"] != "object" && items["type"] != "array"
	case []any:
		return !slices.ContainsFunc(v, func(item any) bool {
			_, array := item.([]any)
			return array || !flat(item)
		})
	}
	return true
}

// encode writes a message's body.
func encode(m *action.Message, of kind) ([]byte, error) {
	switch of {
	case asText:
		text, ok := m.Body.(string)
		if !ok && m.Body != nil {
			return nil, fault.New(fault.Invalid, "the body is not text, and its Content-Type is not JSON's")
		}
		return []byte(text), nil
	case asForm:
		body, ok := m.Body.(map[string]any)
		if !ok {
			return nil, fault.New(fault.Invalid, "the body is not an object of a form's parameters")
		}
		return form(body)
	}
	return m.JSON()
}

// form writes parameters in the order of their names; null is an empty one.
func form(body map[string]any) ([]byte, error) {
	values := url.Values{}
	for name, v := range body {
		items, many := v.([]any)
		if !many {
			items = []any{v}
		}
		for _, item := range items {
			switch item.(type) {
			case map[string]any, []any:
				return nil, fault.New(fault.Invalid, "%s came out as an object or nested, which a form can't have", name)
			case nil:
				values.Add(name, "")
			default:
				values.Add(name, mapping.Text(item))
			}
		}
	}
	return []byte(values.Encode()), nil
}
