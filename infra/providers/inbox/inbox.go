// Package inbox keeps what the providers' stand-ins received, and shows it: a
// person who tries Waypost on one machine sees here each text, webhook and
// award as its recipient would.
//
// The store is bounded and in memory. It redacts credentials before it keeps
// anything: of an Authorization header the scheme alone remains.
package inbox

import (
	"crypto/rand"
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
)

// Bounds of the store.
const (
	defaultCapacity = 500
	maxBody         = 64 << 10 // bytes of one message's body or text
	maxHeaders      = 60
	maxHeader       = 2 << 10 // bytes of one header's value, or of a path
)

// A Message is one thing that a stand-in received.
type Message struct {
	Seq      int64     `json:"seq"` // from 1, given by the store
	At       time.Time `json:"at"`  // zero is filled in by the store
	Channel  string    `json:"channel"`
	Provider string    `json:"provider,omitempty"`
	From     string    `json:"from,omitempty"`
	To       string    `json:"to,omitempty"`
	Title    string    `json:"title,omitempty"`
	Text     string    `json:"text,omitempty"` // as the recipient reads it
	Method   string    `json:"method,omitempty"`
	Path     string    `json:"path,omitempty"` // with its query
	Headers  []Header  `json:"headers,omitempty"`
	Body     string    `json:"body,omitempty"` // as it was sent
	Cut      bool      `json:"cut,omitempty"`  // the body was longer than the store keeps
	Status   int       `json:"status,omitempty"`
	// Blocks, of a message to Slack, are its blocks, a JSON array; Thread is
	// the ts of the message that it answers.
	Blocks json.RawMessage `json:"blocks,omitempty"`
	Thread string          `json:"thread,omitempty"`
	// Points is what an award came to.
	Points *Points `json:"points,omitempty"`
	// Screen is what a screen then showed.
	Screen *Screen `json:"screen,omitempty"`
}

// A Screen is a screen, or a group of them, with its content.
type Screen struct {
	Name       string    `json:"name"`
	Headline   string    `json:"headline"`
	Text       string    `json:"text,omitempty"`
	Version    int64     `json:"version"`
	ValidUntil time.Time `json:"validUntil"`
}

// Points are a member's, once an award was made.
type Points struct {
	Member    string `json:"member"`
	Given     int64  `json:"given"` // 0 for a repeat
	Balance   int64  `json:"balance"`
	Reference string `json:"reference"`
}

// A Header is one header line.
type Header struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// FromRequest begins a message with what a request says: method, path, headers
// and body. Credentials are already redacted in it.
func FromRequest(r *http.Request, body []byte) Message {
	m := Message{Method: r.Method, Path: redactQuery(r.URL), Body: string(body)}
	for _, name := range slices.Sorted(maps.Keys(r.Header)) {
		for _, v := range r.Header[name] {
			if len(m.Headers) < maxHeaders {
				m.Headers = append(m.Headers, Header{name, redact(name, v)})
			}
		}
	}
	return m
}

// redact hides what may be a credential; of an Authorization its scheme stays.
func redact(name, value string) string {
	switch {
	case strings.EqualFold(name, "Authorization"), strings.EqualFold(name, "Proxy-Authorization"):
		scheme, _, ok := strings.Cut(value, " ")
		if !ok {
			return "…"
		}
		return scheme + " …"
	case secretive(name):
		return "…"
	case len(value) > maxHeader:
		return value[:maxHeader] + "…"
	}
	return value
}

// secretive says whether a header or query parameter of this name is likely to
// hold a credential. An idempotency key is none.
func secretive(name string) bool {
	name = strings.ToLower(name)
	if strings.Contains(name, "idempotency") {
		return false
	}
	for _, part := range []string{"key", "token", "secret", "cookie", "password", "auth", "credential"} {
		if strings.Contains(name, part) {
			return true
		}
	}
	return false
}

func redactQuery(u *url.URL) string {
	path := u.EscapedPath()
	if len(path) > maxHeader {
		path = path[:maxHeader] + "…"
	}
	if u.RawQuery == "" {
		return path
	}
	parts := strings.Split(u.RawQuery, "&")
	for i, p := range parts {
		if name, _, ok := strings.Cut(p, "="); ok && secretive(name) {
			parts[i] = name + "=…"
		}
	}
	query := strings.Join(parts, "&")
	if len(query) > maxHeader {
		query = query[:maxHeader] + "…"
	}
	return path + "?" + query
}

// A Store keeps the latest messages. Make one with New. It is safe for
// concurrent use.
type Store struct {
	session string // tells a page that the runtime was started anew
	now     func() time.Time

	mu       sync.Mutex
	capacity int
	last     int64
	messages []Message // oldest first
}

// Options are a Store's settings; the zero value is useful.
type Options struct {
	Capacity int              // messages; 0 means 500
	Now      func() time.Time // nil means time.Now
}

// New makes an empty Store.
func New(o Options) *Store {
	s := &Store{session: rand.Text()[:8], now: o.Now, capacity: o.Capacity}
	if s.now == nil {
		s.now = time.Now
	}
	if s.capacity <= 0 {
		s.capacity = defaultCapacity
	}
	return s
}

// Add keeps a message, and drops the oldest where the store is full. It gives
// the message's number.
func (s *Store) Add(m Message) int64 {
	if len(m.Body) > maxBody {
		m.Body, m.Cut = strings.ToValidUTF8(m.Body[:maxBody], ""), true
	}
	if len(m.Text) > maxBody {
		m.Text = strings.ToValidUTF8(m.Text[:maxBody], "")
	}
	if len(m.Blocks) > maxBody {
		m.Blocks = nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last++
	m.Seq = s.last
	if m.At.IsZero() {
		m.At = s.now()
	}
	if len(s.messages) == s.capacity {
		copy(s.messages, s.messages[1:])
		s.messages = s.messages[:s.capacity-1]
	}
	s.messages = append(s.messages, m)
	return m.Seq
}

// Since gives the messages with a number above seq, newest first.
func (s *Store) Since(seq int64) []Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := []Message{}
	for _, m := range slices.Backward(s.messages) {
		if m.Seq <= seq {
			break
		}
		out = append(out, m)
	}
	return out
}

// Clear drops all messages. Numbers go on where they were.
func (s *Store) Clear() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.messages = nil
}
