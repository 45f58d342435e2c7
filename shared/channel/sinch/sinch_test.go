package sinch_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/waypost/waypost/shared/action"
	"github.com/waypost/waypost/shared/channel"
	"github.com/waypost/waypost/shared/channel/sinch"
	"github.com/waypost/waypost/shared/fault"
	"github.com/waypost/waypost/shared/secret"
)

const plan = "00000000000000000000000000000001"

func credential(t *testing.T, value string) secret.Credential {
	t.Helper()
	c, err := secret.Parse("waypost/sinch", []byte(value))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestEncode(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name string
		body map[string]any
		want string
	}{
		{"one recipient", map[string]any{"to": "+46701740605", "text": "a < b", "from": "Shop"},
			`{"body":"a < b","client_reference":"x.text.0","from":"Shop","to":["+46701740605"],"type":"mt_text"}`},
		{"two, and options", map[string]any{"to": []any{"+46701740605", int64(15550100001)}, "text": "Hi", "deliveryReport": "full", "flashMessage": true,
			"maxNumberOfMessageParts": int64(2), "parameters": map[string]any{"name": map[string]any{"default": "there"}}, "expireAt": nil},
			`{"body":"Hi","client_reference":"x.text.0","delivery_report":"full","flash_message":true,"max_number_of_message_parts":2,` +
				`"parameters":{"name":{"default":"there"}},"to":["+46701740605","15550100001"],"type":"mt_text"}`},
	} {
		m := &action.Message{BaseURL: "https://eu.sms.api.sinch.com/", Delivery: "x.text.0", Body: tc.body}
		got, err := sinch.Channel{}.Encode(m, credential(t, `{"servicePlanId": "`+plan+`", "token": "t"}`))
		if err != nil {
			t.Errorf("%s: %v", tc.name, err)
			continue
		}
		want := &channel.Request{Method: "POST", URL: "https://eu.sms.api.sinch.com/xms/v1/" + plan + "/batches",
			Header: http.Header{"Content-Type": {"application/json"}, "Accept": {"application/json"}}, Body: []byte(tc.want)}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", tc.name, diff)
		}
	}
}

// A service plan that would change the path, or that is none, is refused
// without a word of it.
func TestEncodeRefuses(t *testing.T) {
	t.Parallel()
	for _, value := range []string{`{"token": "t"}`, `{"servicePlanId": "", "token": "t"}`, `{"servicePlanId": "planted/..", "token": "t"}`,
		`{"servicePlanId": "planted` + strings.Repeat("0", 94) + `", "token": "t"}`} {
		_, err := sinch.Channel{}.Encode(&action.Message{}, credential(t, value))
		if !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), "servicePlanId") || strings.Contains(err.Error(), "planted") {
			t.Errorf("%s: got %v", value, err)
		}
	}
}

func TestClassify(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name   string
		code   int
		body   string
		result channel.Result
		whose  channel.Whose
		reason string // a part of it
		id     string
	}{
		{"accepted", 201, `{"id": "01FC66621XXXXX119Z8PMV1QPQ"}`, channel.Accepted, "", "", "01FC66621XXXXX119Z8PMV1QPQ"},
		{"no id", 201, `{}`, channel.Ambiguous, channel.OfProvider, "Sinch answered 201 without a batch id", ""},
		{"not JSON", 200, `<html>`, channel.Ambiguous, channel.OfProvider, "without a batch id", ""},
		{"a code that is known", 403, `{"code": "blocked_account", "text": "planted"}`, channel.Refused, channel.OfProvider, "Sinch refused it: 403 blocked_account (the account is blocked)", ""},
		{"unknown_group", 403, `{"code": "unknown_group"}`, channel.Refused, channel.OfMessage, "to names a group", ""},
		{"unknown_campaign", 403, `{"code": "unknown_campaign"}`, channel.Refused, channel.OfMessage, "the campaign does not exist", ""},
		{"missing_callback_url", 403, `{"code": "missing_callback_url"}`, channel.Refused, channel.OfMessage, "no callback URL", ""},
		{"illegal_number_type", 403, `{"code": "illegal_number_type"}`, channel.Refused, channel.OfRecipient, "can't be texted", ""},
		{"syntax_invalid_json", 400, `{"code": "syntax_invalid_json"}`, channel.Refused, channel.OfMessage, "not the JSON", ""},
		{"syntax_invalid_parameter_format", 400, `{"code": "syntax_invalid_parameter_format"}`, channel.Refused, channel.OfMessage, "a value is malformed", ""},
		{"syntax_constraint_violation", 400, `{"code": "syntax_constraint_violation"}`, channel.Refused, channel.OfMessage, "missing, too long", ""},
		{"one that is not", 403, `{"code": "new_code", "text": "planted"}`, channel.Refused, channel.OfMessage, "403 new_code (see https://developers.sinch.com/", ""},
		{"as newer APIs have it", 400, `{"error": {"code": 400, "message": "planted", "status": "INVALID_ARGUMENT"}}`, channel.Refused, channel.OfMessage, "400 INVALID_ARGUMENT (see", ""},
		{"a problem", 403, `{"type": "planted", "title": "planted", "detail": "planted"}`, channel.Refused, channel.OfProvider, "Sinch refused it: 403 (the service plan may not send this)", ""},
		{"an echo as code", 400, `{"code": "planted +46701740605"}`, channel.Refused, channel.OfMessage, "the endpoint answered 400 Bad Request", ""},
		{"a text as code", 400, `{"code": "planted_` + strings.Repeat("x", 53) + `"}`, channel.Refused, channel.OfMessage, "the endpoint answered 400 Bad Request", ""},
		{"a number as code", 400, `{"code": 46701740605}`, channel.Refused, channel.OfMessage, "the endpoint answered 400", ""},
		{"a wrong token", 401, ``, channel.Refused, channel.OfProvider, "the token is wrong", ""},
		{"another region", 404, ``, channel.Refused, channel.OfProvider, "no such service plan in this region", ""},
		{"rate-limited", 429, ``, channel.Retryable, channel.OfProvider, "too many requests", ""},
		{"an error", 500, `upstream`, channel.Ambiguous, channel.OfProvider, "the endpoint answered 500", ""},
		{"an error that has a code", 503, `{"code": "unavailable"}`, channel.Ambiguous, channel.OfProvider, "the endpoint answered 503", ""},
	} {
		got := sinch.Channel{}.Classify(channel.Answer{Code: tc.code, Body: []byte(tc.body)})
		if got.Result != tc.result || !strings.Contains(got.Reason, tc.reason) || got.ProviderID != tc.id || got.Suppress || got.Whose != tc.whose {
			t.Errorf("%s: got %+v, want %s of the %s (%s)", tc.name, got, tc.result, tc.whose, tc.reason)
		}
		if strings.Contains(got.Reason, "planted") || strings.Contains(got.Reason, "46701740605") {
			t.Errorf("%s: the reason repeats the answer: %s", tc.name, got.Reason)
		}
	}
}
