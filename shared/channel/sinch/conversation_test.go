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
)

const (
	project   = "00000000-0000-0000-0000-00000000000a"
	accessKey = `{"clientId": "k", "clientSecret": "s", "projectId": "` + project + `", "appId": "01E3S8B6YCMRNR0GGM94H80ACX"}`
)

func TestConversationEncode(t *testing.T) {
	t.Parallel()
	const (
		head = `{"app_id":"01E3S8B6YCMRNR0GGM94H80ACX",`
		ids  = `"correlation_id":"x.text.0","message":{"text_message":{"text":"Hi <3"}},"message_metadata":"x.text.0",`
		to   = `"recipient":{"identified_by":{"channel_identities":[{"channel":"SMS","identity":"+46701740605"}]}}`
	)
	for _, tc := range []struct {
		name string
		body map[string]any
		want string
	}{
		{"with a sender", map[string]any{"from": "Shop"}, head + `"channel_properties":{"SMS_SENDER":"Shop"},` + ids + to + `}`},
		{"the app's sender, and nothing that is nil", map[string]any{"from": nil, "validityPeriod": nil}, head + ids + to + `}`},
		{"all options", map[string]any{"flashMessage": true, "maxNumberOfMessageParts": int64(2), "validityPeriod": 600.0, "queue": "HIGH_PRIORITY"},
			head + `"channel_properties":{"SMS_FLASH_MESSAGE":"true","SMS_MAX_NUMBER_OF_MESSAGE_PARTS":"2"},` + ids + `"queue":"HIGH_PRIORITY",` + to + `,"ttl":"600s"}`},
	} {
		tc.body["to"], tc.body["text"] = "+46701740605", "Hi <3"
		m := &action.Message{BaseURL: "https://eu.conversation.api.sinch.com/", Delivery: "x.text.0", Body: tc.body}
		got, err := sinch.Conversation{}.Encode(m, credential(t, accessKey))
		if err != nil {
			t.Errorf("%s: %v", tc.name, err)
			continue
		}
		want := &channel.Request{Method: "POST", URL: "https://eu.conversation.api.sinch.com/v1/projects/" + project + "/messages:send",
			Header: http.Header{"Content-Type": {"application/json"}, "Accept": {"application/json"}}, Body: []byte(tc.want)}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", tc.name, diff)
		}
	}
}

// A secret whose ids would change the path, or are none, and a list of
// recipients are refused, without a word of what they hold.
func TestConversationEncodeRefuses(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		secret string
		to     any
		want   string
	}{
		{`{"appId": "a"}`, "+1", "projectId"},
		{`{"projectId": "planted/..", "appId": "a"}`, "+1", "projectId"},
		{`{"projectId": "p"}`, "+1", "appId"},
		{`{"projectId": "p", "appId": "planted\n"}`, "+1", "appId"},
		{accessKey, []any{"planted"}, "one recipient a message"},
	} {
		_, err := sinch.Conversation{}.Encode(&action.Message{Body: map[string]any{"to": tc.to, "text": "Hi"}}, credential(t, tc.secret))
		if !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), tc.want) || strings.Contains(err.Error(), "planted") {
			t.Errorf("%s to %v: got %v, want it to say %s", tc.secret, tc.to, err, tc.want)
		}
	}
}

func TestConversationClassify(t *testing.T) {
	t.Parallel()
	failed := func(status string) string {
		return `{"error": {"code": 1, "message": "planted +46701740605", "status": "` + status + `", "details": [{"planted": 1}]}}`
	}
	for _, tc := range []struct {
		name   string
		code   int
		body   string
		result channel.Result
		whose  channel.Whose
		reason string // a part of it
		id     string
	}{
		{"accepted", 200, `{"message_id": "01FVAWD1JP5PPB3KEZCBKGN0ES", "accepted_time": "2026-03-01T09:30:00.000Z"}`, channel.Accepted, "", "", "01FVAWD1JP5PPB3KEZCBKGN0ES"},
		{"no id", 200, `{"id": "01FVAWD1JP5PPB3KEZCBKGN0ES"}`, channel.Ambiguous, channel.OfProvider, "Sinch answered 200 without a message id", ""},
		{"not JSON", 200, `<html>`, channel.Ambiguous, channel.OfProvider, "without a message id", ""},
		{"INVALID_ARGUMENT", 400, failed("INVALID_ARGUMENT"), channel.Refused, channel.OfMessage, "Sinch refused it: 400 INVALID_ARGUMENT (a value is missing, malformed", ""},
		{"INVALID_REQUEST", 400, failed("INVALID_REQUEST"), channel.Refused, channel.OfMessage, "400 INVALID_REQUEST (a value is missing", ""},
		{"FAILED_PRECONDITION", 400, failed("FAILED_PRECONDITION"), channel.Refused, channel.OfMessage, "400 FAILED_PRECONDITION (the app can't send this", ""},
		{"UNAUTHENTICATED", 401, failed("UNAUTHENTICATED"), channel.Refused, channel.OfProvider, "401 UNAUTHENTICATED (the token is wrong)", ""},
		{"PERMISSION_DENIED", 403, failed("PERMISSION_DENIED"), channel.Refused, channel.OfProvider, "403 PERMISSION_DENIED (the access key may not", ""},
		{"UNAUTHORIZED", 403, failed("UNAUTHORIZED"), channel.Refused, channel.OfProvider, "403 UNAUTHORIZED (the access key may not", ""},
		{"NOT_FOUND", 404, failed("NOT_FOUND"), channel.Refused, channel.OfProvider, "404 NOT_FOUND (no such project or app in this region", ""},
		{"RESOURCE_EXHAUSTED", 429, failed("RESOURCE_EXHAUSTED"), channel.Retryable, channel.OfProvider, "429 RESOURCE_EXHAUSTED (too many requests at once, or the app's queue is full)", ""},
		{"INTERNAL", 500, failed("INTERNAL"), channel.Ambiguous, channel.OfProvider, "the endpoint answered 500", ""},
		{"an error that comes as 501", 501, failed("INTERNAL_ERROR"), channel.Ambiguous, channel.OfProvider, "the endpoint answered 501", ""},
		{"UNAVAILABLE", 503, failed("UNAVAILABLE"), channel.Ambiguous, channel.OfProvider, "the endpoint answered 503", ""},
		{"DEADLINE_EXCEEDED", 504, failed("DEADLINE_EXCEEDED"), channel.Ambiguous, channel.OfProvider, "the endpoint answered 504", ""},
		{"one that is not known", 400, failed("NEW_CODE"), channel.Refused, channel.OfMessage, "400 NEW_CODE (see https://developers.sinch.com/docs/conversation/", ""},
		{"an echo as code", 400, failed("planted +46701740605"), channel.Refused, channel.OfMessage, "the endpoint answered 400 Bad Request", ""},
		{"401 without a body", 401, ``, channel.Refused, channel.OfProvider, "Sinch refused it: 401 (the token is wrong)", ""},
		{"403 without a body", 403, ``, channel.Refused, channel.OfProvider, "403 (the access key may not", ""},
		{"404 of a gateway", 404, `planted`, channel.Refused, channel.OfProvider, "404 (no such project or app", ""},
		{"429 of a gateway", 429, `planted`, channel.Retryable, channel.OfProvider, "429 (too many requests at once", ""},
		{"413", 413, ``, channel.Refused, channel.OfMessage, "the endpoint answered 413", ""},
	} {
		got := sinch.Conversation{}.Classify(channel.Answer{Code: tc.code, Body: []byte(tc.body)})
		if got.Result != tc.result || !strings.Contains(got.Reason, tc.reason) || got.ProviderID != tc.id || got.Suppress || got.Whose != tc.whose {
			t.Errorf("%s: got %+v, want %s of the %s (%s)", tc.name, got, tc.result, tc.whose, tc.reason)
		}
		if strings.Contains(got.Reason, "planted") || strings.Contains(got.Reason, "46701740605") {
			t.Errorf("%s: the reason repeats the answer: %s", tc.name, got.Reason)
		}
	}
}
