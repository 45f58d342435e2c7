package slack_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	slackgo "github.com/slack-go/slack"

	"github.com/waypost/waypost/infra/providers/inbox"
	"github.com/waypost/waypost/infra/providers/slack"
	"github.com/waypost/waypost/shared/action"
	"github.com/waypost/waypost/shared/channel"
	channelslack "github.com/waypost/waypost/shared/channel/slack"
	"github.com/waypost/waypost/shared/secret"
)

// blocks are the same, in slack-go's words and in Slack's.
func blocks() (theirs []slackgo.Block, ours string) {
	theirs = []slackgo.Block{
		slackgo.NewHeaderBlock(slackgo.NewTextBlockObject(slackgo.PlainTextType, "Order A-1", false, false)),
		slackgo.NewSectionBlock(slackgo.NewTextBlockObject(slackgo.MarkdownType, "*Ada* <waits> & asks", false, false), nil, nil),
		slackgo.NewDividerBlock(),
		slackgo.NewContextBlock("", slackgo.NewTextBlockObject(slackgo.MarkdownType, "from _Main Street_", false, false)),
	}
	return theirs, `[{"type": "header", "text": {"type": "plain_text", "text": "Order A-1", "emoji": false}},
		{"type": "section", "text": {"type": "mrkdwn", "text": "*Ada* <waits> & asks"}}, {"type": "divider"},
		{"type": "context", "elements": [{"type": "mrkdwn", "text": "from _Main Street_"}]}]`
}

// slack-go, unchanged, and Waypost post the same message; what the stand-in
// received of both is the same.
func TestSlackGoIsTheJudge(t *testing.T) {
	w := newWorld(t, slack.Options{})
	theirs, ours := blocks()
	api := slackgo.New(slack.Token, slackgo.OptionAPIURL(w.url+"/api/"))
	if _, err := api.AuthTestContext(t.Context()); err != nil {
		t.Fatal(err)
	}
	off := false
	for _, tc := range []struct {
		name     string
		encode   func(*action.Message) (*channel.Request, error)
		auth     secret.Auth
		slackGo  func() error
		message  string
		classify func(channel.Answer) channel.Verdict
	}{
		{"chat.postMessage", func(m *action.Message) (*channel.Request, error) {
			return channelslack.API{}.Encode(m, secret.Credential{})
		},
			secret.Auth{Type: "bearer"}, func() error {
				_, _, err := api.PostMessageContext(t.Context(), "#orders", slackgo.MsgOptionText("Order A-1", false), slackgo.MsgOptionBlocks(theirs...),
					slackgo.MsgOptionTS("1503435956.000247"), slackgo.MsgOptionBroadcast(), slackgo.MsgOptionDisableLinkUnfurl(),
					slackgo.MsgOptionMetadata(slackgo.SlackMetadata{EventType: "order_ready", EventPayload: map[string]any{"id": "A-1"}}))
				return err
			},
			`{"channel": "#orders", "text": "Order A-1", "blocks": ` + ours + `, "thread_ts": "1503435956.000247", "reply_broadcast": true, "unfurl_links": false,
				"metadata": {"event_type": "order_ready", "event_payload": {"id": "A-1"}}}`, channelslack.API{}.Classify},
		{"a webhook", func(m *action.Message) (*channel.Request, error) {
			return channelslack.Webhook{}.Encode(m, secret.Credential{})
		},
			secret.Auth{Type: "url"}, func() error {
				return slackgo.PostWebhookContext(t.Context(), w.url+slack.HookPath, &slackgo.WebhookMessage{Text: "Order A-1",
					Blocks: &slackgo.Blocks{BlockSet: theirs}, ThreadTimestamp: "1503435956.000247", UnfurlLinks: &off})
			},
			`{"text": "Order A-1", "blocks": ` + ours + `, "thread_ts": "1503435956.000247", "unfurl_links": false}`, channelslack.Webhook{}.Classify},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w.inbox.Clear()
			if err := tc.slackGo(); err != nil {
				t.Fatal(err)
			}
			var args any
			if err := json.Unmarshal([]byte(tc.message), &args); err != nil {
				t.Fatal(err)
			}
			request, err := tc.encode(&action.Message{BaseURL: w.url, Body: args})
			if err != nil {
				t.Fatal(err)
			}
			if v := tc.classify(w.sent(request, tc.auth)); v.Result != channel.Accepted {
				t.Errorf("got %+v, want accepted", v)
			}
			got := w.inbox.Since(0)
			if len(got) != 2 {
				t.Fatalf("the stand-in received %d messages, want 2", len(got))
			}
			if diff := cmp.Diff(received(t, got[1]), received(t, got[0])); diff != "" {
				t.Errorf("slack-go's (-) and ours (+): %s", diff)
			}
			if got[0].To != got[1].To || got[0].Thread != got[1].Thread || got[0].Text != got[1].Text || got[0].Path != got[1].Path {
				t.Errorf("got %+v and %+v", got[1], got[0])
			}
		})
	}
}

// sent makes a request of ours with its credential, as the pipeline does.
func (w world) sent(r *channel.Request, auth secret.Auth) channel.Answer {
	w.Helper()
	u, err := url.Parse(w.url)
	if err != nil {
		w.Fatal(err)
	}
	cred, err := secret.Parse("waypost/slack", []byte(`{"token": "`+slack.Token+`", "url": "`+w.url+slack.HookPath+`", "hosts": ["`+u.Host+`"]}`))
	if err != nil {
		w.Fatal(err)
	}
	req, err := r.HTTP(w.Context(), &auth, cred, []string{"hooks.slack.com"})
	if err != nil {
		w.Fatal(err)
	}
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		w.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	var body bytes.Buffer
	if _, err := body.ReadFrom(res.Body); err != nil {
		w.Fatal(err)
	}
	return channel.Answer{Code: res.StatusCode, Header: res.Header, Body: body.Bytes()}
}

// received gives a message's arguments, whether they came in JSON or as a form.
// What slack-go adds without being asked, and what means the same, is left out.
func received(t *testing.T, m inbox.Message) map[string]any {
	t.Helper()
	args := map[string]any{}
	if err := json.Unmarshal([]byte(m.Body), &args); err != nil {
		form, err := url.ParseQuery(m.Body)
		if err != nil {
			t.Fatal(err)
		}
		for name := range form {
			var v any
			if text := form.Get(name); name == "thread_ts" || json.Unmarshal([]byte(text), &v) != nil {
				v = text
			}
			args[name] = v
		}
	}
	for _, name := range []string{"replace_original", "delete_original"} {
		if args[name] == false {
			delete(args, name)
		}
	}
	return args
}

// slack-go understands the stand-in's errors as it does Slack's.
func TestSlackGoUnderstandsErrors(t *testing.T) {
	w := newWorld(t, slack.Options{Behave: func(r *http.Request) slack.Behaviour {
		if r.Header.Get("X-Limited") != "" {
			return slack.Behaviour{Status: 429, RetryAfter: "7", Body: `{"ok":false,"error":"ratelimited"}`}
		}
		return slack.Behaviour{}
	}})
	post := func(token, channel string, options ...slackgo.Option) error {
		options = append(options, slackgo.OptionAPIURL(w.url+"/api/"))
		_, _, err := slackgo.New(token, options...).PostMessageContext(t.Context(), channel, slackgo.MsgOptionText("a", false))
		return err
	}
	for _, tc := range []struct{ token, channel, want string }{
		{slack.Token, "C00000001", ""}, {"xoxb-1", "C00000001", "invalid_auth"}, {slack.Token, "C9", "channel_not_found"}, {slack.Token, "C00000003", "is_archived"},
	} {
		err := post(tc.token, tc.channel)
		e, ok := errors.AsType[slackgo.SlackErrorResponse](err)
		if tc.want == "" && err != nil || tc.want != "" && (!ok || e.Err != tc.want) {
			t.Errorf("%s: got %v, want %s", tc.channel, err, tc.want)
		}
	}
	err := post(slack.Token, "C00000001", slackgo.OptionHTTPClient(&http.Client{Transport: limitedTransport{}}))
	if e, ok := errors.AsType[*slackgo.RateLimitedError](err); !ok || e.RetryAfter != 7*time.Second {
		t.Errorf("limited: got %v, want 7 s", err)
	}
	hook := slackgo.PostWebhookContext(t.Context(), w.url+"/services/T00000000/B1/x", &slackgo.WebhookMessage{Text: "a"})
	if e, ok := errors.AsType[slackgo.StatusCodeError](hook); !ok || e.Code != 404 || !strings.Contains(e.Status, "404") {
		t.Errorf("a webhook that is gone: got %v", hook)
	}
}

// limitedTransport marks requests as those that are to be limited.
type limitedTransport struct{}

func (limitedTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("X-Limited", "1")
	return http.DefaultTransport.RoundTrip(r)
}
