package secret

import (
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/waypost/waypost/shared/fault"
)

// Keys of a signature's secret.
const (
	keyNow      = "key"
	keyPrevious = "previousKey"
)

// signWebhook signs as Standard Webhooks 1.0.0 says: by each key that the
// secret has, so that a receiver can replace one while both are sent. A key
// that begins with whsk_ signs as v1a (ed25519), any other as v1 (HMAC-SHA256).
//
// A full stop separates what is signed, so the id may have none: those of a
// delivery's id become hyphens, which it has nowhere else.
func signWebhook(c Credential, id string, at time.Time, body []byte, req *http.Request) error {
	id = strings.ReplaceAll(id, ".", "-")
	timestamp := strconv.FormatInt(at.Unix(), 10)
	content := webhookContent(id, timestamp, body)
	var signatures []string
	for _, key := range []string{keyNow, keyPrevious} {
		if _, found := c.Field(key); !found && key == keyPrevious {
			continue
		}
		text, err := c.Require(key)
		if err != nil {
			return err
		}
		signature, reason := webhookSignature(text, content)
		if reason != "" {
			return fault.New(fault.Invalid, "the secret %s cannot be used: its %q %s", c.Name(), key, reason)
		}
		signatures = append(signatures, signature)
	}
	req.Header.Set("Webhook-Id", id)
	req.Header.Set("Webhook-Timestamp", timestamp)
	req.Header.Set("Webhook-Signature", strings.Join(signatures, " "))
	return nil
}

// webhookContent is what is signed.
func webhookContent(id, timestamp string, body []byte) []byte {
	return append([]byte(id+"."+timestamp+"."), body...)
}

// webhookSignature gives one entry of the list, or what is wrong with the key.
func webhookSignature(key string, content []byte) (signature, reason string) {
	if rest, asymmetric := strings.CutPrefix(key, "whsk_"); asymmetric {
		private, ok := privateKey(rest)
		if !ok {
			return "", "must be whsk_ and the base64 of an ed25519 private key: its seed of 32 bytes, or 64 bytes with the public key"
		}
		return "v1a," + base64.StdEncoding.EncodeToString(ed25519.Sign(private, content)), ""
	}
	if strings.HasPrefix(key, "whpk_") {
		return "", "is a public key, which cannot sign; put the private one there, which begins with whsk_"
	}
	symmetric, ok := symmetricKey(key)
	if !ok {
		return "", "must be whsec_ and the base64 of 24 to 64 random bytes"
	}
	return "v1," + base64.StdEncoding.EncodeToString(hmacOf(symmetric, content)), ""
}

func hmacOf(key, content []byte) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write(content)
	return mac.Sum(nil)
}

// symmetricKey reads a key of v1: 24 to 64 bytes.
func symmetricKey(text string) ([]byte, bool) {
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(text, "whsec_"))
	return key, err == nil && len(key) >= 24 && len(key) <= 64
}

// privateKey reads an ed25519 key: a seed, or a seed with the public key that
// belongs to it.
func privateKey(text string) (ed25519.PrivateKey, bool) {
	raw, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(raw) != ed25519.SeedSize && len(raw) != ed25519.PrivateKeySize {
		return nil, false
	}
	key := ed25519.NewKeyFromSeed(raw[:ed25519.SeedSize])
	return key, len(raw) == ed25519.SeedSize || key.Equal(ed25519.PrivateKey(raw))
}

// VerifyWebhook says whether one entry of a Webhook-Signature header is by this
// key: whsec_ for v1, or whpk_, a public key, for v1a. Entries of other versions
// do not count. It judges neither the time nor whether the id came before. The
// error is for the log, and Invalid where the key is none; it repeats nothing of it.
func VerifyWebhook(key, id, timestamp string, body []byte, signatures string) error {
	if strings.Contains(id, ".") {
		return errors.New("the id has a full stop, which separates what is signed")
	}
	version, matches, reason := webhookVerifier(key, webhookContent(id, timestamp, body))
	if reason != "" {
		return fault.New(fault.Invalid, "the key cannot be used: it %s", reason)
	}
	found := false
	for entry := range strings.SplitSeq(signatures, " ") {
		text, of := strings.CutPrefix(entry, version+",")
		signature, err := base64.StdEncoding.Strict().DecodeString(text)
		if of && err == nil && matches(signature) {
			found = true
		}
	}
	if !found {
		return errors.New("none of the signatures is by the key")
	}
	return nil
}

// webhookVerifier gives the version that a key is for and whether a signature is
// that of the content by it, or what is wrong with the key.
func webhookVerifier(key string, content []byte) (version string, matches func(signature []byte) bool, reason string) {
	if text, asymmetric := strings.CutPrefix(key, "whpk_"); asymmetric {
		public, err := base64.StdEncoding.DecodeString(text)
		if err != nil || len(public) != ed25519.PublicKeySize {
			return "", nil, "must be whpk_ and the base64 of an ed25519 public key of 32 bytes"
		}
		return "v1a", func(signature []byte) bool { return ed25519.Verify(public, content, signature) }, ""
	}
	if strings.HasPrefix(key, "whsk_") {
		return "", nil, "is a private key, which only the sender may have; put the public one there, which begins with whpk_"
	}
	symmetric, ok := symmetricKey(key)
	if !ok {
		return "", nil, "must be whsec_ and the base64 of 24 to 64 random bytes"
	}
	right := hmacOf(symmetric, content)
	return "v1", func(signature []byte) bool { return hmac.Equal(right, signature) }, ""
}
