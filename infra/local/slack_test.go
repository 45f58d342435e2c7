package local_test

import (
	"encoding/json"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"github.com/waypost/waypost/infra/local"
	"github.com/waypost/waypost/infra/providers/inbox"
	"github.com/waypost/waypost/infra/providers/slack"
)

// lockedLog is a log that many write.
type lockedLog struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lockedLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lockedLog) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// A message goes both ways to Slack's own hosts, over sockets, and arrives at
// the stand-in. The webhook's URL is in no log, no record and not in the inbox.
func TestSlackIsStoodInFor(t *testing.T) {
	for _, tc := range []struct{ provider, settings, body, path string }{
		{"webhook", `{"url": "https://hooks.slack.com", "auth": {"type": "url", "secret": "waypost/slack"}}`,
			`{"text": "hello", "blocks": [{"type": "divider"}]}`, "/services/T00000000/B00000000/…"},
		{"api", `{"url": "https://slack.com", "auth": {"type": "bearer", "secret": "waypost/slack"}}`,
			`{"channel": "#orders", "text": "hello", "blocks": [{"type": "divider"}], "metadata": {"event_type": "a", "event_payload": {}}}`, "/api/chat.postMessage"},
	} {
		t.Run(tc.provider, func(t *testing.T) {
			var log lockedLog
			rt := start(t, local.Config{Log: slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))})
			content, err := json.Marshal(`{"url": "https://hooks.slack.com` + slack.HookPath + `", "token": "` + slack.Token + `"}`)
			if err != nil {
				t.Fatal(err)
			}
			status, text := call(t, "POST", rt.AWSURL, `{"Name": "waypost/slack", "ClientRequestToken": "00000000-0000-0000-0000-000000000001", "SecretString": `+string(content)+`}`,
				"X-Amz-Target", "secretsmanager.CreateSecret", "Content-Type", "application/x-amz-json-1.1")
			if status != 200 {
				t.Fatalf("creating the secret: %d %s", status, text)
			}
			action(t, rt, `{"name": "a", "channel": "slack", "provider": "`+tc.provider+`", "contract": {"body": `+tc.body+`}, "settings": `+tc.settings+`}`)
			d := settled(t, rt, journey(t, rt, `{"id": "tell", "action": {"name": "a", "version": 1, "with": {}}}`))
			if d.Outcome != "sent" || d.Code != 200 || len(d.Attempts) != 1 {
				t.Errorf("got %s %d %s after %d attempts, want sent 200 after 1", d.Outcome, d.Code, d.Reason, len(d.Attempts))
			}
			var box struct{ Messages []inbox.Message }
			ok(t, "GET", rt.URL+"/inbox.json", "", &box)
			if len(box.Messages) != 1 {
				t.Fatalf("got %+v, want one message", box.Messages)
			}
			m := box.Messages[0]
			if m.Channel != "slack" || m.Provider != tc.provider || m.To != "#orders" || m.Text != "hello" || string(m.Blocks) != `[{"type":"divider"}]` || m.Path != tc.path {
				t.Errorf("got %+v, want hello with a divider in #orders", m)
			}
			_, deliveries := call(t, "GET", rt.URL+"/admin/v1/deliveries?journey=j", "")
			_, page := call(t, "GET", rt.URL+"/inbox", "")
			for place, text := range map[string]string{"the log": log.String(), "the record": deliveries, "the inbox": page} {
				if strings.Contains(text, "not-a-real-") {
					t.Errorf("%s has the credential: %s", place, text)
				}
			}
		})
	}
}
