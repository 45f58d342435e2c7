// Package callbacktest is a provider's callbacks as simple as they can be, for
// tests of what is the same for all kinds: JSON, signed by HMAC-SHA256 over its
// URL and its body.
package callbacktest

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/waypost/waypost/shared/channel"
	"github.com/waypost/waypost/shared/fault"
	"github.com/waypost/waypost/shared/ledger"
)

// Header is where the signature stands, in hexadecimal.
const Header = "X-Signature"

// Unusable is a key that nobody can verify with.
const Unusable = "key-unusable"

// Sign gives the signature of a body that is posted to a URL.
func Sign(key, url, body string) string {
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write([]byte(url + "\n" + body))
	return hex.EncodeToString(mac.Sum(nil))
}

// A Body is what a callback says.
type Body struct {
	Status ledger.Status `json:"status,omitempty"`
	Code   string        `json:"code,omitempty"`
	Reason string        `json:"reason,omitempty"`
	ID     string        `json:"id,omitempty"`
	Token  string        `json:"token,omitempty"`
	OptOut string        `json:"optOut,omitempty"` // recipients, with spaces between them
	Reply  string        `json:"reply,omitempty"`
}

// String is the body as it is sent.
func (b Body) String() string {
	data, _ := json.Marshal(b) // strings alone
	return string(data)
}

// Reporter understands such callbacks.
type Reporter struct{}

// Verify implements callback.Reporter.
func (Reporter) Verify(c channel.Callback, keys []string, _ time.Time) error {
	if slices.Contains(keys, Unusable) {
		return fault.New(fault.Invalid, "the key cannot be used")
	}
	values := c.Values(Header)
	if len(values) != 1 {
		return fault.New(fault.Forbidden, "there must be one %s", Header)
	}
	if slices.ContainsFunc(keys, func(key string) bool {
		return hmac.Equal([]byte(Sign(key, c.URL, string(c.Body))), []byte(values[0]))
	}) {
		return nil
	}
	return fault.New(fault.Forbidden, "%s is of another key, URL or body", Header)
}

// Read implements callback.Reporter.
func (Reporter) Read(c channel.Callback) (channel.Report, error) {
	var b Body
	if err := json.Unmarshal(c.Body, &b); err != nil {
		return channel.Report{}, fault.New(fault.Malformed, "the body is not JSON")
	}
	return channel.Report{Report: ledger.Report{Status: b.Status, Code: b.Code, Reason: b.Reason, ProviderID: b.ID},
		Token: b.Token, OptOuts: strings.Fields(b.OptOut), Reply: b.Reply}, nil
}

// MediaTypes implements callback.Reporter.
func (Reporter) MediaTypes() []string { return []string{"application/json"} }
