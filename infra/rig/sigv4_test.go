package rig_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"github.com/waypost/waypost/infra/rig"
	"github.com/waypost/waypost/shared/ledger"
)

// signedForAWS says whether a request that came just now is signed as the SDK signs it.
func signedForAWS(t *testing.T, c rig.Request) bool {
	t.Helper()
	at, err := time.Parse("20060102T150405Z", c.Header.Get("X-Amz-Date"))
	if err != nil || time.Since(at) > 2*time.Second {
		return false
	}
	req, err := http.NewRequest(c.Method, c.URL, strings.NewReader(c.Body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header = c.Header.Clone()
	req.Header.Del("Authorization")
	err = v4.NewSigner().SignHTTP(context.Background(), aws.Credentials{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: "k"}, req,
		c.Header.Get("X-Amz-Content-Sha256"), "execute-api", "eu-west-1", at)
	return err == nil && req.Header.Get("Authorization") == c.Header.Get("Authorization")
}

// Each attempt of a delivery and each call of a source is signed at its own
// time, over all that is sent.
func TestSignedForAWS(t *testing.T) {
	t.Parallel()
	rig.Run(t, func(t *testing.T, w *rig.World) {
		w.Endpoint.Answer = func(n int, c rig.Request) rig.Reply {
			if !signedForAWS(t, c) || !strings.Contains(c.Header.Get("Authorization"), ";idempotency-key;") {
				t.Errorf("attempt %d is not signed: %v", n, c.Header)
			}
			if n < 4 {
				return rig.Reply{Status: http.StatusServiceUnavailable}
			}
			return rig.Reply{Status: http.StatusOK, Body: `{"id": "m-1"}`}
		}
		w.Endpoint.Source = func(_ int, c rig.Request) rig.Reply {
			if !signedForAWS(t, c) {
				t.Errorf("the source's call is not signed: %v", c.Header)
			}
			return rig.Reply{Status: http.StatusOK, Body: `{"city": "Ulm"}`}
		}
		w.PublishWithSources(`{"settings": {"auth": {"type": "sigv4", "secret": "waypost/hooks", "service": "execute-api", "region": "eu-west-1"}}}`,
			rig.Setup{Action: rig.Patch(t, forAWS, `{"settings": {"guarantee": "atLeastOnce"}}`),
				Journey: `{"steps": [{"id": "text", "action": {"name": "notify", "version": 1, "with": {"to": "1", "text": "{{ data.stores.city }}"}}}]}`})
		w.PutSecret(rig.Secret, `{"accessKeyId": "AKIDEXAMPLE", "secretAccessKey": "k"}`)
		x := w.Send("case-1").Executions[0].Execution
		w.Settle()
		if d := w.Delivery(x); d.Outcome != ledger.Sent || len(d.Attempts) != 4 || len(w.Endpoint.SourceCalls()) == 0 {
			t.Errorf("got %s (%s) after %q and %d calls of the source, want sent", d.Outcome, d.Reason, results(d), len(w.Endpoint.SourceCalls()))
		}
	})
}
