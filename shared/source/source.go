package source

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"

	"github.com/waypost/waypost/shared/action"
	"github.com/waypost/waypost/shared/fault"
	"github.com/waypost/waypost/shared/mapping"
	"github.com/waypost/waypost/shared/schema"
)

// A Source is a definition made ready. It is immutable and safe for concurrent use.
type Source struct {
	Definition
	// Revision counts the changes of the stored document, from 1. Answers are
	// remembered by it.
	Revision int

	request  *mapping.Template // an object of the parts that have values
	reads    mapping.References
	response *schema.Schema
}

// The parts of a request that have values, as its document names them.
const (
	inPath    = "pathParams"
	inQuery   = "query"
	inHeaders = "headers"
	inBody    = "body"
)

// Compile makes a definition ready. Its error is an Invalid fault that lists
// everything wrong with the request and the response.
func Compile(def Definition) (*Source, error) {
	s := &Source{Definition: def}
	details := s.prepare()
	response, err := action.CompileAnswer(def.Response)
	if err != nil {
		details = append(details, fault.Under("response", fault.Details(err))...)
	}
	s.response = response
	if err := fault.Document(fmt.Sprintf("the source %s is not valid", def.Name), details); err != nil {
		return nil, err
	}
	return s, nil
}

// prepare reads the request's templates, and finds what is wrong with it.
func (s *Source) prepare() []fault.Detail {
	var details []fault.Detail
	say := func(path, message string) {
		details = append(details, fault.Detail{Path: path, Message: message})
	}
	values, err := s.Request.values()
	if err != nil {
		return fault.Under("request", fault.Details(err))
	}
	headers, _ := values[inHeaders].(map[string]any)
	params, _ := values[inPath].(map[string]any)
	details = append(details, action.CheckHeaders("request", headers)...)
	details = append(details, action.CheckPath("request", s.Request.Path, params)...)
	if body, has := values[inBody]; has && s.method() == http.MethodGet {
		say("request.body", `a GET has no body; use request.query, or "method": "POST"`)
	} else if path := fieldIn(body, "request.body"); path != "" {
		say(path, "is no field: a source is mapped here, by a template such as {{ event.storeId }}, and not by journeys")
	}
	if s.request, err = mapping.Parse(values); err != nil {
		return append(details, fault.Under("request", fault.Details(err))...)
	}
	s.reads = s.request.References()
	return details
}

// values are the parts of the request as one value of the mapping language.
func (r Request) values() (map[string]any, error) {
	r.Method, r.Path = "", ""
	text, err := json.Marshal(r)
	if err != nil {
		return nil, fault.Wrap(err, fault.Invalid, "cannot be read")
	}
	v, err := schema.Decode(text)
	values, _ := v.(map[string]any)
	return values, err
}

func (s *Source) method() string {
	if s.Request.Method == "" {
		return http.MethodGet
	}
	return s.Request.Method
}

// fieldIn finds an object with toBeMapped, as an action's contract has it.
func fieldIn(v any, path string) string {
	switch v := v.(type) {
	case map[string]any:
		if _, marked := v["toBeMapped"]; marked {
			return path
		}
		for _, key := range slices.Sorted(maps.Keys(v)) {
			if found := fieldIn(v[key], path+"."+key); found != "" {
				return found
			}
		}
	case []any:
		for i, item := range v {
			if found := fieldIn(item, fmt.Sprintf("%s.%d", path, i)); found != "" {
				return found
			}
		}
	}
	return ""
}

// Check types the request against an event's data and the profile.
func (s *Source) Check(event, profile schema.Type) []fault.Detail {
	var details []fault.Detail
	typ, err := s.request.Check(mapping.Scope{Event: event, Profile: profile, Hidden: []string{"data", "steps"}})
	if err != nil {
		details = fault.Under("request", fault.Details(err))
	}
	for _, part := range []string{inPath, inQuery, inHeaders} {
		values := typ.Properties[part]
		for _, name := range values.Names() {
			if t := values.Properties[name]; t.Kind == schema.ObjectKind || t.Kind == schema.ArrayKind {
				details = append(details, fault.Detail{Path: "request." + part + "." + name,
					Message: fmt.Sprintf("must be text, a number, or true or false; it gives %s", t.NotNull())})
			}
		}
	}
	return details
}

// ResponseType is what data.<name> is for the mapping language, where it is not nil.
func (s *Source) ResponseType() schema.Type { return s.response.Type() }
