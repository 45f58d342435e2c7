// Package sinch is a stand-in for the batches of Sinch's SMS REST API, version
// 1, that keeps its wire contract: JSON under a bearer token, one service plan,
// the documented members and error codes. Conversation is one for Sinch's
// Conversation API. They text nobody; what they accept goes to the inbox, a
// message for each recipient.
//
// A number that is not magic is accepted where it is well formed, so that
// examples need no account. The magic ones are of the range that Sweden keeps
// for fiction; each is an exported constant with what it does in a batch. What
// else it does by the Conversation API stands behind the bar.
//
// Delivery reports go to a callback_url on this machine, signed with the
// webhook secret. Not promised: groups (there are none), campaigns, media and
// binary messages, updates, inbound messages, and carriers: a message counts as
// delivered at once. Rules and codes are those of Sinch's OpenAPI description
// of the SMS API and of its page on status codes.
package sinch

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/waypost/waypost/infra/providers/callbacks"
	"github.com/waypost/waypost/infra/providers/inbox"
)

// The stand-in's service plan, for examples. No such plan exists at Sinch.
const (
	ServicePlanID = "00000000000000000000000000000000"
	Token         = "not-a-real-token-for-the-local-sinch"
)

// Numbers in to that are magic.
const (
	Invalid     = "+46701740611" // 400 syntax_invalid_parameter_format | 400 INVALID_ARGUMENT
	IllegalType = "+46701740612" // 403 illegal_number_type | accepted
	OptedOut    = "+46701740613" // accepted; its delivery report says Deleted
	RateLimited = "+46701740614" // 429 | 429 RESOURCE_EXHAUSTED
	Outage      = "+46701740615" // 500, and nothing is accepted
	LateOutage  = "+46701740616" // 500, and the message is accepted: the ambiguous case
	Silent      = "+46701740617" // accepted, and the connection closes without an answer
	Unavailable = "+46701740618" // accepted | 503 UNAVAILABLE, and nothing is accepted
	Unreachable = "+46701740619" // accepted; its delivery report says Failed
)

// Numbers in from that are magic.
const (
	BlockedAccount = "+46701740621" // 403 blocked_account | 403 PERMISSION_DENIED
	NotAllowed     = "+46701740622" // 403 without a body
	NoChannel      = "+46701740623" // accepted | 400 FAILED_PRECONDITION
)

const (
	capacity   = 1000      // batches that are kept for reading
	maxRequest = 256 << 10 // bytes of a batch
)

// A Recorder is told of every message that was accepted. An inbox.Store is one.
type Recorder interface {
	Add(inbox.Message) int64
}

// Options are a Server's settings; the zero value serves ServicePlanID.
type Options struct {
	Inbox Recorder         // nil records nothing
	Now   func() time.Time // nil means time.Now
	// Callbacks sends delivery reports; nil sends none.
	Callbacks     *callbacks.Sender
	WebhookSecret string // what they are signed with; empty means WebhookSecret
}

// A Server serves the API. Make one with New. It is safe for concurrent use.
type Server struct {
	opts Options
	mux  *http.ServeMux

	mu      sync.Mutex
	batches map[string]*batch // by id
	order   []string          // ids, oldest first
}

// New makes a Server without batches.
func New(o Options) *Server {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.WebhookSecret == "" {
		o.WebhookSecret = WebhookSecret
	}
	s := &Server{opts: o, mux: http.NewServeMux(), batches: map[string]*batch{}}
	const base = "/xms/v1/" + ServicePlanID + "/batches"
	s.mux.HandleFunc("POST "+base, s.send)
	s.mux.HandleFunc("GET "+base+"/{batch}", s.read)
	s.mux.HandleFunc("DELETE "+base+"/{batch}", s.cancel)
	s.mux.HandleFunc("GET "+base+"/{batch}/delivery_report", s.report)
	s.mux.HandleFunc("/", notFound)
	return s
}

// ServeHTTP authenticates a request and answers it. Another's service plan is
// as one that does not exist.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !ok || !equal(token, Token) {
		w.WriteHeader(http.StatusUnauthorized) // Sinch says no more
		return
	}
	s.mux.ServeHTTP(w, r)
}

func equal(a, b string) bool {
	x, y := sha256.Sum256([]byte(a)), sha256.Sum256([]byte(b))
	return subtle.ConstantTimeCompare(x[:], y[:]) == 1
}

// send is POST batches.
func (s *Server) send(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxRequest))
	if err != nil {
		w.WriteHeader(http.StatusRequestEntityTooLarge)
		return
	}
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		w.WriteHeader(http.StatusUnsupportedMediaType)
		return
	}
	b, p := newBatch(body, s.opts.Now().UTC())
	if p != nil {
		writeProblem(w, p)
		return
	}
	switch {
	case b.has(RateLimited):
		w.WriteHeader(http.StatusTooManyRequests)
		return
	case b.has(Outage):
		http.Error(w, "upstream connect error", http.StatusInternalServerError)
		return
	}
	s.keep(b)
	s.record(r, body, b)
	s.callBack(b)
	switch {
	case b.has(LateOutage):
		http.Error(w, "upstream connect error", http.StatusInternalServerError)
	case b.has(Silent):
		panic(http.ErrAbortHandler) // closes the connection without an answer
	default:
		writeJSON(w, http.StatusCreated, b)
	}
}

func (s *Server) record(r *http.Request, body []byte, b *batch) {
	if s.opts.Inbox == nil {
		return
	}
	for _, to := range b.To {
		in := inbox.FromRequest(r, body)
		in.Channel, in.Provider, in.Status = "sms", "sinch", http.StatusCreated
		in.To, in.Text, in.From = "+"+strings.TrimPrefix(to, "+"), b.textFor(to), b.From
		s.opts.Inbox.Add(in)
	}
}

// keep stores a batch, and drops the oldest where there are too many.
func (s *Server) keep(b *batch) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.order) >= capacity {
		delete(s.batches, s.order[0])
		s.order = s.order[1:]
	}
	s.batches[b.ID] = b
	s.order = append(s.order, b.ID)
}

// A problem is an error as Sinch reports it.
type problem struct {
	status     int
	code, text string
}

func malformed(format string, args ...any) *problem {
	return &problem{http.StatusBadRequest, "syntax_invalid_parameter_format", fmt.Sprintf(format, args...)}
}

func violated(format string, args ...any) *problem {
	return &problem{http.StatusBadRequest, "syntax_constraint_violation", fmt.Sprintf(format, args...)}
}

func forbidden(code, format string, args ...any) *problem {
	return &problem{http.StatusForbidden, code, fmt.Sprintf(format, args...)}
}

func writeProblem(w http.ResponseWriter, p *problem) {
	if p.code == "" {
		w.WriteHeader(p.status)
		return
	}
	writeJSON(w, p.status, map[string]string{"code": p.code, "text": p.text})
}

func notFound(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotFound) }

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}

// newID makes a batch's id: 26 characters, as a ULID has.
func newID() string { return "01" + rand.Text()[:24] }
