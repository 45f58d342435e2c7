package slack_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/waypost/waypost/infra/providers/inbox"
	"github.com/waypost/waypost/infra/providers/slack"
)

const (
	method   = "/api/chat.postMessage"
	jsonType = "application/json; charset=utf-8"
	formType = "application/x-www-form-urlencoded"
)

type world struct {
	*testing.T
	url   string
	inbox *inbox.Store
}

func newWorld(t *testing.T, o slack.Options) world {
	w := world{t, "", inbox.New(inbox.Options{})}
	o.Inbox = w.inbox
	srv := httptest.NewServer(slack.New(o))
	t.Cleanup(srv.Close)
	w.url = srv.URL
	return w
}

// post gives an answer's status, its header and its body.
func (w world) post(path, token, contentType, body string) (int, http.Header, string) {
	w.Helper()
	req, err := http.NewRequestWithContext(w.Context(), http.MethodPost, w.url+path, strings.NewReader(body))
	if err != nil {
		w.Fatal(err)
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		return 0, nil, ""
	}
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		w.Fatal(err)
	}
	return res.StatusCode, res.Header, string(text)
}

func TestAPIRefuses(t *testing.T) {
	w := newWorld(t, slack.Options{})
	long := strings.Repeat("x", 40001)
	for _, tc := range []struct{ name, token, contentType, body, want string }{
		{"no token", "", jsonType, `{"channel": "orders", "text": "a"}`, "not_authed"},
		{"a token in JSON", "", jsonType, `{"token": "` + slack.Token + `", "channel": "orders", "text": "a"}`, "not_authed"},
		{"a wrong token", "xoxb-1", jsonType, `{"channel": "orders", "text": "a"}`, "invalid_auth"},
		{"no content type", slack.Token, "", `{"channel": "orders", "text": "a"}`, "missing_post_type"},
		{"plain text", slack.Token, "text/plain", `{"channel": "orders", "text": "a"}`, "invalid_post_type"},
		{"another charset", slack.Token, "application/json; charset=utf-16", `{}`, "invalid_charset"},
		{"no JSON", slack.Token, jsonType, `{"channel"`, "invalid_json"},
		{"a list", slack.Token, jsonType, `[]`, "json_not_object"},
		{"a text that is a number", slack.Token, jsonType, `{"channel": "orders", "text": 1}`, "invalid_arguments"},
		{"a form that is none", slack.Token, formType, "a=%zz", "invalid_form_data"},
		{"no channel", slack.Token, jsonType, `{"text": "a"}`, "invalid_arguments"},
		{"an unknown channel", slack.Token, jsonType, `{"channel": "#nowhere", "text": "a"}`, "channel_not_found"},
		{"an archived channel", slack.Token, jsonType, `{"channel": "#old-orders", "text": "a"}`, "is_archived"},
		{"not a member", slack.Token, jsonType, `{"channel": "C00000004", "text": "a"}`, "not_in_channel"},
		{"a restricted channel", slack.Token, jsonType, `{"channel": "announcements", "text": "a"}`, "restricted_action"},
		{"nothing to say", slack.Token, jsonType, `{"channel": "orders"}`, "no_text"},
		{"no blocks and no text", slack.Token, jsonType, `{"channel": "orders", "blocks": []}`, "no_text"},
		{"too long", slack.Token, jsonType, `{"channel": "orders", "text": "` + long + `"}`, "msg_too_long"},
		{"101 attachments", slack.Token, jsonType, `{"channel": "orders", "attachments": [` + strings.Repeat(`{},`, 100) + `{}]}`, "too_many_attachments"},
		{"attachments that are no list", slack.Token, jsonType, `{"channel": "orders", "attachments": {}}`, "invalid_array_arg"},
		{"blocks that are no list", slack.Token, jsonType, `{"channel": "orders", "blocks": {}}`, "invalid_blocks_format"},
		{"metadata without a type", slack.Token, jsonType, `{"channel": "orders", "text": "a", "metadata": {"event_payload": {}}}`, "invalid_metadata_format"},
		{"another method", slack.Token, jsonType, `{}`, "unknown_method"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			path := method
			if tc.want == "unknown_method" {
				path = "/api/chat.delete"
			}
			status, _, text := w.post(path, tc.token, tc.contentType, tc.body)
			var got struct {
				OK    *bool
				Error string
			}
			if err := json.Unmarshal([]byte(text), &got); err != nil || status != 200 || got.OK == nil || *got.OK || got.Error != tc.want {
				t.Errorf("got %d %s, want %s", status, text, tc.want)
			}
		})
	}
	if got := w.inbox.Since(0); len(got) != 0 {
		t.Errorf("what was refused is in the inbox: %+v", got)
	}
}

func TestWebhookRefuses(t *testing.T) {
	w := newWorld(t, slack.Options{})
	for _, tc := range []struct {
		name, path, contentType, body string
		status                        int
		want                          string
	}{
		{"another workspace", "/services/T1/B00000000/x", jsonType, `{"text": "a"}`, 404, "no_team"},
		{"another webhook", "/services/T00000000/B1/x", jsonType, `{"text": "a"}`, 404, "no_service"},
		{"a wrong token", "/services/T00000000/B00000000/x", jsonType, `{"text": "a"}`, 403, "invalid_token"},
		{"a short path", "/services/T00000000", jsonType, `{"text": "a"}`, 404, "no_team"},
		{"no JSON", slack.HookPath, jsonType, `{"text"`, 400, "invalid_payload"},
		{"a form without payload", slack.HookPath, formType, `text=a`, 400, "invalid_payload"},
		{"nothing to say", slack.HookPath, jsonType, `{}`, 400, "no_text"},
		{"a block of no kind", slack.HookPath, jsonType, `{"blocks": [{"type": "banner"}]}`, 400, "invalid_blocks"},
		{"blocks that are no list", slack.HookPath, jsonType, `{"blocks": {}}`, 400, "invalid_blocks"},
		{"101 attachments", slack.HookPath, jsonType, `{"attachments": [` + strings.Repeat(`{},`, 100) + `{}]}`, 400, "too_many_attachments"},
		{"well", slack.HookPath, jsonType, `{"text": "a"}`, 200, "ok"},
		{"a form with payload", slack.HookPath, formType, `payload=%7B%22text%22%3A%22a%22%7D`, 200, "ok"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			status, header, text := w.post(tc.path, "", tc.contentType, tc.body)
			if status != tc.status || text != tc.want || !strings.HasPrefix(header.Get("Content-Type"), "text/plain") {
				t.Errorf("got %d %s, want %d %s", status, text, tc.status, tc.want)
			}
		})
	}
	kept, err := json.Marshal(w.inbox.Since(0))
	if err != nil || strings.Count(string(kept), `"seq"`) != 2 || strings.Contains(string(kept), "not-a-real-webhook") {
		t.Errorf("the inbox holds %s (%v), want two messages without the webhook's token", kept, err)
	}
}

func TestBlocks(t *testing.T) {
	w := newWorld(t, slack.Options{Now: stepping()})
	text := func(n int) string { return `{"type": "mrkdwn", "text": "` + strings.Repeat("x", n) + `"}` }
	for _, tc := range []struct {
		name, blocks string
		ok           bool
	}{
		{"one of each", `{"type": "header", "text": {"type": "plain_text", "text": "a"}}, {"type": "section", "text": ` + text(3000) + `}, {"type": "divider"},
			{"type": "section", "fields": [` + text(1) + `], "accessory": {"type": "image", "image_url": "https://a.example/a.png", "alt_text": "a"}},
			{"type": "image", "image_url": "https://a.example/a.png", "alt_text": "a"}, {"type": "context", "elements": [` + text(1) + `]},
			{"type": "actions", "elements": [{"type": "button", "text": {"type": "plain_text", "text": "a"}}]}, {"type": "rich_text"}`, true},
		{"50 blocks", strings.Repeat(`{"type": "divider"},`, 49) + `{"type": "divider"}`, true},
		{"51 blocks", strings.Repeat(`{"type": "divider"},`, 50) + `{"type": "divider"}`, false},
		{"no type", `{"text": ` + text(1) + `}`, false},
		{"a section of nothing", `{"type": "section"}`, false},
		{"a section's text that is a string", `{"type": "section", "text": "a"}`, false},
		{"an empty text", `{"type": "section", "text": ` + text(0) + `}`, false},
		{"a text too long", `{"type": "section", "text": ` + text(3001) + `}`, false},
		{"11 fields", `{"type": "section", "fields": [` + strings.Repeat(text(1)+",", 10) + text(1) + `]}`, false},
		{"a header in mrkdwn", `{"type": "header", "text": ` + text(1) + `}`, false},
		{"an image without words", `{"type": "image", "image_url": "https://a.example/a.png"}`, false},
		{"an empty context", `{"type": "context", "elements": []}`, false},
		{"a button in mrkdwn", `{"type": "actions", "elements": [{"type": "button", "text": ` + text(1) + `}]}`, false},
		{"two of one id", `{"type": "divider", "block_id": "a"}, {"type": "divider", "block_id": "a"}`, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, _, answer := w.post(method, slack.Token, jsonType, `{"channel": "orders", "blocks": [`+tc.blocks+`]}`)
			if tc.ok != strings.Contains(answer, `"ok":true`) || !tc.ok && !strings.Contains(answer, `"invalid_blocks"`) {
				t.Errorf("got %s, want ok %v", answer, tc.ok)
			}
		})
	}
}

// stepping is a clock on which a second passes with each look.
func stepping() func() time.Time {
	now := time.Date(2026, 3, 1, 9, 30, 0, 0, time.UTC)
	return func() time.Time { now = now.Add(time.Second); return now }
}

func TestAnswer(t *testing.T) {
	at := time.Date(2026, 3, 1, 9, 30, 0, 0, time.UTC)
	w := newWorld(t, slack.Options{Now: func() time.Time { return at }})
	_, _, text := w.post(method, slack.Token, "application/json", `{"channel": "#orders", "text": "Hi", "thread_ts": "1503435956.000247"}`)
	want := `{"channel":"C00000001","message":{"app_id":"A00000000","bot_id":"B00000000","team":"T00000000","text":"Hi","thread_ts":"1503435956.000247",` +
		`"ts":"1772357400.000000","type":"message","user":"U00000000"},"ok":true,"response_metadata":{"warnings":["missing_charset"]},"ts":"1772357400.000000","warning":"missing_charset"}`
	if diff := cmp.Diff(want, strings.TrimSpace(text)); diff != "" {
		t.Error(diff)
	}
	if _, _, second := w.post(method, slack.Token, jsonType, `{"channel": "#orders", "text": "Hi"}`); !strings.Contains(second, `"ts":"1772357400.000001"`) {
		t.Errorf("two messages have one ts: %s", second)
	}
}

// A channel takes a burst, and then one message a second.
func TestRate(t *testing.T) {
	at := time.Date(2026, 3, 1, 9, 30, 0, 0, time.UTC)
	w := newWorld(t, slack.Options{Now: func() time.Time { return at }})
	send := func(path string) string {
		status, header, text := w.post(path, slack.Token, jsonType, `{"channel": "orders", "text": "a"}`)
		if status == 429 {
			return fmt.Sprintf("429 after %s: %s", header.Get("Retry-After"), strings.TrimSpace(text))
		}
		return fmt.Sprint(status)
	}
	for path, want := range map[string]string{method: `429 after 1: {"error":"ratelimited","ok":false}`, slack.HookPath: "429 after 1: rate_limited"} {
		for range 20 {
			if got := send(path); got != "200" {
				t.Errorf("%s within the burst: %s", path, got)
			}
		}
		if got := send(path); got != want {
			t.Errorf("%s: got %s, want %s", path, got, want)
		}
	}
	at = at.Add(time.Second)
	if got := send(method) + ", " + send(method)[:3]; got != "200, 429" {
		t.Errorf("a second later: %s", got)
	}
}

func TestMisbehaviour(t *testing.T) {
	held := make(chan struct{})
	for _, tc := range []struct {
		name     string
		b        slack.Behaviour
		status   int // 0: no answer
		accepted int
	}{
		{"limited", slack.Behaviour{Status: 429, RetryAfter: "3", Body: "message_limit_exceeded"}, 429, 0},
		{"an error that posted nothing", slack.Behaviour{Status: 500, Body: "rollup_error"}, 500, 0},
		{"an error that posted", slack.Behaviour{Status: 500, Body: "rollup_error", Accept: true}, 500, 1},
		{"hangs up before", slack.Behaviour{Hang: true}, 0, 0},
		{"hangs up after", slack.Behaviour{Hang: true, Accept: true}, 0, 1},
		{"slow", slack.Behaviour{Hold: held}, 200, 1},
	} {
		for _, path := range []string{slack.HookPath, method} {
			t.Run(tc.name+path[:4], func(t *testing.T) {
				asked := make(chan struct{}, 1)
				w := newWorld(t, slack.Options{Behave: func(*http.Request) slack.Behaviour { asked <- struct{}{}; return tc.b }})
				if tc.b.Hold != nil && path == slack.HookPath {
					go func() { <-asked; close(held) }()
				}
				status, header, _ := w.post(path, slack.Token, jsonType, `{"channel": "orders", "text": "a"}`)
				if status != tc.status || status != 0 && header.Get("Retry-After") != tc.b.RetryAfter {
					t.Errorf("got %d, Retry-After %s", status, header.Get("Retry-After"))
				}
				if got := len(w.inbox.Since(0)); got != tc.accepted {
					t.Errorf("%d messages were accepted, want %d", got, tc.accepted)
				}
			})
		}
	}
}
