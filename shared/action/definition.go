// Package action holds the definitions that journeys reuse: a contract, which
// journeys rely on and which never changes once published, and settings, which
// an operator may change under it. It checks a definition, lists the fields
// that a journey must map, and composes a message from the mapped values.
//
// It does not know what a channel makes of the message: package channel does.
package action

import (
	"encoding/json"
	"time"

	"github.com/waypost/waypost/shared/fault"
	"github.com/waypost/waypost/shared/limit"
	"github.com/waypost/waypost/shared/secret"
)

// A Definition is an action's document, as authors write it.
type Definition struct {
	Name        string   `json:"name"`
	Description string   `json:"description,omitempty"`
	Tags        []string `json:"tags,omitempty"`
	Channel     string   `json:"channel"`
	Provider    string   `json:"provider,omitempty"`
	Contract    Contract `json:"contract"`
	Settings    Settings `json:"settings"`
}

// A Contract is the part of an action that journeys rely on. Its values are
// kept as they were written: constants, or field objects with toBeMapped.
type Contract struct {
	Method     string                     `json:"method,omitempty"`
	Path       string                     `json:"path,omitempty"`
	PathParams map[string]json.RawMessage `json:"pathParams,omitempty"`
	Query      map[string]json.RawMessage `json:"query,omitempty"`
	Headers    map[string]json.RawMessage `json:"headers,omitempty"`
	Body       json.RawMessage            `json:"body,omitempty"`
	// Response and Error say what a journey may read of an answer: a JSON
	// Schema, or an object of property names to schemas.
	Response json.RawMessage `json:"response,omitempty"`
	Error    json.RawMessage `json:"error,omitempty"`
	// Award is what a message that moves value needs: the channel loyalty's.
	Award *Award `json:"award,omitempty"`
	// Display is what messages need of which the last wins: the channel signage's.
	Display *Display `json:"display,omitempty"`
}

// A Display says which screen a message is for, and where its version and its
// validity go. These are mapped fields, or places that Waypost fills.
type Display struct {
	// Screen is the field that names the screen, the group, or the screens.
	Screen     string `json:"screen"`
	Version    Place  `json:"version"`
	ValidUntil Place  `json:"validUntil"`
	// ValidFor is how long after the delivery's first start a message is valid,
	// where ValidUntil is no field.
	ValidFor Duration `json:"validFor,omitzero"`
}

// Parts names the parts that only some channels have.
func (c Contract) Parts() []string {
	var parts []string
	if c.Award != nil {
		parts = append(parts, "award")
	}
	if c.Display != nil {
		parts = append(parts, "display")
	}
	return parts
}

// reads names the fields, if they are fields, that those parts read of a message.
func (c Contract) reads() []string {
	var names []string
	if c.Award != nil {
		names = append(names, c.Award.Reference)
	}
	if c.Display != nil {
		names = append(names, c.Display.Screen, string(c.Display.Version), string(c.Display.ValidUntil))
	}
	return names
}

// An Award says what keeps value from being moved twice.
type Award struct {
	// Key is where the endpoint looks for the delivery's id. The header
	// Idempotency-Key has it in any case.
	Key Place `json:"key"`
	// Reference is the field that holds the business reference: the order's
	// number, the claim's.
	Reference string `json:"reference"`
	// Lookup is how to ask what became of an award, or nil. Where it is there,
	// an ambiguous one is repeated only once the endpoint says that it has none.
	Lookup *Lookup `json:"lookup,omitempty"`
}

// A Lookup is a GET that answers 404 where there is no such award. In the path
// and in the query's values, {key} stands for the delivery's id, {reference}
// for the business reference.
type Lookup struct {
	Path  string            `json:"path"`
	Query map[string]string `json:"query,omitempty"`
}

// LooksUp says whether the endpoint can be asked what became of a message.
func (c Contract) LooksUp() bool { return c.Award != nil && c.Award.Lookup != nil }

// Settings are the part of an action that an operator may change under a
// published version. Absent ones have the defaults that their methods give.
type Settings struct {
	URL       string            `json:"url"`
	Auth      *secret.Auth      `json:"auth,omitempty"`
	Signature *secret.Signature `json:"signature,omitempty"`
	Timeout   Duration          `json:"timeout,omitempty"`
	Retry     *Retry            `json:"retry,omitempty"`
	Guarantee Guarantee         `json:"guarantee,omitempty"`
	Limits    []limit.Limit     `json:"limits,omitempty"`
	// Callback asks the provider to report what becomes of a message.
	Callback *Callback `json:"callback,omitempty"`
	// Failover names a second provider of the channel, if there is one.
	Failover *Failover `json:"failover,omitempty"`
	// Requires is an expression that must be true for a delivery to be sent.
	Requires string `json:"requires,omitempty"`
}

// Retry bounds how often an endpoint is called for one delivery, and for how
// long after the delivery's first start. Calls of a failover's provider count
// as one with the call before them.
type Retry struct {
	Attempts int      `json:"attempts,omitempty"`
	Within   Duration `json:"within,omitempty"`
}

// A Guarantee says what becomes of an attempt that may have been processed.
type Guarantee string

const (
	// AtMostOnce never repeats an ambiguous attempt: the delivery ends unknown.
	AtMostOnce Guarantee = "atMostOnce"
	// AtLeastOnce repeats it under the same Idempotency-Key.
	AtLeastOnce Guarantee = "atLeastOnce"
)

// Bounds of the settings; design.md's "Times nest" gives the timeout's.
const (
	DefaultTimeout  = 10 * time.Second
	MaxTimeout      = 30 * time.Second
	DefaultAttempts = 4
	MaxAttempts     = 20
	DefaultWithin   = time.Hour
	MaxWithin       = 24 * time.Hour
)

// EndpointTimeout is how long one call of the endpoint may take.
func (s Settings) EndpointTimeout() time.Duration {
	if s.Timeout == 0 {
		return DefaultTimeout
	}
	return time.Duration(s.Timeout)
}

// RoundTimeout is how long the calls of one try may take: of the endpoint, and
// of the failover's right after it.
func (s Settings) RoundTimeout() time.Duration {
	if s.Failover != nil {
		return 2 * s.EndpointTimeout()
	}
	return s.EndpointTimeout()
}

// Attempts is how many times the endpoint may be called for one delivery.
func (s Settings) Attempts() int {
	if s.Retry == nil || s.Retry.Attempts == 0 {
		return DefaultAttempts
	}
	return s.Retry.Attempts
}

// Within is how long after a delivery's first start it may still be retried.
func (s Settings) Within() time.Duration {
	if s.Retry == nil || s.Retry.Within == 0 {
		return DefaultWithin
	}
	return time.Duration(s.Retry.Within)
}

// Duration is a length of time that JSON writes as "10s" or "1h30m".
type Duration time.Duration

// MarshalJSON writes the duration as Go does, without trailing zero units.
func (d Duration) MarshalJSON() ([]byte, error) { return json.Marshal(d.String()) }

// UnmarshalJSON reads "10s"; the document's schema has checked its form.
func (d *Duration) UnmarshalJSON(data []byte) error {
	var s string
	if err := json.Unmarshal(data, &s); err != nil {
		return err
	}
	v, err := time.ParseDuration(s)
	if err != nil {
		return fault.New(fault.Invalid, "%q is no duration, or is too long", s)
	}
	*d = Duration(v)
	return nil
}

// String writes "10s", "1h" or "1h30m0.5s".
func (d Duration) String() string {
	s := time.Duration(d).String()
	for _, zero := range []string{"m0s", "h0m"} {
		if len(s) > len(zero) && s[len(s)-len(zero):] == zero {
			s = s[:len(s)-2]
		}
	}
	return s
}
