package twilio_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/waypost/waypost/infra/providers/inbox"
	"github.com/waypost/waypost/infra/providers/twilio"
)

const (
	messages = "/2010-04-01/Accounts/" + twilio.AccountSID + "/Messages"
	good     = "+15005550006"
	service  = "MG00000000000000000000000000000000"
)

type world struct {
	*testing.T
	url   string
	inbox *inbox.Store
}

func newWorld(t *testing.T, o twilio.Options) world {
	w := world{t, "", inbox.New(inbox.Options{})}
	o.Inbox = w.inbox
	srv := httptest.NewServer(twilio.New(o))
	t.Cleanup(srv.Close)
	w.url = srv.URL
	return w
}

func (w world) request(method, path, contentType, body string) *http.Request {
	req, err := http.NewRequestWithContext(w.Context(), method, w.url+path, strings.NewReader(body))
	if err != nil {
		w.Fatal(err)
	}
	req.SetBasicAuth(twilio.AccountSID, twilio.AuthToken)
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	return req
}

func (w world) do(req *http.Request) (int, map[string]any, http.Header) {
	w.Helper()
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		w.Fatal(err)
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(resp.Body)
	doc := map[string]any{}
	if len(body) > 0 && json.Unmarshal(body, &doc) != nil {
		doc["text"] = string(body)
	}
	return resp.StatusCode, doc, resp.Header
}

func (w world) send(form url.Values) (int, map[string]any) {
	w.Helper()
	status, doc, _ := w.do(w.request("POST", messages+".json", "application/x-www-form-urlencoded", form.Encode()))
	return status, doc
}

func form(pairs ...string) url.Values {
	v := url.Values{"To": {"+4915112345678"}, "From": {good}, "Body": {"Hi"}}
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] == "" {
			v.Del(pairs[i])
		} else {
			v.Set(pairs[i], pairs[i+1])
		}
	}
	return v
}

func TestAccepted(t *testing.T) {
	w := newWorld(t, twilio.Options{Now: func() time.Time { return time.Date(2026, 3, 1, 9, 30, 0, 0, time.UTC) }})
	status, doc := w.send(form("Body", "Hi Ann, order A-1 is ready."))
	sid, _ := doc["sid"].(string)
	if status != 201 || !strings.HasPrefix(sid, "SM") || len(sid) != 34 {
		t.Fatalf("got %d %v", status, doc)
	}
	want := map[string]any{
		"account_sid": twilio.AccountSID, "api_version": "2010-04-01", "body": "Hi Ann, order A-1 is ready.",
		"date_created": "Sun, 01 Mar 2026 09:30:00 +0000", "date_updated": "Sun, 01 Mar 2026 09:30:00 +0000", "date_sent": nil,
		"direction": "outbound-api", "error_code": nil, "error_message": nil, "from": good, "messaging_service_sid": nil,
		"num_media": "0", "num_segments": "1", "price": nil, "price_unit": "USD", "sid": sid, "status": "queued", "to": "+4915112345678",
		"subresource_uris": map[string]any{"media": messages + "/" + sid + "/Media.json"}, "uri": messages + "/" + sid + ".json",
	}
	if diff := cmp.Diff(want, doc); diff != "" {
		t.Error(diff)
	}
	got := w.inbox.Since(0)
	if len(got) != 1 || got[0].Channel != "sms" || got[0].To != "+4915112345678" || got[0].From != good || got[0].Text != "Hi Ann, order A-1 is ready." {
		t.Errorf("the inbox holds %+v", got)
	}
	if b, _ := json.Marshal(got); strings.Contains(string(b), twilio.AuthToken) || !strings.Contains(string(b), `"Basic …"`) {
		t.Errorf("the inbox shows the credential: %s", b)
	}
}

func TestVariants(t *testing.T) {
	w := newWorld(t, twilio.Options{})
	for _, tc := range []struct {
		name string
		form url.Values
		want map[string]any
	}{
		{"a messaging service", form("From", "", "MessagingServiceSid", service), map[string]any{"status": "accepted", "num_segments": "0", "from": nil}},
		{"media", form("Body", "", "MediaUrl", "https://example.com/a.png"), map[string]any{"num_media": "1", "status": "queued"}},
		{"content", form("Body", "", "ContentSid", "HX00000000000000000000000000000000", "ContentVariables", `{"1":"a"}`), map[string]any{"status": "queued"}},
		{"scheduled", form("From", "", "MessagingServiceSid", service, "ScheduleType", "fixed", "SendAt", "2030-01-01T00:00:00Z"), map[string]any{"status": "scheduled"}},
		{"a short code", form("From", "12345"), map[string]any{"from": "12345"}},
		{"a name", form("From", "My Shop"), map[string]any{"from": "My Shop"}},
		{"a number with spaces", form("To", "+49 (151) 123-45678"), map[string]any{"to": "+4915112345678"}},
		{"160 characters", form("Body", strings.Repeat("a", 160)), map[string]any{"num_segments": "1"}},
		{"161 characters", form("Body", strings.Repeat("a", 161)), map[string]any{"num_segments": "2"}},
		{"80 braces are 160 septets", form("Body", strings.Repeat("{", 80)), map[string]any{"num_segments": "1"}},
		{"71 in Cyrillic", form("Body", strings.Repeat("ж", 71)), map[string]any{"num_segments": "2"}},
		{"1600 characters", form("Body", strings.Repeat("ж", 1600)), map[string]any{"status": "queued"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			status, doc := w.send(tc.form)
			if status != 201 {
				t.Fatalf("got %d %v", status, doc)
			}
			for k, v := range tc.want {
				if doc[k] != v {
					t.Errorf("%s = %v, want %v", k, doc[k], v)
				}
			}
			if prefix := doc["sid"].(string)[:2]; (prefix == "MM") != (doc["num_media"] != "0") {
				t.Errorf("sid = %v with %v media", doc["sid"], doc["num_media"])
			}
		})
	}
}

func TestRefused(t *testing.T) {
	w := newWorld(t, twilio.Options{})
	for _, tc := range []struct {
		name         string
		form         url.Values
		status, code int
	}{
		{"no To", form("To", ""), 400, 21604},
		{"no From", form("From", ""), 400, 21603},
		{"no Body", form("Body", ""), 400, 21602},
		{"a To without +", form("To", "5551234567"), 400, 21211},
		{"a To of letters", form("To", "+1abc"), 400, 21211},
		{"a From of nonsense", form("From", "not a sender at all"), 400, 21212},
		{"a messaging service of nonsense", form("MessagingServiceSid", "MG1"), 400, 21701},
		{"1601 characters", form("Body", strings.Repeat("ж", 1601)), 400, 21617},
		{"a callback with an underscore", form("StatusCallback", "https://a_b.example/x"), 400, 21609},
		{"variables that are not JSON", form("ContentVariables", "{"), 400, 21656},
		{"a schedule without a service", form("ScheduleType", "fixed"), 400, 35118},
		{"magic: invalid From", form("From", "+15005550001"), 400, 21212},
		{"magic: From not owned", form("From", "+15005550007"), 400, 21606},
		{"magic: From's queue full", form("From", "+15005550008"), 429, 21611},
		{"magic: invalid To", form("To", "+15005550001"), 400, 21211},
		{"magic: unroutable", form("To", "+15005550002"), 400, 21612},
		{"magic: no permission", form("To", "+15005550003"), 400, 21408},
		{"magic: opted out", form("To", "+15005550004"), 400, 21610},
		{"magic: not a mobile", form("To", "+15005550009"), 400, 21614},
	} {
		t.Run(tc.name, func(t *testing.T) {
			status, doc := w.send(tc.form)
			want := map[string]any{"code": float64(tc.code), "status": float64(tc.status), "message": doc["message"], "more_info": fmt.Sprintf("https://www.twilio.com/docs/errors/%d", tc.code)}
			if diff := cmp.Diff(want, doc); diff != "" || status != tc.status || doc["message"] == "" {
				t.Errorf("got %d %v: %s", status, doc, diff)
			}
		})
	}
	if got := w.inbox.Since(0); len(got) != 0 {
		t.Errorf("what was refused is in the inbox: %+v", got)
	}
}

func TestRequestsBesideTheForm(t *testing.T) {
	const key = "SK00000000000000000000000000000000"
	other := "AC" + strings.Repeat("1", 32)
	w := newWorld(t, twilio.Options{Accounts: []twilio.Account{
		{SID: twilio.AccountSID, AuthToken: twilio.AuthToken, Keys: map[string]string{key: "key-secret"}}, {SID: other, AuthToken: "theirs"}}})
	const kind = "application/x-www-form-urlencoded"
	for _, tc := range []struct {
		name, method, path, contentType, user, password string
		status                                          int
		code                                            float64
	}{
		{"an API key", "POST", messages + ".json", kind + "; charset=utf-8", key, "key-secret", 201, 0},
		{"a wrong token", "POST", messages + ".json", kind, twilio.AccountSID, "wrong", 401, 20003},
		{"no credentials", "POST", messages + ".json", kind, "", "", 401, 20003},
		{"an unknown key", "POST", messages + ".json", kind, "SKx", "", 401, 20003},
		{"another's account", "POST", messages + ".json", kind, other, "theirs", 404, 20404},
		{"a form said to be JSON", "POST", messages + ".json", "application/json", twilio.AccountSID, twilio.AuthToken, 400, 21604},
		{"another method", "PUT", messages + ".json", kind, twilio.AccountSID, twilio.AuthToken, 405, 20004},
		{"another resource", "POST", "/2010-04-01/Accounts/" + twilio.AccountSID + "/Calls.json", kind, twilio.AccountSID, twilio.AuthToken, 404, 20404},
		{"no such message", "GET", messages + "/SM0.json", "", twilio.AccountSID, twilio.AuthToken, 404, 20404},
	} {
		t.Run(tc.name, func(t *testing.T) {
			req := w.request(tc.method, tc.path, tc.contentType, form().Encode())
			req.Header.Del("Authorization")
			if tc.user != "" {
				req.SetBasicAuth(tc.user, tc.password)
			}
			status, doc, header := w.do(req)
			if code, _ := doc["code"].(float64); status != tc.status || code != tc.code {
				t.Errorf("got %d %v, want %d with code %v", status, doc, tc.status, tc.code)
			}
			if tc.status == 401 && header.Get("WWW-Authenticate") == "" {
				t.Error("there is no WWW-Authenticate")
			}
		})
	}
}

func TestMessagesCanBeRead(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	w := newWorld(t, twilio.Options{Capacity: 4, Now: func() time.Time { now = now.Add(12 * time.Hour); return now }})
	var sids []string
	for i := range 5 { // the first is dropped: there is room for four
		to := "+4915100000001"
		if i%2 == 0 {
			to = "+4915100000002"
		}
		_, doc := w.send(form("To", to, "Body", fmt.Sprint(i)))
		sids = append(sids, doc["sid"].(string))
	}
	read := func(method, sid, body string) (int, map[string]any) {
		status, doc, _ := w.do(w.request(method, messages+"/"+sid+".json", "application/x-www-form-urlencoded", body))
		return status, doc
	}
	if status, _ := read("GET", sids[0], ""); status != 404 {
		t.Errorf("the oldest is still there: %d", status)
	}
	if status, doc := read("GET", sids[1], ""); status != 200 || doc["status"] != "delivered" || doc["date_sent"] == nil {
		t.Errorf("got %d %v", status, doc)
	}
	if status, doc := read("POST", sids[1], "Body="); status != 200 || doc["body"] != "" {
		t.Errorf("redacting: %d %v", status, doc)
	}
	if status, doc := read("POST", sids[1], "Status=canceled"); status != 400 || doc["code"] != 30409.0 {
		t.Errorf("canceling what was sent: %d %v", status, doc)
	}
	list := func(query string) (bodies []string, doc map[string]any) {
		_, doc, _ = w.do(w.request("GET", messages+".json?"+query, "", ""))
		for _, m := range doc["messages"].([]any) {
			bodies = append(bodies, m.(map[string]any)["body"].(string))
		}
		return bodies, doc
	}
	for query, want := range map[string][]string{
		"":                                 {"4", "3", "2", ""},
		"To=%2B4915100000002":              {"4", "2"},
		"From=%2B15005550006&PageSize=1":   {"4"},
		"PageSize=3&Page=1":                {""},
		"DateSent=2026-03-03":              {"3", "2"},
		"DateSent%3E=2026-03-03T06:00:00Z": {"4", "3"},
		"DateSent%3C=2026-03-03":           {"2", ""},
	} {
		if got, _ := list(query); cmp.Diff(want, got) != "" {
			t.Errorf("%s: got %q, want %q", query, got, want)
		}
	}
	_, first := list("PageSize=3")
	if next, _ := first["next_page_uri"].(string); !strings.HasPrefix(next, messages+".json?") || first["previous_page_uri"] != nil {
		t.Errorf("the first page leads to %v and %v", first["next_page_uri"], first["previous_page_uri"])
	}
	if status, _ := read("DELETE", sids[4], ""); status != 204 {
		t.Errorf("deleting: %d", status)
	}
	if got, _ := list(""); len(got) != 3 {
		t.Errorf("after the deletion: %q", got)
	}
}

func TestScheduledCanBeCanceled(t *testing.T) {
	w := newWorld(t, twilio.Options{})
	_, doc := w.send(form("From", "", "MessagingServiceSid", service, "ScheduleType", "fixed"))
	status, doc, _ := w.do(w.request("POST", doc["uri"].(string), "application/x-www-form-urlencoded", "Status=canceled"))
	if status != 200 || doc["status"] != "canceled" {
		t.Errorf("got %d %v", status, doc)
	}
}

func TestMisbehaviour(t *testing.T) {
	held := make(chan struct{})
	for _, tc := range []struct {
		name     string
		b        twilio.Behaviour
		status   int // 0: no answer
		header   string
		accepted int
	}{
		{"too many requests", twilio.Behaviour{Status: 429, Code: 20429, RetryAfter: "2"}, 429, "2", 0},
		{"an error that sent nothing", twilio.Behaviour{Status: 500, Code: 20500}, 500, "", 0},
		{"an error that sent", twilio.Behaviour{Status: 500, Code: 20500, Accept: true}, 500, "", 1},
		{"a gateway's error", twilio.Behaviour{Status: 503, Plain: true}, 503, "", 0},
		{"hangs up before", twilio.Behaviour{Hang: true}, 0, "", 0},
		{"hangs up after", twilio.Behaviour{Hang: true, Accept: true}, 0, "", 1},
		{"slow", twilio.Behaviour{Hold: held}, 201, "", 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			entered := make(chan struct{}, 1)
			w := newWorld(t, twilio.Options{Behave: func(*http.Request) twilio.Behaviour { entered <- struct{}{}; return tc.b }})
			if tc.b.Hold != nil {
				go func() { <-entered; close(held) }()
			}
			resp, err := http.DefaultTransport.RoundTrip(w.request("POST", messages+".json", "application/x-www-form-urlencoded", form().Encode()))
			if tc.status == 0 {
				if err == nil {
					t.Errorf("got %d, want no answer", resp.StatusCode)
					resp.Body.Close()
				}
			} else if err != nil {
				t.Fatal(err)
			} else {
				resp.Body.Close()
				if resp.StatusCode != tc.status || resp.Header.Get("Retry-After") != tc.header {
					t.Errorf("got %d, Retry-After %q", resp.StatusCode, resp.Header.Get("Retry-After"))
				}
			}
			if got := len(w.inbox.Since(0)); got != tc.accepted {
				t.Errorf("%d messages were accepted, want %d", got, tc.accepted)
			}
		})
	}
}
