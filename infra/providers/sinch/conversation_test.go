package sinch_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/waypost/waypost/infra/providers/inbox"
	"github.com/waypost/waypost/infra/providers/oauth"
	"github.com/waypost/waypost/infra/providers/sinch"
)

const messages = "/v1/projects/" + sinch.ProjectID + "/messages:send"

// newConversation serves the Conversation API with its tokens, and gives the
// server of tokens and a live one.
func newConversation(t *testing.T) (*world, *oauth.Server, string) {
	w := &world{T: t, inbox: inbox.New(inbox.Options{}), now: time.Date(2026, 3, 1, 9, 30, 0, 0, time.UTC)}
	tokens := sinch.NewTokens()
	mux := http.NewServeMux()
	mux.Handle(sinch.TokenPath, tokens)
	mux.Handle("/", sinch.NewConversation(sinch.ConversationOptions{Tokens: tokens, Inbox: w.inbox, Now: func() time.Time { return w.now }}))
	srv := httptest.NewServer(mux)
	t.Cleanup(srv.Close)
	w.url = srv.URL
	status, text := w.token(sinch.KeyID, sinch.KeySecret)
	token, _ := object(t, text)["access_token"].(string)
	if status != http.StatusOK || token == "" {
		t.Fatalf("got %d %s for the access key", status, text)
	}
	return w, tokens, token
}

// token asks for a token by an access key.
func (w *world) token(id, secret string) (int, string) {
	w.Helper()
	req, err := http.NewRequestWithContext(w.Context(), "POST", w.url+sinch.TokenPath, strings.NewReader(url.Values{"grant_type": {"client_credentials"}}.Encode()))
	if err != nil {
		w.Fatal(err)
	}
	req.SetBasicAuth(id, secret)
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		w.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		w.Fatal(err)
	}
	return resp.StatusCode, string(text)
}

// text is a message to a number, with changes: each a member and its value.
func text(to string, changes ...string) string {
	m := map[string]json.RawMessage{
		"app_id":    json.RawMessage(`"` + sinch.AppID + `"`),
		"recipient": json.RawMessage(`{"identified_by": {"channel_identities": [{"channel": "SMS", "identity": "` + to + `"}]}}`),
		"message":   json.RawMessage(`{"text_message": {"text": "Hi"}}`),
	}
	for i := 0; i < len(changes); i += 2 {
		m[changes[i]] = json.RawMessage(changes[i+1])
		if changes[i+1] == "" {
			delete(m, changes[i])
		}
	}
	out, _ := json.Marshal(m) // what is not JSON comes out as nothing, and is refused
	return string(out)
}

func TestConversationAccepts(t *testing.T) {
	w, _, token := newConversation(t)
	status, answer := w.call("POST", messages, text(someone, "channel_properties", `{"SMS_SENDER": "Shop", "SMS_FLASH_MESSAGE": "false", "SMS_MAX_NUMBER_OF_MESSAGE_PARTS": "3"}`,
		"correlation_id", `"x.text.0"`, "message_metadata", `"x.text.0"`, "ttl", `"600s"`, "queue", `"HIGH_PRIORITY"`, "channel_priority_order", `["SMS"]`,
		"processing_strategy", `"DISPATCH_ONLY"`, "callback_url", `"https://hooks.example/a"`), "Authorization", "Bearer "+token)
	doc := object(t, answer)
	id, _ := doc["message_id"].(string)
	if diff := cmp.Diff(map[string]any{"message_id": id, "accepted_time": "2026-03-01T09:30:00.000Z"}, doc); status != http.StatusOK || len(id) != 26 || diff != "" {
		t.Errorf("got %d %s", status, answer)
	}
	for _, to := range []string{sinch.IllegalType, sinch.OptedOut, "15550100001"} { // what becomes of it, a report tells
		if got, answer := w.call("POST", messages, text(to), "Authorization", "Bearer "+token); got != http.StatusOK {
			t.Errorf("%s: got %d %s", to, got, answer)
		}
	}
	var got []string
	for _, m := range w.inbox.Since(0) {
		got = append(got, strings.Join([]string{m.Channel, m.Provider, m.To, m.Text, m.From}, " "))
	}
	want := []string{"sms sinch_conversation +15550100001 Hi ", "sms sinch_conversation " + sinch.OptedOut + " Hi ", "sms sinch_conversation " + sinch.IllegalType + " Hi ",
		"sms sinch_conversation " + someone + " Hi Shop"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestConversationRefuses(t *testing.T) {
	w, _, token := newConversation(t)
	long := func(n int) string { return `"` + strings.Repeat("a", n) + `"` }
	identities := func(list string) string {
		return text("", "recipient", `{"identified_by": {"channel_identities": `+list+`}}`)
	}
	for _, tc := range []struct {
		name   string
		body   string
		status int
		code   string
	}{
		{"no JSON", `{"app_id": `, 400, "INVALID_ARGUMENT"},
		{"a member that there is not", text(someone, "to", `"`+someone+`"`), 400, "INVALID_ARGUMENT"},
		{"a member of another type", text(someone, "ttl", `600`), 400, "INVALID_ARGUMENT"},
		{"no app", text(someone, "app_id", ""), 400, "INVALID_ARGUMENT"},
		{"another app", text(someone, "app_id", `"11111111111111111111111111"`), 404, "NOT_FOUND"},
		{"no recipient", text("", "recipient", ""), 400, "INVALID_ARGUMENT"},
		{"no identity", identities(`[]`), 400, "INVALID_ARGUMENT"},
		{"a contact", text("", "recipient", `{"contact_id": "01FNV9VK83AMY60JPNHZ7YE9X6"}`), 400, "INVALID_ARGUMENT"},
		{"two recipients", identities(`[{"channel": "SMS", "identity": "+46701740605"}, {"channel": "SMS", "identity": "+46701740606"}]`), 400, "INVALID_ARGUMENT"},
		{"no such channel", identities(`[{"channel": "sms", "identity": "+46701740605"}]`), 400, "INVALID_ARGUMENT"},
		{"a channel that the app has not", identities(`[{"channel": "WHATSAPP", "identity": "+46701740605"}]`), 400, "FAILED_PRECONDITION"},
		{"no number", text("Ada"), 400, "INVALID_ARGUMENT"},
		{"an empty number", text(""), 400, "INVALID_ARGUMENT"},
		{"an order of other channels", text(someone, "channel_priority_order", `["RCS", "SMS"]`), 400, "INVALID_ARGUMENT"},
		{"no message", text(someone, "message", ""), 400, "INVALID_ARGUMENT"},
		{"no text", text(someone, "message", `{"text_message": {"text": ""}}`), 400, "INVALID_ARGUMENT"},
		{"another message", text(someone, "message", `{"media_message": {"url": "https://a.example/a.png"}}`), 400, "INVALID_ARGUMENT"},
		{"no such property", text(someone, "channel_properties", `{"SMS_FROM": "Shop"}`), 400, "INVALID_ARGUMENT"},
		{"a property that is no string", text(someone, "channel_properties", `{"SMS_FLASH_MESSAGE": true}`), 400, "INVALID_ARGUMENT"},
		{"a long property", text(someone, "channel_properties", `{"SMS_SENDER": `+long(1025)+`}`), 400, "INVALID_ARGUMENT"},
		{"a sender that is none", text(someone, "channel_properties", `{"SMS_SENDER": "Our little shop"}`), 400, "INVALID_ARGUMENT"},
		{"no parts", text(someone, "channel_properties", `{"SMS_MAX_NUMBER_OF_MESSAGE_PARTS": "0"}`), 400, "INVALID_ARGUMENT"},
		{"long metadata", text(someone, "message_metadata", long(1025)), 400, "INVALID_ARGUMENT"},
		{"a long correlation id", text(someone, "correlation_id", long(129)), 400, "INVALID_ARGUMENT"},
		{"a ttl without its unit", text(someone, "ttl", `"600"`), 400, "INVALID_ARGUMENT"},
		{"a short ttl", text(someone, "ttl", `"2s"`), 400, "INVALID_ARGUMENT"},
		{"a long ttl", text(someone, "ttl", `"315576000001s"`), 400, "INVALID_ARGUMENT"},
		{"no such queue", text(someone, "queue", `"HIGH"`), 400, "INVALID_ARGUMENT"},
		{"no such strategy", text(someone, "processing_strategy", `"DISPATCH"`), 400, "INVALID_ARGUMENT"},
		{"a callback of nonsense", text(someone, "callback_url", `"there"`), 400, "INVALID_ARGUMENT"},
		{"magic: invalid", text(sinch.Invalid), 400, "INVALID_ARGUMENT"},
		{"magic: rate-limited", text(sinch.RateLimited), 429, "RESOURCE_EXHAUSTED"},
		{"magic: outage", text(sinch.Outage), 500, "INTERNAL"},
		{"magic: unavailable", text(sinch.Unavailable), 503, "UNAVAILABLE"},
		{"magic: blocked account", text(someone, "channel_properties", `{"SMS_SENDER": "`+sinch.BlockedAccount+`"}`), 403, "PERMISSION_DENIED"},
		{"magic: not allowed", text(someone, "channel_properties", `{"SMS_SENDER": "`+sinch.NotAllowed+`"}`), 403, "PERMISSION_DENIED"},
		{"magic: no channel", text(someone, "channel_properties", `{"SMS_SENDER": "`+sinch.NoChannel+`"}`), 400, "FAILED_PRECONDITION"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			status, answer := w.call("POST", messages, tc.body, "Authorization", "Bearer "+token)
			wrong := refusal(t, answer)
			if status != tc.status || wrong.Status != tc.code || wrong.Code != status || wrong.Message == "" {
				t.Errorf("got %d %s, want %d %s", status, answer, tc.status, tc.code)
			}
		})
	}
	if got := w.inbox.Since(0); len(got) != 0 {
		t.Errorf("what was refused is in the inbox: %+v", got)
	}
}

// A refused is an error of the Conversation API.
type refused struct {
	Code            int
	Message, Status string
}

func refusal(t *testing.T, answer string) refused {
	t.Helper()
	var doc struct{ Error refused }
	if err := json.Unmarshal([]byte(answer), &doc); err != nil {
		t.Fatalf("%v: %s", err, answer)
	}
	return doc.Error
}

func TestConversationBesideTheMessage(t *testing.T) {
	w, tokens, token := newConversation(t)
	for _, tc := range []struct {
		name, method, path string
		headers            []string
		want               int
	}{
		{"no token", "POST", messages, []string{"Authorization", ""}, 401},
		{"a wrong token", "POST", messages, []string{"Authorization", "Bearer wrong"}, 401},
		{"a service plan's token", "POST", messages, []string{"Authorization", "Bearer " + sinch.Token}, 401},
		{"another project", "POST", "/v1/projects/00000000-0000-0000-0000-000000000009/messages:send", nil, 403},
		{"another method", "GET", messages, nil, 404},
		{"another resource", "POST", "/v1/projects/" + sinch.ProjectID + "/events:send", nil, 404},
		{"a form", "POST", messages, []string{"Content-Type", "application/x-www-form-urlencoded"}, 400},
		{"a charset", "POST", messages, []string{"Content-Type", "application/json; charset=utf-8"}, 200},
	} {
		got, answer := w.call(tc.method, tc.path, text(someone), append([]string{"Authorization", "Bearer " + token}, tc.headers...)...)
		if got != tc.want || got != http.StatusOK && refusal(t, answer).Code != tc.want {
			t.Errorf("%s: got %d %s, want %d", tc.name, got, answer, tc.want)
		}
	}
	if got, answer := w.token(sinch.KeyID, "wrong"); got != http.StatusUnauthorized || object(t, answer)["error"] != "invalid_client" {
		t.Errorf("a wrong access key: got %d %s", got, answer)
	}
	tokens.Revoke()
	if got, answer := w.call("POST", messages, text(someone), "Authorization", "Bearer "+token); got != http.StatusUnauthorized {
		t.Errorf("a token that has ended: got %d %s", got, answer)
	}
}

// The ambiguous ones accept, and do not say so.
func TestConversationAmbiguous(t *testing.T) {
	for number, want := range map[string]int{sinch.LateOutage: 500, sinch.Silent: 0} {
		w, _, token := newConversation(t)
		if got, _ := w.call("POST", messages, text(number), "Authorization", "Bearer "+token); got != want {
			t.Errorf("%s: got %d, want %d", number, got, want)
		}
		if got := len(w.inbox.Since(0)); got != 1 {
			t.Errorf("%s: %d messages, want 1", number, got)
		}
	}
}
