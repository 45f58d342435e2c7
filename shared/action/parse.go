package action

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/waypost/waypost/shared/fault"
	"github.com/waypost/waypost/shared/limit"
	"github.com/waypost/waypost/shared/schema"
)

//go:embed action.schema.json
var documentSchema []byte

// SchemaJSON is the JSON Schema of an action's document, for API descriptions.
func SchemaJSON() []byte { return documentSchema }

var compiledDocument = sync.OnceValues(func() (*schema.Schema, error) { return schema.Compile(documentSchema) })

var compiledSettings = sync.OnceValues(func() (*schema.Schema, error) {
	var doc map[string]any
	if err := json.Unmarshal(documentSchema, &doc); err != nil {
		return nil, err
	}
	return schema.Compile(map[string]any{"$ref": "#/$defs/settings", "$defs": doc["$defs"]})
})

// A Guard decides which URLs may be called. Its error's public message says
// what would be right.
type Guard interface {
	Check(url string) error
}

// Parse reads an action's document and checks all of it that does not depend
// on its channel. Its errors are Malformed (with line and column) or Invalid
// (with a path each).
func Parse(data []byte, guard Guard) (*Action, error) {
	var def Definition
	if err := ReadDocument(data, compiledDocument, "the action is not valid", &def); err != nil {
		return nil, err
	}
	details := def.Settings.check(guard)
	a, err := Compile(def)
	if err != nil {
		details = append(details, fault.Details(err)...)
	}
	if err := fault.Document(fmt.Sprintf("the action %s is not valid", def.Name), details); err != nil {
		return nil, err
	}
	return a, nil
}

// ParseSettings reads settings alone, as a patch leaves them.
func ParseSettings(data []byte, guard Guard) (Settings, error) {
	var s Settings
	if err := ReadDocument(data, compiledSettings, "the settings are not valid", &s); err != nil {
		return Settings{}, err
	}
	details := s.check(guard)
	for i := range details {
		details[i].Path = strings.TrimPrefix(details[i].Path, "settings.")
	}
	return s, fault.Document("the settings are not valid", details)
}

// ReadDocument decodes a document strictly by its schema. what says, in its
// error, which document it is. Errors are as Parse's.
func ReadDocument(data []byte, compiled func() (*schema.Schema, error), what string, into any) error {
	doc, err := schema.Decode(data)
	if err != nil {
		return err
	}
	rules, err := compiled()
	if err != nil {
		return err
	}
	if err := fault.Document(what, Plainly(rules.Validate(doc))); err != nil {
		return err
	}
	if err := json.Unmarshal(data, into); err != nil {
		return fault.Wrap(err, fault.Invalid, "%s: %s", what, fault.Public(err))
	}
	return nil
}

// Plainly says in words what the patterns of a document's schema say, and what
// stands in the place of a credential. The journey's document has the same patterns.
func Plainly(details []fault.Detail) []fault.Detail {
	for i, d := range details {
		pattern, found := strings.CutPrefix(d.Message, "must match the regular expression ")
		if words := inWords[pattern]; found && words != "" {
			details[i].Message = words
		}
		part, _, _ := strings.Cut(strings.TrimPrefix(strings.TrimPrefix(d.Path, "settings."), "failover."), ".")
		if d.Rule == "additionalProperties" && (part == "auth" || part == "signature") && d.Suggestion == "" {
			details[i].Message += "; " + part + " names a secret, and the secret holds the credential"
		}
	}
	return details
}

var inWords = map[string]string{
	`^[a-z][a-z0-9_]{0,29}$`:           "must begin with a letter, and have at most 30 of a to z, 0 to 9 and _",
	`^(/.*)?$`:                         "must begin with /",
	`^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$`: "must be a duration with its unit, such as 500ms, 10s or 1h",
}

// check finds what the settings' schema can't say.
func (s Settings) check(guard Guard) []fault.Detail {
	details := CheckURL("contract", s.URL, guard)
	say := func(path, format string, args ...any) {
		details = append(details, fault.Detail{Path: "settings." + path, Message: fmt.Sprintf(format, args...)})
	}
	if s.Auth != nil {
		details = append(details, s.Auth.Validate("settings.auth", guard)...)
	}
	if s.Callback != nil {
		details = append(details, s.Callback.Validate("settings.callback")...)
	}
	if s.Signature != nil {
		details = append(details, s.Signature.Validate("settings.signature")...)
	}
	details = append(details, s.Failover.check(guard)...)
	if t := s.EndpointTimeout(); s.Failover != nil && t > MaxFailoverTimeout && t <= MaxTimeout {
		say("timeout", "must be at most %s where there is a failover, so that both providers can be asked at once", Duration(MaxFailoverTimeout))
	}
	if t := s.EndpointTimeout(); t < 100*time.Millisecond || t > MaxTimeout {
		say("timeout", "must be from 100ms to %s", Duration(MaxTimeout))
	}
	if w := s.Within(); w > MaxWithin {
		say("retry.within", "must be at most %s", Duration(MaxWithin))
	}
	for _, d := range limit.ValidateAll("settings.limits", s.Limits) {
		d.Path = strings.NewReplacer("[", ".", "]", "").Replace(d.Path) // as all other paths are written
		details = append(details, d)
	}
	return details
}
