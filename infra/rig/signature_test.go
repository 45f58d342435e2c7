package rig_test

import (
	"net/http"
	"strings"
	"testing"

	webhook "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/waypost/waypost/infra/rig"
	"github.com/waypost/waypost/shared/ledger"
)

const (
	signingKey  = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	signingNext = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
)

// signedToo is an action's change that has it sign beside authenticating.
func signedToo(typ string) string {
	if typ == "hmac" {
		return `{"settings": {"signature": {"type": "hmac", "secret": "waypost/hooks", "header": "X-Signature", "timestampHeader": "X-Time"}}}`
	}
	return `{"settings": {"signature": {"type": "` + typ + `", "secret": "waypost/hooks"}}}`
}

// verified says whether the reference library accepts a request, made just now.
func verified(t *testing.T, key string, r rig.Request) bool {
	t.Helper()
	judge, err := webhook.NewWebhook(key)
	if err != nil {
		t.Fatal(err)
	}
	return judge.Verify([]byte(r.Body), r.Header) == nil
}

// What is sent is signed byte for byte: each attempt at its own time, all of
// them under the delivery's one id.
func TestEachAttemptIsSigned(t *testing.T) {
	t.Parallel()
	rig.Run(t, func(t *testing.T, w *rig.World) {
		w.Publish(rig.Setup{Action: signedToo("standardWebhooks")})
		w.PutSecret(rig.Secret, `{"token": "t", "key": "`+signingKey+`"}`)
		w.Endpoint.Answer = func(n int, r rig.Request) rig.Reply {
			if !verified(t, signingKey, r) {
				t.Errorf("attempt %d is not signed: %v", n, r.Header)
			}
			if n < 4 {
				return rig.Reply{Status: http.StatusTooManyRequests}
			}
			return rig.Reply{Status: http.StatusOK, Body: `{"id": "m-1"}`}
		}
		x := w.Send("case-1").Executions[0].Execution
		w.Settle()
		if d := w.Delivery(x); d.Outcome != ledger.Sent {
			t.Fatalf("got %s (%s), want sent", d.Outcome, d.Reason)
		}
		times := map[string]bool{}
		for _, c := range w.Endpoint.Calls(x) {
			if got, want := c.Header.Get("Webhook-Id"), strings.ReplaceAll(c.Key(), ".", "-"); got != want {
				t.Errorf("the id is %q, want %q", got, want)
			}
			times[c.Header.Get("Webhook-Timestamp")] = true
		}
		if len(times) < 2 {
			t.Errorf("four attempts over minutes have the times %v", times)
		}
	})
}

// A key is replaced without a deploy and without a failed delivery: while the
// secret has both, each receiver accepts what is sent; and one that already has
// the new key alone answers 401 to what memory still signs by the old one.
func TestSigningKeyIsReplaced(t *testing.T) {
	t.Parallel()
	rig.Run(t, func(t *testing.T, w *rig.World) {
		w.Publish(rig.Setup{Action: signedToo("standardWebhooks")})
		w.PutSecret(rig.Secret, `{"token": "t", "key": "`+signingKey+`"}`)
		receiver := signingKey
		w.Endpoint.Answer = func(n int, r rig.Request) rig.Reply {
			if !verified(t, receiver, r) {
				return rig.Reply{Status: http.StatusUnauthorized}
			}
			return rig.Reply{Status: http.StatusOK, Body: `{"id": "m-1"}`}
		}
		for _, step := range []struct {
			id, receiver, secret string
			calls                int
		}{
			{"case-1", signingKey, "", 1},
			{"case-2", signingKey, `{"token": "t", "key": "` + signingNext + `", "previousKey": "` + signingKey + `"}`, 1},
			{"case-3", signingNext, "", 2},
			{"case-4", signingNext, `{"token": "t", "key": "` + signingNext + `"}`, 1},
		} {
			receiver = step.receiver
			if step.secret != "" {
				w.PutSecret(rig.Secret, step.secret)
			}
			x := w.Send(step.id).Executions[0].Execution
			sleep(10)
			d := w.Delivery(x)
			if got := len(w.Endpoint.Calls(x)); d.Outcome != ledger.Sent || got != step.calls {
				t.Errorf("%s: got %s (%s) by %d calls, want sent by %d", step.id, d.Outcome, d.Reason, got, step.calls)
			}
		}
	})
}
