package sinch_test

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

	"github.com/waypost/waypost/infra/providers/callbacks"
	"github.com/waypost/waypost/infra/providers/sinch"
	"github.com/waypost/waypost/shared/channel"
	channelsinch "github.com/waypost/waypost/shared/channel/sinch"
	"github.com/waypost/waypost/shared/ledger"
)

// transport answers for a server, so that nothing leaves a bubble of synctest.
type transport func(*http.Request) (*http.Response, error)

func (f transport) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// call sends a request to a stand-in within a bubble.
func call(s http.Handler, method, path, body string) (int, string) {
	r := httptest.NewRequest(method, "/xms/v1/"+sinch.ServicePlanID+"/batches"+path, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer "+sinch.Token)
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w.Code, w.Body.String()
}

// Each kind of delivery report comes at its time, signed so that Waypost
// accepts it, and says to Waypost what became of the batch.
func TestDeliveryReports(t *testing.T) {
	t.Parallel()
	status := func(s ledger.Status) ledger.Report { return ledger.Report{Status: s} }
	failed := ledger.Report{Status: ledger.Undelivered, Code: "27", Reason: "Sinch reports it as Failed: 27"}
	deleted := ledger.Report{Status: ledger.Undelivered, Reason: "Sinch reports it as Deleted (there is no such number, or its owner has opted out)"}
	cancelled := ledger.Report{Status: ledger.Undelivered, Code: "407", Reason: "Sinch reports it as Cancelled: 407 (it was cancelled)"}
	for _, tc := range []struct {
		name, to, kind, more string
		cancel               bool
		want                 []ledger.Report
		optOut               string
		last                 time.Duration // when the last one comes
	}{
		{"delivered", `"+46701740605"`, "per_recipient", "", false, []ledger.Report{status(ledger.Forwarded), status(ledger.Delivered)}, "", callbacks.Later},
		{"the final one alone", `"+46701740605"`, "per_recipient_final", "", false, []ledger.Report{status(ledger.Delivered)}, "", callbacks.Later},
		{"unreachable", `"` + sinch.Unreachable + `"`, "per_recipient", "", false, []ledger.Report{status(ledger.Forwarded), failed}, "", callbacks.Later},
		{"opted out", `"` + sinch.OptedOut + `"`, "per_recipient", "", false, []ledger.Report{status(ledger.Forwarded), deleted}, sinch.OptedOut, callbacks.Later},
		{"opted out, in a full report", `"` + sinch.OptedOut + `"`, "full", "", false, []ledger.Report{deleted}, sinch.OptedOut, callbacks.Later},
		{"several", `"+46701740605", "+46701740606"`, "summary", "", false, []ledger.Report{status(ledger.Delivered)}, "", callbacks.Later},
		{"none asked for", `"+46701740605"`, "none", "", false, nil, "", 0},
		{"accepted, and the answer lost", `"` + sinch.LateOutage + `"`, "per_recipient", "", false, []ledger.Report{status(ledger.Forwarded), status(ledger.Delivered)}, "", callbacks.Later},
		{"refused", `"` + sinch.Outage + `"`, "per_recipient", "", false, nil, "", 0},
		{"later", `"+46701740605"`, "per_recipient", `, "send_at": "2000-01-01T01:00:00Z"`, false,
			[]ledger.Report{status(ledger.Forwarded), status(ledger.Delivered)}, "", time.Hour + callbacks.Later},
		{"cancelled before", `"+46701740605"`, "per_recipient", `, "send_at": "2000-01-01T01:00:00Z"`, true, []ledger.Report{cancelled}, "", time.Hour + callbacks.Later},
	} {
		synctest.Test(t, func(t *testing.T) {
			start := time.Now() // 2000-01-01T00:00:00Z
			var got []ledger.Report
			optOut, last := "", time.Duration(0)
			sender := callbacks.New(callbacks.Options{Client: &http.Client{Transport: transport(func(r *http.Request) (*http.Response, error) {
				body, _ := io.ReadAll(r.Body)
				c := channel.Callback{URL: r.URL.String(), Header: r.Header, Body: body}
				if err := (channelsinch.Callbacks{}).Verify(c, []string{sinch.WebhookSecret}, time.Now()); err != nil {
					t.Errorf("%s: %v", tc.name, err)
				}
				report, err := channelsinch.Callbacks{}.Read(c)
				if err != nil || len(report.ProviderID) != 26 {
					t.Errorf("%s: got %+v, %v", tc.name, report, err)
				}
				report.ProviderID = ""
				got, optOut, last = append(got, report.Report), strings.Join(report.OptOuts, " "), time.Since(start)
				return &http.Response{StatusCode: 204, Body: http.NoBody}, nil
			})}})
			server := sinch.New(sinch.Options{Callbacks: sender})
			_, answer := call(server, "POST", "", `{"to": [`+tc.to+`], "body": "Hi", "callback_url": "http://127.0.0.1:8480/callback/sinch/t", "delivery_report": "`+tc.kind+`"`+tc.more+`}`)
			if tc.cancel {
				_, rest, _ := strings.Cut(answer, `"id":"`)
				if code, _ := call(server, "DELETE", "/"+rest[:26], ""); code != 200 {
					t.Errorf("%s: cancelling got %d", tc.name, code)
				}
			}
			sender.Wait()
			if diff := cmp.Diff(tc.want, got); diff != "" || optOut != tc.optOut || last != tc.last {
				t.Errorf("%s: opted out %q, the last at %v (-want +got):\n%s", tc.name, optOut, last, diff)
			}
		})
	}
}

// Sinch tries again after a 5xx, a 429 and no answer, ever later, with a time
// and a nonce of each attempt; any other answer ends it.
func TestDeliveryReportsAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		start, answers, nonces := time.Now(), []int{500, 429, 0, 400, 204}, map[string]bool{}
		var at []time.Duration
		sender := callbacks.New(callbacks.Options{Client: &http.Client{Transport: transport(func(r *http.Request) (*http.Response, error) {
			body, _ := io.ReadAll(r.Body)
			c := channel.Callback{URL: r.URL.String(), Header: r.Header, Body: body}
			if err := (channelsinch.Callbacks{}).Verify(c, []string{"another"}, time.Now()); err != nil {
				t.Error(err)
			}
			nonces[r.Header.Get(channelsinch.HeaderNonce)] = true
			answer := answers[len(at)]
			at = append(at, time.Since(start))
			if answer == 0 {
				return nil, errors.New("connection refused")
			}
			return &http.Response{StatusCode: answer, Body: http.NoBody}, nil
		})}})
		server := sinch.New(sinch.Options{Callbacks: sender, WebhookSecret: "another"})
		call(server, "POST", "", `{"to": ["+46701740605"], "body": "Hi", "callback_url": "http://127.0.0.1:8480/callback/sinch/t", "delivery_report": "per_recipient_final"}`)
		sender.Wait()
		want := []time.Duration{time.Second, 6 * time.Second, 16 * time.Second, 36 * time.Second}
		if diff := cmp.Diff(want, at); diff != "" || len(nonces) != len(want) {
			t.Errorf("%d nonces (-want +got):\n%s", len(nonces), diff)
		}
	})
}

// The Conversation API reports on each message where it says, signed so that
// Waypost accepts it.
func TestConversationReports(t *testing.T) {
	t.Parallel()
	status := func(s ledger.Status) ledger.Report { return ledger.Report{Status: s} }
	for _, tc := range []struct {
		name, to string
		want     []ledger.Report
		optOut   string
	}{
		{"delivered", "+46701740605", []ledger.Report{status(ledger.Forwarded), status(ledger.Delivered)}, ""},
		{"unreachable", sinch.Unreachable, []ledger.Report{status(ledger.Forwarded), {Status: ledger.Undelivered, Code: "RECIPIENT_NOT_REACHABLE",
			Reason: "Sinch reports it as FAILED: RECIPIENT_NOT_REACHABLE (the recipient can't be reached)"}}, ""},
		{"opted out", sinch.OptedOut, []ledger.Report{status(ledger.Forwarded), {Status: ledger.Undelivered, Code: "RECIPIENT_NOT_OPTED_IN",
			Reason: "Sinch reports it as FAILED: RECIPIENT_NOT_OPTED_IN (the recipient has not opted in, or has opted out)"}}, sinch.OptedOut},
		{"refused", sinch.Outage, nil, ""},
	} {
		synctest.Test(t, func(t *testing.T) {
			var got []ledger.Report
			optOut := ""
			sender := callbacks.New(callbacks.Options{Client: &http.Client{Transport: transport(func(r *http.Request) (*http.Response, error) {
				body, _ := io.ReadAll(r.Body)
				c := channel.Callback{URL: r.URL.String(), Header: r.Header, Body: body}
				if err := (channelsinch.Callbacks{}).Verify(c, []string{sinch.WebhookSecret}, time.Now()); err != nil {
					t.Errorf("%s: %v", tc.name, err)
				}
				report, err := channelsinch.Callbacks{}.Read(c)
				if err != nil || report.ProviderID == "" {
					t.Errorf("%s: got %+v, %v", tc.name, report, err)
				}
				report.ProviderID = ""
				got, optOut = append(got, report.Report), strings.Join(report.OptOuts, " ")
				return &http.Response{StatusCode: 204, Body: http.NoBody}, nil
			})}})
			server := sinch.NewConversation(sinch.ConversationOptions{Tokens: anyToken{}, Callbacks: sender})
			r := httptest.NewRequest(http.MethodPost, "/v1/projects/"+sinch.ProjectID+"/messages:send", strings.NewReader(`{"app_id": "`+sinch.AppID+`",
				"recipient": {"identified_by": {"channel_identities": [{"channel": "SMS", "identity": "`+tc.to+`"}]}},
				"message": {"text_message": {"text": "Hi"}}, "callback_url": "http://127.0.0.1:8480/callback/sinch/t"}`))
			r.Header.Set("Authorization", "Bearer any")
			r.Header.Set("Content-Type", "application/json")
			server.ServeHTTP(httptest.NewRecorder(), r)
			sender.Wait()
			if diff := cmp.Diff(tc.want, got); diff != "" || optOut != tc.optOut {
				t.Errorf("%s: opted out %q (-want +got):\n%s", tc.name, optOut, diff)
			}
		})
	}
}

// anyToken takes every token.
type anyToken struct{}

func (anyToken) Valid(string, ...string) bool { return true }
