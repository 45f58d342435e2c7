package inbox_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/waypost/waypost/infra/providers/inbox"
)

func TestBoundedNewestFirst(t *testing.T) {
	s := inbox.New(inbox.Options{Capacity: 3})
	for i := range 5 {
		if got := s.Add(inbox.Message{Text: strings.Repeat("x", i)}); got != int64(i+1) {
			t.Errorf("the number is %d, want %d", got, i+1)
		}
	}
	seqs := func(since int64) (out []int64) {
		for _, m := range s.Since(since) {
			out = append(out, m.Seq)
		}
		return out
	}
	if diff := cmp.Diff([]int64{5, 4, 3}, seqs(0)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]int64{5}, seqs(4)); diff != "" {
		t.Error(diff)
	}
	if got := seqs(5); got != nil {
		t.Errorf("after the last there is %v", got)
	}
	s.Add(inbox.Message{Body: strings.Repeat("é", 40<<10)})
	if m := s.Since(5)[0]; !m.Cut || len(m.Body) > 64<<10 || !strings.HasSuffix(m.Body, "é") {
		t.Errorf("a large body was kept with %d bytes, cut: %v", len(m.Body), m.Cut)
	}
}

func TestCredentialsAreLeftOut(t *testing.T) {
	r := httptest.NewRequest("POST", "/a%2Fb?lang=de&api_key=planted1&x", nil)
	for name, value := range map[string]string{
		"Authorization": "Basic planted2", "Proxy-Authorization": "planted3", "X-Api-Key": "planted4", "Cookie": "planted5",
		"X-Auth-Token": "planted6", "Idempotency-Key": "e.s.0", "Content-Type": "application/json",
	} {
		r.Header.Set(name, value)
	}
	m := inbox.FromRequest(r, []byte("{}"))
	want := inbox.Message{Method: "POST", Path: "/a%2Fb?lang=de&api_key=…&x", Body: "{}", Headers: []inbox.Header{
		{Name: "Authorization", Value: "Basic …"}, {Name: "Content-Type", Value: "application/json"}, {Name: "Cookie", Value: "…"},
		{Name: "Idempotency-Key", Value: "e.s.0"}, {Name: "Proxy-Authorization", Value: "…"}, {Name: "X-Api-Key", Value: "…"}, {Name: "X-Auth-Token", Value: "…"},
	}}
	if diff := cmp.Diff(want, m); diff != "" {
		t.Error(diff)
	}
}

func get(t *testing.T, h http.Handler, method, path string) (*http.Response, string) {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(method, "http://localhost:8480"+path, nil))
	resp := w.Result()
	body, _ := io.ReadAll(resp.Body)
	return resp, string(body)
}

func TestPage(t *testing.T) {
	s := inbox.New(inbox.Options{})
	h := s.Handler()
	_, empty := get(t, h, "GET", "/inbox")
	for _, want := range []string{"<title>Waypost inbox</title>", "Nothing has arrived yet", "curl http://localhost:8480/entry/"} {
		if !strings.Contains(empty, want) {
			t.Errorf("the empty page lacks %q", want)
		}
	}
	const attack = `<script>alert(1)</script>"><img src=x onerror=alert(2)>`
	s.Add(inbox.Message{Channel: "sms", Provider: attack, To: attack, From: attack, Text: attack, Status: 201, Method: "POST", Path: attack})
	s.Add(inbox.Message{Channel: attack, Title: attack, Method: attack, Path: attack, Status: 503, Body: `{"a":"</pre><script>alert(3)</script>"}`,
		Headers: []inbox.Header{{Name: attack, Value: attack}}})
	s.Add(inbox.Message{Channel: "webhook", Method: "POST", Path: "/f", Body: "To=%2B49&Body=<b>x", Headers: []inbox.Header{{Name: "Content-Type", Value: "application/x-www-form-urlencoded"}}})
	s.Add(inbox.Message{Channel: "loyalty", Status: 201, Points: &inbox.Points{Member: attack, Given: 25, Balance: 75, Reference: attack}})
	s.Add(inbox.Message{Channel: "signage", Status: 200, Method: "PUT", Path: "/v1/screens/window", Headers: []inbox.Header{{Name: "Accept", Value: "*/*"}}, Screen: &inbox.Screen{Name: attack, Headline: attack, Text: attack, Version: 1}})
	for _, path := range []string{"/inbox", "/inbox/", "/inbox/cards"} {
		resp, body := get(t, h, "GET", path)
		if resp.StatusCode != 200 || strings.Contains(body, "<script>alert") || strings.Contains(body, "<img") || strings.Contains(body, "<b>x") {
			t.Errorf("%s: status %d, or what was sent reaches the page as markup", path, resp.StatusCode)
		}
		policy := resp.Header.Get("Content-Security-Policy")
		if !strings.HasPrefix(policy, "default-src 'none'") || strings.Contains(policy, "unsafe") {
			t.Errorf("%s: the policy is %q", path, policy)
		}
		if !strings.Contains(body, `<dt>To</dt><dd>&#43;49</dd>`) {
			t.Errorf("%s: a form's fields are not shown", path)
		}
		if !strings.Contains(body, `<strong>75</strong><small>points</small>`) || !strings.Contains(body, "+25 for &lt;script&gt;") {
			t.Errorf("%s: a balance is not shown", path)
		}
		if !strings.Contains(body, `<div class="screen"><small>&lt;script&gt;`) {
			t.Errorf("%s: a screen is not shown", path)
		}
		if !strings.Contains(body, `<summary><b>PUT</b> <code>/v1/screens/window</code></summary>`) || !strings.Contains(body, `<b class="method POST">POST</b> <code>/f</code>`) {
			t.Errorf("%s: the request of what is drawn must be folded, any other must show", path)
		}
	}
	resp, cards := get(t, h, "GET", "/inbox/cards?since=2")
	if n := strings.Count(cards, "<li "); n != 3 || resp.Header.Get("X-Inbox-Last") != "5" || resp.Header.Get("X-Inbox-Session") == "" {
		t.Errorf("%d cards after the second, headers %v", n, resp.Header)
	}
}

func TestJSON(t *testing.T) {
	s := inbox.New(inbox.Options{})
	h := s.Handler()
	s.Add(inbox.Message{Channel: "sms", Text: "one"})
	s.Add(inbox.Message{Channel: "sms", Text: "two"})
	list := func(path string) (last int64, texts []string) {
		_, body := get(t, h, "GET", path)
		var doc struct {
			Last     int64
			Messages []inbox.Message
		}
		if err := json.Unmarshal([]byte(body), &doc); err != nil {
			t.Fatal(err)
		}
		for _, m := range doc.Messages {
			texts = append(texts, m.Text)
		}
		return doc.Last, texts
	}
	if last, texts := list("/inbox.json"); last != 2 || cmp.Diff([]string{"two", "one"}, texts) != "" {
		t.Errorf("got %d %q", last, texts)
	}
	if _, texts := list("/inbox.json?since=1"); cmp.Diff([]string{"two"}, texts) != "" {
		t.Errorf("since 1: %q", texts)
	}
	if resp, _ := get(t, h, "DELETE", "/inbox.json"); resp.StatusCode != 204 {
		t.Errorf("clearing: %d", resp.StatusCode)
	}
	if _, body := get(t, h, "GET", "/inbox.json"); !strings.Contains(body, `"messages":[]`) {
		t.Errorf("after clearing: %s", body)
	}
}

func TestParallel(t *testing.T) {
	s := inbox.New(inbox.Options{Capacity: 10})
	h := s.Handler()
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 50 {
				s.Add(inbox.Message{Channel: "sms", To: "+1"})
				w := httptest.NewRecorder()
				h.ServeHTTP(w, httptest.NewRequest("GET", "/inbox/cards", nil))
			}
		})
	}
	wg.Wait()
	if got := s.Since(0); len(got) != 10 || got[0].Seq != 200 {
		t.Errorf("%d messages, the newest %d", len(got), got[0].Seq)
	}
}
