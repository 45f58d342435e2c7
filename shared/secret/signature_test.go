package secret_test

import (
	"crypto/ed25519"
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	webhook "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/waypost/waypost/shared/fault"
	"github.com/waypost/waypost/shared/secret"
)

// The vector of Standard Webhooks' own libraries, and another key.
const (
	vectorKey  = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	vectorID   = "msg_p5jXN8AQM9LWM0D4loKWxJek"
	vectorBody = `{"test": 2432232314}`
	vectorSign = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
	otherKey   = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
)

var vectorTime = time.Unix(1614265330, 0)

// signed signs a request, and gives its header.
func signed(t testing.TB, s secret.Signature, value, id, body string) (http.Header, error) {
	t.Helper()
	req, err := http.NewRequest("POST", "https://example.com/x", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	return req.Header, s.Sign(parse(t, value), id, vectorTime, []byte(body), req)
}

func TestStandardWebhooks(t *testing.T) {
	s := secret.Signature{Type: secret.StandardWebhooks}
	seed := []byte(strings.Repeat("s", ed25519.SeedSize))
	private := ed25519.NewKeyFromSeed(seed)
	content := []byte(vectorID + ".1614265330." + vectorBody)
	asymmetric := "v1a," + base64.StdEncoding.EncodeToString(ed25519.Sign(private, content))
	short, whole := "whsk_"+base64.StdEncoding.EncodeToString(seed), "whsk_"+base64.StdEncoding.EncodeToString(private)
	for _, tc := range []struct{ name, value, want string }{
		{"the vector", `{"key": "` + vectorKey + `"}`, vectorSign},
		{"the vector, without its prefix", `{"key": "` + vectorKey[6:] + `"}`, vectorSign},
		{"ed25519, a seed", `{"key": "` + short + `"}`, asymmetric},
		{"ed25519, the whole key", `{"key": "` + whole + `"}`, asymmetric},
		{"from symmetric to asymmetric", `{"key": "` + short + `", "previousKey": "` + vectorKey + `"}`, asymmetric + " " + vectorSign},
	} {
		header, err := signed(t, s, tc.value, vectorID, vectorBody)
		if err != nil {
			t.Errorf("%s: %v", tc.name, err)
			continue
		}
		want := http.Header{"Webhook-Id": {vectorID}, "Webhook-Timestamp": {"1614265330"}, "Webhook-Signature": {tc.want}}
		if diff := cmp.Diff(want, header); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tc.name, diff)
		}
	}
}

// The reference library accepts what is signed, by either key of a rotation,
// and nothing that was changed on the way.
func TestStandardWebhooksByTheReference(t *testing.T) {
	header, err := signed(t, secret.Signature{Type: secret.StandardWebhooks},
		`{"key": "`+otherKey+`", "previousKey": "`+vectorKey+`"}`, "EXEC.text.0", vectorBody)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := header.Get("Webhook-Id"), "EXEC-text-0"; got != want {
		t.Errorf("the id is %q, want %q: a full stop separates what is signed", got, want)
	}
	set := func(name, value string) func(http.Header) { return func(h http.Header) { h.Set(name, value) } }
	first, second, _ := strings.Cut(header.Get("Webhook-Signature"), " ")
	for _, tc := range []struct {
		name, key, body string
		change          func(http.Header)
		accepted        bool
	}{
		{name: "the new key", key: otherKey, accepted: true},
		{name: "the old key", key: vectorKey, accepted: true},
		{name: "another key", key: "whsec_" + base64.StdEncoding.EncodeToString([]byte(strings.Repeat("x", 24)))},
		{name: "a changed byte", key: otherKey, body: strings.Replace(vectorBody, "4", "5", 1)},
		{name: "a byte more", key: otherKey, body: vectorBody + "\n"},
		{name: "another id", key: otherKey, change: set("Webhook-Id", "EXEC-text-1")},
		{name: "another time", key: otherKey, change: set("Webhook-Timestamp", "1614265331")},
		{name: "no id", key: otherKey, change: func(h http.Header) { h.Del("Webhook-Id") }},
		{name: "no time", key: otherKey, change: func(h http.Header) { h.Del("Webhook-Timestamp") }},
		{name: "no signature", key: otherKey, change: func(h http.Header) { h.Del("Webhook-Signature") }},
		{name: "the other key's signature alone", key: otherKey, change: set("Webhook-Signature", second)},
		{name: "another version", key: otherKey, change: set("Webhook-Signature", strings.Replace(first, "v1,", "v2,", 1))},
		{name: "an empty signature", key: otherKey, change: set("Webhook-Signature", "v1,")},
	} {
		judge, err := webhook.NewWebhook(tc.key)
		if err != nil {
			t.Fatal(err)
		}
		h, body := header.Clone(), vectorBody
		if tc.change != nil {
			tc.change(h)
		}
		if tc.body != "" {
			body = tc.body
		}
		if err := judge.VerifyIgnoringTimestamp([]byte(body), h); (err == nil) != tc.accepted {
			t.Errorf("%s: got %v, want accepted: %t", tc.name, err, tc.accepted)
		}
	}
}

// Each value was computed with openssl dgst.
func TestPlainHMAC(t *testing.T) {
	for _, tc := range []struct {
		name string
		s    secret.Signature
		want http.Header
	}{
		{"the defaults", secret.Signature{Header: "X-Signature"},
			http.Header{"X-Signature": {"2cc332964942527d8c08ecceede0c09ec578d538366c77c770ba970b171de75f"}}},
		{"as GitHub does", secret.Signature{Header: "x-hub-signature-256", Algorithm: "sha256", Encoding: "hex", Prefix: "sha256="},
			http.Header{"X-Hub-Signature-256": {"sha256=2cc332964942527d8c08ecceede0c09ec578d538366c77c770ba970b171de75f"}}},
		{"sha512 in base64", secret.Signature{Header: "X-Signature", Algorithm: "sha512", Encoding: "base64"},
			http.Header{"X-Signature": {"eoaZiDd98iMeH/ArE8GT4l3DcwkLvToXz1oezvOaeeDm4pGyxLW5VDo44JyqZP3+bUEbQ0Wb2zLDQLwgiSOjnQ=="}}},
		{"with the time", secret.Signature{Header: "X-Signature", TimestampHeader: "X-Time", Prefix: "v0="},
			http.Header{"X-Signature": {"v0=09cb4d605ea6a702f61d05b57b51091283640ec253e877ac13d7ba801cc898e7"}, "X-Time": {"1614265330"}}},
	} {
		tc.s.Type = secret.PlainHMAC
		header, err := signed(t, tc.s, `{"key": "a key of ours"}`, "id", vectorBody)
		if err != nil {
			t.Errorf("%s: %v", tc.name, err)
			continue
		}
		if diff := cmp.Diff(tc.want, header); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tc.name, diff)
		}
	}
}

// A secret that cannot sign is told of by its key's name, and not by its value.
func TestSignRefuses(t *testing.T) {
	for _, tc := range []struct{ typ, value, want string }{
		{secret.StandardWebhooks, `{}`, `lacks the key "key"`},
		{secret.StandardWebhooks, `{"key": ""}`, `an empty "key"`},
		{secret.StandardWebhooks, `{"key": "whsec_"}`, `its "key" must be whsec_`},
		{secret.StandardWebhooks, `{"key": "whsec_cGxhbnRlZA=="}`, "24 to 64 random bytes"},
		{secret.StandardWebhooks, `{"key": "whsec_planted!"}`, "base64"},
		{secret.StandardWebhooks, `{"key": "` + vectorKey + `", "previousKey": ""}`, `an empty "previousKey"`},
		{secret.StandardWebhooks, `{"key": "` + vectorKey + `", "previousKey": "planted"}`, `its "previousKey" must be whsec_`},
		{secret.StandardWebhooks, `{"key": "whsk_cGxhbnRlZA=="}`, "ed25519 private key"},
		{secret.StandardWebhooks, `{"key": "whsk_` + base64.StdEncoding.EncodeToString([]byte(strings.Repeat("planted.", 8))) + `"}`, "ed25519 private key"},
		{secret.StandardWebhooks, `{"key": "whpk_planted"}`, "a public key, which cannot sign"},
		{secret.PlainHMAC, `{"key": ""}`, `an empty "key"`},
		{secret.PlainHMAC, `{"value": "planted"}`, `lacks the key "key"`},
		{"rot13", `{"key": "planted"}`, "standardWebhooks or hmac"},
	} {
		header, err := signed(t, secret.Signature{Type: tc.typ, Header: "X-Signature"}, tc.value, vectorID, vectorBody)
		if !fault.Is(err, fault.Invalid) || !strings.Contains(fmt.Sprint(err), tc.want) || strings.Contains(fmt.Sprint(err), "planted") {
			t.Errorf("%s with %s: got %v, want Invalid with %q and no value", tc.typ, tc.value, err, tc.want)
		}
		if len(header) > 0 {
			t.Errorf("%s with %s: it has the headers %v", tc.typ, tc.value, header)
		}
	}
}

func TestValidateSignature(t *testing.T) {
	for _, tc := range []struct {
		name string
		s    secret.Signature
		want []string // path and rule
	}{
		{"webhooks", secret.Signature{Type: "standardWebhooks", Secret: "waypost/a"}, nil},
		{"hmac", secret.Signature{Type: "hmac", Secret: "waypost/a", Header: "X-Sig", Algorithm: "sha512", Encoding: "base64", Prefix: "v1=", TimestampHeader: "X-Time"}, nil},
		{"hmac, the defaults", secret.Signature{Type: "hmac", Secret: "waypost/a", Header: "X-Sig"}, nil},
		{"nothing", secret.Signature{}, []string{"signature.type enum"}},
		{"nearly a type", secret.Signature{Type: "hmacs", Secret: "waypost/a"}, []string{"signature.type enum hmac"}},
		{"no secret", secret.Signature{Type: "standardWebhooks"}, []string{"signature.secret required"}},
		{"another's secret", secret.Signature{Type: "standardWebhooks", Secret: "prod/db"}, []string{"signature.secret pattern"}},
		{"webhooks with a header", secret.Signature{Type: "standardWebhooks", Secret: "waypost/a", Header: "X", Prefix: "v1="}, []string{"signature.header unexpected", "signature.prefix unexpected"}},
		{"hmac without its header", secret.Signature{Type: "hmac", Secret: "waypost/a"}, []string{"signature.header required"}},
		{"all wrong", secret.Signature{Type: "hmac", Secret: "waypost/a", Header: "a b", Algorithm: "md5", Encoding: "hexx", Prefix: "a\nb", TimestampHeader: "Host"},
			[]string{"signature.header pattern", "signature.algorithm enum", "signature.encoding enum", "signature.prefix pattern", "signature.timestampHeader pattern"}},
		{"one header for both", secret.Signature{Type: "hmac", Secret: "waypost/a", Header: "X-Sig", TimestampHeader: "x-sig"}, []string{"signature.timestampHeader enum"}},
	} {
		var got []string
		for _, d := range tc.s.Validate("signature") {
			got = append(got, strings.TrimSpace(d.Path+" "+d.Rule+" "+d.Suggestion))
		}
		if diff := cmp.Diff(tc.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tc.name, diff)
		}
	}
}

// What Sign signs, VerifyWebhook verifies: by each key of a rotation, and by
// the public key of an asymmetric one.
func TestVerifyWebhook(t *testing.T) {
	private := ed25519.NewKeyFromSeed([]byte(strings.Repeat("s", ed25519.SeedSize)))
	sending, receiving := base64.StdEncoding.EncodeToString(private), base64.StdEncoding.EncodeToString(private.Public().(ed25519.PublicKey))
	header, err := signed(t, secret.Signature{Type: secret.StandardWebhooks}, `{"key": "whsk_`+sending+`", "previousKey": "`+vectorKey+`"}`, "EXEC.text.0", vectorBody)
	if err != nil {
		t.Fatal(err)
	}
	id, timestamp, signatures := header.Get("Webhook-Id"), header.Get("Webhook-Timestamp"), header.Get("Webhook-Signature")
	for _, tc := range []struct {
		name, key, id, body string
		want                string // a part of the error
	}{
		{"symmetric", vectorKey, id, vectorBody, ""},
		{"asymmetric", "whpk_" + receiving, id, vectorBody, ""},
		{"another key", otherKey, id, vectorBody, "none of the signatures"},
		{"another body", vectorKey, id, vectorBody + " ", "none of the signatures"},
		{"another id", vectorKey, id + "1", vectorBody, "none of the signatures"},
		{"a full stop in the id", vectorKey, "EXEC.text.0", vectorBody, "full stop"},
		{"the private key", "whsk_" + sending, id, vectorBody, "whpk_"},
		{"no key", "", id, vectorBody, "24 to 64 random bytes"},
		{"an empty key", "whsec_", id, vectorBody, "24 to 64 random bytes"},
	} {
		err := secret.VerifyWebhook(tc.key, tc.id, timestamp, []byte(tc.body), signatures)
		if (err == nil) != (tc.want == "") || err != nil && !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: got %v, want %q", tc.name, err, tc.want)
		}
	}
}
