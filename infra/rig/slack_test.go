package rig_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/waypost/waypost/infra/providers/inbox"
	"github.com/waypost/waypost/infra/providers/slack"
	"github.com/waypost/waypost/infra/rig"
	"github.com/waypost/waypost/shared/egress"
	"github.com/waypost/waypost/shared/ledger"
)

// Patches that make the standard action one of Slack's, and a journey that
// tells a webhook afterwards what it saw of the delivery.
const (
	slackSecret = `{"token": "` + slack.Token + `", "url": "https://hooks.slack.com` + slack.HookPath + `"}`
	viaWebhook  = `{"channel": "slack", "provider": "webhook",
		"contract": {"method": null, "path": null, "body": {"to": null}, "response": null},
		"settings": {"url": "https://hooks.slack.com", "auth": {"type": "url", "secret": "waypost/slack"}}}`
	viaAPI = `{"channel": "slack", "provider": "api",
		"contract": {"method": null, "path": null, "body": {"to": null, "channel": {"toBeMapped": true, "type": "string"}, "unfurl_links": false},
			"response": {"id": null, "ts": {"type": "string"}, "channel": {"type": "string"}}, "error": {"error": {"type": "string"}}},
		"settings": {"url": "https://slack.com", "auth": {"type": "bearer", "secret": "waypost/slack"}}}`
	tellAction = `{"name": "tell", "channel": "webhook", "contract": {"method": "POST", "path": "/", "body": {"saw": {"toBeMapped": true, "type": "string"}}},
		"settings": {"url": "https://hooks.example"}}`
	blockMessage = `{"contract": {"body": {"blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": {"toBeMapped": true, "type": "string"}}}]}}}`
)

// slackWorld routes a world's calls of Slack to a stand-in, which treats each
// in turn as it is told, and the others as Slack does.
func slackWorld(w *rig.World, behave ...slack.Behaviour) *inbox.Store {
	box := inbox.New(inbox.Options{})
	n := 0
	stand := slack.New(slack.Options{Inbox: box, Behave: func(*http.Request) slack.Behaviour {
		if n++; n > len(behave) {
			return slack.Behaviour{}
		}
		return behave[n-1]
	}})
	w.Endpoint.Answer = func(_ int, r rig.Request) rig.Reply {
		if strings.HasPrefix(r.URL, "https://hooks.example") {
			return rig.Reply{Status: 200, Body: `{}`}
		}
		return served(stand, r)
	}
	w.PutSecret("waypost/slack", slackSecret)
	w.Put("actions/tell", tellAction)
	w.Admin(http.MethodPost, "actions/tell/publish", "")
	return box
}

// served gives a handler's answer; one that closes the connection is lost.
func served(h http.Handler, r rig.Request) (reply rig.Reply) {
	req := httptest.NewRequest(r.Method, r.URL, io.NopCloser(bytes.NewReader([]byte(r.Body))))
	req.Header = r.Header.Clone()
	rec := httptest.NewRecorder()
	defer func() {
		if recover() == http.ErrAbortHandler {
			reply = rig.Reply{Fails: egress.Lost, Written: true}
		}
	}()
	h.ServeHTTP(rec, req)
	reply = rig.Reply{Status: rec.Code, Header: map[string]string{}, Body: rec.Body.String()}
	for name := range rec.Header() {
		reply.Header[name] = rec.Header().Get(name)
	}
	return reply
}

func slackJourney(provider, to string) string {
	with := `"text": "Hi {{ profile.firstName }}"`
	saw := `{{ steps.text.outcome }} {{ steps.text.code ?? 0 }}`
	if provider == "api" {
		with += `, "channel": "` + to + `"`
		saw += ` {{ steps.text.response.channel ?? '-' }} {{ steps.text.error.error ?? '-' }}`
	}
	return `{"steps": [{"id": "text", "onError": "continue", "action": {"name": "notify", "version": 1, "with": {` + with + `}}},
		{"id": "tell", "action": {"name": "tell", "version": 1, "with": {"saw": "` + saw + `"}}}]}`
}

// Each row of the classification of Slack's answers: what the delivery comes
// to, how often Slack was called, how many messages it posted, and what the
// journey saw.
func TestSlackAnswers(t *testing.T) {
	t.Parallel()
	plain := func(status int, body string) slack.Behaviour { return slack.Behaviour{Status: status, Body: body} }
	app := func(code string) slack.Behaviour { return plain(200, `{"ok":false,"error":"`+code+`"}`) }
	type row struct {
		name, provider string
		to             string // the channel, #orders where empty
		patch          string // of the action
		secret         string
		behave         []slack.Behaviour
		outcome        ledger.Outcome
		reason         string // a part of it
		attempts       string
		posted         int
		waits          time.Duration // at least, between the first two calls
		saw            string
	}
	rows := []row{
		{name: "ok", provider: "webhook", outcome: "sent", attempts: "accepted", posted: 1, saw: "sent 200"},
		{name: "blocks", provider: "webhook", patch: `{"contract": {"body": {"blocks": [{"type": "divider"}]}}}`, outcome: "sent", attempts: "accepted", posted: 1, saw: "sent 200"},
		{name: "not Slack's answer", provider: "webhook", behave: []slack.Behaviour{plain(200, "<html>")}, outcome: "unknown", reason: `without its "ok"`, attempts: "ambiguous", saw: "unknown 200"},
		{name: "limited", provider: "webhook", behave: []slack.Behaviour{{Status: 429, Body: "rate_limited", RetryAfter: "30"}}, outcome: "sent",
			attempts: "retryable accepted", posted: 1, waits: 30 * time.Second, saw: "sent 200"},
		{name: "limited, without Retry-After", provider: "webhook", behave: []slack.Behaviour{plain(429, "message_limit_exceeded")}, outcome: "sent",
			attempts: "retryable accepted", posted: 1, waits: time.Minute, saw: "sent 200"},
		{name: "limited, with the wait in JSON", provider: "webhook", behave: []slack.Behaviour{plain(429, `{"retry_after":2,"ok":false,"error":"rate_limited"}`)}, outcome: "sent",
			attempts: "retryable accepted", posted: 1, waits: 2 * time.Second, saw: "sent 200"},
		{name: "limited, with counts in JSON", provider: "webhook", behave: []slack.Behaviour{plain(429, `{"ok":false,"count_hour_ago":1}`)}, outcome: "sent",
			attempts: "retryable accepted", posted: 1, waits: time.Minute, saw: "sent 200"},
		{name: "limited, for 0 seconds", provider: "webhook", behave: []slack.Behaviour{{Status: 429, Body: "rate_limited", RetryAfter: "0"}}, outcome: "sent",
			attempts: "retryable accepted", posted: 1, waits: time.Second, saw: "sent 200"},
		{name: "an error inside, that posted", provider: "webhook", behave: []slack.Behaviour{{Status: 500, Body: "rollup_error", Accept: true}}, outcome: "unknown",
			reason: "Slack answered rollup_error", attempts: "ambiguous", posted: 1, saw: "unknown 500"},
		{name: "hangs up after it posted", provider: "webhook", behave: []slack.Behaviour{{Hang: true, Accept: true}}, outcome: "unknown", attempts: "ambiguous", posted: 1, saw: "unknown 0"},
		{name: "a webhook that is gone", provider: "webhook", secret: `{"url": "https://hooks.slack.com/services/T00000000/B1/x"}`, outcome: "failed", reason: "the webhook is gone", attempts: "refused", saw: "failed 404"},
		{name: "a wrong webhook", provider: "webhook", secret: `{"url": "https://hooks.slack.com/services/T00000000/B00000000/x"}`, outcome: "failed", reason: "invalid_token", attempts: "refused", saw: "failed 403"},
		{name: "a webhook elsewhere", provider: "webhook", secret: `{"url": "https://evil.example/services/T00000000/B00000000/x"}`, outcome: "failed", reason: "must begin with https://hooks.slack.com", saw: "failed 0"},
		{name: "an archived channel", provider: "webhook", behave: []slack.Behaviour{plain(410, "channel_is_archived")}, outcome: "failed", reason: "the channel is archived", attempts: "refused", saw: "failed 410"},
		{name: "blocks that are wrong", provider: "webhook", patch: `{"contract": {"body": {"blocks": [{"type": "section"}]}}}`, outcome: "failed", reason: "the blocks are not valid", attempts: "refused", saw: "failed 400"},
		{name: "a code of tomorrow", provider: "webhook", behave: []slack.Behaviour{plain(403, "too_quiet")}, outcome: "failed", reason: "Slack refused it: too_quiet", attempts: "refused", saw: "failed 403"},
		{name: "a body that is no code", provider: "webhook", behave: []slack.Behaviour{plain(400, "Ada may not")}, outcome: "failed", reason: "the endpoint answered 400 Bad Request", attempts: "refused", saw: "failed 400"},
		{name: "a redirect", provider: "webhook", behave: []slack.Behaviour{plain(302, "")}, outcome: "failed", reason: "not followed", attempts: "refused", saw: "failed 302"},

		{name: "ok", provider: "api", outcome: "sent", attempts: "accepted", posted: 1, saw: "sent 200 C00000001 -"},
		{name: "blocks", provider: "api", patch: `{"contract": {"body": {"blocks": [{"type": "divider"}], "thread_ts": "1503435956.000247", "reply_broadcast": true}}}`, outcome: "sent",
			attempts: "accepted", posted: 1, saw: "sent 200 C00000001 -"},
		{name: "ok without a ts", provider: "api", behave: []slack.Behaviour{plain(200, `{"ok":true}`)}, outcome: "unknown", reason: "without the message's ts", attempts: "ambiguous", saw: "unknown 200 - -"},
		{name: "not Slack's answer", provider: "api", behave: []slack.Behaviour{plain(200, "<html>")}, outcome: "unknown", reason: "without saying whether it is ok", attempts: "ambiguous", saw: "unknown 200 - -"},
		{name: "limited", provider: "api", behave: []slack.Behaviour{{Status: 429, Body: `{"ok":false,"error":"ratelimited"}`, RetryAfter: "30"}}, outcome: "sent",
			attempts: "retryable accepted", posted: 1, waits: 30 * time.Second, saw: "sent 200 C00000001 -"},
		{name: "limited, with 200", provider: "api", behave: []slack.Behaviour{app("rate_limited")}, outcome: "sent", attempts: "retryable accepted", posted: 1, waits: time.Minute, saw: "sent 200 C00000001 -"},
		{name: "limited for good", provider: "api", behave: []slack.Behaviour{app("ratelimited"), app("ratelimited"), app("ratelimited"), app("ratelimited")}, outcome: "dead",
			reason: "given up after 4 attempts", attempts: "retryable retryable retryable retryable", waits: time.Minute, saw: "dead 200 - -"},
		{name: "cut short", provider: "api", behave: []slack.Behaviour{app("request_timeout")}, outcome: "sent", attempts: "retryable accepted", posted: 1, saw: "sent 200 C00000001 -"},
		{name: "a fatal error, that posted", provider: "api", behave: []slack.Behaviour{{Status: 200, Body: `{"ok":false,"error":"fatal_error"}`, Accept: true}}, outcome: "unknown",
			reason: "Slack answered fatal_error", attempts: "ambiguous", posted: 1, saw: "unknown 200 - -"},
		{name: "an error inside", provider: "api", behave: []slack.Behaviour{app("internal_error")}, outcome: "unknown", attempts: "ambiguous", saw: "unknown 200 - -"},
		{name: "an error inside, at least once", provider: "api", patch: `{"settings": {"guarantee": "atLeastOnce"}}`, behave: []slack.Behaviour{app("internal_error")}, outcome: "sent",
			attempts: "ambiguous accepted", posted: 1, saw: "sent 200 C00000001 -"},
		{name: "out of order", provider: "api", behave: []slack.Behaviour{app("service_unavailable")}, outcome: "unknown", attempts: "ambiguous", saw: "unknown 200 - -"},
		{name: "a gateway's error", provider: "api", behave: []slack.Behaviour{plain(503, "upstream")}, outcome: "unknown", reason: "503", attempts: "ambiguous", saw: "unknown 503 - -"},
		{name: "hangs up after it posted", provider: "api", behave: []slack.Behaviour{{Hang: true, Accept: true}}, outcome: "unknown", attempts: "ambiguous", posted: 1, saw: "unknown 0 - -"},
		{name: "a wrong token", provider: "api", secret: `{"token": "xoxb-1"}`, outcome: "failed", reason: "invalid_auth (the token is not valid)", attempts: "refused", saw: "failed 200 - invalid_auth"},
		{name: "an unknown channel", provider: "api", to: "#nowhere", outcome: "failed", reason: "there is no such channel", attempts: "refused", saw: "failed 200 - channel_not_found"},
		{name: "an archived channel", provider: "api", to: "C00000003", outcome: "failed", reason: "the channel is archived", attempts: "refused", saw: "failed 200 - is_archived"},
		{name: "not a member", provider: "api", to: "C00000004", outcome: "failed", reason: "invite it", attempts: "refused", saw: "failed 200 - not_in_channel"},
		{name: "blocks that are wrong", provider: "api", patch: blockMessage, outcome: "failed", reason: "came out empty", saw: "failed 0 - -"},
		{name: "a code of tomorrow", provider: "api", behave: []slack.Behaviour{app("too_quiet")}, outcome: "failed", reason: "Slack refused it: too_quiet", attempts: "refused", saw: "failed 200 - too_quiet"},
	}
	for _, code := range []string{"not_authed", "account_inactive", "token_revoked", "token_expired", "missing_scope", "ekm_access_denied", "team_access_not_granted",
		"restricted_action", "msg_too_long", "no_text", "too_many_attachments", "invalid_blocks", "invalid_arg_name", "invalid_array_arg", "invalid_charset", "invalid_form_data",
		"invalid_post_type", "missing_post_type"} {
		rows = append(rows, row{name: code, provider: "api", behave: []slack.Behaviour{app(code)}, outcome: "failed", reason: code + " (", attempts: "refused", saw: "failed 200 - " + code})
	}
	for code, status := range map[string]int{"invalid_payload": 400, "user_not_found": 400, "no_text": 400, "missing_text_or_fallback_or_attachments": 400, "too_many_attachments": 400,
		"invalid_blocks": 400, "action_prohibited": 403, "invalid_token": 403, "posting_to_general_channel_denied": 403, "channel_not_found": 404, "no_service": 404,
		"no_active_hooks": 404, "no_team": 404, "team_disabled": 404, "channel_is_archived": 410} {
		rows = append(rows, row{name: code, provider: "webhook", behave: []slack.Behaviour{plain(status, code)}, outcome: "failed", reason: code + " (", attempts: "refused", saw: fmt.Sprintf("failed %d", status)})
	}
	for _, tc := range rows {
		t.Run(tc.provider+" "+tc.name, func(t *testing.T) {
			t.Parallel()
			rig.Run(t, func(t *testing.T, w *rig.World) {
				box := slackWorld(w, tc.behave...)
				if tc.secret != "" {
					w.PutSecret("waypost/slack", tc.secret)
				}
				to, patch := "#orders", viaWebhook
				if tc.to != "" {
					to = tc.to
				}
				if tc.provider == "api" {
					patch = viaAPI
				}
				journey := slackJourney(tc.provider, to)
				if tc.patch == blockMessage {
					journey = strings.Replace(journey, `"text": "Hi`, `"blocks.0.text.text": "{{ profile.tier }}", "text": "Hi`, 1)
				}
				w.Publish(rig.Setup{Action: rig.Patch(t, patch, tc.patch), Journey: journey})
				w.Put("profiles/c-1", `{"phone": "+15550001", "firstName": "Ada"}`)
				x := w.Send("case-1").Executions[0].Execution
				w.Settle()
				d := w.DeliveryOf(x, "text")
				if d.Outcome != tc.outcome || !strings.Contains(d.Reason, tc.reason) {
					t.Errorf("got %s (%s), want %s (%s)", d.Outcome, d.Reason, tc.outcome, tc.reason)
				}
				if got := results(d); got != tc.attempts {
					t.Errorf("attempts: got %q, want %q", got, tc.attempts)
				}
				calls := w.Endpoint.Calls(x + ".text")
				if got, want := len(calls), len(strings.Fields(tc.attempts)); got != want {
					t.Errorf("Slack was called %d times, want %d", got, want)
				}
				if len(calls) > 1 && calls[1].At.Sub(calls[0].At) < tc.waits {
					t.Errorf("the second call came after %v, want %v", calls[1].At.Sub(calls[0].At), tc.waits)
				}
				if got := len(box.Since(0)); got != tc.posted {
					t.Errorf("Slack posted %d messages, want %d", got, tc.posted)
				}
				told := w.Endpoint.Calls(x + ".tell")
				if want := `{"saw":"` + tc.saw + `"}`; len(told) != 1 || told[0].Body != want {
					t.Errorf("the journey saw %v, want %s", told, want)
				}
				if tc.outcome == "sent" && tc.provider == "api" && !strings.HasPrefix(d.ProviderID, "C00000001/") {
					t.Errorf("the provider's id is %q, want the channel and the ts", d.ProviderID)
				}
			})
		})
	}
}

// A credential that Slack refuses, in a 200 or by a word, is read again once:
// one that was rotated fails no delivery.
func TestSlackRotation(t *testing.T) {
	t.Parallel()
	for provider, patch := range map[string]string{"webhook": viaWebhook, "api": viaAPI} {
		t.Run(provider, func(t *testing.T) {
			t.Parallel()
			rig.Run(t, func(t *testing.T, w *rig.World) {
				box := slackWorld(w)
				w.PutSecret("waypost/slack", `{"token": "xoxb-old", "url": "https://hooks.slack.com/services/T00000000/B00000000/old"}`)
				w.Publish(rig.Setup{Action: patch, Journey: slackJourney(provider, "#orders")})
				before := w.Send("case-1").Executions[0].Execution
				w.Settle()
				w.PutSecret("waypost/slack", slackSecret)
				after := w.Send("case-2").Executions[0].Execution
				w.Settle()
				for x, want := range map[string]string{before: "failed: refused", after: "sent: refused accepted"} {
					d := w.DeliveryOf(x, "text")
					if got := string(d.Outcome) + ": " + results(d); got != want {
						t.Errorf("got %s, want %s", got, want)
					}
				}
				if got := len(box.Since(0)); got != 1 {
					t.Errorf("Slack posted %d messages, want 1", got)
				}
			})
		})
	}
}

// The same words with a 500 may mean anything: though the secret has changed
// meanwhile, nothing is posted again.
func TestSlackRotationAfterAnAmbiguousAnswer(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ provider, patch, body string }{
		{"webhook", viaWebhook, "no_service"}, {"api", viaAPI, `{"ok":false,"error":"invalid_auth"}`},
	} {
		t.Run(tc.provider, func(t *testing.T) {
			t.Parallel()
			rig.Run(t, func(t *testing.T, w *rig.World) {
				box := slackWorld(w, slack.Behaviour{}, slack.Behaviour{Status: 500, Body: tc.body, Accept: true})
				w.Publish(rig.Setup{Action: tc.patch, Journey: slackJourney(tc.provider, "#orders")})
				w.Send("case-1")
				w.Settle()
				w.PutSecret("waypost/slack", rig.Patch(t, slackSecret, `{"note": "changed"}`))
				x := w.Send("case-2").Executions[0].Execution
				w.Settle()
				if d := w.DeliveryOf(x, "text"); d.Outcome != ledger.Unknown || results(d) != "ambiguous" {
					t.Errorf("got %s after %s, want unknown after one ambiguous attempt", d.Outcome, results(d))
				}
				if got, want := len(box.Since(0)), 2; got != want {
					t.Errorf("Slack posted %d messages, want %d: one for each event", got, want)
				}
			})
		})
	}
}
