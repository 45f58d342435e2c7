// Package slack is a stand-in for both ways in which Slack takes messages: an
// app's incoming webhook, and the Web API's chat.postMessage (and auth.test,
// which clients call first). It keeps their wire contracts: content types,
// tokens, arguments, blocks, rates, and their errors, which are words in plain
// text for a webhook, and a 200 with ok false for the Web API. What it accepts
// goes to the inbox.
//
// A message that has Waypost's metadata is told of by an event of the Events API,
// to a request URL on this machine, signed with the signing secret.
//
// There is one workspace with a few channels, among them one for each reason
// to refuse (see Channels). Not promised: any other method, scopes, what a
// message is unfurled to, whether a thread's first message exists, and the
// legacy arguments. Rules and codes are those of Slack's reference pages.
package slack

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/waypost/waypost/infra/providers/callbacks"
	"github.com/waypost/waypost/infra/providers/inbox"
)

// The stand-in's credentials, for examples. No such app exists at Slack.
const (
	Token = "not-a-real-token-for-the-local-slack"
	// HookPath is the path of the webhook, which posts to #orders.
	HookPath = "/services/T00000000/B00000000/not-a-real-webhook-for-the-local-slack"
)

const (
	team, bot, user, app = "T00000000", "B00000000", "U00000000", "A00000000"

	maxRequest = 1 << 20 // bytes of a body
	// burst messages are taken at once by each channel, then one a second:
	// https://docs.slack.dev/apis/web-api/rate-limits
	burst = 20
)

// A Recorder is told of every message that was accepted. An inbox.Store is one.
type Recorder interface {
	Add(inbox.Message) int64
}

// A Behaviour is how the stand-in treats one authenticated message. The zero
// value treats it as Slack would.
type Behaviour struct {
	// Status is answered instead, with Body, and RetryAfter as the header of
	// that name. A status of 200 with a Body is the Web API's way to fail.
	Status     int
	Body       string
	RetryAfter string
	// Accept has the message accepted before Status or Hang takes effect: the
	// ambiguous case, where a caller that repeats posts twice.
	Accept bool
	// Hold, if not nil, delays the answer until it is closed or the caller leaves.
	Hold <-chan struct{}
	// Hang closes the connection instead of an answer.
	Hang bool
}

// Options are a Server's settings; the zero value serves Token and HookPath.
type Options struct {
	Inbox  Recorder                      // nil records nothing
	Behave func(*http.Request) Behaviour // called for each authenticated message; nil means as Slack
	Now    func() time.Time              // nil means time.Now
	// Callbacks sends events to the app's request URL; nil sends none.
	Callbacks     *callbacks.Sender
	SigningSecret string // what they are signed with; empty means SigningSecret
}

// A Server serves both ways. Make one with New. It is safe for concurrent use.
type Server struct {
	opts Options
	mux  *http.ServeMux

	mu   sync.Mutex
	last int64                // the ts of the newest message, in microseconds
	next map[string]time.Time // when a channel's allowance is whole again
	// requestURL is where the app's events go.
	requestURL string
}

// New makes a Server.
func New(o Options) *Server {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.SigningSecret == "" {
		o.SigningSecret = SigningSecret
	}
	s := &Server{opts: o, mux: http.NewServeMux(), next: map[string]time.Time{}}
	s.mux.HandleFunc("/services/{team}/{hook}/{token}", s.webhook)
	s.mux.HandleFunc("/api/chat.postMessage", s.postMessage)
	s.mux.HandleFunc("/api/auth.test", s.authTest)
	s.mux.HandleFunc("/api/", func(w http.ResponseWriter, _ *http.Request) { refuse(w, "unknown_method") })
	s.mux.HandleFunc("/services/", func(w http.ResponseWriter, _ *http.Request) { word(w, http.StatusNotFound, "no_team") })
	return s
}

// ServeHTTP answers a request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.mux.ServeHTTP(w, r) }

// A Channel is one of the workspace's, by the app's view.
type Channel struct {
	ID, Name string
	// Refuses is the error's code with which posting to it fails, or "".
	Refuses string
}

// Channels are the workspace's. A message's channel is an id, or a name with
// or without #; any other is channel_not_found. U00000001 is a person.
func Channels() []Channel {
	return []Channel{
		{"C00000001", "orders", ""}, {"C00000002", "general", ""}, {"C00000003", "old-orders", "is_archived"},
		{"C00000004", "board", "not_in_channel"}, {"C00000005", "announcements", "restricted_action"}, {"U00000001", "ada", ""},
	}
}

// channelOf finds a channel by its id or name.
func channelOf(name string) (Channel, bool) {
	for _, c := range Channels() {
		if name == c.ID || name == c.Name || name == "#"+c.Name {
			return c, true
		}
	}
	return Channel{}, false
}

func equal(a, b string) bool {
	x, y := sha256.Sum256([]byte(a)), sha256.Sum256([]byte(b))
	return subtle.ConstantTimeCompare(x[:], y[:]) == 1
}

// take uses one of a channel's allowance; where there is none, it gives the
// seconds until there is.
func (s *Server) take(channel string) (wait int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.opts.Now()
	next := s.next[channel]
	if next.Before(now) {
		next = now
	}
	next = next.Add(time.Second)
	if over := next.Sub(now) - burst*time.Second; over > 0 {
		return int((over + time.Second - 1) / time.Second)
	}
	s.next[channel] = next
	return 0
}

// newTS gives a message's ts, which no other message has.
func (s *Server) newTS() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last = max(s.last+1, s.opts.Now().UnixMicro())
	return fmt.Sprintf("%d.%06d", s.last/1_000_000, s.last%1_000_000)
}

// behave asks how to treat a message. It gives false where that ended the request.
func (s *Server) behave(w http.ResponseWriter, r *http.Request, accept func() bool) bool {
	if s.opts.Behave == nil {
		return true
	}
	b := s.opts.Behave(r)
	if b.Accept && (b.Status != 0 || b.Hang) && !accept() {
		return false
	}
	if !wait(r.Context(), b.Hold) || b.Hang {
		panic(http.ErrAbortHandler) // closes the connection without an answer
	}
	if b.Status == 0 {
		return true
	}
	if b.RetryAfter != "" {
		w.Header().Set("Retry-After", b.RetryAfter)
	}
	kind := "text/plain; charset=utf-8"
	if json.Valid([]byte(b.Body)) {
		kind = "application/json; charset=utf-8"
	}
	w.Header().Set("Content-Type", kind)
	w.WriteHeader(b.Status)
	_, _ = io.WriteString(w, b.Body)
	return false
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

// record keeps a message in the inbox, without what is a credential in it: of
// a webhook's path, and of a form's token.
func (s *Server) record(r *http.Request, m *message, provider, path string, body []byte) {
	if s.opts.Inbox == nil {
		return
	}
	in := inbox.FromRequest(r, body)
	in.Channel, in.Provider, in.Status, in.Path = "slack", provider, http.StatusOK, path
	in.From, in.To, in.Text = "Waypost", "#"+m.to.Name, m.args.Text
	if m.to.ID[0] == 'U' {
		in.To = "@" + m.to.Name
	}
	in.Blocks, in.Thread = m.args.Blocks, m.args.ThreadTS
	s.opts.Inbox.Add(in)
}
