// Package sink is where examples and tests send webhooks: it accepts any
// request, keeps it in the inbox, and answers 200. Beside it stands a small
// loyalty service, for awards that must not be given twice.
//
// A request's own query can ask the sink to misbehave, so that retries and
// refusals can be seen without code: sink-status (an HTTP status),
// sink-retry-after (a header's value), sink-delay (a Go duration, 60 s at
// most), sink-size (a body of so many bytes, 16 MiB at most), sink-location
// (a redirect), sink-type (a content type; anything but JSON gets a body that
// is not JSON), sink-lost (a status that is answered once the work is done, by
// the services that do any). Tests in Go use Options.Behave.
//
// Where a request has the header Waypost-Callback, what became of it is
// reported there, on this machine alone: accepted, then delivered, or what
// sink-report says (undelivered, sent, read, or none).
package sink

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/waypost/waypost/infra/providers/callbacks"
	"github.com/waypost/waypost/infra/providers/inbox"
)

const (
	maxRequest = 10 << 20
	maxSize    = 16 << 20
	maxDelay   = 60 * time.Second
)

// A Recorder is told of every request. An inbox.Store is one.
type Recorder interface {
	Add(inbox.Message) int64
}

// A Behaviour is how the sink treats one request. The zero value answers 200
// with {"ok":true}.
type Behaviour struct {
	Status     int           // 0 means 200
	RetryAfter string        // a header, if not empty
	Delay      time.Duration // before the answer
	Hold       <-chan struct{}
	Lost       int    // a status that is answered after the work was done; of those that do any
	Hang       bool   // closes the connection instead of an answer
	Size       int    // bytes of the body, if not 0
	Location   string // a redirect's target
	Type       string // content type; not JSON's means a body that is not JSON
	Body       string // the answer, if not empty
	Report     string // the last status that is reported; "none" means no report, empty delivered
}

// Options are a Sink's settings; the zero value records nothing.
type Options struct {
	Inbox   Recorder
	Behave  func(*http.Request) Behaviour // nil means that the query alone decides
	Channel string                        // of a Sink's messages; empty means "webhook"
	// Callbacks sends reports; nil sends none.
	Callbacks   *callbacks.Sender
	CallbackKey string // what they are signed with, whsec_…; empty means CallbackKey
}

// A Sink accepts any request. Make one with New.
type Sink struct{ opts Options }

// New makes a Sink.
func New(o Options) *Sink {
	if o.Channel == "" {
		o.Channel = "webhook"
	}
	return &Sink{o}
}

// ServeHTTP keeps a request and answers it.
func (s *Sink) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	b, err := asked(r.URL.Query())
	if err != "" {
		writeJSON(w, http.StatusBadRequest, map[string]any{"ok": false, "error": err})
		return
	}
	if s.opts.Behave != nil {
		b = s.opts.Behave(r)
	}
	body, readErr := io.ReadAll(http.MaxBytesReader(w, r.Body, maxRequest))
	if readErr != nil {
		writeJSON(w, http.StatusRequestEntityTooLarge, map[string]any{"ok": false, "error": "the body could not be read, or is over 10 MiB"})
		return
	}
	if b.Status == 0 {
		b.Status = http.StatusOK
		if b.Location != "" {
			b.Status = http.StatusFound
		}
	}
	seq := record(s.opts.Inbox, r, body, s.opts.Channel, "sink", "", b.Status)
	if b.Status < 300 {
		s.opts.report(r, b, fmt.Sprintf("sink-%d", seq))
	}
	if !wait(r.Context(), b) || b.Hang {
		panic(http.ErrAbortHandler) // closes the connection without an answer
	}
	answer(w, b, seq)
}

// asked reads what the query asks for, or says what is wrong with it.
func asked(q url.Values) (b Behaviour, problem string) {
	b = Behaviour{RetryAfter: q.Get("sink-retry-after"), Location: q.Get("sink-location"), Type: q.Get("sink-type"), Report: q.Get("sink-report")}
	if !slices.Contains([]string{"", "delivered", "undelivered", "sent", "read", "none"}, b.Report) {
		return b, "sink-report must be delivered, undelivered, sent, read or none"
	}
	var err error
	if v := q.Get("sink-status"); v != "" {
		if b.Status, err = strconv.Atoi(v); err != nil || b.Status < 200 || b.Status > 599 {
			return b, "sink-status must be an HTTP status from 200 to 599"
		}
	}
	if v := q.Get("sink-lost"); v != "" {
		if b.Lost, err = strconv.Atoi(v); err != nil || b.Lost < 400 || b.Lost > 599 {
			return b, "sink-lost must be an HTTP status from 400 to 599"
		}
	}
	if v := q.Get("sink-delay"); v != "" {
		if b.Delay, err = time.ParseDuration(v); err != nil || b.Delay < 0 || b.Delay > maxDelay {
			return b, "sink-delay must be a duration from 0s to 60s, such as 1500ms"
		}
	}
	if v := q.Get("sink-size"); v != "" {
		if b.Size, err = strconv.Atoi(v); err != nil || b.Size < 0 || b.Size > maxSize {
			return b, "sink-size must be a number of bytes, 16777216 at most"
		}
	}
	return b, ""
}

// wait holds the answer back; it gives false where the caller left first.
func wait(ctx context.Context, b Behaviour) bool {
	if b.Hold != nil {
		select {
		case <-b.Hold:
		case <-ctx.Done():
			return false
		}
	}
	if b.Delay > 0 {
		t := time.NewTimer(b.Delay)
		defer t.Stop()
		select {
		case <-t.C:
		case <-ctx.Done():
			return false
		}
	}
	return true
}

func answer(w http.ResponseWriter, b Behaviour, seq int64) {
	h := w.Header()
	if b.RetryAfter != "" {
		h.Set("Retry-After", b.RetryAfter)
	}
	if b.Location != "" {
		h.Set("Location", b.Location)
	}
	if b.Type == "" {
		b.Type = "application/json"
	}
	h.Set("Content-Type", b.Type)
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(b.Status)
	switch {
	case b.Body != "":
		_, _ = io.WriteString(w, b.Body)
	case b.Size > 0:
		fill(w, b.Size)
	case !strings.Contains(b.Type, "json"):
		_, _ = io.WriteString(w, "this is not JSON")
	case b.Status != http.StatusNoContent && b.Status != http.StatusNotModified:
		_ = json.NewEncoder(w).Encode(map[string]any{"ok": b.Status < 400, "received": seq})
	}
}

// fill writes a JSON string of exactly size bytes, for size from 2 on.
func fill(w io.Writer, size int) {
	size = max(size, 2)
	chunk := strings.Repeat("x", 32<<10)
	_, err := io.WriteString(w, `"`)
	for left := size - 2; left > 0 && err == nil; left -= len(chunk) {
		_, err = io.WriteString(w, chunk[:min(left, len(chunk))])
	}
	_, _ = io.WriteString(w, `"`)
}

// record keeps a request in the inbox, and gives its number, 0 without one.
func record(to Recorder, r *http.Request, body []byte, channel, provider, title string, status int) int64 {
	if to == nil {
		return 0
	}
	m := inbox.FromRequest(r, body)
	m.Channel, m.Provider, m.Title, m.Status = channel, provider, title, status
	return to.Add(m)
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}
