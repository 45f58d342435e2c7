package twilio_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twilio/twilio-go/client"

	"github.com/waypost/waypost/infra/providers/callbacks"
	"github.com/waypost/waypost/infra/providers/twilio"
	"github.com/waypost/waypost/shared/channel"
	channeltwilio "github.com/waypost/waypost/shared/channel/twilio"
	"github.com/waypost/waypost/shared/ledger"
)

// transport answers for a server, so that nothing leaves a bubble of synctest.
type transport func(*http.Request) (*http.Response, error)

func (f transport) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

const statusURL = "http://127.0.0.1:8480/callback/twilio/x.text.0.T?a=1"

// Each status after the first is called back at its time, signed so that
// twilio-go's validator and Waypost accept it, and read by Waypost.
func TestStatusCallbacks(t *testing.T) {
	t.Parallel()
	sent := ledger.Report{Status: ledger.Forwarded}
	for _, tc := range []struct {
		name   string
		form   []string
		cancel bool
		want   []ledger.Report
		at     []time.Duration
	}{
		{"delivered", []string{"From", good, "To", "+15005550010"}, false, []ledger.Report{sent, {Status: ledger.Delivered}}, []time.Duration{callbacks.Soon, callbacks.Later}},
		{"by a Messaging Service", []string{"MessagingServiceSid", service, "To", "+15005550010"}, false,
			[]ledger.Report{{Status: ledger.Accepted}, sent, {Status: ledger.Delivered}}, []time.Duration{callbacks.Soon / 2, callbacks.Soon, callbacks.Later}},
		{"unreachable", []string{"From", good, "To", twilio.Unreachable}, false,
			[]ledger.Report{sent, {Status: ledger.Undelivered, Code: "30003", Reason: "Twilio reports it as undelivered: 30003 (the handset can't be reached now)"}},
			[]time.Duration{callbacks.Soon, callbacks.Later}},
		{"opted out", []string{"From", good, "To", twilio.OptedOutLate}, false,
			[]ledger.Report{{Status: ledger.Undelivered, Code: "21610", Reason: "Twilio reports it as failed: 21610 (the recipient has opted out)"}}, []time.Duration{callbacks.Later}},
		{"refused", []string{"From", good, "To", "+15005550001"}, false, nil, nil},
		{"scheduled", []string{"MessagingServiceSid", service, "To", "+15005550010", "ScheduleType", "fixed", "SendAt", "2030-01-01T00:00:00Z"}, false, nil, nil},
		{"canceled", []string{"MessagingServiceSid", service, "To", "+15005550010", "ScheduleType", "fixed", "SendAt", "2030-01-01T00:00:00Z"}, true,
			[]ledger.Report{{Status: ledger.Undelivered, Reason: "Twilio reports it as canceled"}}, []time.Duration{0}},
	} {
		synctest.Test(t, func(t *testing.T) {
			start, judge := time.Now(), client.NewRequestValidator(twilio.AuthToken)
			var got []ledger.Report
			var at []time.Duration
			sender := callbacks.New(callbacks.Options{Client: &http.Client{Transport: transport(func(r *http.Request) (*http.Response, error) {
				body, _ := io.ReadAll(r.Body)
				if !judge.ValidateBody(r.URL.String(), body, r.Header.Get("X-Twilio-Signature")) {
					t.Errorf("%s: twilio-go does not accept the signature of %s", tc.name, body)
				}
				c := channel.Callback{URL: r.URL.String(), Header: r.Header, Body: body}
				if err := (channeltwilio.Callbacks{}).Verify(c, []string{twilio.AuthToken}, time.Now()); err != nil {
					t.Errorf("%s: %v", tc.name, err)
				}
				report, err := channeltwilio.Callbacks{}.Read(c)
				if err != nil || report.ProviderID == "" || slices.Contains(report.OptOuts, twilio.OptedOutLate) != (tc.name == "opted out") {
					t.Errorf("%s: got %+v, %v", tc.name, report, err)
				}
				report.ProviderID = ""
				got, at = append(got, report.Report), append(at, time.Since(start))
				return &http.Response{StatusCode: 503, Body: http.NoBody}, nil // which Twilio takes as it is
			})}})
			server := twilio.New(twilio.Options{Callbacks: sender})
			call := func(path string, form url.Values) string {
				r := httptest.NewRequest("POST", path, strings.NewReader(form.Encode()))
				r.SetBasicAuth(twilio.AccountSID, twilio.AuthToken)
				r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
				w := httptest.NewRecorder()
				server.ServeHTTP(w, r)
				return w.Body.String()
			}
			answer := call(messages+".json", form(append(tc.form, "Body", "Hi", "StatusCallback", statusURL+"#rc=1")...))
			if tc.cancel {
				_, rest, _ := strings.Cut(answer, `"sid":"`)
				call(messages+"/"+rest[:34]+".json", url.Values{"Status": {"canceled"}})
			}
			sender.Wait()
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", tc.name, diff)
			}
			if diff := cmp.Diff(tc.at, at); diff != "" {
				t.Errorf("%s: times (-want +got):\n%s", tc.name, diff)
			}
		})
	}
}

// Twilio tries once more where nobody answers, and else as the URL's fragment asks.
func TestStatusCallbackIsTriedAgain(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		fragment string
		status   int // that answers; 0 means that nobody does
		want     int
	}{
		{"", 0, 2}, {"", 503, 1}, {"#rc=5&rp=all", 0, 6}, {"#rc=5&rp=all", 503, 6}, {"#rc=5&rp=all", 429, 6}, {"#rc=5&rp=all", 204, 1},
		{"#rc=2", 503, 1}, {"#rc=2&rp=5xx,rt", 503, 3}, {"#rc=2&rp=5xx,rt", 403, 1}, {"#rc=0", 0, 1}, {"#rp=4xx", 403, 2},
	} {
		synctest.Test(t, func(t *testing.T) {
			tokens := map[string]int{}
			sender := callbacks.New(callbacks.Options{Client: &http.Client{Transport: transport(func(r *http.Request) (*http.Response, error) {
				tokens[r.Header.Get("I-Twilio-Idempotency-Token")]++
				if tc.status == 0 {
					return nil, errors.New("connection refused")
				}
				return &http.Response{StatusCode: tc.status, Body: http.NoBody, Request: r}, nil
			})}})
			server := twilio.New(twilio.Options{Callbacks: sender})
			message := form("From", good, "To", "+15005550010", "Body", "Hi", "StatusCallback", statusURL+tc.fragment)
			r := httptest.NewRequest("POST", messages+".json", strings.NewReader(message.Encode()))
			r.SetBasicAuth(twilio.AccountSID, twilio.AuthToken)
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			server.ServeHTTP(httptest.NewRecorder(), r)
			sender.Wait()
			if len(tokens) != 2 {
				t.Errorf("%s, answered %d: there were %d callbacks, want 2", tc.fragment, tc.status, len(tokens))
			}
			for token, times := range tokens {
				if times != tc.want || token == "" {
					t.Errorf("%s, answered %d: the callback %q was tried %d times, want %d", tc.fragment, tc.status, token, times, tc.want)
				}
			}
		})
	}
}
