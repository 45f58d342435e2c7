package oauth_test

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/waypost/waypost/infra/providers/oauth"
)

// What the real ones refuse, this one does: package token's tests send what is right.
func TestRefusals(t *testing.T) {
	t.Parallel()
	server := oauth.New(oauth.Options{Clients: []oauth.Client{{ID: "c", Secret: "s", Scopes: []string{"send"}}, {ID: "empty"}}})
	basic := "Basic " + base64.StdEncoding.EncodeToString([]byte("c:s"))
	for _, tc := range []struct {
		name, method, path, kind, authorization, form string
		status                                        int
		code                                          string
	}{
		{name: "as it should be", form: "grant_type=client_credentials&scope=send", status: 200},
		{name: "a GET", method: "GET", status: 405, code: "invalid_request"},
		{name: "elsewhere", path: "/token", status: 404, code: "invalid_request"},
		{name: "JSON", kind: "application/json", form: `{"grant_type": "client_credentials"}`, status: 400, code: "invalid_request"},
		{name: "in the query", path: oauth.Path + "?grant_type=client_credentials", status: 400, code: "invalid_request"},
		{name: "no grant", form: "scope=send", status: 400, code: "invalid_request"},
		{name: "a grant twice", form: "grant_type=client_credentials&grant_type=client_credentials", status: 400, code: "invalid_request"},
		{name: "another grant", form: "grant_type=password", status: 400, code: "unsupported_grant_type"},
		{name: "another scope", form: "grant_type=client_credentials&scope=send+all", status: 400, code: "invalid_scope"},
		{name: "an audience", form: "grant_type=client_credentials&audience=x", status: 400, code: "invalid_target"},
		{name: "both ways", form: "grant_type=client_credentials&client_id=c&client_secret=s", status: 400, code: "invalid_request"},
		{name: "the wrong way", authorization: "-", form: "grant_type=client_credentials&client_id=c&client_secret=s", status: 401, code: "invalid_client"},
		{name: "no client", authorization: "-", form: "grant_type=client_credentials", status: 401, code: "invalid_client"},
		{name: "no secret", authorization: "Basic " + base64.StdEncoding.EncodeToString([]byte("c:")), form: "grant_type=client_credentials", status: 401, code: "invalid_client"},
		{name: "a client without one", authorization: "Basic " + base64.StdEncoding.EncodeToString([]byte("empty:")), form: "grant_type=client_credentials", status: 401, code: "invalid_client"},
	} {
		method, path, kind, authorization := "POST", oauth.Path, "application/x-www-form-urlencoded", basic
		for value, into := range map[string]*string{tc.method: &method, tc.path: &path, tc.kind: &kind, tc.authorization: &authorization} {
			if value != "" {
				*into = value
			}
		}
		r := httptest.NewRequest(method, path, strings.NewReader(tc.form))
		r.Header.Set("Content-Type", kind)
		r.Header.Set("Authorization", strings.TrimPrefix(authorization, "-"))
		rec := httptest.NewRecorder()
		server.ServeHTTP(rec, r)
		var answer struct{ Error string }
		if err := json.Unmarshal(rec.Body.Bytes(), &answer); err != nil || rec.Code != tc.status || answer.Error != tc.code {
			t.Errorf("%s: got %d %s, want %d %s", tc.name, rec.Code, rec.Body, tc.status, tc.code)
		}
	}
}

// Tokens end, by their time or by being revoked.
func TestTokensEnd(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	server := oauth.New(oauth.Options{Life: time.Minute, Now: func() time.Time { return now }, Clients: []oauth.Client{{ID: "c", Secret: "s", Scopes: []string{"send"}}}})
	give := func() string {
		r := httptest.NewRequest(http.MethodPost, oauth.Path, strings.NewReader("grant_type=client_credentials"))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.SetBasicAuth("c", "s")
		rec := httptest.NewRecorder()
		server.ServeHTTP(rec, r)
		var answer struct {
			Token string `json:"access_token"`
			Life  int    `json:"expires_in"`
		}
		if err := json.Unmarshal(rec.Body.Bytes(), &answer); err != nil || answer.Life != 60 {
			t.Fatalf("got %s, %v", rec.Body, err)
		}
		return answer.Token
	}
	first := give()
	if !server.Valid(first, "send") || server.Valid(first, "read") || server.Valid("") {
		t.Error("a token is not valid for its scope, and that alone")
	}
	now = now.Add(time.Minute)
	second := give()
	if server.Valid(first) || !server.Valid(second) {
		t.Error("the first token did not end, or the second did")
	}
	server.Revoke()
	if server.Valid(second) {
		t.Error("a revoked token is valid")
	}
}
