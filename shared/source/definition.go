// Package source is external data that mappings read as data.<source>: a
// request whose values are templates of the mapping language, and what may be
// read of its answer. It checks a source's document, composes its request, and
// resolves sources when a step needs them: from memory, or by a call.
//
// A source that fails is nil in the mapping, so that ?? gives a default. No
// part of an answer enters a log, a record or an error.
//
// A request reads event, entry, profile and journey; not data and steps, so
// that no source waits for another. now() in it is the time of the call.
package source

import (
	"encoding/json"
	"time"

	"github.com/waypost/waypost/shared/action"
	"github.com/waypost/waypost/shared/secret"
)

// A Definition is a source's document, as authors write it.
type Definition struct {
	Name        string   `json:"name"`
	Description string   `json:"description,omitempty"`
	Tags        []string `json:"tags,omitempty"`
	Request     Request  `json:"request"`
	// Response says what may be read of an answer: a JSON Schema, or an object
	// of property names to schemas. An answer that breaks it is no answer.
	Response json.RawMessage `json:"response"`
	Settings Settings        `json:"settings"`
}

// A Request says how to call. The strings in its values are templates; a value
// that comes out nil is left out.
type Request struct {
	Method     string                     `json:"method,omitempty"` // GET (the default) or POST
	Path       string                     `json:"path,omitempty"`
	PathParams map[string]json.RawMessage `json:"pathParams,omitempty"`
	Query      map[string]json.RawMessage `json:"query,omitempty"`
	Headers    map[string]json.RawMessage `json:"headers,omitempty"`
	Body       json.RawMessage            `json:"body,omitempty"`
}

// Settings say whom to call, and for how long an answer holds. Absent ones
// have the defaults that their methods give.
type Settings struct {
	URL     string           `json:"url"`
	Auth    *secret.Auth     `json:"auth,omitempty"`
	Timeout action.Duration  `json:"timeout,omitempty"`
	Cache   *action.Duration `json:"cache,omitempty"`
}

// Bounds of the settings. A step waits for its sources before its endpoint is
// called, so they are given less time than endpoints are.
const (
	DefaultTimeout = 2 * time.Second
	MinTimeout     = 100 * time.Millisecond
	MaxTimeout     = 10 * time.Second
	DefaultCache   = time.Minute
	MaxCache       = 24 * time.Hour
)

// CallTimeout is how long a call may take, its retry included.
func (s Settings) CallTimeout() time.Duration {
	if s.Timeout == 0 {
		return DefaultTimeout
	}
	return time.Duration(s.Timeout)
}

// CacheTime is how long an answer is used again for the same request; "0s"
// calls each time.
func (s Settings) CacheTime() time.Duration {
	if s.Cache == nil {
		return DefaultCache
	}
	return time.Duration(*s.Cache)
}
