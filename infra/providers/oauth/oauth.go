// Package oauth stands in for an OAuth 2.0 authorization server that knows the
// client credentials grant alone (RFC 6749, section 4.4). It checks the grant,
// how the client authenticates, the scopes and the audience as strictly as real
// servers do, gives their errors, and can end tokens early.
//
// It keeps nothing in the inbox: what it is sent is secret.
package oauth

import (
	"crypto"
	"crypto/rand"
	"encoding/json"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
)

// Path is where tokens are given, unless Options say otherwise.
const Path = "/oauth/token"

const (
	defaultLife = time.Hour
	maxRequest  = 64 << 10
)

// A Client is one that the server knows.
type Client struct {
	ID string
	// Secret is for basic and post; Key, an *rsa.PublicKey or *ecdsa.PublicKey,
	// for private_key_jwt. A client has one of the two.
	Secret string
	Key    crypto.PublicKey
	// Post says that the secret must come in the form, not in the header.
	Post     bool
	Scopes   []string // that it may ask for
	Audience string   // that it must ask for, if not empty
}

// Options are a Server's settings.
type Options struct {
	Clients []Client
	URL     string           // of the token endpoint, which assertions must be for
	Path    string           // of the token endpoint; empty is Path
	Life    time.Duration    // of a token; 0 is an hour
	Now     func() time.Time // nil is time.Now
}

// A Server gives tokens. Make one with New; it is safe for concurrent use.
type Server struct {
	opts Options

	mu    sync.Mutex
	calls int
	live  map[string]grant // by token
	seen  map[string]bool  // assertions' ids
}

type grant struct {
	scopes []string
	until  time.Time
}

// New makes a server.
func New(o Options) *Server {
	if o.Life == 0 {
		o.Life = defaultLife
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Path == "" {
		o.Path = Path
	}
	return &Server{opts: o, live: map[string]grant{}, seen: map[string]bool{}}
}

// Calls is how often a token was asked for.
func (s *Server) Calls() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls
}

// Valid says whether a token is live, and was given for all of these scopes.
func (s *Server) Valid(token string, scopes ...string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	g, found := s.live[token]
	return found && s.opts.Now().Before(g.until) && !slices.ContainsFunc(scopes, func(want string) bool { return !slices.Contains(g.scopes, want) })
}

// Revoke ends all tokens that were given so far.
func (s *Server) Revoke() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.live)
}

// A refusal is an answer of RFC 6749, section 5.2.
type refusal struct {
	status            int
	code, description string
}

// ServeHTTP gives a token, or says why not.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls++
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	token, granted, refused := s.give(r)
	if refused != nil {
		if refused.status == http.StatusUnauthorized {
			w.Header().Set("WWW-Authenticate", `Basic realm="oauth"`)
		}
		w.WriteHeader(refused.status)
		_ = json.NewEncoder(w).Encode(map[string]string{"error": refused.code, "error_description": refused.description}) // the caller may have left
		return
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"access_token": token, "token_type": "Bearer", "expires_in": int(s.opts.Life / time.Second), // here too
		"scope": strings.Join(granted.scopes, " ")})
}

// give checks a request, and makes its token.
func (s *Server) give(r *http.Request) (string, grant, *refusal) {
	invalid := func(why string) (string, grant, *refusal) {
		return "", grant{}, &refusal{http.StatusBadRequest, "invalid_request", why}
	}
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	switch {
	case r.URL.Path != s.opts.Path:
		return "", grant{}, &refusal{http.StatusNotFound, "invalid_request", "tokens are given at " + s.opts.Path}
	case r.Method != http.MethodPost:
		return "", grant{}, &refusal{http.StatusMethodNotAllowed, "invalid_request", "the method must be POST"}
	case kind != "application/x-www-form-urlencoded":
		return invalid("the body must be a form")
	case len(r.URL.RawQuery) > 0:
		return invalid("parameters belong in the body")
	}
	r.Body = http.MaxBytesReader(nil, r.Body, maxRequest)
	if err := r.ParseForm(); err != nil {
		return invalid("the form cannot be read")
	}
	for name, values := range r.PostForm {
		if len(values) > 1 {
			return invalid(name + " comes twice")
		}
	}
	client, refused := s.authenticate(r)
	if refused != nil {
		return "", grant{}, refused
	}
	if got := r.PostForm.Get("grant_type"); got != "client_credentials" {
		if got == "" {
			return invalid("grant_type is missing")
		}
		return "", grant{}, &refusal{http.StatusBadRequest, "unsupported_grant_type", "only client_credentials is"}
	}
	scopes := strings.Fields(r.PostForm.Get("scope"))
	if len(scopes) == 0 {
		scopes = client.Scopes
	}
	for _, scope := range scopes {
		if !slices.Contains(client.Scopes, scope) {
			return "", grant{}, &refusal{http.StatusBadRequest, "invalid_scope", "the client may not ask for it"}
		}
	}
	if r.PostForm.Get("audience") != client.Audience {
		return "", grant{}, &refusal{http.StatusBadRequest, "invalid_target", "the audience is another"}
	}
	g := grant{scopes, s.opts.Now().Add(s.opts.Life)}
	token := rand.Text()
	s.live[token] = g
	return token, g, nil
}

// authenticate finds the client that asks, by the one way that it has.
func (s *Server) authenticate(r *http.Request) (Client, *refusal) {
	unknown := &refusal{http.StatusUnauthorized, "invalid_client", "client authentication failed"}
	user, password, basic := r.BasicAuth()
	form := r.PostForm
	ways := 0
	for _, used := range []bool{basic, form.Has("client_secret"), form.Has("client_assertion")} {
		if used {
			ways++
		}
	}
	if ways > 1 {
		return Client{}, &refusal{http.StatusBadRequest, "invalid_request", "a client authenticates in one way"}
	}
	id := form.Get("client_id")
	if basic { // the parts are encoded as in a form (RFC 6749, section 2.3.1)
		var errs [2]error
		id, errs[0] = url.QueryUnescape(user)
		password, errs[1] = url.QueryUnescape(password)
		if errs[0] != nil || errs[1] != nil {
			return Client{}, unknown
		}
	}
	i := slices.IndexFunc(s.opts.Clients, func(c Client) bool { return c.ID == id })
	if i < 0 {
		return Client{}, unknown
	}
	c := s.opts.Clients[i]
	var known bool
	switch {
	case c.Key != nil:
		known = form.Has("client_assertion") && s.asserts(c, form)
	case c.Post:
		known = form.Has("client_secret") && form.Get("client_secret") == c.Secret
	default:
		known = basic && password == c.Secret
	}
	if !known || c.Key == nil && c.Secret == "" {
		return Client{}, unknown
	}
	return c, nil
}
