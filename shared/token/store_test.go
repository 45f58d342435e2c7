package token_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/waypost/waypost/infra/providers/oauth"
	"github.com/waypost/waypost/shared/egress"
	"github.com/waypost/waypost/shared/fault"
	"github.com/waypost/waypost/shared/secret"
	"github.com/waypost/waypost/shared/token"
)

const tokenURL = "https://login.example" + oauth.Path

// A world is a secret, and a server of tokens that answers without a network.
type world struct {
	*token.Store
	mu     sync.Mutex
	secret string
	reads  int
	server http.Handler
	takes  time.Duration
	fails  egress.Kind
}

func newWorld(server http.Handler, content string) *world {
	w := &world{secret: content, server: server}
	w.Store = token.NewStore(secret.NewStore(w, time.Now), w, time.Now)
	return w
}

func (w *world) Fetch(context.Context, string) ([]byte, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.reads++
	return []byte(w.secret), nil
}

func (w *world) Do(ctx context.Context, r *http.Request, o egress.Options) (*egress.Response, error) {
	time.Sleep(w.takes)
	if w.fails != "" {
		return nil, egress.NewError(w.fails, false, r.URL.Hostname())
	}
	rec := httptest.NewRecorder()
	w.server.ServeHTTP(rec, r)
	return &egress.Response{Status: rec.Code, Header: rec.Result().Header, Body: rec.Body.Bytes()}, nil
}

// sent is the token that a request is sent with.
func sent(t testing.TB, auth secret.Auth, cred secret.Credential) string {
	t.Helper()
	req, err := http.NewRequest("POST", "https://api.example/x", nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := secret.Apply(auth, cred, req); err != nil {
		t.Fatal(err)
	}
	text, bearer := strings.CutPrefix(req.Header.Get("Authorization"), "Bearer ")
	if !bearer {
		t.Fatalf("the request has %v", req.Header)
	}
	return text
}

// pemOf writes a private key as a secret has it.
func pemOf(t testing.TB, key any) string {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

func object(members map[string]any) string {
	text, _ := json.Marshal(members)
	return string(text)
}

// Each way in which a client authenticates, against a server that checks all of it.
func TestClientCredentials(t *testing.T) {
	t.Parallel()
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	ecKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	otherKey, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	scopes := []string{"send", "read"}
	server := oauth.New(oauth.Options{URL: tokenURL, Clients: []oauth.Client{
		{ID: "basic:é", Secret: "s p+c%", Scopes: scopes}, {ID: "post", Secret: "s", Post: true, Scopes: scopes, Audience: "https://api.example"},
		{ID: "rsa", Key: rsaKey.Public(), Scopes: scopes}, {ID: "ec", Key: ecKey.Public(), Scopes: scopes},
	}})
	withKey := func(id string, key any) string {
		return object(map[string]any{"clientId": id, "privateKey": pemOf(t, key), "keyId": "k-1"})
	}
	for _, tc := range []struct {
		name    string
		auth    secret.Auth
		secret  string
		code    fault.Code // of the error
		message string
	}{
		{name: "basic", secret: `{"clientId": "basic:é", "clientSecret": "s p+c%"}`},
		{name: "basic, scopes", auth: secret.Auth{ClientAuth: "basic", Scopes: scopes}, secret: `{"clientId": "basic:é", "clientSecret": "s p+c%"}`},
		{name: "post, audience", auth: secret.Auth{ClientAuth: "post", Audience: "https://api.example"}, secret: `{"clientId": "post", "clientSecret": "s"}`},
		{name: "RS256", auth: secret.Auth{ClientAuth: "privateKeyJwt"}, secret: withKey("rsa", rsaKey)},
		{name: "ES256", auth: secret.Auth{ClientAuth: "privateKeyJwt", Scopes: scopes[:1]}, secret: withKey("ec", ecKey)},
		{name: "its host is listed", secret: `{"clientId": "basic:é", "clientSecret": "s p+c%", "hosts": ["api.example", "login.example"]}`},

		{name: "its host is not", secret: `{"clientId": "basic:é", "clientSecret": "s p+c%", "hosts": ["api.example"]}`, code: fault.Forbidden, message: "login.example"},
		{name: "a wrong secret", secret: `{"clientId": "basic:é", "clientSecret": "planted"}`, code: fault.Invalid, message: "login.example gave no token: it answered 401, invalid_client"},
		{name: "an unknown client", secret: `{"clientId": "planted", "clientSecret": "planted"}`, code: fault.Invalid, message: "401, invalid_client"},
		{name: "post where basic is right", auth: secret.Auth{ClientAuth: "post"}, secret: `{"clientId": "basic:é", "clientSecret": "s p+c%"}`, code: fault.Invalid, message: "401, invalid_client"},
		{name: "a scope too many", auth: secret.Auth{Scopes: []string{"send", "all"}}, secret: `{"clientId": "basic:é", "clientSecret": "s p+c%"}`, code: fault.Invalid, message: "400, invalid_scope"},
		{name: "no audience", auth: secret.Auth{ClientAuth: "post"}, secret: `{"clientId": "post", "clientSecret": "s"}`, code: fault.Invalid, message: "400, invalid_target"},
		{name: "another's key", auth: secret.Auth{ClientAuth: "privateKeyJwt"}, secret: withKey("rsa", ecKey), code: fault.Invalid, message: "401, invalid_client"},
		{name: "a key on another curve", auth: secret.Auth{ClientAuth: "privateKeyJwt"}, secret: withKey("ec", otherKey), code: fault.Invalid, message: `its "privateKey" is on another curve than P-256`},
		{name: "no key at all", auth: secret.Auth{ClientAuth: "privateKeyJwt"}, secret: `{"clientId": "ec", "privateKey": "planted"}`, code: fault.Invalid, message: "must be an RSA key or one on P-256, in PEM"},
		{name: "no clientId", secret: `{"clientSecret": "planted"}`, code: fault.Invalid, message: `lacks the key "clientId"`},
		{name: "no clientSecret", secret: `{"clientId": "planted"}`, code: fault.Invalid, message: `lacks the key "clientSecret"`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := newWorld(server, tc.secret)
			tc.auth.Type, tc.auth.Secret, tc.auth.TokenURL = secret.TypeOAuth2, "waypost/a", tokenURL
			cred, err := w.Get(t.Context(), tc.auth)
			if tc.code != "" {
				if !fault.Is(err, tc.code) || !strings.Contains(fmt.Sprint(err), tc.message) || strings.Contains(fmt.Sprint(err), "planted") {
					t.Errorf("got %v, want %s with %q and no value", err, tc.code, tc.message)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			got := sent(t, tc.auth, cred)
			if !server.Valid(got, tc.auth.Scopes...) {
				t.Error("the token is not the server's own, or not for the scopes")
			}
			if text := fmt.Sprintf("%v %+v %#v %s", cred, cred, cred, cred); strings.Contains(text, got) {
				t.Errorf("the token is printed: %s", text)
			}
			if cred.MaySendTo("api.example", nil) != nil {
				t.Error("the token may not go where the secret may")
			}
		})
	}
}

var oauthOf = secret.Auth{Type: secret.TypeOAuth2, Secret: "waypost/a", TokenURL: tokenURL}

const client = `{"clientId": "c", "clientSecret": "s"}`

func serverOf(life time.Duration) *oauth.Server {
	return oauth.New(oauth.Options{URL: tokenURL, Life: life, Clients: []oauth.Client{{ID: "c", Secret: "s", Scopes: []string{"send"}}}})
}

// all has many get a token, or renew one, at the same time, and gives what they
// got: one token.
func all(t *testing.T, get func() (secret.Credential, error)) string {
	t.Helper()
	got := make([]string, 200)
	var wg sync.WaitGroup
	for i := range got {
		wg.Go(func() {
			cred, err := get()
			if err != nil {
				t.Error(err)
				return
			}
			got[i] = sent(t, oauthOf, cred)
		})
	}
	wg.Wait()
	for _, one := range got {
		if one != got[0] {
			t.Fatal("they got different tokens")
		}
	}
	return got[0]
}

// Many who need a token at once cost one call, when it is cold, when it nears
// its end, and when it is revoked.
func TestOneCallForMany(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := serverOf(time.Hour)
		w := newWorld(server, client)
		w.takes = 300 * time.Millisecond
		get := func() (secret.Credential, error) { return w.Get(t.Context(), oauthOf) }
		calls := func(want int, when string) {
			t.Helper()
			if got := server.Calls(); got != want {
				t.Errorf("%s: got %d calls, want %d", when, got, want)
			}
		}
		first := all(t, get)
		calls(1, "cold")
		time.Sleep(58 * time.Minute)
		if again := all(t, get); again != first {
			t.Error("a token that holds was not used")
		}
		calls(1, "58 minutes later")
		time.Sleep(time.Minute + time.Second)
		second := all(t, get)
		if !server.Valid(first) || second == first {
			t.Error("the token was not renewed before its end")
		}
		calls(2, "a minute before its end")

		server.Revoke()
		used, err := get()
		if err != nil {
			t.Fatal(err)
		}
		third := all(t, func() (secret.Credential, error) {
			fresh, changed, err := w.Renew(t.Context(), oauthOf, used)
			if !changed {
				t.Error("nothing has changed")
			}
			return fresh, err
		})
		if !server.Valid(third) || all(t, get) != third {
			t.Error("the token was not replaced for all")
		}
		calls(3, "revoked")
	})
}

// An endpoint that refuses every token costs one call a second at most.
func TestRenewalsAreFew(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := serverOf(time.Hour)
		w := newWorld(server, client)
		changes := 0
		for range 50 {
			used, err := w.Get(t.Context(), oauthOf)
			if err != nil {
				t.Fatal(err)
			}
			if _, changed, err := w.Renew(t.Context(), oauthOf, used); err != nil {
				t.Fatal(err)
			} else if changed {
				changes++
			}
			time.Sleep(100 * time.Millisecond)
		}
		if got, want := server.Calls(), 6; got != want || changes != want-1 {
			t.Errorf("got %d calls and %d changes in 5 s, want %d and %d", got, changes, want, want-1)
		}
	})
}

// While nobody gives tokens, one that holds serves, and is asked for anew only
// now and then; and when it has ended the failure is one that passes.
func TestAnOutageOfTheTokenEndpoint(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := serverOf(20 * time.Minute)
		w := newWorld(server, client)
		if _, err := w.Get(t.Context(), oauthOf); err != nil {
			t.Fatal(err)
		}
		asked := 0
		w.server = http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
			asked++
			http.Error(rw, "planted", http.StatusBadGateway)
		})
		time.Sleep(19*time.Minute + time.Second)
		for range 58 {
			if _, err := w.Get(t.Context(), oauthOf); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Second)
		}
		if want := 12; asked != want {
			t.Errorf("asked %d times in 58 s, want %d", asked, want)
		}
		time.Sleep(time.Second)
		for _, fails := range []egress.Kind{"", egress.Connect} {
			w.fails = fails
			if _, err := w.Get(t.Context(), oauthOf); !fault.Is(err, fault.Unavailable) || strings.Contains(err.Error(), "planted") || !strings.Contains(err.Error(), "login.example") {
				t.Errorf("with %q: got %v, want Unavailable", fails, err)
			}
		}
		w.fails, w.server = "", server
		if _, err := w.Get(t.Context(), oauthOf); err != nil {
			t.Errorf("it is back: %v", err)
		}
	})
}

// One who gives tokens and hangs holds up few, while a token holds.
func TestATokenEndpointThatHangs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(serverOf(20*time.Minute), client)
		if _, err := w.Get(t.Context(), oauthOf); err != nil {
			t.Fatal(err)
		}
		w.takes, w.fails = 9*time.Second, egress.Timeout
		time.Sleep(19*time.Minute + time.Second)
		for _, want := range []time.Duration{w.takes, 0, 0, 0, 0, w.takes, 0} { // a second apart
			began := time.Now()
			if _, err := w.Get(t.Context(), oauthOf); err != nil {
				t.Fatal(err)
			}
			if got := time.Since(began); got != want {
				t.Errorf("after %v: it took %v, want %v", began.Sub(time.Date(2000, 1, 1, 0, 19, 1, 0, time.UTC)), got, want)
			}
			time.Sleep(time.Second)
		}
	})
}

// A secret that was replaced before the server of tokens knows of it is tried now
// and then, while the token that the old one got holds.
func TestTheSecretIsReplacedTooEarly(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := serverOf(time.Hour)
		w := newWorld(server, client)
		if _, err := w.Get(t.Context(), oauthOf); err != nil {
			t.Fatal(err)
		}
		w.mu.Lock()
		w.secret = `{"clientId": "c", "clientSecret": "new"}`
		w.mu.Unlock()
		time.Sleep(secret.TTL)
		before := server.Calls()
		for range 100 { // in 10 s
			if cred, err := w.Get(t.Context(), oauthOf); err != nil || !server.Valid(sent(t, oauthOf, cred)) {
				t.Fatalf("got %v, want the token that holds", err)
			}
			time.Sleep(100 * time.Millisecond)
		}
		if got, want := server.Calls()-before, 2; got != want {
			t.Errorf("got %d calls in 10 s, want %d", got, want)
		}
	})
}

// A host that a secret may no longer be sent to gets no token that it got before.
func TestTheHostsAreNarrowed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(serverOf(time.Hour), client)
		if _, err := w.Get(t.Context(), oauthOf); err != nil {
			t.Fatal(err)
		}
		w.mu.Lock()
		w.secret = `{"clientId": "c", "clientSecret": "s", "hosts": ["other.example"]}`
		w.mu.Unlock()
		time.Sleep(secret.TTL)
		if cred, err := w.Get(t.Context(), oauthOf); !fault.Is(err, fault.Forbidden) {
			t.Errorf("got %v, %v, want Forbidden", cred.MaySendTo("api.example", nil), err)
		}
	})
}

// A client's secret that was replaced is read again when it is refused.
func TestTheClientsSecretIsReplaced(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(serverOf(time.Minute), `{"clientId": "c", "clientSecret": "old"}`)
		if _, err := w.Get(t.Context(), oauthOf); !fault.Is(err, fault.Invalid) {
			t.Fatalf("got %v, want it refused", err)
		}
		time.Sleep(secret.RenewalGap)
		w.mu.Lock()
		w.secret = client
		w.mu.Unlock()
		if _, err := w.Get(t.Context(), oauthOf); err != nil {
			t.Errorf("the new secret is not used: %v", err)
		}
		if want := 3; w.reads != want {
			t.Errorf("got %d reads of the secret, want %d", w.reads, want)
		}
	})
}

// Of answers that are no tokens nothing is repeated.
func TestStrangeAnswers(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, body string
		status     int
		code       fault.Code
	}{
		{"a page", `<html>planted`, 200, fault.Unavailable},
		{"no token", `{"planted": "planted"}`, 200, fault.Unavailable},
		{"a number", `{"access_token": 5, "planted": 1}`, 200, fault.Unavailable},
		{"another type", `{"access_token": "planted", "token_type": "planted"}`, 200, fault.Invalid},
		{"an error of its own", `{"error": "planted", "error_description": "planted"}`, 400, fault.Invalid},
		{"an error with 200", `{"error": "planted"}`, 200, fault.Invalid},
		{"a redirect", `planted`, 302, fault.Invalid},
		{"too many", `planted`, 429, fault.Unavailable},
	} {
		w := newWorld(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
			rw.Header().Set("Content-Type", "application/json")
			rw.Header().Set("Location", "https://planted.example")
			rw.WriteHeader(tc.status)
			fmt.Fprint(rw, tc.body)
		}), client)
		if _, err := w.Get(t.Context(), oauthOf); !fault.Is(err, tc.code) || strings.Contains(err.Error(), "planted") {
			t.Errorf("%s: got %v, want %s and nothing of the answer", tc.name, err, tc.code)
		}
	}
}

// An endpoint that does not say how long its token lasts is asked again in time.
func TestATokenOfUnknownLife(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		calls := 0
		w := newWorld(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
			calls++
			rw.Header().Set("Content-Type", "application/json")
			fmt.Fprintf(rw, `{"access_token": "t-%d"}`, calls)
		}), client)
		for range 10 {
			if _, err := w.Get(t.Context(), oauthOf); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Minute)
		}
		if want := 3; calls != want {
			t.Errorf("got %d calls in 10 minutes, want %d: one in the %v of a life, less the margin", calls, want, token.DefaultLife)
		}
	})
}
