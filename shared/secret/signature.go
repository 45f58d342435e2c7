package secret

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/waypost/waypost/shared/fault"
)

// Types of a Signature.
const (
	StandardWebhooks = "standardWebhooks"
	PlainHMAC        = "hmac"
)

// A Signature is the part of an action's settings that says how what is sent
// is signed, beside how it authenticates. It names a secret and holds none.
type Signature struct {
	// Type is StandardWebhooks or PlainHMAC; the members after Secret are the
	// latter's.
	Type string `json:"type"`
	// Secret is the secret's name, waypost/…. It has "key", and while a key of
	// Standard Webhooks is replaced also "previousKey".
	Secret string `json:"secret"`
	// Header is where the signature goes.
	Header string `json:"header,omitempty"`
	// Algorithm is the hash, "sha256" or "sha512"; absent it is sha256.
	Algorithm string `json:"algorithm,omitempty"`
	// Encoding is "hex" or "base64"; absent it is hex.
	Encoding string `json:"encoding,omitempty"`
	// Prefix stands before the signature, such as "sha256=".
	Prefix string `json:"prefix,omitempty"`
	// TimestampHeader, where it is named, gets the time of the attempt in Unix
	// seconds, and what is signed is then "<time>.<body>", not the body alone.
	TimestampHeader string `json:"timestampHeader,omitempty"`
}

// Validate says what is wrong with the signature, as details below path.
func (s Signature) Validate(path string) []fault.Detail {
	var details []fault.Detail
	wrong := func(member, rule, message string) {
		details = append(details, fault.Detail{Path: path + "." + member, Rule: rule, Message: message})
	}
	types := []string{StandardWebhooks, PlainHMAC}
	if !slices.Contains(types, s.Type) {
		wrong("type", "enum", "must be one of "+strings.Join(types, ", "))
		details[0].Suggestion = fault.Nearest(s.Type, types)
		return details
	}
	switch {
	case s.Secret == "":
		wrong("secret", "required", `must name the secret, waypost/…, with the key "key"`)
	case !ValidName(s.Secret):
		wrong("secret", "pattern", namePattern)
	}
	if s.Type == StandardWebhooks {
		for _, o := range []struct{ name, value string }{{"header", s.Header}, {"algorithm", s.Algorithm}, {"encoding", s.Encoding},
			{"prefix", s.Prefix}, {"timestampHeader", s.TimestampHeader}} {
			if o.value != "" {
				wrong(o.name, "unexpected", "is fixed by Standard Webhooks; leave it out, or use the type "+PlainHMAC)
			}
		}
		return details
	}
	return append(details, s.validateHMAC(path)...)
}

// Sign signs a request whose body is body, byte for byte, and which is sent at
// this time under this id. It fails, as Invalid, where the secret has no key
// that can sign.
func (s Signature) Sign(c Credential, id string, at time.Time, body []byte, req *http.Request) error {
	switch s.Type {
	case StandardWebhooks:
		return signWebhook(c, id, at, body, req)
	case PlainHMAC:
		return s.signHMAC(c, at, body, req)
	}
	return fault.New(fault.Invalid, "signature has the unknown type %q; it must be %s or %s", s.Type, StandardWebhooks, PlainHMAC)
}
