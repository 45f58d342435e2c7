package token_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/waypost/waypost/shared/fault"
	"github.com/waypost/waypost/shared/secret"
)

const session = "https://login.example/session"

// authOf reads an auth as a document has it, which must be valid.
func authOf(t testing.TB, document string) secret.Auth {
	t.Helper()
	auth := secret.Auth{Type: secret.TypeCustomToken, Secret: "waypost/a", TokenURL: session}
	if err := json.Unmarshal([]byte(document), &auth); err != nil {
		t.Fatal(err)
	}
	if details := auth.Validate("auth", anyURL{}); len(details) > 0 {
		t.Fatal(details)
	}
	return auth
}

type anyURL struct{}

func (anyURL) Check(string) error { return nil }

// What is asked, by each kind of call, and how the token that comes is sent.
func TestCustomTokens(t *testing.T) {
	t.Parallel()
	const keys = `{"user": "u&1", "word": "p\"2", "n": "7"}`
	for _, tc := range []struct{ name, auth, answer, asked, sent string }{
		{"JSON", `{"tokenCall": {"json": {"login": {"user": "{{ secret.user }}", "words": ["{{secret.word}}", "a {{ secret.n }}"], "big": 12345678901234567890}}, "token": "data.items.1.token"}}`,
			`{"data": {"items": [{}, {"token": "t-1"}]}}`,
			`POST /session application/json {"login":{"big":12345678901234567890,"user":"u\u00261","words":["p\"2","a 7"]}}`, "Authorization: Bearer t-1"},
		{"a form", `{"in": "header", "name": "X-Session", "tokenCall": {"method": "PUT", "form": {"user": "{{ secret.user }}", "kind": "x"}, "token": "token"}}`,
			`{"token": 17}`, `PUT /session application/x-www-form-urlencoded kind=x&user=u%261`, "X-Session: 17"},
		{"a header", `{"in": "query", "name": "session", "tokenCall": {"method": "GET", "headers": {"X-Key": "key={{ secret.n }}", "Accept": "text/x"}, "token": "0"}}`,
			`["t 2"]`, `GET /session  text/x key=7`, "a=1&session=t+2"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			asked := ""
			w := newWorld(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				asked = strings.TrimSpace(fmt.Sprint(r.Method, " ", r.URL.Path, " ", r.Header.Get("Content-Type"), " ", string(body)))
				if r.Header.Get("X-Key") != "" {
					asked += "  " + r.Header.Get("Accept") + " " + r.Header.Get("X-Key")
				}
				_, _ = io.WriteString(rw, tc.answer)
			}), keys)
			auth := authOf(t, tc.auth)
			cred, err := w.Get(t.Context(), auth)
			if err != nil {
				t.Fatal(err)
			}
			req, err := http.NewRequest(http.MethodPost, "https://api.example/x?a=1", nil)
			if err != nil {
				t.Fatal(err)
			}
			if err := secret.Apply(auth, cred, req); err != nil {
				t.Fatal(err)
			}
			sent := req.URL.RawQuery
			for name := range req.Header {
				sent = name + ": " + req.Header.Get(name)
			}
			if diff := cmp.Diff([]string{tc.asked, tc.sent}, []string{asked, sent}); diff != "" {
				t.Errorf("asked, sent (-want +got):\n%s", diff)
			}
		})
	}
}

// How long a token is used: as its answer says, else as the definition does.
func TestLifeOfACustomToken(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		call, answer string
		calls        int // in an hour, one look a minute
	}{
		{`"expiresIn": "ttl"`, `"ttl": 1800`, 3},     // at 0, 29 and 58 minutes
		{`"expiresIn": "ttl"`, `"ttl": "1800.5"`, 2}, // at 0 and 30
		{`"expiresIn": "ttl", "life": "30m"`, `"x": 0`, 3},
		{`"expiresIn": "ttl", "life": "5m"`, `"ttl": 1e300`, 1},
		{`"expiresIn": "ttl"`, `"ttl": -5`, 60},
		{`"life": "2h"`, `"ttl": 1`, 1},
		{`"token": "token"`, `"ttl": 1`, 15}, // the default, less its margin
	} {
		synctest.Test(t, func(t *testing.T) {
			calls := 0
			w := newWorld(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
				calls++
				fmt.Fprintf(rw, `{"token": "t-%d", %s}`, calls, tc.answer)
			}), `{"key": "k"}`)
			auth := authOf(t, `{"tokenCall": {"form": {"key": "{{ secret.key }}"}, "token": "token", `+tc.call+`}}`)
			for range 60 {
				if _, err := w.Get(t.Context(), auth); err != nil {
					t.Fatal(err)
				}
				time.Sleep(time.Minute)
			}
			if calls != tc.calls {
				t.Errorf("%s, answered %s: got %d calls in an hour, want %d", tc.call, tc.answer, calls, tc.calls)
			}
		})
	}
}

// What goes wrong is told with the path or the key, and with no value.
func TestCustomTokensThatFail(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, secret, answer string
		status               int
		code                 fault.Code
		message              string
	}{
		{"no key", `{"other": "planted"}`, ``, 200, fault.Invalid, `lacks the key "key"`},
		{"an empty key", `{"key": ""}`, ``, 200, fault.Invalid, `an empty "key"`},
		{"a line break", `{"key": "planted\nX: y"}`, ``, 200, fault.Invalid, "the header X-Key a line break"},
		{"another host's", `{"key": "planted", "hosts": ["api.example"]}`, ``, 200, fault.Forbidden, "login.example"},
		{"refused", `{"key": "planted"}`, `{"planted": 1}`, 403, fault.Invalid, "login.example gave no token: it answered 403"},
		{"down", `{"key": "planted"}`, `planted`, 503, fault.Unavailable, "login.example gave no token: it answered 503"},
		{"a page", `{"key": "planted"}`, `<planted>`, 200, fault.Unavailable, "none that can be read"},
		{"no token", `{"key": "planted"}`, `{"a": {"planted": "planted"}}`, 200, fault.Unavailable, "none at a.token"},
		{"a token that is a list", `{"key": "planted"}`, `{"a": {"token": ["planted"]}}`, 200, fault.Unavailable, "none at a.token"},
		{"a token below a text", `{"key": "planted"}`, `{"a": "planted"}`, 200, fault.Unavailable, "none at a.token"},
		{"no number", `{"key": "planted"}`, `{"a": {"token": "planted"}, "ttl": "planted"}`, 200, fault.Unavailable, "no number of seconds at ttl"},
	} {
		w := newWorld(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
			rw.WriteHeader(tc.status)
			_, _ = io.WriteString(rw, tc.answer)
		}), tc.secret)
		_, err := w.Get(t.Context(), authOf(t, `{"tokenCall": {"method": "GET", "headers": {"X-Key": "{{ secret.key }}"}, "token": "a.token", "expiresIn": "ttl"}}`))
		if !fault.Is(err, tc.code) || !strings.Contains(fmt.Sprint(err), tc.message) || strings.Contains(fmt.Sprint(err), "planted") {
			t.Errorf("%s: got %v, want %s with %q and no value", tc.name, err, tc.code, tc.message)
		}
	}
}
