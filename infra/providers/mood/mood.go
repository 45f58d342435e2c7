// Package mood lets a provider's stand-in be told to misbehave, in the same
// ways for each: to be slow, flaky, rate-limited or down. Between two tellings
// it behaves the same each time, so that what follows can be foretold.
package mood

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/waypost/waypost/shared/action"
)

// A Mode is a way to behave.
type Mode string

const (
	// OK is as the provider would be.
	OK Mode = "ok"
	// Slow answers as the provider would, Delay later.
	Slow Mode = "slow"
	// Flaky fails at every other request, from the first: in turn with a 500
	// before it took anything, and with a connection that closes without an
	// answer after it did, the ambiguous case.
	Flaky Mode = "flaky"
	// RateLimited takes nothing: 429, with Delay as Retry-After.
	RateLimited Mode = "rateLimited"
	// Down takes nothing: 503, as a gateway says it.
	Down Mode = "down"
)

// MaxDelay is the longest Delay.
const MaxDelay = time.Minute

// A Mood is what a stand-in is told.
type Mood struct {
	Mode Mode `json:"mode"`
	// Delay is how long Slow waits, or RateLimited asks to wait; absent they
	// are 5 s and 1 s.
	Delay action.Duration `json:"delay,omitzero"`
	// For is how long the mood lasts; absent it is until the next one.
	For action.Duration `json:"for,omitzero"`
}

// check says what is wrong with a mood, or "".
func (m Mood) check() string {
	modes := []Mode{OK, Slow, Flaky, RateLimited, Down}
	switch {
	case !slices.Contains(modes, m.Mode):
		return `mode must be one of ok, slow, flaky, rateLimited and down, such as {"mode": "slow", "delay": "3s", "for": "1m"}`
	case m.Delay < 0 || time.Duration(m.Delay) > MaxDelay:
		return fmt.Sprintf("delay must be a duration from 0s to %v, such as 3s", MaxDelay)
	case m.Delay != 0 && m.Mode != Slow && m.Mode != RateLimited:
		return "delay is for slow and rateLimited alone; leave it out"
	case m.For < 0:
		return "for must be a duration, such as 1m"
	case m.For != 0 && m.Mode == OK:
		return "for is not for ok, which lasts; leave it out"
	}
	return ""
}

// Refuse answers as a provider does that takes nothing: with 429, 500 or 503
// in its own words.
type Refuse func(w http.ResponseWriter, r *http.Request, status int)

// A Keeper stands before a stand-in and keeps its mood. Make one with New. It
// is safe for concurrent use.
type Keeper struct {
	next   http.Handler
	refuse Refuse

	mu    sync.Mutex
	mood  Mood
	until time.Time // zero for a mood that lasts
	count int       // requests since it was told
}

// New makes a Keeper for a stand-in that is ok.
func New(next http.Handler, refuse Refuse) *Keeper {
	return &Keeper{next: next, refuse: refuse, mood: Mood{Mode: OK}}
}

// Set tells the stand-in its mood.
func (k *Keeper) Set(m Mood) error {
	if wrong := m.check(); wrong != "" {
		return fmt.Errorf("the mood is not valid: %s", wrong)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.mood, k.count, k.until = m, 0, time.Time{}
	if m.For > 0 {
		k.until = time.Now().Add(time.Duration(m.For))
	}
	return nil
}

// Mood gives the present mood, with how long it still lasts.
func (k *Keeper) Mood() Mood {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.present()
}

func (k *Keeper) present() Mood {
	if k.until.IsZero() {
		return k.mood
	}
	left := time.Until(k.until)
	if left <= 0 {
		return Mood{Mode: OK}
	}
	m := k.mood
	m.For = action.Duration(left)
	return m
}

// ServeHTTP serves the stand-in in its mood.
func (k *Keeper) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	k.mu.Lock()
	m, count := k.present(), k.count
	k.count++
	k.mu.Unlock()
	switch m.Mode {
	case Slow:
		if !wait(r, delay(m, 5*time.Second)) {
			return
		}
	case RateLimited:
		w.Header().Set("Retry-After", fmt.Sprint(int(delay(m, time.Second).Round(time.Second).Seconds())))
		k.refuse(w, r, http.StatusTooManyRequests)
		return
	case Down:
		k.refuse(w, r, http.StatusServiceUnavailable)
		return
	case Flaky:
		switch count % 4 {
		case 0:
			k.refuse(w, r, http.StatusInternalServerError)
			return
		case 2:
			k.next.ServeHTTP(unheard{http.Header{}}, r)
			panic(http.ErrAbortHandler) // closes the connection without an answer
		}
	}
	k.next.ServeHTTP(w, r)
}

func delay(m Mood, unsaid time.Duration) time.Duration {
	if m.Delay == 0 {
		return unsaid
	}
	return time.Duration(m.Delay)
}

// wait waits, and gives false where the caller left first.
func wait(r *http.Request, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-r.Context().Done():
		return false
	}
}

// unheard is an answer that nobody gets.
type unheard struct{ header http.Header }

func (u unheard) Header() http.Header       { return u.header }
func (unheard) Write(b []byte) (int, error) { return len(b), nil }
func (unheard) WriteHeader(int)             {}

// Path is where a stand-in that is served at base is told its mood.
func Path(base string) string { return strings.TrimSuffix(base, "/") + "/mood" }
