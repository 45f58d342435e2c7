package sink_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/waypost/waypost/infra/providers/inbox"
	"github.com/waypost/waypost/infra/providers/sink"
)

func call(t *testing.T, method, url string, header map[string]string, body string) (*http.Response, string, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for k, v := range header {
		req.Header.Set(k, v)
	}
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		return nil, "", err
	}
	defer resp.Body.Close()
	got, _ := io.ReadAll(resp.Body)
	return resp, strings.TrimSpace(string(got)), nil
}

func TestSink(t *testing.T) {
	box := inbox.New(inbox.Options{})
	srv := httptest.NewServer(sink.New(sink.Options{Inbox: box}))
	defer srv.Close()
	for _, tc := range []struct {
		name, method, path string
		status             int
		want               string
		header, value      string
	}{
		{"accepts", "PUT", "/providers/sink/v2/bookings/7?lang=de", 200, `{"ok":true,"received":1}`, "Content-Type", "application/json"},
		{"a status", "POST", "/providers/sink/x?sink-status=503&sink-retry-after=7", 503, `{"ok":false,"received":2}`, "Retry-After", "7"},
		{"a redirect", "GET", "/providers/sink/x?sink-location=http://127.0.0.1:1/", 302, `{"ok":true,"received":3}`, "Location", "http://127.0.0.1:1/"},
		{"not JSON", "GET", "/providers/sink/x?sink-type=text/html", 200, `this is not JSON`, "Content-Type", "text/html"},
		{"no content", "GET", "/providers/sink/x?sink-status=204", 204, ``, "", ""},
		{"a large body", "GET", "/providers/sink/x?sink-size=100000", 200, `"` + strings.Repeat("x", 99998) + `"`, "", ""},
		{"late", "GET", "/providers/sink/x?sink-delay=1ms", 200, `{"ok":true,"received":7}`, "", ""},
		{"nonsense", "GET", "/providers/sink/x?sink-status=7", 400, `{"error":"sink-status must be an HTTP status from 200 to 599","ok":false}`, "", ""},
		{"too late", "GET", "/providers/sink/x?sink-delay=2h", 400, `{"error":"sink-delay must be a duration from 0s to 60s, such as 1500ms","ok":false}`, "", ""},
		{"too large", "GET", "/providers/sink/x?sink-size=99999999999", 400, `{"error":"sink-size must be a number of bytes, 16777216 at most","ok":false}`, "", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			resp, body, err := call(t, tc.method, srv.URL+tc.path, map[string]string{"Authorization": "Bearer planted-secret"}, `{"a":1}`)
			if err != nil {
				t.Fatal(err)
			}
			if resp.StatusCode != tc.status || body != tc.want {
				t.Errorf("got %d %.200s, want %d %.200s", resp.StatusCode, body, tc.status, tc.want)
			}
			if got := resp.Header.Get(tc.header); tc.header != "" && got != tc.value {
				t.Errorf("%s = %q, want %q", tc.header, got, tc.value)
			}
		})
	}
	all := box.Since(0)
	first := all[len(all)-1]
	if len(all) != 7 || first.Method != "PUT" || first.Path != "/providers/sink/v2/bookings/7?lang=de" || first.Body != `{"a":1}` || first.Status != 200 {
		t.Errorf("the inbox holds %d messages, the first %+v", len(all), first)
	}
	if b, _ := json.Marshal(all); strings.Contains(string(b), "planted-secret") {
		t.Error("the inbox shows a credential")
	}
}

func TestSinkHangsAndHolds(t *testing.T) {
	release, entered := make(chan struct{}), make(chan struct{}, 1)
	plan := make(chan sink.Behaviour, 2)
	plan <- sink.Behaviour{Hang: true}
	plan <- sink.Behaviour{Hold: release, Body: "[1]"}
	srv := httptest.NewServer(sink.New(sink.Options{Behave: func(*http.Request) sink.Behaviour { entered <- struct{}{}; return <-plan }}))
	defer srv.Close()
	if resp, _, err := call(t, "POST", srv.URL+"/x", nil, ""); err == nil {
		t.Errorf("got %d, want no answer", resp.StatusCode)
	}
	<-entered
	go func() { <-entered; close(release) }()
	if _, body, err := call(t, "POST", srv.URL+"/x", nil, ""); err != nil || body != "[1]" {
		t.Errorf("got %s, %v", body, err)
	}
}

func TestLoyalty(t *testing.T) {
	box := inbox.New(inbox.Options{})
	srv := httptest.NewServer(sink.NewLoyalty(sink.Options{Inbox: box}).Handler("/providers/loyalty"))
	defer srv.Close()
	give := func(key, body string) (int, map[string]any, string) {
		resp, text, err := call(t, "POST", srv.URL+"/providers/loyalty/v1/awards", map[string]string{"Idempotency-Key": key,
			"Content-Type": "application/json", "Authorization": "Bearer t"}, body)
		if err != nil {
			t.Fatal(err)
		}
		doc := map[string]any{}
		if err := json.Unmarshal([]byte(text), &doc); err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, doc, resp.Header.Get("Idempotency-Replayed")
	}
	const award = `{"member":"c-1","points":25,"reference":"A-1"}`
	status, first, _ := give("k1", award)
	if status != 201 || first["points"] != 25.0 || first["member"] != "c-1" || first["reference"] != "A-1" {
		t.Fatalf("got %d %v", status, first)
	}
	if status, again, replayed := give("k1", award); status != 201 || replayed != "true" || cmp.Diff(first, again) != "" {
		t.Errorf("a repeat got %d %v, replayed %q", status, again, replayed)
	}
	if status, next, _ := give("k2", award); status != 201 || next["points"] != 50.0 {
		t.Errorf("the next award got %d %v", status, next)
	}
	for _, tc := range []struct {
		name, key, body string
		status          int
	}{
		{"no key", "", award, 400},
		{"the key of another award", "k1", `{"member":"c-2","points":25,"reference":"A-1"}`, 422},
		{"no member", "k3", `{"points":25,"reference":"A-1"}`, 422},
		{"no points", "k3", `{"member":"c-1","reference":"A-1"}`, 422},
		{"points that are no whole number", "k3", `{"member":"c-1","points":1.5,"reference":"A-1"}`, 400},
		{"not JSON", "k3", `points`, 400},
		{"more than JSON", "k3", award + award, 400},
		{"a member that is unknown", "k3", `{"member":"c-1","points":25,"reference":"A-1","bonus":1}`, 400},
	} {
		if status, doc, _ := give(tc.key, tc.body); status != tc.status || doc["error"] == nil {
			t.Errorf("%s: got %d %v, want %d", tc.name, status, doc, tc.status)
		}
	}
	token := map[string]string{"Authorization": "Bearer t"}
	made, err := json.Marshal(first)
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		path   string
		header map[string]string
		status int
		body   string
	}{
		{"members/c-1", token, 200, `{"member":"c-1","points":50}`},
		{"members/c-9", token, 404, `{"error":"there is no such member"}`},
		{"awards/k1", token, 200, string(made)},
		{"awards/k9", token, 404, `{"error":"there is no award under this key"}`},
		{"members/c-1", nil, 401, `{"error":"there is no bearer token"}`},
	} {
		resp, body, err := call(t, "GET", srv.URL+"/providers/loyalty/v1/"+tc.path, tc.header, "")
		if err != nil || resp.StatusCode != tc.status || !sameJSON(body, tc.body) {
			t.Errorf("%s: got %s (%v), want %d %s", tc.path, body, err, tc.status, tc.body)
		}
	}
	for _, tc := range []struct {
		query, points string // the balance
		status        int
	}{{"sink-status=429&sink-retry-after=7", "50", 429}, {"sink-lost=503", "51", 503}, {"sink-lost=7", "51", 400}} {
		resp, body, err := call(t, "POST", srv.URL+"/providers/loyalty/v1/awards?"+tc.query, map[string]string{"Authorization": "Bearer t",
			"Content-Type": "application/json", "Idempotency-Key": tc.query}, `{"member":"c-1","points":1,"reference":"A-2"}`)
		if err != nil || resp.StatusCode != tc.status {
			t.Errorf("%s: got %s (%v), want %d", tc.query, body, err, tc.status)
		}
		if _, body, _ := call(t, "GET", srv.URL+"/providers/loyalty/v1/members/c-1", token, ""); !strings.Contains(body, `"points":`+tc.points+"}") {
			t.Errorf("%s: the balance is %s, want %s", tc.query, body, tc.points)
		}
	}
	if got := len(box.Since(0)); got != 13 {
		t.Errorf("the inbox holds %d messages, want all 13", got)
	}
}

// sameJSON says whether two JSON texts mean the same.
func sameJSON(a, b string) bool {
	var x, y any
	return json.Unmarshal([]byte(a), &x) == nil && json.Unmarshal([]byte(b), &y) == nil && cmp.Equal(x, y)
}
