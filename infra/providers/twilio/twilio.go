// Package twilio is a stand-in for Twilio's Messages API, version 2010-04-01,
// that keeps its wire contract: form-encoded requests under Basic
// authentication, the documented fields and error codes, and the magic numbers
// of Twilio's test credentials. It texts nobody; what it accepts goes to the
// inbox.
//
// A To or From that is not magic is accepted where it is well formed, so that
// examples need no account. Status callbacks are sent to a StatusCallback on
// this machine, signed with the account's AuthToken. Not promised: carriers (a
// message counts as delivered at once), media, opt-outs beyond the magic
// numbers, messages that come in, and any resource but messages. Rules and codes are those of Twilio's
// OpenAPI description (twilio_api_v2010) and its error dictionary.
package twilio

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/waypost/waypost/infra/providers/callbacks"
	"github.com/waypost/waypost/infra/providers/inbox"
)

// The stand-in's account, for examples. No such account exists at Twilio.
const (
	AccountSID = "AC00000000000000000000000000000000"
	AuthToken  = "not-a-real-token-for-the-local-twilio"
)

const (
	defaultCapacity = 1000
	maxRequest      = 256 << 10 // bytes of a form
)

// An Account may call the API with its AuthToken, or with an API key.
type Account struct {
	SID       string
	AuthToken string
	Keys      map[string]string // secrets by API key SID (SK…)
}

// A Recorder is told of every message that was accepted. An inbox.Store is one.
type Recorder interface {
	Add(inbox.Message) int64
}

// A Behaviour is how the stand-in treats one authenticated request to send.
// The zero value treats it as Twilio would.
type Behaviour struct {
	// Status, from 400, is answered instead, with Code as Twilio's code and
	// RetryAfter as the header of that name. Not JSON where Plain is set.
	Status     int
	Code       int
	RetryAfter string
	Plain      bool
	// Accept has the message accepted before Status or Hang takes effect: the
	// ambiguous case, where a caller that repeats texts twice.
	Accept bool
	// Hold, if not nil, delays the answer until it is closed or the caller leaves.
	Hold <-chan struct{}
	// Hang closes the connection instead of an answer.
	Hang bool
}

// Options are a Server's settings; the zero value serves AccountSID.
type Options struct {
	Accounts []Account                     // empty means AccountSID with AuthToken
	Inbox    Recorder                      // nil records nothing
	Behave   func(*http.Request) Behaviour // called for each authenticated request to send; nil means as Twilio
	Now      func() time.Time              // nil means time.Now
	Capacity int                           // messages that are kept for reading; 0 means 1000
	// Callbacks sends status callbacks; nil sends none.
	Callbacks *callbacks.Sender
}

// A Server serves the API. Make one with New. It is safe for concurrent use.
type Server struct {
	opts Options
	mux  *http.ServeMux

	mu       sync.Mutex
	messages map[string]*message // by SID
	order    []string            // SIDs, oldest first
}

// New makes a Server without messages.
func New(o Options) *Server {
	if len(o.Accounts) == 0 {
		o.Accounts = []Account{{SID: AccountSID, AuthToken: AuthToken}}
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Capacity <= 0 {
		o.Capacity = defaultCapacity
	}
	s := &Server{opts: o, mux: http.NewServeMux(), messages: map[string]*message{}}
	const base = "/2010-04-01/Accounts/{account}/Messages"
	s.mux.HandleFunc(base+".json", s.collection)
	s.mux.HandleFunc(base+"/{message}", s.resource)
	s.mux.HandleFunc("/", notFound)
	return s
}

// ServeHTTP authenticates a request and answers it.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Twilio-Request-Id", "RQ"+newHex())
	account, presented := s.authenticate(r)
	if account == "" {
		message := "Authenticate"
		if !presented {
			message = "Authentication Error - No credentials provided"
		}
		w.Header().Set("WWW-Authenticate", `Basic realm="Twilio API"`)
		writeProblem(w, &problem{20003, http.StatusUnauthorized, message})
		return
	}
	parts := strings.Split(r.URL.Path, "/")
	if len(parts) > 3 && parts[2] == "Accounts" && strings.TrimSuffix(parts[3], ".json") != account {
		notFound(w, r) // another's account is as one that does not exist
		return
	}
	s.mux.ServeHTTP(w, r)
}

// authenticate gives the SID of the account whose credentials the request has,
// and whether it has any.
func (s *Server) authenticate(r *http.Request) (account string, presented bool) {
	user, password, ok := r.BasicAuth()
	for _, a := range s.opts.Accounts {
		secret := a.AuthToken
		if user != a.SID {
			secret = a.Keys[user]
		}
		if ok && secret != "" && equal(password, secret) {
			account = a.SID
		}
	}
	return account, ok
}

func equal(a, b string) bool {
	x, y := sha256.Sum256([]byte(a)), sha256.Sum256([]byte(b))
	return subtle.ConstantTimeCompare(x[:], y[:]) == 1
}

func (s *Server) collection(w http.ResponseWriter, r *http.Request) {
	switch r.Method {
	case http.MethodPost:
		s.send(w, r)
	case http.MethodGet:
		s.list(w, r)
	default:
		writeProblem(w, &problem{20004, http.StatusMethodNotAllowed, "Method not allowed"})
	}
}

// send is POST Messages.json.
func (s *Server) send(w http.ResponseWriter, r *http.Request) {
	var b Behaviour
	if s.opts.Behave != nil {
		b = s.opts.Behave(r)
	}
	if b.Hang && !b.Accept {
		panic(http.ErrAbortHandler) // closes the connection without an answer
	}
	form, body, p := readForm(w, r)
	var m *message
	if p == nil && (b.Status == 0 || b.Accept) {
		if m, p = newMessage(r.PathValue("account"), form, s.opts.Now()); p == nil {
			s.keep(m)
			s.record(r, body, m)
			s.report(m)
		}
	}
	if !wait(r.Context(), b.Hold) || b.Hang {
		panic(http.ErrAbortHandler)
	}
	switch {
	case b.Status != 0:
		misbehave(w, b)
	case p != nil:
		writeProblem(w, p)
	default:
		writeJSON(w, http.StatusCreated, m.initial())
	}
}

func misbehave(w http.ResponseWriter, b Behaviour) {
	if b.RetryAfter != "" {
		w.Header().Set("Retry-After", b.RetryAfter)
	}
	if b.Plain {
		http.Error(w, "upstream connect error", b.Status)
		return
	}
	writeProblem(w, &problem{b.Code, b.Status, http.StatusText(b.Status)})
}

// wait blocks until hold is closed; it gives false where the caller left first.
func wait(ctx context.Context, hold <-chan struct{}) bool {
	if hold == nil {
		return true
	}
	select {
	case <-hold:
		return true
	case <-ctx.Done():
		return false
	}
}

// readForm gives a request's form. Parameters in any other encoding are not
// seen, so that a request in JSON lacks its To.
func readForm(w http.ResponseWriter, r *http.Request) (url.Values, []byte, *problem) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxRequest))
	if err != nil {
		return nil, nil, &problem{20413, http.StatusRequestEntityTooLarge, "The request is too large"}
	}
	kind, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";")
	if !strings.EqualFold(strings.TrimSpace(kind), "application/x-www-form-urlencoded") {
		return url.Values{}, body, nil
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, body, &problem{20001, http.StatusBadRequest, "The request's form is malformed"}
	}
	return form, body, nil
}

func (s *Server) record(r *http.Request, body []byte, m *message) {
	if s.opts.Inbox == nil {
		return
	}
	in := inbox.FromRequest(r, body)
	in.Channel, in.Provider, in.Status = "sms", "twilio", http.StatusCreated
	in.To, in.Text, in.From = m.To, m.Body, m.sender()
	s.opts.Inbox.Add(in)
}

// keep stores a message, and drops the oldest where there are too many.
func (s *Server) keep(m *message) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.order) >= s.opts.Capacity {
		delete(s.messages, s.order[0])
		s.order = s.order[1:]
	}
	s.messages[m.SID] = m
	s.order = append(s.order, m.SID)
}

// A problem is an error as Twilio reports it.
type problem struct {
	code, status int
	message      string
}

func writeProblem(w http.ResponseWriter, p *problem) {
	writeJSON(w, p.status, map[string]any{
		"code": p.code, "message": p.message, "status": p.status,
		"more_info": fmt.Sprintf("https://www.twilio.com/docs/errors/%d", p.code),
	})
}

func notFound(w http.ResponseWriter, r *http.Request) {
	writeProblem(w, &problem{20404, http.StatusNotFound, fmt.Sprintf("The requested resource %s was not found", r.URL.Path)})
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}

// newHex is the random part of a SID: 32 hexadecimal digits.
func newHex() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // crypto/rand never fails
	return hex.EncodeToString(b[:])
}
