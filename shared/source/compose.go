package source

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"golang.org/x/net/http/httpguts"

	"github.com/waypost/waypost/shared/action"
	"github.com/waypost/waypost/shared/channel"
	"github.com/waypost/waypost/shared/channel/webhook"
	"github.com/waypost/waypost/shared/fault"
	"github.com/waypost/waypost/shared/mapping"
	"github.com/waypost/waypost/shared/schema"
	"github.com/waypost/waypost/shared/secret"
)

// compose makes the request for env. It is called as a webhook is. Its error is
// Invalid, with places and never with values.
func (s *Source) compose(env mapping.Env) (*channel.Request, error) {
	const failed = "its request could not be composed"
	v, err := s.request.Eval(env)
	if err != nil {
		return nil, fault.Document(failed, fault.Details(err))
	}
	var details []fault.Detail
	parts, _ := v.(map[string]any)
	flat := func(part string) map[string]string {
		values, _ := parts[part].(map[string]any)
		texts := make(map[string]string, len(values))
		for _, name := range slices.Sorted(maps.Keys(values)) {
			switch value := values[name].(type) {
			case nil: // left out
			case map[string]any, []any:
				details = append(details, fault.Detail{Path: part + "." + name, Message: "came out as no text, number or boolean"})
			default:
				texts[name] = mapping.Text(value)
			}
		}
		return texts
	}
	m := &action.Message{BaseURL: s.Settings.URL, Method: s.method(), Query: url.Values{}, Header: http.Header{}}
	params := flat(inPath)
	var wrong []string
	m.Path, wrong = action.FillPath(s.Request.Path, func(name string) string { return params[name] })
	for _, name := range wrong {
		details = append(details, fault.Detail{Path: inPath + "." + name, Message: "came out empty, nil or as dots"})
	}
	for name, text := range flat(inQuery) {
		m.Query.Set(name, text)
	}
	headers := flat(inHeaders)
	for _, name := range slices.Sorted(maps.Keys(headers)) {
		text := headers[name]
		if !httpguts.ValidHeaderFieldValue(text) {
			details = append(details, fault.Detail{Path: inHeaders + "." + name, Message: "came out with a character that a header may not have"})
		}
		m.Header.Set(name, text)
	}
	m.Body = withoutNil(parts[inBody])
	m.HasBody = m.Body != nil
	if err := fault.Document(failed, details); err != nil {
		return nil, err
	}
	r, err := webhook.Channel{}.Encode(m, secret.Credential{})
	if err == nil && len(r.Body) > action.MaxBody {
		err = fault.New(fault.TooLarge, "its request's body has %d bytes, over the limit of %d", len(r.Body), action.MaxBody)
	}
	return r, err
}

// withoutNil leaves out of a body what came out nil.
func withoutNil(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for key, item := range v {
			if item = withoutNil(item); item != nil {
				out[key] = item
			}
		}
		return out
	case []any:
		out := make([]any, 0, len(v))
		for _, item := range v {
			if item = withoutNil(item); item != nil {
				out = append(out, item)
			}
		}
		return out
	}
	return v
}

// read gives what the response schema names of an answer's body. Its error
// names places of the schema, and nothing that the answer says.
func (s *Source) read(body []byte) (any, error) {
	v, err := schema.Decode(body)
	if err != nil {
		return nil, fault.Wrap(err, fault.Invalid, "its answer is not JSON")
	}
	if broken := s.response.Validate(v); len(broken) > 0 {
		d := broken[0]
		at, known := place(s.response.Type(), d.Path)
		if !known {
			d.Message = "is not as the schema has it"
		}
		return nil, fault.New(fault.Invalid, "its answer breaks its response schema: %s", fault.Detail{Path: at, Message: d.Message})
	}
	kept, _ := action.Keep(s.response.Type(), action.Whole(v))
	return kept, nil
}

// place writes a path with those names only that the schema itself has: in an
// answer that is keyed by customers, a name is data. known says whether it has all.
func place(t schema.Type, path string) (_ string, known bool) {
	if path == "" {
		return "", true
	}
	steps := strings.Split(path, ".")
	known = true
	for i, step := range steps {
		p, has := t.Properties[step]
		switch {
		case has:
			t = p
			continue
		case t.Kind == schema.ArrayKind: // an index
		default:
			steps[i], known = "*", false
		}
		t = t.Item()
	}
	return strings.Join(steps, "."), known
}
