package sink

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"
	"sync"

	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/waypost/waypost/infra/providers/inbox"
)

// Bounds of the loyalty service's memory: awards and members, of which the
// least recently used are forgotten.
const (
	maxAwards  = 10000
	maxMembers = 10000
	maxAward   = 64 << 10 // bytes of a request
)

// A Loyalty is a stand-in for a loyalty service:
//
//	POST …/v1/awards            {"member","points","reference"} → 201 {"award","member","awarded","points","reference"}
//	GET  …/v1/awards/{key}      → 200 as that answer, or 404: what became of an award
//	GET  …/v1/members/{member}  → {"member","points"}
//
// It wants a bearer token, any, and of an award JSON with these members and no
// others. An award must have an Idempotency-Key. A repeat under the same key with the
// same body gets the first answer, with Idempotency-Replayed: true, and gives
// nothing more; with another body it is refused (422). "points" in an answer
// is the member's balance. A request's own query can ask it to misbehave as it
// asks the Sink; sink-status=503 comes before anything is given, sink-lost=503
// after it: the ambiguous case. Make one with NewLoyalty.
type Loyalty struct {
	opts Options

	mu       sync.Mutex
	awards   *lru.Cache[string, given]
	balances *lru.Cache[string, int64]
}

// given is an award that was made, and the answer to it.
type given struct {
	request []byte
	award   award
}

type award struct {
	Award     string `json:"award"`
	Member    string `json:"member"`
	Awarded   int64  `json:"awarded"`
	Points    int64  `json:"points"`
	Reference string `json:"reference"`
}

// NewLoyalty makes a Loyalty without members.
func NewLoyalty(o Options) *Loyalty {
	// New fails only for a size that is not positive.
	awards, _ := lru.New[string, given](maxAwards)
	balances, _ := lru.New[string, int64](maxMembers)
	return &Loyalty{opts: o, awards: awards, balances: balances}
}

// Handler serves the service below a prefix, such as /providers/loyalty.
func (l *Loyalty) Handler(prefix string) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST "+prefix+"/v1/awards", l.serveAward)
	mux.HandleFunc("GET "+prefix+"/v1/awards/{key}", l.serveLookup)
	mux.HandleFunc("GET "+prefix+"/v1/members/{member}", l.serveMember)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		refuse(w, http.StatusNotFound, "there is no "+r.Method+" "+r.URL.Path)
	})
	return authorized(mux)
}

// authorized asks for a bearer token, and takes any.
func authorized(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if token, found := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); !found || token == "" {
			w.Header().Set("WWW-Authenticate", "Bearer")
			refuse(w, http.StatusUnauthorized, "there is no bearer token")
			return
		}
		next.ServeHTTP(w, r)
	})
}

// behaviour is what the tests, or else the request's own query, ask for.
func behaviour(w http.ResponseWriter, r *http.Request, behave func(*http.Request) Behaviour) (Behaviour, bool) {
	if behave != nil {
		return behave(r), true
	}
	b, problem := asked(r.URL.Query())
	if problem != "" {
		refuse(w, http.StatusBadRequest, problem)
	}
	return b, problem == ""
}

func (l *Loyalty) serveAward(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxAward))
	if err != nil {
		refuse(w, http.StatusRequestEntityTooLarge, "the body could not be read, or is over 64 KiB")
		return
	}
	b, fine := behaviour(w, r, l.opts.Behave)
	if !fine {
		return
	}
	if b.Status != 0 && b.Status != http.StatusCreated {
		l.record(r, body, "", b.Status, nil)
		if !wait(r.Context(), b) || b.Hang {
			panic(http.ErrAbortHandler)
		}
		answer(w, b, 0)
		return
	}
	made, replayed, status, problem := l.give(r.Header, body)
	title := problem
	var points *inbox.Points
	if problem == "" {
		title = fmt.Sprintf("%d points to %s", made.Awarded, made.Member)
		points = &inbox.Points{Member: made.Member, Given: made.Awarded, Balance: made.Points, Reference: made.Reference}
	}
	if replayed {
		title, points.Given = "repeated: nothing more was given", 0
	}
	l.record(r, body, title, status, points)
	if problem == "" {
		l.opts.report(r, b, made.Award)
	}
	// Held or hung up after the award was made: the ambiguous case.
	if !wait(r.Context(), b) || b.Hang {
		panic(http.ErrAbortHandler)
	}
	if b.Lost != 0 {
		refuse(w, b.Lost, "the award was made, and its answer was lost")
		return
	}
	if problem != "" {
		refuse(w, status, problem)
		return
	}
	if replayed {
		w.Header().Set("Idempotency-Replayed", "true")
	}
	writeJSON(w, status, made)
}

// give makes an award once per key.
func (l *Loyalty) give(header http.Header, body []byte) (made award, replayed bool, status int, problem string) {
	var in struct {
		Member    string `json:"member"`
		Points    int64  `json:"points"`
		Reference string `json:"reference"`
	}
	if media, _, err := mime.ParseMediaType(header.Get("Content-Type")); err != nil || media != "application/json" {
		return made, false, http.StatusUnsupportedMediaType, "the Content-Type must be application/json"
	}
	key := header.Get("Idempotency-Key")
	if key == "" || len(key) > 255 {
		return made, false, http.StatusBadRequest, "an award must have an Idempotency-Key header of 1 to 255 characters"
	}
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&in); err != nil || dec.More() {
		return made, false, http.StatusBadRequest, "the body must be a JSON object with member, points (a whole number) and reference, and nothing else"
	}
	if in.Member == "" || in.Reference == "" || in.Points < 1 || in.Points > 1_000_000 {
		return made, false, http.StatusUnprocessableEntity, "member and reference must not be empty, and points must be 1 to 1000000"
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if before, ok := l.awards.Get(key); ok {
		if !bytes.Equal(before.request, body) {
			return made, false, http.StatusUnprocessableEntity, "this Idempotency-Key was used for another award"
		}
		return before.award, true, http.StatusCreated, ""
	}
	balance, _ := l.balances.Get(in.Member)
	balance += in.Points
	l.balances.Add(in.Member, balance)
	made = award{Award: "aw_" + rand.Text(), Member: in.Member, Awarded: in.Points, Points: balance, Reference: in.Reference}
	l.awards.Add(key, given{body, made})
	return made, false, http.StatusCreated, ""
}

// serveLookup says what became of the award under a key.
func (l *Loyalty) serveLookup(w http.ResponseWriter, r *http.Request) {
	l.mu.Lock()
	before, ok := l.awards.Get(r.PathValue("key"))
	l.mu.Unlock()
	if !ok {
		refuse(w, http.StatusNotFound, "there is no award under this key")
		return
	}
	writeJSON(w, http.StatusOK, before.award)
}

func (l *Loyalty) serveMember(w http.ResponseWriter, r *http.Request) {
	member := r.PathValue("member")
	l.mu.Lock()
	balance, ok := l.balances.Get(member)
	l.mu.Unlock()
	if !ok {
		refuse(w, http.StatusNotFound, "there is no such member")
		return
	}
	writeJSON(w, http.StatusOK, map[string]any{"member": member, "points": balance})
}

func (l *Loyalty) record(r *http.Request, body []byte, title string, status int, points *inbox.Points) {
	if l.opts.Inbox == nil {
		return
	}
	m := inbox.FromRequest(r, body)
	m.Channel, m.Title, m.Status, m.Points = "loyalty", title, status, points
	l.opts.Inbox.Add(m)
}

func refuse(w http.ResponseWriter, status int, problem string) {
	writeJSON(w, status, map[string]any{"error": problem})
}

var _ Recorder = (*inbox.Store)(nil)
