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
			server.SetRequestURL(tc.url)
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
