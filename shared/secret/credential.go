package secret

import (
	"bytes"
	"crypto/sha256"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strings"
	"sync"

	"github.com/waypost/waypost/shared/fault"
)

const redacted = "[redacted]"

// A Credential is the content of one secret. It prints as "[redacted]". Its
// zero value is no credential: it has no fields and may go anywhere.
//
// The content stands behind a function, since fmt, given a struct that holds a
// Credential in an unexported field, prints what is in it without asking, and
// with some verbs follows pointers too.
type Credential struct{ content func() *content }

type content struct {
	name   string
	fields map[string]string
	hosts  []string // lower case
	bound  bool     // hosts were given
	digest [sha256.Size]byte
	token  string // that it got; "" for none
	// certificate reads what fields hold, once: it is needed for each call.
	certificate func() (*tls.Certificate, error)
}

// Parse reads a secret's value: a JSON object. Members that are no strings are
// kept for nothing, except hosts. An error is Invalid, and repeats nothing of
// the value.
func Parse(name string, value []byte) (Credential, error) {
	var members map[string]json.RawMessage
	d := json.NewDecoder(bytes.NewReader(value))
	if err := d.Decode(&members); err != nil || members == nil {
		return Credential{}, fault.New(fault.Invalid, "the secret %s is not a JSON object", name)
	}
	if _, err := d.Token(); err != io.EOF {
		return Credential{}, fault.New(fault.Invalid, "the secret %s has something after its JSON object", name)
	}
	c := &content{name: name, fields: make(map[string]string, len(members)), digest: sha256.Sum256(value)}
	c.certificate = sync.OnceValues(c.readCertificate)
	for key, raw := range members {
		if key == "hosts" {
			if err := json.Unmarshal(raw, &c.hosts); err != nil || c.hosts == nil {
				return Credential{}, fault.New(fault.Invalid, "the secret %s cannot be used: its hosts must be a list of host names", name)
			}
			c.bound = true
			continue
		}
		var s string
		if raw[0] == '"' && json.Unmarshal(raw, &s) == nil {
			c.fields[key] = s
		}
	}
	for i, host := range c.hosts {
		if host == "" || strings.ContainsAny(host, "/ @?#") {
			return Credential{}, fault.New(fault.Invalid, "the secret %s cannot be used: its hosts must be names such as api.example.com, api.example.com:8443 or *.example.com", name)
		}
		c.hosts[i] = strings.ToLower(host)
	}
	return Credential{func() *content { return c }}, nil
}

// Name is the secret's name, or "".
func (c Credential) Name() string {
	if c.content == nil {
		return ""
	}
	return c.content().name
}

// Field gives the string under a key.
func (c Credential) Field(key string) (string, bool) {
	if c.content == nil {
		return "", false
	}
	s, found := c.content().fields[key]
	return s, found
}

// Require gives the string under a key; where there is none, or an empty one,
// the error is Invalid and names the key.
func (c Credential) Require(key string) (string, error) {
	if c.content == nil {
		return "", fault.New(fault.Invalid, "no secret is named; one with the key %q is needed", key)
	}
	s, found := c.content().fields[key]
	if !found {
		return "", fault.New(fault.Invalid, "the secret %s lacks the key %q, which must be a string", c.content().name, key)
	}
	if s == "" {
		return "", fault.New(fault.Invalid, "the secret %s has an empty %q", c.content().name, key)
	}
	return s, nil
}

// headerValue gives a field that goes into a header. What HTTP can't carry is
// nearly always a line break that was copied along.
func (c Credential) headerValue(key string) (string, error) {
	s, err := c.Require(key)
	if err != nil {
		return "", err
	}
	if !sendable(s) {
		return "", fault.New(fault.Invalid, "the secret %s cannot be used: its %q has a line break or a space around it", c.content().name, key)
	}
	return s, nil
}

// sendable says whether a header can carry a text as it stands.
func sendable(s string) bool {
	return strings.TrimSpace(s) == s && strings.IndexFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f }) < 0
}

// Same says whether two credentials have the same content.
func (c Credential) Same(other Credential) bool {
	if c.content == nil || other.content == nil {
		return c.content == nil && other.content == nil
	}
	a, b := c.content(), other.content()
	return a.name == b.name && a.digest == b.digest
}

// MaySendTo says, by a Forbidden error, where the credential may not go. host
// is a URL's host, with its port if it has one. implied are the hosts that the
// channel's provider is known by; where there are some, a secret goes to these
// and to those that it lists. Otherwise it goes to those that it lists, or,
// where it has no list, anywhere.
//
// A listed host is a name, which holds for any port; a name and a port; or
// "*.example.com", any name below example.com.
func (c Credential) MaySendTo(host string, implied []string) error {
	if c.content == nil || len(implied) == 0 && !c.content().bound {
		return nil
	}
	host = strings.ToLower(host)
	for _, list := range [][]string{implied, c.content().hosts} {
		for _, pattern := range list {
			if matches(pattern, host) {
				return nil
			}
		}
	}
	if len(implied) > 0 {
		return fault.New(fault.Forbidden, "the secret %s may not be sent to %s: it is neither a host of the provider nor among the secret's hosts; correct the URL, or list it there", c.content().name, host)
	}
	return fault.New(fault.Forbidden, "the secret %s may not be sent to %s: it is not among the secret's hosts; correct the URL, or list it there", c.content().name, host)
}

func matches(pattern, host string) bool {
	if pattern == host {
		return true
	}
	name, port := host, ""
	if h, p, err := net.SplitHostPort(host); err == nil {
		name, port = h, p
	}
	name = strings.Trim(name, "[]")
	if h, p, err := net.SplitHostPort(pattern); err == nil {
		if p != port {
			return false
		}
		pattern = h
	}
	pattern = strings.Trim(pattern, "[]")
	below, wild := strings.CutPrefix(pattern, "*")
	if wild {
		return strings.HasPrefix(below, ".") && strings.HasSuffix(name, below) && name != below
	}
	return pattern == name
}

// Format prints "[redacted]" for every verb.
func (c Credential) Format(f fmt.State, _ rune) { io.WriteString(f, redacted) }

// String gives "[redacted]".
func (c Credential) String() string { return redacted }

// GoString gives "[redacted]".
func (c Credential) GoString() string { return redacted }

// MarshalText gives "[redacted]", and so does JSON.
func (c Credential) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// LogValue gives "[redacted]".
func (c Credential) LogValue() slog.Value { return slog.StringValue(redacted) }
