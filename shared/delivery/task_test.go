package delivery_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/waypost/waypost/shared/delivery"
	"github.com/waypost/waypost/shared/ledger"
)

// A machine reads an outcome out of a cause that ends after 32,768 characters.
func TestStoppedIsBounded(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name   string
		result delivery.Result
		fields bool   // whether the error fields are kept
		reason string // how it begins
	}{
		{"small", delivery.Result{Reason: "no", Error: map[string]any{"code": 7}}, true, "no"},
		{"large fields", delivery.Result{Reason: "no", Error: strings.Repeat("x", 30_000)}, false, "no; the answer's fields are left out"},
		{"fields that grow when they are encoded twice", delivery.Result{Reason: "no", Error: strings.Repeat(`"<`, 3_000)}, false, "no; the answer's fields are left out"},
		{"a long reason", delivery.Result{Reason: strings.Repeat("ü", 20_000)}, false, "üüü"},
		{"both", delivery.Result{Reason: strings.Repeat("\x01", 40_000), Error: strings.Repeat("x", 30_000), Response: 5}, false, "\x01\x01"},
	} {
		tc.result.Outcome, tc.result.Code = ledger.Failed, 400
		text := (&delivery.Stopped{Result: tc.result}).Error()
		outer, err := json.Marshal(map[string]string{"errorMessage": text, "errorType": "Waypost.Failed"})
		if err != nil || len(outer) > 25<<10 {
			t.Errorf("%s: the error document has %d bytes (%v)", tc.name, len(outer), err)
		}
		var got delivery.Result
		if err := json.Unmarshal([]byte(text), &got); err != nil {
			t.Errorf("%s: %v", tc.name, err)
		}
		if got.Outcome != ledger.Failed || got.Code != 400 || (got.Error != nil) != tc.fields || !strings.HasPrefix(got.Reason, tc.reason) {
			t.Errorf("%s: got %s, %d, error %t, %.60q", tc.name, got.Outcome, got.Code, got.Error != nil, got.Reason)
		}
	}
}

// Each outcome for which a journey takes onError has a name of its own, and what
// was sent the name of what its status came to.
func TestStoppedNames(t *testing.T) {
	t.Parallel()
	for result, want := range map[delivery.Result]string{
		{Outcome: ledger.Failed}:                             "Waypost.Failed",
		{Outcome: ledger.Capped}:                             "Waypost.Capped",
		{Outcome: ledger.Unknown}:                            "Waypost.Unknown",
		{Outcome: ledger.Dead}:                               "Waypost.Dead",
		{Outcome: ledger.Sent, Status: ledger.Undelivered}:   "Waypost.Undelivered",
		{Outcome: ledger.Sent, Status: ledger.Forwarded}:     "Waypost.NoStatus",
		{Outcome: ledger.Sent}:                               "Waypost.NoStatus",
		{Outcome: ledger.Failed, Status: ledger.Undelivered}: "Waypost.Failed",
	} {
		if got := (&delivery.Stopped{Result: result}).Name(); got != want {
			t.Errorf("%+v: got %s, want %s", result, got, want)
		}
	}
}

// The result has a customer's text as it is, without HTML's escapes.
func TestStoppedEscapesNoHTML(t *testing.T) {
	got := (&delivery.Stopped{Result: delivery.Result{Reason: "<a&b>", Error: map[string]any{"text": "<&>"}}}).Error()
	if !strings.Contains(got, `"<a&b>"`) || !strings.Contains(got, `"<&>"`) {
		t.Errorf("got %s, want <, > and & as they are", got)
	}
}
