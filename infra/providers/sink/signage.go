package sink

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net/http"
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/waypost/waypost/infra/providers/inbox"
)

const maxScreens = 1000

// A Signage is a stand-in for the service of a shop's screens:
//
//	PUT …/v1/screens/{screen}, …/v1/groups/{screen}  {"headline","text","version","validUntil"} → 200 {"screen","version"}
//	GET …/v1/screens/{screen}, …/v1/groups/{screen}  → what is shown, or 404
//
// It wants a bearer token, any, and JSON with these members, of which text alone may be
// absent, and no others. A version that is not above the one shown is refused
// (409, with "version" the one shown), but for a repeat of the same message; a
// message that is not valid any more is refused (422). Behaviour is as the
// Loyalty's. Make one with NewSignage.
type Signage struct {
	opts Options
	now  func() time.Time

	mu    sync.Mutex
	shown *lru.Cache[string, content]
}

type content struct {
	Headline   string    `json:"headline"`
	Text       string    `json:"text,omitempty"`
	Version    int64     `json:"version"`
	ValidUntil time.Time `json:"validUntil"`
}

// NewSignage makes a Signage whose screens are empty.
func NewSignage(o Options) *Signage {
	shown, _ := lru.New[string, content](maxScreens) // fails only for a size that is not positive
	return &Signage{opts: o, now: time.Now, shown: shown}
}

// Handler serves the service below a prefix, such as /providers/signage.
func (s *Signage) Handler(prefix string) http.Handler {
	mux := http.NewServeMux()
	for _, kind := range []string{"screens", "groups"} {
		mux.HandleFunc("PUT "+prefix+"/v1/"+kind+"/{screen}", func(w http.ResponseWriter, r *http.Request) { s.put(w, r, kind) })
		mux.HandleFunc("GET "+prefix+"/v1/"+kind+"/{screen}", func(w http.ResponseWriter, r *http.Request) { s.get(w, r, kind) })
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		refuse(w, http.StatusNotFound, "there is no "+r.Method+" "+r.URL.Path)
	})
	return authorized(mux)
}

func (s *Signage) put(w http.ResponseWriter, r *http.Request, kind string) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxAward))
	if err != nil {
		refuse(w, http.StatusRequestEntityTooLarge, "the body could not be read, or is over 64 KiB")
		return
	}
	b, fine := behaviour(w, r, s.opts.Behave)
	if !fine {
		return
	}
	m := inbox.FromRequest(r, body)
	m.Channel, m.Status, m.Title = "signage", b.Status, "not shown"
	answered := map[string]any{}
	if b.Status == 0 {
		c, status, problem := s.show(kind, r, body)
		m.Status, answered = status, map[string]any{"screen": r.PathValue("screen"), "version": c.Version}
		if problem != "" {
			m.Title, answered["error"] = problem, problem
		} else {
			m.Title = fmt.Sprintf("%s %s shows version %d", kind[:len(kind)-1], r.PathValue("screen"), c.Version)
			m.Screen = &inbox.Screen{Name: r.PathValue("screen"), Headline: c.Headline, Text: c.Text, Version: c.Version, ValidUntil: c.ValidUntil}
		}
	}
	if s.opts.Inbox != nil {
		s.opts.Inbox.Add(m)
	}
	if m.Screen != nil {
		s.opts.report(r, b, "")
	}
	if !wait(r.Context(), b) || b.Hang {
		panic(http.ErrAbortHandler)
	}
	switch {
	case b.Status != 0:
		answer(w, b, 0)
	case b.Lost != 0:
		refuse(w, b.Lost, "the message is shown, and its answer was lost")
	default:
		writeJSON(w, m.Status, answered)
	}
}

// show gives what the screen shows then, and why it is not what was asked for.
func (s *Signage) show(kind string, r *http.Request, body []byte) (_ content, status int, problem string) {
	if media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || media != "application/json" {
		return content{}, http.StatusUnsupportedMediaType, "the Content-Type must be application/json"
	}
	var c content
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&c); err != nil || dec.More() {
		return content{}, http.StatusBadRequest, "the body must be a JSON object with headline, text, version (a whole number) and validUntil (RFC 3339), and nothing else"
	}
	if c.Headline == "" || c.Version < 1 || c.ValidUntil.IsZero() {
		return content{}, http.StatusUnprocessableEntity, "headline, version and validUntil must be given"
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	key := kind + "/" + r.PathValue("screen")
	before, _ := s.shown.Get(key)
	switch {
	case before == c:
		return before, http.StatusOK, ""
	case c.Version <= before.Version:
		return before, http.StatusConflict, "the screen shows a newer message"
	case !s.now().Before(c.ValidUntil):
		return before, http.StatusUnprocessableEntity, "the message is not valid any more"
	}
	s.shown.Add(key, c)
	return c, http.StatusOK, ""
}

func (s *Signage) get(w http.ResponseWriter, r *http.Request, kind string) {
	s.mu.Lock()
	c, ok := s.shown.Get(kind + "/" + r.PathValue("screen"))
	s.mu.Unlock()
	if !ok {
		refuse(w, http.StatusNotFound, "the screen shows nothing")
		return
	}
	writeJSON(w, http.StatusOK, c)
}
