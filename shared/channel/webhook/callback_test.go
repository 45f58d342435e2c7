package webhook_test

import (
	"crypto/ed25519"
	"encoding/base64"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
	"pgregory.net/rapid"

	"github.com/waypost/waypost/shared/action"
	"github.com/waypost/waypost/shared/channel"
	"github.com/waypost/waypost/shared/channel/loyalty"
	"github.com/waypost/waypost/shared/channel/private"
	"github.com/waypost/waypost/shared/channel/signage"
	"github.com/waypost/waypost/shared/channel/webhook"
	"github.com/waypost/waypost/shared/fault"
	"github.com/waypost/waypost/shared/ledger"
	"github.com/waypost/waypost/shared/secret"
)

// The vector of Standard Webhooks' own libraries, and another key.
const (
	vectorKey  = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	vectorID   = "msg_p5jXN8AQM9LWM0D4loKWxJek"
	vectorTime = "1614265330"
	vectorBody = `{"test": 2432232314}`
	vectorSign = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
	otherKey   = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
)

func signed(id, timestamp, signatures, body string) channel.Callback {
	return channel.Callback{Body: []byte(body), Header: http.Header{"Webhook-Id": {id}, "Webhook-Timestamp": {timestamp}, "Webhook-Signature": {signatures}}}
}

func TestVerifyVector(t *testing.T) {
	t.Parallel()
	private := ed25519.NewKeyFromSeed([]byte(strings.Repeat("s", ed25519.SeedSize)))
	public := "whpk_" + base64.StdEncoding.EncodeToString(private.Public().(ed25519.PublicKey))
	asymmetric := "v1a," + base64.StdEncoding.EncodeToString(ed25519.Sign(private, []byte(vectorID+"."+vectorTime+"."+vectorBody)))
	const wrong = "v1,Ceo5qEr07ixe2NLpvHk3FH9bwy/WavXrAFQ/9tdO6mc="
	for _, tc := range []struct {
		name, id, signatures string
		keys                 []string
		accepted             bool
	}{
		{"the vector", vectorID, vectorSign, []string{vectorKey}, true},
		{"its key without the prefix", vectorID, vectorSign, []string{vectorKey[6:]}, true},
		{"the old key of two", vectorID, vectorSign, []string{otherKey, vectorKey}, true},
		{"wrong ones before the right one", vectorID, wrong + " v2," + vectorSign[3:] + " " + vectorSign, []string{vectorKey}, true},
		{"ed25519", vectorID, asymmetric, []string{public}, true},
		{"ed25519 among others", vectorID, vectorSign + " " + asymmetric, []string{public}, true},
		{"from symmetric to asymmetric", vectorID, asymmetric, []string{public, vectorKey}, true},
		{"a wrong one alone", vectorID, wrong, []string{vectorKey}, false},
		{"another version", vectorID, "v2," + vectorSign[3:], []string{vectorKey}, false},
		{"without a version", vectorID, vectorSign[3:], []string{vectorKey}, false},
		{"the version alone", vectorID, "v1,", []string{vectorKey}, false},
		{"with commas between", vectorID, wrong + "," + vectorSign, []string{vectorKey}, false},
		{"v1 as v1a", vectorID, "v1a," + vectorSign[3:], []string{vectorKey}, false},
		{"v1a as v1", vectorID, "v1" + asymmetric[3:], []string{public}, false},
		{"v1a by another key", vectorID, asymmetric, []string{vectorKey}, false},
		{"a changed byte of v1a", vectorID, strings.Replace(asymmetric, asymmetric[6:8], "AA", 1), []string{public}, false},
		{"a key of nothing", vectorID, vectorSign, []string{"whsec_"}, false},
		{"a key that is none", vectorID, vectorSign, []string{"whsec_planted!"}, false},
		{"a public key that is none", vectorID, asymmetric, []string{"whpk_cGxhbnRlZA=="}, false},
		{"a private key", vectorID, asymmetric, []string{"whsk_" + base64.StdEncoding.EncodeToString(private.Seed())}, false},
		{"a full stop in the id", "msg.1", vectorSign, []string{vectorKey}, false},
	} {
		err := webhook.Callbacks{}.Verify(signed(tc.id, vectorTime, tc.signatures, vectorBody), tc.keys, time.Unix(1614265330, 0))
		if (err == nil) != tc.accepted {
			t.Errorf("%s: got %v, want accepted: %t", tc.name, err, tc.accepted)
		}
		if err != nil && strings.Contains(err.Error(), "planted") {
			t.Errorf("%s: the log has the key: %v", tc.name, err)
		}
	}
}

// A key that is none is the operator's to mend: nobody can say that the callback
// was not signed by what it was to be.
func TestUnusableKeys(t *testing.T) {
	t.Parallel()
	for keys, want := range map[[2]string]fault.Code{
		{"whsec_planted!", "whsec_planted!"}: fault.Invalid,
		{"whsk_planted!", "whsk_planted!"}:   fault.Invalid,
		{otherKey, "whpk_planted!"}:          fault.Invalid,
		{"whsec_planted!", otherKey}:         fault.Invalid,
		{otherKey, otherKey}:                 fault.Forbidden,
		{"whsec_planted!", vectorKey}:        "",
	} {
		err := webhook.Callbacks{}.Verify(signed(vectorID, vectorTime, vectorSign, vectorBody), keys[:], time.Unix(1614265330, 0))
		if (err != nil) != (want != "") || err != nil && (!fault.Is(err, want) || strings.Contains(err.Error(), "planted")) {
			t.Errorf("%v: got %v, want %q", keys, err, want)
		}
	}
}

// The reference library, which reads the clock itself, signs what we accept,
// and says the same of what was changed or is too old.
func TestTheReferenceIsTheJudge(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		now := time.Now()
		at := now.Add(time.Duration(rapid.SampledFrom([]int{0, -290, 290, -310, 310}).Draw(t, "apart")) * time.Second)
		key := rapid.SampledFrom([]string{vectorKey, otherKey})
		signer, err := standardwebhooks.NewWebhook(key.Draw(t, "signs"))
		if err != nil {
			t.Fatal(err)
		}
		body := rapid.String()
		was := body.Draw(t, "signed")
		is := rapid.OneOf(rapid.Just(was), body).Draw(t, "received")
		signature, err := signer.Sign(vectorID, at, []byte(was))
		if err != nil {
			t.Fatal(err)
		}
		c := signed(vectorID, strconv.FormatInt(at.Unix(), 10), "v2,x "+signature, is)
		with := key.Draw(t, "verifies")
		judge, err := standardwebhooks.NewWebhook(with)
		if err != nil {
			t.Fatal(err)
		}
		got, want := webhook.Callbacks{}.Verify(c, []string{with}, now), judge.Verify(c.Body, c.Header)
		if (got == nil) != (want == nil) {
			t.Errorf("got %v, the reference: %v", got, want)
		}
	})
}

func TestRead(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		body string
		want channel.Report
	}{
		{`{"type": "delivery.status", "timestamp": "2026-03-04T05:06:07Z", "data": {"status": "accepted"}}`, channel.Report{Report: ledger.Report{Status: ledger.Accepted}}},
		{`{"type": "delivery.status", "data": {"status": "sent"}}`, channel.Report{Report: ledger.Report{Status: ledger.Forwarded}}},
		{`{"type": "delivery.status", "data": {"status": "delivered", "id": "m-1", "more": [1]}}`, channel.Report{Report: ledger.Report{Status: ledger.Delivered, ProviderID: "m-1"}}},
		{`{"type": "delivery.status", "data": {"status": "undelivered", "code": "17", "reason": "the printer is empty", "id": "m-1", "optOut": "c-1"}}`,
			channel.Report{OptOuts: []string{"c-1"}, Report: ledger.Report{Status: ledger.Undelivered, Code: "17", Reason: "the printer is empty", ProviderID: "m-1"}}},
		{`{"type": "delivery.status", "data": {"status": "read"}}`, channel.Report{Report: ledger.Report{Status: ledger.Read}}},
		{`{"type": "delivery.status", "data": {"optOut": "c-1"}}`, channel.Report{OptOuts: []string{"c-1"}}},
	} {
		got, err := webhook.Callbacks{}.Read(channel.Callback{Body: []byte(tc.body)})
		if err != nil {
			t.Errorf("%s: %v", tc.body, err)
		}
		if diff := cmp.Diff(tc.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tc.body, diff)
		}
	}
	for body, want := range map[string]string{
		``:                            "in JSON",
		`null`:                        "in JSON",
		`[]`:                          "in JSON",
		`{"type": "delivery.status"}`: "in JSON",
		`{"type": "delivery.status", "data": {"status": 1}}`:        "text alone in data",
		`{"type": "delivery.status", "data": {}}`:                   "data.status: is missing: one of accepted, sent, delivered, undelivered, read",
		`{"type": "delivery.status", "data": {"status": "lost"}}`:   "data.status: must be one of accepted, sent, delivered, undelivered, read",
		`{"type": "delivery.state", "data": {"status": "sent"}}`:    "type: must be delivery.status",
		`{"data": {"status": "sent", "reason": "` + long + `"}}`:    "data.reason: must have at most 500 bytes",
		`{"data": {"status": "sent", "id": "` + long + `"}}`:        "data.id: must have at most 200 bytes",
		`{"data": {"status": "sent", "optOut": "` + long + `"}}`:    "data.optOut: must have at most 200 bytes",
		`{"data": {"status": "Delivered", "code": "` + long + `"}}`: "data.code: must have at most 100 bytes",
	} {
		got, err := webhook.Callbacks{}.Read(channel.Callback{Body: []byte(body)})
		if !fault.Is(err, fault.Invalid) || !strings.Contains(fault.Line(err), want) || !cmp.Equal(got, channel.Report{}) {
			t.Errorf("%.80s: got %+v, %.300v, want Invalid with %q", body, got, err, want)
		}
	}
}

var long = strings.Repeat("x", 501)

func FuzzRead(f *testing.F) {
	f.Add([]byte(`{"type": "delivery.status", "data": {"status": "delivered", "code": "1", "reason": "r", "id": "i", "optOut": "o"}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		r, err := webhook.Callbacks{}.Read(channel.Callback{Body: body})
		if err != nil && (!fault.Is(err, fault.Invalid) || !cmp.Equal(r, channel.Report{})) {
			t.Errorf("got %+v, %v", r, err)
		}
		if err == nil && r.Status.Rank() == 0 && len(r.OptOuts) == 0 {
			t.Errorf("it says nothing: %+v", r)
		}
	})
}

// Every channel whose contract says itself how to call tells the endpoint
// where to report, and takes settings.callback; an author can't set the header.
func TestCallbackHeader(t *testing.T) {
	t.Parallel()
	for callback, want := range map[string][]string{"": nil, "https://w.example/callback/webhook/t": {"https://w.example/callback/webhook/t"}} {
		r, err := webhook.Channel{}.Encode(&action.Message{Method: "POST", Header: http.Header{}, Callback: callback}, secret.Credential{})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, r.Header.Values("Waypost-Callback")); diff != "" {
			t.Errorf("%q: %s", callback, diff)
		}
	}
	for _, traits := range []channel.Traits{webhook.Traits(), private.Traits(), loyalty.Traits(), signage.Traits()} {
		if traits.Callback != webhook.CallbackKind {
			t.Errorf("%s has callbacks of the kind %q", traits.Channel, traits.Callback)
		}
	}
	details := action.CheckHeaders("contract", map[string]any{"waypost-callback": "https://elsewhere.example"})
	if len(details) != 1 || !strings.Contains(details[0].Message, "settings.callback") {
		t.Errorf("an author who sets the header is told %v", details)
	}
}
