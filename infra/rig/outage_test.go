package rig_test

import (
	"cmp"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/waypost/waypost/infra/rig"
	"github.com/waypost/waypost/shared/ledger"
)

// A condition that can't read the profile waits for as long as it takes.
func TestConditionOutlastsAnOutage(t *testing.T) {
	rig.Run(t, func(t *testing.T, w *rig.World) {
		w.Publish(rig.Setup{Journey: `{"steps": [{"id": "tier", "condition": {"branches": [{"when": "profile.tier == 'gold'", "steps": [
			{"id": "text", "action": {"name": "notify", "version": 1, "with": {"to": "{{ profile.phone }}", "text": "x"}}}]}]}}]}`})
		began := time.Now()
		w.Fail = func(op string, _ []byte) rig.Fault {
			if strings.Contains(op, "GetItem profiles") && time.Since(began) < 20*time.Minute {
				return rig.Refuses
			}
			return rig.Works
		}
		x := w.Send("case-1").Executions[0].Execution
		w.Settle()
		if run := w.Executions()[0]; run.Status != "SUCCEEDED" {
			t.Errorf("the execution ended %s (%s: %s)", run.Status, run.Error, run.Cause)
		}
		if got := len(w.Endpoint.Calls(x)); got != 1 {
			t.Errorf("the endpoint was called %d times, want once", got)
		}
	})
}

// What a deployment lacks to read a secret is waited for, and named when
// nobody mends it.
func TestSecretOutOfReach(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		code    string
		lasts   time.Duration
		outcome ledger.Outcome
		reason  string
	}{
		{"AccessDeniedException", 10 * time.Minute, ledger.Sent, ""},
		{"AccessDeniedException", 24 * time.Hour, ledger.Dead, "lacks secretsmanager:GetSecretValue"},
		{"DecryptionFailure", 10 * time.Minute, ledger.Sent, ""},
		{"DecryptionFailure", 24 * time.Hour, ledger.Dead, "lacks kms:Decrypt"},
		{"ExpiredTokenException", 10 * time.Minute, ledger.Sent, ""},
		{"UnrecognizedClientException", 10 * time.Minute, ledger.Sent, ""},
		{"InvalidSignatureException", 10 * time.Minute, ledger.Sent, ""},
	} {
		t.Run(tc.code+" "+tc.lasts.String(), func(t *testing.T) {
			t.Parallel()
			rig.Run(t, func(t *testing.T, w *rig.World) {
				w.Publish(rig.Setup{})
				began := time.Now()
				w.Answer = func(op string) (int, string) {
					if op == "GetSecretValue" && time.Since(began) < tc.lasts {
						return http.StatusBadRequest, `{"__type": "` + tc.code + `", "Message": "planted"}`
					}
					return 0, ""
				}
				x := w.Send("case-1").Executions[0].Execution
				w.Settle()
				d := w.Delivery(x)
				if d.Outcome != tc.outcome || !strings.Contains(d.Reason, tc.reason) || strings.Contains(d.Reason, "planted") {
					t.Errorf("got %s (%s), want %s (%s)", d.Outcome, d.Reason, tc.outcome, cmp.Or(tc.reason, "no reason"))
				}
			})
		})
	}
}
