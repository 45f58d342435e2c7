package optout_test

import (
	"testing"
	"time"

	"github.com/waypost/waypost/shared/fault"
	"github.com/waypost/waypost/shared/optout"
)

func TestNormal(t *testing.T) {
	for _, tc := range []struct {
		given, want string
		phone       bool
	}{
		{"+15550100001", "+15550100001", true},
		{"15550100001", "+15550100001", true},
		{" +1 (555) 010-0001 ", "+15550100001", true},
		{"0046 70.174 06-05", "+46701740605", true},
		{"whatsapp:+15550100001", "whatsapp:+15550100001", true},
		{"WhatsApp:15550100001", "whatsapp:+15550100001", true},
		{"0701740605", "0701740605", false}, // of which country, nobody can tell
		{"+1555010000100001", "+1555010000100001", false},
		{"  Shop ", "Shop", false},
		{"", "", false},
		{":", ":", false},
		{"U012AB3CD", "U012AB3CD", false},
	} {
		got := optout.Normal(tc.given)
		if got != tc.want || optout.Normal(got) != got {
			t.Errorf("%q: got %q, and of that %q; want %q", tc.given, got, optout.Normal(got), tc.want)
		}
		if err := optout.CheckPhone(tc.given); (err == nil) != tc.phone || err != nil && !fault.Is(err, fault.Invalid) {
			t.Errorf("%q: got %v, want that it is a phone: %v", tc.given, err, tc.phone)
		}
	}
}

func TestReason(t *testing.T) {
	at := time.Date(2026, 11, 24, 23, 0, 0, 0, time.UTC)
	for want, o := range map[string]optout.OptOut{
		"the recipient opted out (twilio 21610, 2026-11-24)": {Channel: "sms", At: at, By: "twilio", Code: "21610"},
		"the recipient opted out (operator, 2026-11-24)":     {Channel: "sms", At: at, By: optout.Operator},
	} {
		if got := o.Reason(); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}
