package secret

import (
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
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
	content := append([]byte(id+"."+timestamp+"."), body...)
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
	symmetric, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(key, "whsec_"))
	if err != nil || len(symmetric) < 24 || len(symmetric) > 64 {
		return "", "must be whsec_ and the base64 of 24 to 64 random bytes"
	}
	mac := hmac.New(sha256.New, symmetric)
	mac.Write(content)
	return "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil)), ""
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
