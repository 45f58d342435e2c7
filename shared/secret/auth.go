// Package secret keeps credentials: which secret an action's settings name,
// what is in it, where it may be sent, and how it is put on a request, or
// signs one.
//
// A secret is a JSON object, named waypost/…, whose keys the auth's type
// fixes. It may have "hosts", a list of hosts that it may be sent to; then it
// goes nowhere else. Its content is held by a Credential, which prints as
// "[redacted]" whichever way it is printed; errors name keys, never values.
//
// A Store keeps credentials in memory, so that most deliveries fetch none. It
// does not keep them from whoever can read the process's memory.
package secret

import (
	"net/http"
	"reflect"
	"slices"
	"strings"
	"sync"

	"github.com/waypost/waypost/shared/fault"
)

// Auth is the part of an action's settings that says how to authenticate. It
// names a secret and holds none. Its zero value authenticates with nothing.
type Auth struct {
	// Type is one of Types.
	Type string `json:"type"`
	// Secret is the secret's name, waypost/….
	Secret string `json:"secret,omitempty"`
	// In is where an apiKey's key goes, "header" or "query", or a customToken's
	// token, which absent goes as a "bearer" token.
	In string `json:"in,omitempty"`
	// Name is the header's or the query parameter's name.
	Name string `json:"name,omitempty"`

	// TokenURL, of a type that gets tokens, is who gives them.
	TokenURL string `json:"tokenUrl,omitempty"`
	// ClientAuth, of oauth2, is how the client proves who it is.
	ClientAuth string `json:"clientAuth,omitempty"`
	// Scopes and Audience, of oauth2, are what the token is asked for.
	Scopes   []string `json:"scopes,omitempty"`
	Audience string   `json:"audience,omitempty"`
	// TokenCall, of a customToken, is how the token is asked for.
	TokenCall *TokenCall `json:"tokenCall,omitempty"`

	// Service and Region, of sigv4, are whom the request is signed for.
	Service string `json:"service,omitempty"`
	Region  string `json:"region,omitempty"`
}

// A Guard decides which URLs may be called. Its error's public message says
// what would be right.
type Guard interface {
	Check(url string) error
}

// A method is one type of authentication: each has a file of its own, and a
// line in methods.
type method struct {
	name string
	// keys are those that its secret must have, as strings; nil where it has none.
	keys func(a Auth) []string
	// token says that the credential gets a token, and the token is sent.
	token bool
	// options are the members of Auth, besides type and secret, that it has.
	options []string
	// check finds what is wrong with the options; nil where there are none.
	check func(path string, a Auth, guard Guard) []fault.Detail
	// apply puts the credential, which has all the keys, on a request.
	apply func(a Auth, c Credential, req *http.Request) error
}

// methods are all that there are. They are made once: each delivery asks for one
// several times.
var methods = sync.OnceValue(func() []method {
	return []method{none(), basic(), bearer(), apiKey(), secretURL(), oauth2(), customToken(), mtls(), sigV4()}
})

func methodOf(name string) (method, bool) {
	for _, m := range methods() {
		if m.name == name || name == "" && m.name == typeNone {
			return m, true
		}
	}
	return method{}, false
}

// Types that other packages do something about.
const (
	TypeOAuth2      = "oauth2"
	TypeCustomToken = "customToken"
	TypeMTLS        = "mtls"
	TypeSigV4       = "sigv4"

	typeNone = "none"
)

// only gives the same keys to every Auth of a type.
func only(keys ...string) func(Auth) []string { return func(Auth) []string { return keys } }

func (m method) keysOf(a Auth) []string {
	if m.keys == nil {
		return nil
	}
	return m.keys(a)
}

func none() method {
	return method{name: typeNone, apply: func(Auth, Credential, *http.Request) error { return nil }}
}

// Types lists the types that an Auth may have.
func Types() []string {
	var names []string
	for _, m := range methods() {
		names = append(names, m.name)
	}
	return names
}

// Needs says whether a credential must be fetched.
func (a Auth) Needs() bool { return a.Type != "" && a.Type != typeNone }

// Tokens says whether the credential is not sent itself, but gets a token.
func (a Auth) Tokens() bool {
	m, known := methodOf(a.Type)
	return known && m.token
}

// ValidName says whether a secret may have this name: waypost/ and then what
// Secrets Manager allows in names.
func ValidName(name string) bool {
	rest, found := strings.CutPrefix(name, "waypost/")
	return found && rest != "" && len(name) <= 512 && strings.IndexFunc(rest, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("/_+=.@-", r))
	}) < 0
}

// namePattern says what ValidName asks for.
const namePattern = "must be a secret's name: waypost/ and then letters, digits or any of /_+=.@-"

// Validate says what is wrong with the auth, as details below path. URLs are
// checked by the guard that stands before every call.
func (a Auth) Validate(path string, guard Guard) []fault.Detail {
	if reflect.ValueOf(a).IsZero() {
		return nil
	}
	var details []fault.Detail
	wrong := func(member, rule, message string) {
		details = append(details, fault.Detail{Path: path + "." + member, Rule: rule, Message: message})
	}
	m, known := methodOf(a.Type)
	if a.Type == "" || !known {
		message := "must be one of " + strings.Join(Types(), ", ")
		if a.Type == "" {
			wrong("type", "required", message)
		} else {
			wrong("type", "enum", message)
			details[0].Suggestion = fault.Nearest(a.Type, Types())
		}
		return details
	}
	switch {
	case m.name == typeNone && a.Secret != "":
		wrong("secret", "unexpected", "is not used by type none; leave it out, or name another type")
	case m.name != typeNone && a.Secret == "":
		wrong("secret", "required", "must name the secret, waypost/…, with the keys "+strings.Join(m.keysOf(a), ", "))
	case a.Secret != "" && !ValidName(a.Secret):
		wrong("secret", "pattern", namePattern)
	}
	for _, option := range []struct {
		name string
		set  bool
	}{{"in", a.In != ""}, {"name", a.Name != ""}, {"tokenUrl", a.TokenURL != ""}, {"clientAuth", a.ClientAuth != ""},
		{"scopes", len(a.Scopes) > 0}, {"audience", a.Audience != ""}, {"tokenCall", a.TokenCall != nil},
		{"service", a.Service != ""}, {"region", a.Region != ""}} {
		if option.set && !slices.Contains(m.options, option.name) {
			wrong(option.name, "unexpected", "is not used by type "+m.name+"; leave it out")
		}
	}
	if m.check != nil {
		details = append(details, m.check(path, a, guard)...)
	}
	return details
}

// Apply puts the credential on the request as auth says. It fails, as
// Invalid, where the secret lacks a key or has a value that cannot be sent.
func Apply(auth Auth, cred Credential, req *http.Request) error {
	m, known := methodOf(auth.Type)
	if !known {
		return fault.New(fault.Invalid, "auth has the unknown type %q; it must be one of %s", auth.Type, strings.Join(Types(), ", "))
	}
	for _, key := range m.keysOf(auth) {
		if _, found := cred.Field(key); !found {
			_, err := cred.Require(key)
			return err
		}
	}
	return m.apply(auth, cred, req)
}
