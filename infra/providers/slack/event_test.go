package slack_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	slackgo "github.com/slack-go/slack"
	"github.com/slack-go/slack/slackevents"

	"github.com/waypost/waypost/infra/providers/callbacks"
	"github.com/waypost/waypost/infra/providers/slack"
	"github.com/waypost/waypost/shared/channel"
	channelslack "github.com/waypost/waypost/shared/channel/slack"
	"github.com/waypost/waypost/shared/ledger"
)

// transport answers for a server, so that nothing leaves a bubble of synctest.
type transport func(*http.Request) (*http.Response, error)

func (f transport) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// A message with Waypost's metadata is told of, signed so that slack-go's
// verifier and Waypost accept it, in an event that both can read; and again
// after each failure, as often as Slack does.
func TestMessageMetadataPosted(t *testing.T) {
	t.Parallel()
	const ours = `, "metadata": {"event_type": "waypost_delivery", "event_payload": {"delivery": "x.text.0.T"}}`
	for _, tc := range []struct {
		name, url, more string
		answers         []int // 0: no answer
		want            []time.Duration
		retries         string
	}{
		{"taken", "http://127.0.0.1:8480/callback/slack/events", ours, []int{200}, []time.Duration{callbacks.Soon}, " "},
		{"never taken", "http://127.0.0.1:8480/callback/slack/events", ours, []int{500, 0, 302, 404},
			[]time.Duration{callbacks.Soon, callbacks.Soon, callbacks.Soon + time.Minute, callbacks.Soon + 6*time.Minute},
			" 1http_error 2connection_failed 3http_error "},
		{"no request URL", "", ours, nil, nil, ""},
		{"another app's metadata", "http://127.0.0.1:8480/callback/slack/events", `, "metadata": {"event_type": "a", "event_payload": {}}`, nil, nil, ""},
		{"no metadata", "http://127.0.0.1:8480/callback/slack/events", ``, nil, nil, ""},
		{"refused", "http://127.0.0.1:8480/callback/slack/events", ours + `, "channel": "nowhere"`, nil, nil, ""},
	} {
		synctest.Test(t, func(t *testing.T) {
			start := time.Now()
			var at []time.Duration
			var reports []channel.Report
			retries := ""
			sender := callbacks.New(callbacks.Options{Client: &http.Client{CheckRedirect: callbacks.Loopback().CheckRedirect, Transport: transport(func(r *http.Request) (*http.Response, error) {
				body, _ := io.ReadAll(r.Body)
				judge, err := slackgo.NewSecretsVerifier(r.Header, slack.SigningSecret)
				if err == nil {
					_, _ = judge.Write(body)
					err = judge.Ensure()
				}
				if challenge := asked(body); challenge != "" && err == nil {
					return &http.Response{StatusCode: 200, Body: io.NopCloser(strings.NewReader(challenge))}, nil
				}
				_, parsed := slackevents.ParseEvent(body, slackevents.OptionNoVerifyToken())
				c := channel.Callback{URL: r.URL.String(), Header: r.Header, Body: body}
				verified := channelslack.Callbacks{}.Verify(c, []string{slack.SigningSecret}, time.Now())
				report, read := channelslack.Callbacks{}.Read(c)
				if err := errors.Join(err, parsed, verified, read); err != nil {
					t.Errorf("%s: %v", tc.name, err)
				}
				answer := tc.answers[len(at)]
				at, reports, retries = append(at, time.Since(start)), append(reports, report), retries+r.Header.Get("X-Slack-Retry-Num")+r.Header.Get("X-Slack-Retry-Reason")+" "
				if answer == 0 {
					return nil, errors.New("connection refused")
				}
				return &http.Response{StatusCode: answer, Body: http.NoBody}, nil
			})}})
			server := slack.New(slack.Options{Callbacks: sender})
			if tc.url != "" {
				if err := server.SetRequestURL(t.Context(), tc.url); err != nil {
					t.Fatalf("%s: %v", tc.name, err)
				}
			}
			r := httptest.NewRequest("POST", method, strings.NewReader(`{"channel": "orders", "text": "Hi"`+tc.more+`}`))
			r.Header.Set("Authorization", "Bearer "+slack.Token)
			r.Header.Set("Content-Type", jsonType)
			w := httptest.NewRecorder()
			server.ServeHTTP(w, r)
			answered := channelslack.API{}.Classify(channel.Answer{Code: w.Code, Body: w.Body.Bytes()})
			sender.Wait()
			if diff := cmp.Diff(tc.want, at); diff != "" || retries != tc.retries {
				t.Errorf("%s: retries %q (-want +got):\n%s", tc.name, retries, diff)
			}
			for _, got := range reports {
				want := channel.Report{Token: "x.text.0.T", Report: ledger.Report{Status: ledger.Delivered, ProviderID: answered.ProviderID}}
				if !cmp.Equal(got, want) {
					t.Errorf("%s: got %+v, want %+v", tc.name, got, want)
				}
			}
		})
	}
}

// asked gives the challenge of a url_verification, or "" for another event.
func asked(body []byte) string {
	said, err := channelslack.Callbacks{}.Read(channel.Callback{Body: body})
	if err != nil {
		return ""
	}
	return said.Reply
}

// A request URL that does not answer the challenge is not the app's, and gets
// no events.
func TestRequestURLMustAnswer(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name   string
		answer func(challenge string) (int, string)
		want   string // a part of the error
	}{
		{"the challenge", func(c string) (int, string) { return 200, c }, ""},
		{"nothing", func(string) (int, string) { return 204, "" }, "it answered 204"},
		{"another text", func(string) (int, string) { return 200, "ok" }, `it answered 200 and "ok"`},
		{"the challenge, refusing", func(c string) (int, string) { return 403, c }, "it answered 403"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			events := 0
			app := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				challenge := asked(body)
				if challenge == "" {
					events++
					return
				}
				status, text := tc.answer(challenge)
				w.WriteHeader(status)
				_, _ = io.WriteString(w, text)
			}))
			sender := callbacks.New(callbacks.Options{After: func(_ time.Duration, then func()) { go then() }})
			server := slack.New(slack.Options{Callbacks: sender})
			err := server.SetRequestURL(t.Context(), app.URL)
			if (err == nil) != (tc.want == "") || err != nil && !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want %q", err, tc.want)
			}
			r := httptest.NewRequest("POST", method, strings.NewReader(`{"channel": "orders", "text": "Hi", "metadata": {"event_type": "waypost_delivery", "event_payload": {"delivery": "t"}}}`))
			r.Header.Set("Authorization", "Bearer "+slack.Token)
			r.Header.Set("Content-Type", jsonType)
			server.ServeHTTP(httptest.NewRecorder(), r)
			sender.Wait()
			app.Close() // it has served what it was sent
			if want := map[bool]int{true: 1}[tc.want == ""]; events != want {
				t.Errorf("got %d events, want %d", events, want)
			}
		})
	}
}
