package providers

import (
	"encoding/base64"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/waypost/waypost/infra/providers/callbacks"
	"github.com/waypost/waypost/infra/providers/mood"
	"github.com/waypost/waypost/infra/providers/slack"
	standin "github.com/waypost/waypost/infra/providers/twilio"
	"github.com/waypost/waypost/shared/channel"
	"github.com/waypost/waypost/shared/channel/sinch"
	channelslack "github.com/waypost/waypost/shared/channel/slack"
	"github.com/waypost/waypost/shared/channel/twilio"
	"github.com/waypost/waypost/shared/channel/webhook"
)

// Every stand-in can be told to take nothing, and says so in its provider's
// words, which its channel classifies as it should.
func TestMoods(t *testing.T) {
	t.Parallel()
	standIns := New()
	defer standIns.Close()
	names := []string{"loyalty", "oauth", "private", "signage", "sinch", "sinch-conversation", "sinch-tokens", "sink", "slack", "twilio"}
	if diff := cmp.Diff(names, slices.Sorted(maps.Keys(standIns.moods))); diff != "" {
		t.Fatal(diff)
	}
	classify := map[string]func(channel.Answer) channel.Verdict{
		pathTwilio + "/2010-04-01/Accounts/AC0/Messages.json": twilio.Channel{}.Classify, pathSinch + "/xms/v1/0/batches": sinch.Channel{}.Classify,
		pathSinchConversation + "/v1/projects/0/messages:send": sinch.Conversation{}.Classify, pathSinchTokens + "/oauth2/token": webhook.Channel{}.Classify,
		pathSlack + slack.HookPath: channelslack.Webhook{}.Classify, pathSlack + "/api/chat.postMessage": channelslack.API{}.Classify,
		pathLoyalty + "/v1/awards": webhook.Channel{}.Classify, pathSignage + "/v1/screens/w": webhook.Channel{}.Classify,
		pathSink + "/x": webhook.Channel{}.Classify, pathOAuth + "/oauth/token": webhook.Channel{}.Classify,
	}
	for _, tc := range []struct {
		mode   mood.Mode
		status int
		result channel.Result
	}{{mood.RateLimited, 429, channel.Retryable}, {mood.Down, 503, channel.Ambiguous}, {mood.Flaky, 500, channel.Ambiguous}} {
		for path, classify := range classify {
			name := strings.Split(path, "/")[2]
			if err := standIns.SetMood(name, mood.Mood{Mode: tc.mode}); err != nil {
				t.Fatal(err)
			}
			w := httptest.NewRecorder()
			standIns.ServeHTTP(w, httptest.NewRequest("POST", path, strings.NewReader("{}")))
			v := classify(channel.Answer{Code: w.Code, Header: w.Header(), Body: w.Body.Bytes()})
			if w.Code != tc.status || v.Result != tc.result || (v.RetryAfter > 0) != (tc.mode == mood.RateLimited) {
				t.Errorf("%s, %s: got %d %s, which is %+v", path, tc.mode, w.Code, w.Body, v)
			}
		}
	}
	if len(standIns.Inbox.Since(0)) != 0 {
		t.Error("a message was taken all the same")
	}
	if err := standIns.SetMood("nobody", mood.Mood{Mode: mood.OK}); err == nil || !strings.Contains(err.Error(), strings.Join(names, ", ")) {
		t.Errorf("an unknown name: got %v", err)
	}
	for path, want := range map[string]bool{"/providers/twilio/mood": true, "/providers/nobody/mood": false, "/providers/twilio/x/mood": false, "/providers/sink/x": false} {
		if got := standIns.IsMood(path); got != want {
			t.Errorf("%s: got %t", path, got)
		}
	}
}

// Each stand-in reports, over sockets, to who waits at the message's URL.
func TestStandInsReport(t *testing.T) {
	t.Parallel()
	standIns := Reporting(callbacks.New(callbacks.Options{After: func(_ time.Duration, report func()) { go report() }}))
	defer standIns.Close()
	heard := make(chan string, 20)
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var event struct{ Challenge string }
		if _ = json.NewDecoder(r.Body).Decode(&event); event.Challenge != "" {
			_, _ = io.WriteString(w, event.Challenge)
			return
		}
		heard <- r.URL.Path
	}))
	defer receiver.Close()
	if err := standIns.SlackEvents(t.Context(), receiver.URL+"/slack"); err != nil {
		t.Fatal(err)
	}
	send := func(path, contentType, body string, header ...string) {
		r := httptest.NewRequest("POST", path, strings.NewReader(body))
		r.Header.Set("Content-Type", contentType)
		for i := 0; i < len(header); i += 2 {
			r.Header.Set(header[i], header[i+1])
		}
		w := httptest.NewRecorder()
		standIns.ServeHTTP(w, r)
		if w.Code > 299 {
			t.Errorf("%s: got %d %s", path, w.Code, w.Body)
		}
	}
	send(pathTwilio+"/2010-04-01/Accounts/"+standin.AccountSID+"/Messages.json", "application/x-www-form-urlencoded",
		"To=%2B15005550010&From=%2B15005550006&Body=Hi&StatusCallback="+receiver.URL+"/twilio", "Authorization",
		"Basic "+base64.StdEncoding.EncodeToString([]byte(standin.AccountSID+":"+standin.AuthToken)))
	send(pathSinch+"/xms/v1/00000000000000000000000000000000/batches", "application/json",
		`{"to": ["+46701740605"], "body": "Hi", "delivery_report": "per_recipient", "callback_url": "`+receiver.URL+`/sinch"}`, "Authorization", "Bearer not-a-real-token-for-the-local-sinch")
	send(pathSlack+"/api/chat.postMessage", "application/json; charset=utf-8",
		`{"channel": "orders", "text": "Hi", "metadata": {"event_type": "waypost_delivery", "event_payload": {"delivery": "t"}}}`, "Authorization", "Bearer "+slack.Token)
	send(pathSink+"/x", "application/json", "{}", "Waypost-Callback", receiver.URL+"/webhook")
	standIns.Callbacks.Wait()
	close(heard)
	got := map[string]int{}
	for path := range heard {
		got[path]++
	}
	if diff := cmp.Diff(map[string]int{"/twilio": 2, "/sinch": 2, "/slack": 1, "/webhook": 2}, got); diff != "" {
		t.Errorf("what was heard (-want +got):\n%s", diff)
	}
}
