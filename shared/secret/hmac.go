package secret

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"hash"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/waypost/waypost/shared/fault"
)

// validateHMAC finds what is wrong with the members of a plain HMAC.
func (s Signature) validateHMAC(path string) []fault.Detail {
	var details []fault.Detail
	wrong := func(member, rule, message string) {
		details = append(details, fault.Detail{Path: path + "." + member, Rule: rule, Message: message})
	}
	if s.Header == "" {
		wrong("header", "required", "must name the header that the signature goes in, such as X-Signature")
	} else if message := headerFault(s.Header); message != "" {
		wrong("header", "pattern", message)
	}
	if s.Algorithm != "" && s.Algorithm != "sha256" && s.Algorithm != "sha512" {
		wrong("algorithm", "enum", "must be sha256 or sha512")
	}
	if s.Encoding != "" && s.Encoding != "hex" && s.Encoding != "base64" {
		wrong("encoding", "enum", "must be hex or base64")
	}
	if strings.TrimLeft(s.Prefix, " ") != s.Prefix || strings.IndexFunc(s.Prefix, func(r rune) bool { return r < ' ' || r > '~' }) >= 0 {
		wrong("prefix", "pattern", "must be printable ASCII that does not begin with a space, such as sha256=")
	}
	if s.TimestampHeader != "" {
		if message := headerFault(s.TimestampHeader); message != "" {
			wrong("timestampHeader", "pattern", message)
		} else if strings.EqualFold(s.TimestampHeader, s.Header) {
			wrong("timestampHeader", "enum", "must be another header than the signature's")
		}
	}
	return details
}

// headerFault says why a document may not choose this header, or "".
func headerFault(name string) string {
	switch {
	case !isToken(name):
		return "must be a header's name: letters, digits and hyphens"
	case isFraming(name):
		return "must be a header of the endpoint's own; HTTP itself sets this one"
	}
	return ""
}

// signHMAC puts HMAC(key, body), or HMAC(key, "<time>.<body>"), in a header.
// The key is the secret's text as it stands.
func (s Signature) signHMAC(c Credential, at time.Time, body []byte, req *http.Request) error {
	key, err := c.Require(keyNow)
	if err != nil {
		return err
	}
	var algorithm func() hash.Hash = sha256.New
	if s.Algorithm == "sha512" {
		algorithm = sha512.New
	}
	mac := hmac.New(algorithm, []byte(key))
	if s.TimestampHeader != "" {
		timestamp := strconv.FormatInt(at.Unix(), 10)
		req.Header.Set(s.TimestampHeader, timestamp)
		mac.Write([]byte(timestamp + "."))
	}
	mac.Write(body)
	signature := hex.EncodeToString(mac.Sum(nil))
	if s.Encoding == "base64" {
		signature = base64.StdEncoding.EncodeToString(mac.Sum(nil))
	}
	req.Header.Set(s.Header, s.Prefix+signature)
	return nil
}
