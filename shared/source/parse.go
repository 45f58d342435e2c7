package source

import (
	_ "embed"
	"fmt"
	"sync"

	"github.com/waypost/waypost/shared/action"
	"github.com/waypost/waypost/shared/fault"
	"github.com/waypost/waypost/shared/schema"
)

//go:embed source.schema.json
var documentSchema []byte

// SchemaJSON is the JSON Schema of a source's document, for API descriptions.
func SchemaJSON() []byte { return documentSchema }

var compiledDocument = sync.OnceValues(func() (*schema.Schema, error) { return schema.Compile(documentSchema) })

// Parse reads a source's document and checks all of it that depends on no
// event; profile is the profile's type. Its errors are Malformed (with line and
// column) or Invalid (with a path each).
func Parse(data []byte, guard action.Guard, profile schema.Type) (*Source, error) {
	var def Definition
	if err := action.ReadDocument(data, compiledDocument, "the source is not valid", &def); err != nil {
		return nil, err
	}
	details := def.Settings.check(guard)
	s, err := Compile(def)
	if err != nil {
		details = append(details, fault.Details(err)...)
	} else {
		details = append(details, s.Check(schema.OpenObject(), profile)...)
	}
	if err := fault.Document(fmt.Sprintf("the source %s is not valid", def.Name), details); err != nil {
		return nil, err
	}
	return s, nil
}

// check finds what the document's schema can't say.
func (s Settings) check(guard action.Guard) []fault.Detail {
	details := action.CheckURL("request", s.URL, guard)
	if s.Auth != nil {
		details = append(details, s.Auth.Validate("settings.auth", guard)...)
	}
	if t := s.CallTimeout(); t < MinTimeout || t > MaxTimeout {
		details = append(details, fault.Detail{Path: "settings.timeout",
			Message: fmt.Sprintf("must be from %s to %s", action.Duration(MinTimeout), action.Duration(MaxTimeout))})
	}
	if s.CacheTime() > MaxCache {
		details = append(details, fault.Detail{Path: "settings.cache", Message: fmt.Sprintf("must be at most %s; 0s calls each time", action.Duration(MaxCache))})
	}
	return details
}
