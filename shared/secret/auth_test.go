package secret_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/waypost/waypost/shared/fault"
	"github.com/waypost/waypost/shared/secret"
)

func TestValidate(t *testing.T) {
	for _, tc := range []struct {
		name string
		auth secret.Auth
		want []string // path and rule
	}{
		{"nothing", secret.Auth{}, nil},
		{"none", secret.Auth{Type: "none"}, nil},
		{"basic", secret.Auth{Type: "basic", Secret: "waypost/twilio"}, nil},
		{"bearer", secret.Auth{Type: "bearer", Secret: "waypost/shop/a_b+c=d.e@f-g"}, nil},
		{"apiKey in a header", secret.Auth{Type: "apiKey", Secret: "waypost/a", In: "header", Name: "X-Api-Key"}, nil},
		{"apiKey in the query", secret.Auth{Type: "apiKey", Secret: "waypost/a", In: "query", Name: "api key"}, nil},
		{"unknown type", secret.Auth{Type: "bearr", Secret: "waypost/a"}, []string{"auth.type enum bearer"}},
		{"no type", secret.Auth{Secret: "waypost/a"}, []string{"auth.type required"}},
		{"none with a secret", secret.Auth{Type: "none", Secret: "waypost/a"}, []string{"auth.secret unexpected"}},
		{"no secret", secret.Auth{Type: "basic"}, []string{"auth.secret required"}},
		{"another's secret", secret.Auth{Type: "basic", Secret: "prod/db"}, []string{"auth.secret pattern"}},
		{"prefix alone", secret.Auth{Type: "basic", Secret: "waypost/"}, []string{"auth.secret pattern"}},
		{"an ARN's wildcard", secret.Auth{Type: "basic", Secret: "waypost/*"}, []string{"auth.secret pattern"}},
		{"options of another type", secret.Auth{Type: "bearer", Secret: "waypost/a", In: "header", Name: "X"}, []string{"auth.in unexpected", "auth.name unexpected"}},
		{"apiKey without options", secret.Auth{Type: "apiKey", Secret: "waypost/a"}, []string{"auth.in enum", "auth.name required"}},
		{"apiKey in a cookie", secret.Auth{Type: "apiKey", Secret: "waypost/a", In: "cookie", Name: "k"}, []string{"auth.in enum"}},
		{"apiKey in a broken header", secret.Auth{Type: "apiKey", Secret: "waypost/a", In: "header", Name: "a b"}, []string{"auth.name pattern"}},
		{"apiKey as Host", secret.Auth{Type: "apiKey", Secret: "waypost/a", In: "header", Name: "host"}, []string{"auth.name pattern"}},
		{"oauth2", secret.Auth{Type: "oauth2", Secret: "waypost/a", TokenURL: "https://login.example/token", ClientAuth: "post", Scopes: []string{"a:b", "https://x/.default"}, Audience: "x"}, nil},
		{"oauth2, the defaults", secret.Auth{Type: "oauth2", Secret: "waypost/a", TokenURL: "https://login.example/token"}, nil},
		{"oauth2, nothing", secret.Auth{Type: "oauth2"}, []string{"auth.secret required", "auth.tokenUrl required"}},
		{"oauth2, a slip", secret.Auth{Type: "oauth2", Secret: "waypost/a", TokenURL: "https://login.example/token", ClientAuth: "privateKeyJWT", Scopes: []string{"a b"}}, []string{"auth.clientAuth enum privateKeyJwt", "auth.scopes pattern"}},
		{"basic with OAuth's options", secret.Auth{Type: "basic", Secret: "waypost/a", TokenURL: "https://x", ClientAuth: "post", Scopes: []string{"a"}, Audience: "a"},
			[]string{"auth.tokenUrl unexpected", "auth.clientAuth unexpected", "auth.scopes unexpected", "auth.audience unexpected"}},
		{"sigv4", secret.Auth{Type: "sigv4", Secret: "waypost/a", Service: "execute-api", Region: "us-east-1"}, nil},
		{"sigv4, nothing", secret.Auth{Type: "sigv4", Secret: "waypost/a"}, []string{"auth.service required", "auth.region required"}},
		{"sigv4, slips", secret.Auth{Type: "sigv4", Secret: "waypost/a", Service: "S3", Region: "us/east"}, []string{"auth.service pattern", "auth.region pattern"}},
		{"sigv4, the longest names", secret.Auth{Type: "sigv4", Secret: "waypost/a", Service: strings.Repeat("s", 64), Region: strings.Repeat("r", 64)}, nil},
		{"sigv4, longer ones", secret.Auth{Type: "sigv4", Secret: "waypost/a", Service: strings.Repeat("s", 65), Region: strings.Repeat("r", 65)}, []string{"auth.service pattern", "auth.region pattern"}},
		{"mtls", secret.Auth{Type: "mtls", Secret: "waypost/a"}, nil},
		{"mtls with a region", secret.Auth{Type: "mtls", Secret: "waypost/a", Region: "us-east-1"}, []string{"auth.region unexpected"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var got []string
			for _, d := range tc.auth.Validate("auth", anyURL{}) {
				got = append(got, strings.TrimSpace(d.Path+" "+d.Rule+" "+d.Suggestion))
				if d.Message == "" {
					t.Errorf("%s has no message", d.Path)
				}
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("details (-want +got):\n%s", diff)
			}
		})
	}
}

func parse(t testing.TB, value string) secret.Credential {
	t.Helper()
	c, err := secret.Parse("waypost/a", []byte(value))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestApply(t *testing.T) {
	for _, tc := range []struct {
		name, value string
		auth        secret.Auth
		want        string // the header or query it becomes
		wantErr     string // in an Invalid error
	}{
		{"none", `{}`, secret.Auth{}, "", ""},
		{"basic", `{"username":"u","password":"p:q"}`, secret.Auth{Type: "basic"}, "Authorization: Basic dTpwOnE=", ""},
		{"basic, key alone", `{"username":"u","password":""}`, secret.Auth{Type: "basic"}, "Authorization: Basic dTo=", ""},
		{"basic, empty", `{"username":"","password":""}`, secret.Auth{Type: "basic"}, "", "empty username"},
		{"basic, colon", `{"username":"planted:x","password":"p"}`, secret.Auth{Type: "basic"}, "", "colon"},
		{"basic, no password", `{"username":"planted"}`, secret.Auth{Type: "basic"}, "", `the secret waypost/a lacks the key "password"`},
		{"basic, a number", `{"username":"planted","password":12345}`, secret.Auth{Type: "basic"}, "", `lacks the key "password", which must be a string`},
		{"bearer", `{"token":"t0k"}`, secret.Auth{Type: "bearer"}, "Authorization: Bearer t0k", ""},
		{"bearer, empty", `{"token":""}`, secret.Auth{Type: "bearer"}, "", `an empty "token"`},
		{"bearer, line break", `{"token":"planted\n"}`, secret.Auth{Type: "bearer"}, "", "line break"},
		{"apiKey header", `{"value":"k"}`, secret.Auth{Type: "apiKey", In: "header", Name: "x-api-key"}, "X-Api-Key: k", ""},
		{"apiKey query", `{"value":"k&1"}`, secret.Auth{Type: "apiKey", In: "query", Name: "api key"}, "a=1&api+key=k%261", ""},
		{"apiKey query, which the request has another of", `{"value":"k"}`, secret.Auth{Type: "apiKey", In: "query", Name: "a"}, "a=k", ""},
		{"url, elsewhere", `{"url":"https://evil.example/x/planted"}`, secret.Auth{Type: "url"}, "", "must begin with https://example.com"},
		{"url, in plain http", `{"url":"http://example.com/x/planted"}`, secret.Auth{Type: "url"}, "", "must begin with https://example.com"},
		{"url, another port", `{"url":"https://example.com:8443/x/planted"}`, secret.Auth{Type: "url"}, "", "must begin with https://example.com"},
		{"url, the path alone", `{"url":"/x/planted"}`, secret.Auth{Type: "url"}, "", "must begin with https://example.com"},
		{"url, no URL", `{"url":"https://exa mple.com/planted"}`, secret.Auth{Type: "url"}, "", "must be a whole URL"},
		{"url, with a user", `{"url":"https://planted@example.com/x/y"}`, secret.Auth{Type: "url"}, "", "must be a whole URL"},
		{"url, a line break", `{"url":"https://example.com/x/planted\n"}`, secret.Auth{Type: "url"}, "", "must be a whole URL"},
		{"url, another path", `{"url":"https://example.com/xy/planted"}`, secret.Auth{Type: "url"}, "", "must have the action's path"},
		{"url, nothing more", `{"url":"https://example.com/x/"}`, secret.Auth{Type: "url"}, "", "go on after it"},
		{"url, empty", `{"url":""}`, secret.Auth{Type: "url"}, "", `an empty "url"`},
		{"unknown", `{}`, secret.Auth{Type: "oauth9"}, "", "one of none, basic, bearer, apiKey, url"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			req, err := http.NewRequest("POST", "https://example.com/x?a=1", nil)
			if err != nil {
				t.Fatal(err)
			}
			before := req.URL
			err = secret.Apply(tc.auth, parse(t, tc.value), req)
			if tc.wantErr != "" {
				if !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), tc.wantErr) || strings.Contains(err.Error(), "planted") {
					t.Errorf("got %v, want Invalid with %q and no value", err, tc.wantErr)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			var lines []string
			for name := range req.Header {
				lines = append(lines, name+": "+req.Header.Get(name))
			}
			if req.URL.RawQuery != "a=1" {
				lines = append(lines, req.URL.RawQuery)
			}
			if got := strings.Join(lines, "\n"); got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
			if before.RawQuery != "a=1" {
				t.Error("the caller's URL was changed")
			}
		})
	}
	for base, want := range map[string]string{
		"https://example.com":         "https://example.com/a%2Fb/c?k=1",
		"https://EXAMPLE.com/":        "https://example.com/a%2Fb/c?k=1",
		"https://example.com/a%2Fb":   "https://example.com/a%2Fb/c?k=1",
		"https://example.com?lang=de": "https://example.com/a%2Fb/c?lang=de&k=1",
	} {
		req, err := http.NewRequest("POST", base, nil)
		if err != nil {
			t.Fatal(err)
		}
		err = secret.Apply(secret.Auth{Type: "url"}, parse(t, `{"url":"https://example.com/a%2Fb/c?k=1"}`), req)
		if got := req.URL.String(); err != nil || got != want {
			t.Errorf("%s: got %s (%v), want %s", base, got, err, want)
		}
	}
	req, _ := http.NewRequest("POST", "https://example.com", nil)
	if err := secret.Apply(secret.Auth{Type: "bearer"}, secret.Credential{}, req); !fault.Is(err, fault.Invalid) {
		t.Errorf("bearer without a credential: %v", err)
	}
}

// anyURL lets every URL through: package egress has the real guard.
type anyURL struct{}

func (anyURL) Check(string) error { return nil }
