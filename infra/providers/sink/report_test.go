package sink_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/waypost/waypost/infra/providers/callbacks"
	"github.com/waypost/waypost/infra/providers/sink"
	"github.com/waypost/waypost/shared/channel"
	"github.com/waypost/waypost/shared/channel/webhook"
)

// transport answers for a server, so that nothing leaves a bubble of synctest.
type transport func(*http.Request) (*http.Response, error)

func (f transport) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// Whatever takes a request with Waypost-Callback reports on it, signed so that
// the reference library and Waypost accept it, and again where nobody took it.
func TestReports(t *testing.T) {
	t.Parallel()
	const award, screen = `{"member":"c-1","points":25,"reference":"A-1"}`, `{"headline":"Hi","version":1,"validUntil":"2000-01-02T00:00:00Z"}`
	accepted, later := "accepted", callbacks.Later
	for _, tc := range []struct {
		name, method, path, body string
		answer                   int
		want                     []string // statuses, in the order in which they come
		last                     time.Duration
	}{
		{"the sink", "POST", "/sink/x", "{}", 204, []string{accepted, "delivered"}, later},
		{"undelivered", "POST", "/sink/x?sink-report=undelivered", "{}", 204, []string{accepted, "undelivered E42"}, later},
		{"read", "POST", "/sink/x?sink-report=read", "{}", 204, []string{accepted, "read"}, later},
		{"none", "POST", "/sink/x?sink-report=none", "{}", 204, nil, 0},
		{"nonsense", "POST", "/sink/x?sink-report=lost", "{}", 204, nil, 0},
		{"refused", "POST", "/sink/x?sink-status=400", "{}", 204, nil, 0},
		{"taken at the second", "POST", "/sink/x", "{}", 503, []string{accepted, "delivered", accepted, "delivered"}, later + 5*time.Second},
		{"gone", "POST", "/sink/x", "{}", 410, []string{accepted, "delivered"}, later},
		{"an award", "POST", "/loyalty/v1/awards", award, 204, []string{accepted, "delivered"}, later},
		{"an award whose answer was lost", "POST", "/loyalty/v1/awards?sink-lost=503", award, 204, []string{accepted, "delivered"}, later},
		{"no award", "POST", "/loyalty/v1/awards", "{}", 204, nil, 0},
		{"a screen", "PUT", "/signage/v1/screens/w", screen, 204, []string{accepted, "delivered"}, later},
		{"a screen that refuses", "PUT", "/signage/v1/screens/w", "{}", 204, nil, 0},
	} {
		synctest.Test(t, func(t *testing.T) {
			start, ids, last := time.Now(), map[string]string{}, time.Duration(0)
			var got []string
			judge, err := standardwebhooks.NewWebhook(sink.CallbackKey)
			if err != nil {
				t.Fatal(err)
			}
			sender := callbacks.New(callbacks.Options{Client: &http.Client{Transport: transport(func(r *http.Request) (*http.Response, error) {
				body, _ := io.ReadAll(r.Body)
				c := channel.Callback{URL: r.URL.String(), Header: r.Header, Body: body}
				if err := judge.Verify(body, r.Header); err != nil {
					t.Errorf("%s: the reference says %v", tc.name, err)
				}
				if err := (webhook.Callbacks{}).Verify(c, []string{sink.CallbackKey}, time.Now()); err != nil {
					t.Errorf("%s: %v", tc.name, err)
				}
				report, err := webhook.Callbacks{}.Read(c)
				if err != nil {
					t.Errorf("%s: %v", tc.name, err)
				}
				got, last = append(got, strings.TrimSpace(string(report.Status)+" "+report.Code)), time.Since(start)
				id := r.Header.Get("Webhook-Id")
				if before, again := ids[id]; again && before != string(body) {
					t.Errorf("%s: under one id it sent %s, then %s", tc.name, before, body)
				} else if again {
					return &http.Response{StatusCode: 204, Body: http.NoBody}, nil
				}
				ids[id] = string(body)
				return &http.Response{StatusCode: tc.answer, Body: http.NoBody}, nil
			})}})
			o := sink.Options{Callbacks: sender}
			mux := http.NewServeMux()
			mux.Handle("/sink/", sink.New(o))
			mux.Handle("/loyalty/", sink.NewLoyalty(o).Handler("/loyalty"))
			mux.Handle("/signage/", sink.NewSignage(o).Handler("/signage"))
			r := httptest.NewRequest(tc.method, tc.path, strings.NewReader(tc.body))
			for name, value := range map[string]string{"Waypost-Callback": "http://127.0.0.1:8480/callback/webhook/t", "Authorization": "Bearer t", "Content-Type": "application/json", "Idempotency-Key": "k"} {
				r.Header.Set(name, value)
			}
			mux.ServeHTTP(httptest.NewRecorder(), r)
			sender.Wait()
			if diff := cmp.Diff(tc.want, got); diff != "" || last != tc.last {
				t.Errorf("%s: the last at %v (-want +got):\n%s", tc.name, last, diff)
			}
		})
	}
}
