package twilio_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/waypost/waypost/shared/action"
	"github.com/waypost/waypost/shared/channel"
	"github.com/waypost/waypost/shared/channel/twilio"
	"github.com/waypost/waypost/shared/fault"
	"github.com/waypost/waypost/shared/secret"
)

// A list of recipients is not sent to one of them.
func TestEncodeRefuses(t *testing.T) {
	t.Parallel()
	cred, err := secret.Parse("waypost/twilio", []byte(`{"accountSid": "AC00000000000000000000000000000001"}`))
	if err != nil {
		t.Fatal(err)
	}
	m := &action.Message{Body: map[string]any{"to": []any{"+1", "+2"}, "mediaUrl": []any{"a", "b"}}}
	if _, err := (twilio.Channel{}).Encode(m, cred); !fault.Is(err, fault.Invalid) || err.Error() != "to came out as 2 values, and Twilio takes one" {
		t.Errorf("got %v", err)
	}
	m.Body = map[string]any{"to": []any{"+1"}, "mediaUrl": []any{"a", "b"}}
	if r, err := (twilio.Channel{}).Encode(m, cred); err != nil || string(r.Body) != "MediaUrl=a&MediaUrl=b&To=%2B1" {
		t.Errorf("got %v, %v", r, err)
	}
}

// Whose reason each code is: only the provider's own leads to another one.
func TestClassify(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		status, code int // no body where the code is 0
		result       channel.Result
		whose        channel.Whose
	}{
		{401, 20003, channel.Refused, channel.OfProvider},
		{404, 20404, channel.Refused, channel.OfProvider},
		{429, 20429, channel.Retryable, channel.OfProvider},
		{500, 20500, channel.Ambiguous, channel.OfProvider},
		{400, 21211, channel.Refused, channel.OfRecipient},
		{400, 21212, channel.Refused, channel.OfProvider},
		{400, 21214, channel.Refused, channel.OfRecipient},
		{400, 21217, channel.Refused, channel.OfRecipient},
		{400, 21408, channel.Refused, channel.OfProvider},
		{400, 21601, channel.Refused, channel.OfProvider},
		{400, 21602, channel.Refused, channel.OfMessage},
		{400, 21603, channel.Refused, channel.OfMessage},
		{400, 21604, channel.Refused, channel.OfMessage},
		{400, 21606, channel.Refused, channel.OfProvider},
		{400, 21608, channel.Refused, channel.OfProvider},
		{400, 21610, channel.Refused, channel.OfRecipient},
		{400, 21611, channel.Retryable, channel.OfProvider},
		{429, 21611, channel.Retryable, channel.OfProvider},
		{400, 21612, channel.Refused, channel.OfRecipient},
		{400, 21614, channel.Refused, channel.OfRecipient},
		{400, 21617, channel.Refused, channel.OfMessage},
		{400, 21635, channel.Refused, channel.OfRecipient},
		{400, 21999, channel.Refused, channel.OfMessage}, // one that is not known
		{401, 0, channel.Refused, channel.OfProvider},
		{403, 0, channel.Refused, channel.OfProvider},
		{404, 0, channel.Refused, channel.OfProvider},
		{400, 0, channel.Refused, channel.OfMessage},
		{302, 0, channel.Refused, channel.OfMessage},
		{408, 0, channel.Ambiguous, channel.OfProvider},
		{429, 0, channel.Retryable, channel.OfProvider},
		{503, 0, channel.Ambiguous, channel.OfProvider},
		{201, 0, channel.Ambiguous, channel.OfProvider}, // without a sid
	} {
		a := channel.Answer{Code: tc.status}
		if tc.code != 0 {
			a.Body = fmt.Appendf(nil, `{"code": %d, "message": "planted", "status": %d}`, tc.code, tc.status)
		}
		got := twilio.Channel{}.Classify(a)
		if got.Result != tc.result || got.Whose != tc.whose || got.Suppress != (tc.code == 21610) {
			t.Errorf("%d/%d: got %+v, want %s of the %s", tc.status, tc.code, got, tc.result, tc.whose)
		}
		if got.Reason == "" || strings.Contains(got.Reason, "planted") {
			t.Errorf("%d/%d: the reason is %q", tc.status, tc.code, got.Reason)
		}
	}
	accepted := twilio.Channel{}.Classify(channel.Answer{Code: 201, Body: []byte(`{"sid": "SM1"}`)})
	if accepted != (channel.Verdict{Result: channel.Accepted, ProviderID: "SM1"}) {
		t.Errorf("accepted: got %+v", accepted)
	}
}
