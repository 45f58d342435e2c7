package sinch_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/waypost/waypost/infra/providers/inbox"
	"github.com/waypost/waypost/infra/providers/sinch"
)

const (
	batches = "/xms/v1/" + sinch.ServicePlanID + "/batches"
	someone = "+46701740605"
)

type world struct {
	*testing.T
	url   string
	inbox *inbox.Store
	now   time.Time
}

func newWorld(t *testing.T) *world {
	w := &world{T: t, inbox: inbox.New(inbox.Options{}), now: time.Date(2026, 3, 1, 9, 30, 0, 0, time.UTC)}
	srv := httptest.NewServer(sinch.New(sinch.Options{Inbox: w.inbox, Now: func() time.Time { return w.now }}))
	t.Cleanup(srv.Close)
	w.url = srv.URL
	return w
}

// call makes a request with the plan's token, and gives the status and the body.
func (w *world) call(method, path, body string, headers ...string) (int, string) {
	w.Helper()
	req, err := http.NewRequestWithContext(w.Context(), method, w.url+path, strings.NewReader(body))
	if err != nil {
		w.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+sinch.Token)
	req.Header.Set("Content-Type", "application/json")
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		return 0, ""
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		w.Fatal(err)
	}
	return resp.StatusCode, strings.TrimSpace(string(text))
}

func object(t testing.TB, text string) map[string]any {
	t.Helper()
	var doc map[string]any
	if err := json.Unmarshal([]byte(text), &doc); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	return doc
}

func TestAccepted(t *testing.T) {
	w := newWorld(t)
	status, text := w.call("POST", batches, `{"to": ["`+someone+`", "15550100001"], "from": "Shop", "body": "Hi ${name}",
		"parameters": {"name": {"`+someone+`": "Ada", "default": "there"}}, "client_reference": "x.text.0"}`)
	doc := object(t, text)
	id, _ := doc["id"].(string)
	if status != http.StatusCreated || len(id) != 26 {
		t.Fatalf("got %d %s", status, text)
	}
	want := map[string]any{"id": id, "to": []any{someone, "15550100001"}, "from": "Shop", "body": "Hi ${name}", "canceled": false, "type": "mt_text",
		"parameters": map[string]any{"name": map[string]any{someone: "Ada", "default": "there"}}, "client_reference": "x.text.0", "delivery_report": "none",
		"created_at": "2026-03-01T09:30:00.000Z", "modified_at": "2026-03-01T09:30:00.000Z", "expire_at": "2026-03-04T09:30:00.000Z",
		"feedback_enabled": false, "flash_message": false}
	if diff := cmp.Diff(want, doc); diff != "" {
		t.Error(diff)
	}
	if got, _ := w.call("GET", batches+"/"+id, ""); got != http.StatusOK {
		t.Errorf("reading it: %d", got)
	}
	var got []string
	for _, m := range w.inbox.Since(0) {
		got = append(got, m.Channel+"/"+m.Provider+" "+m.From+" to "+m.To+": "+m.Text)
	}
	if diff := cmp.Diff([]string{"sms/sinch Shop to +15550100001: Hi there", "sms/sinch Shop to " + someone + ": Hi Ada"}, got); diff != "" {
		t.Error(diff)
	}
	if all, _ := json.Marshal(w.inbox.Since(0)); strings.Contains(string(all), sinch.Token) {
		t.Error("the inbox has the token")
	}
}

// batch is a request to text someone, with other members besides.
func batch(members string) string { return `{"to": ["` + someone + `"], "body": "Hi"` + members + `}` }

func to(number string) string { return `{"to": ["` + number + `"], "body": "Hi"}` }

func TestRefused(t *testing.T) {
	w := newWorld(t)
	for _, tc := range []struct {
		name, body string
		status     int
		code       string
	}{
		{"broken JSON", `{"to": [`, 400, "syntax_invalid_json"},
		{"two documents", batch("") + batch(""), 400, "syntax_invalid_json"},
		{"nothing", ``, 400, "syntax_invalid_json"},
		{"no to", `{"body": "Hi"}`, 400, "syntax_constraint_violation"},
		{"to that is no list", `{"to": "` + someone + `", "body": "Hi"}`, 400, "syntax_invalid_parameter_format"},
		{"1001 recipients", `{"to": ["1555010000"` + strings.Repeat(`,"1555010000"`, 1000) + `], "body": "Hi"}`, 400, "syntax_constraint_violation"},
		{"a number of letters", to("+1abc"), 400, "syntax_invalid_parameter_format"},
		{"a group", to("01FC66621VHDBN119Z8PMV1QPU"), 403, "unknown_group"},
		{"no body", `{"to": ["` + someone + `"]}`, 400, "syntax_constraint_violation"},
		{"2001 characters", batch(`, "body": "` + strings.Repeat("ж", 2001) + `"`), 400, "syntax_constraint_violation"},
		{"a from of nonsense", batch(`, "from": "not a sender at all"`), 400, "syntax_invalid_parameter_format"},
		{"a member that there is not", batch(`, "text": "Hi"`), 400, "syntax_invalid_parameter_format"},
		{"an id of one's own", batch(`, "id": "mine"`), 400, "syntax_invalid_parameter_format"},
		{"media", batch(`, "type": "mt_media"`), 400, "syntax_constraint_violation"},
		{"a report of nonsense", batch(`, "delivery_report": "all"`), 400, "syntax_invalid_parameter_format"},
		{"a parameter without a value", `{"to": ["` + someone + `"], "body": "Hi ${a}", "parameters": {"a": {"15550100001": "b"}}}`, 400, "syntax_constraint_violation"},
		{"a callback of nonsense", batch(`, "callback_url": "there"`), 400, "syntax_invalid_parameter_format"},
		{"a time of nonsense", batch(`, "send_at": "soon"`), 400, "syntax_invalid_parameter_format"},
		{"over before it begins", batch(`, "expire_at": "2026-03-01T09:00:00Z"`), 400, "syntax_constraint_violation"},
		{"alive for four days", batch(`, "expire_at": "2026-03-05T09:30:00Z"`), 400, "syntax_constraint_violation"},
		{"no parts", batch(`, "max_number_of_message_parts": 0`), 400, "syntax_constraint_violation"},
		{"a type of number of nonsense", batch(`, "from_ton": 7`), 400, "syntax_constraint_violation"},
		{"magic: invalid", to(sinch.Invalid), 400, "syntax_invalid_parameter_format"},
		{"magic: illegal type", to(sinch.IllegalType), 403, "illegal_number_type"},
		{"magic: rate-limited", to(sinch.RateLimited), 429, ""},
		{"magic: outage", to(sinch.Outage), 500, ""},
		{"magic: blocked account", batch(`, "from": "` + sinch.BlockedAccount + `"`), 403, "blocked_account"},
		{"magic: not allowed", batch(`, "from": "` + sinch.NotAllowed + `"`), 403, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			status, text := w.call("POST", batches, tc.body)
			code := ""
			if strings.HasPrefix(text, "{") {
				doc := object(t, text)
				code, _ = doc["code"].(string)
				if said, _ := doc["text"].(string); said == "" || len(doc) != 2 {
					t.Errorf("the error is %s", text)
				}
			}
			if status != tc.status || code != tc.code {
				t.Errorf("got %d %s, want %d %s", status, text, tc.status, tc.code)
			}
		})
	}
	if got := w.inbox.Since(0); len(got) != 0 {
		t.Errorf("what was refused is in the inbox: %+v", got)
	}
}

func TestRequestsBesideTheBatch(t *testing.T) {
	w := newWorld(t)
	for _, tc := range []struct {
		name, method, path string
		headers            []string
		want               int
	}{
		{"a wrong token", "POST", batches, []string{"Authorization", "Bearer wrong"}, 401},
		{"no token", "POST", batches, []string{"Authorization", ""}, 401},
		{"the token as basic", "POST", batches, []string{"Authorization", "Basic " + sinch.Token}, 401},
		{"another's plan", "POST", "/xms/v1/11111111111111111111111111111111/batches", nil, 404},
		{"another resource", "GET", "/xms/v1/" + sinch.ServicePlanID + "/inbounds", nil, 404},
		{"no such batch", "GET", batches + "/01FC66621XXXXX119Z8PMV1QPQ", nil, 404},
		{"a form", "POST", batches, []string{"Content-Type", "application/x-www-form-urlencoded"}, 415},
		{"another charset's name", "POST", batches, []string{"Content-Type", "application/json; charset=utf-8"}, 201},
	} {
		if got, text := w.call(tc.method, tc.path, batch(""), tc.headers...); got != tc.want {
			t.Errorf("%s: got %d %s, want %d", tc.name, got, text, tc.want)
		}
	}
}

// The ambiguous ones accept, and do not say so.
func TestAmbiguous(t *testing.T) {
	for number, want := range map[string]int{sinch.LateOutage: 500, sinch.Silent: 0} {
		w := newWorld(t)
		if got, _ := w.call("POST", batches, to(number)); got != want {
			t.Errorf("%s: got %d, want %d", number, got, want)
		}
		if got := len(w.inbox.Since(0)); got != 1 {
			t.Errorf("%s: %d messages, want 1", number, got)
		}
	}
}

func TestDeliveryReport(t *testing.T) {
	w := newWorld(t)
	_, text := w.call("POST", batches, `{"to": ["`+someone+`", "`+sinch.OptedOut+`", "15550100001"], "body": "Hi", "send_at": "2026-03-01T10:00:00Z"}`)
	id := object(t, text)["id"].(string)
	report := func(query string) string {
		status, text := w.call("GET", batches+"/"+id+"/delivery_report"+query, "")
		if status != http.StatusOK {
			return text
		}
		statuses, err := json.Marshal(object(t, text)["statuses"])
		if err != nil {
			t.Fatal(err)
		}
		return string(statuses)
	}
	if got, want := report(""), `[{"code":400,"count":3,"status":"Queued"}]`; got != want {
		t.Errorf("before its time: got %s, want %s", got, want)
	}
	w.now = w.now.Add(time.Hour)
	if got, want := report("?type=full"), `[{"code":0,"count":2,"recipients":["46701740605","15550100001"],"status":"Delivered"},`+
		`{"code":0,"count":1,"recipients":["46701740613"],"status":"Deleted"}]`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got := report("?type=brief"); !strings.Contains(got, "syntax_invalid_parameter_format") {
		t.Errorf("a report of nonsense: %s", got)
	}
	if _, text := w.call("DELETE", batches+"/"+id, ""); object(t, text)["canceled"] != false {
		t.Errorf("what was sent is canceled: %s", text)
	}
	_, text = w.call("POST", batches, batch(`, "send_at": "2026-03-01T12:00:00Z"`))
	id = object(t, text)["id"].(string)
	if _, text := w.call("DELETE", batches+"/"+id, ""); object(t, text)["canceled"] != true {
		t.Errorf("what was scheduled is not canceled: %s", text)
	}
	if got, want := report(""), `[{"code":407,"count":1,"status":"Cancelled"}]`; got != want {
		t.Errorf("canceled: got %s, want %s", got, want)
	}
}
