package sink

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
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
//	GET  …/v1/members/{member}  → {"member","points"}
//
// An award must have an Idempotency-Key. A repeat under the same key with the
// same body gets the first answer, with Idempotency-Replayed: true, and gives
// nothing more; with another body it is refused (422). "points" in an answer
// is the member's balance. Make one with NewLoyalty.
type Loyalty struct {
	inbox  Recorder
	behave func(*http.Request) Behaviour

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
	return &Loyalty{inbox: o.Inbox, behave: o.Behave, awards: awards, balances: balances}
}

// Handler serves the service below a prefix, such as /providers/loyalty.
func (l *Loyalty) Handler(prefix string) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST "+prefix+"/v1/awards", l.serveAward)
	mux.HandleFunc("GET "+prefix+"/v1/members/{member}", l.serveMember)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		refuse(w, http.StatusNotFound, "there is no "+r.Method+" "+r.URL.Path)
	})
	return mux
}

func (l *Loyalty) serveAward(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxAward))
	if err != nil {
		refuse(w, http.StatusRequestEntityTooLarge, "the body could not be read, or is over 64 KiB")
		return
	}
	var b Behaviour
	if l.behave != nil {
		b = l.behave(r)
	}
	if b.Status != 0 && b.Status != http.StatusCreated {
		l.record(r, body, "", b.Status)
		if !wait(r.Context(), b) || b.Hang {
			panic(http.ErrAbortHandler)
		}
		answer(w, b, 0)
		return
	}
	made, replayed, status, problem := l.give(r.Header.Get("Idempotency-Key"), body)
	title := problem
	switch {
	case replayed:
		title = "repeated: nothing more was given"
	case problem == "":
		title = fmt.Sprintf("%d points to %s", made.Awarded, made.Member)
	}
	l.record(r, body, title, status)
	// Held or hung up after the award was made: the ambiguous case.
	if !wait(r.Context(), b) || b.Hang {
		panic(http.ErrAbortHandler)
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
func (l *Loyalty) give(key string, body []byte) (made award, replayed bool, status int, problem string) {
	var in struct {
		Member    string `json:"member"`
		Points    int64  `json:"points"`
		Reference string `json:"reference"`
	}
	if key == "" || len(key) > 255 {
		return made, false, http.StatusBadRequest, "an award must have an Idempotency-Key header of 1 to 255 characters"
	}
	if err := json.Unmarshal(body, &in); err != nil {
		return made, false, http.StatusBadRequest, "the body must be a JSON object with member, points (a whole number) and reference"
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

func (l *Loyalty) record(r *http.Request, body []byte, title string, status int) {
	record(l.inbox, r, body, "loyalty", "", title, status)
}

func refuse(w http.ResponseWriter, status int, problem string) {
	writeJSON(w, status, map[string]any{"error": problem})
}

var _ Recorder = (*inbox.Store)(nil)
