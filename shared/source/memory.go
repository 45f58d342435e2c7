package source

import (
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"
)

// Bounds of what one process remembers of answers.
const (
	maxAnswers = 1000
	maxBytes   = 8 << 20 // of the answers' JSON texts
)

// A memory keeps answers by what they answer: a source's name, its revision
// and the digest of its request. The one that was used longest ago goes first.
type memory struct {
	mu    sync.Mutex
	kept  *simplelru.LRU[string, answer]
	bytes int
}

// An answer is what a source's response schema names of it.
type answer struct {
	value any
	size  int       // of the JSON text
	at    time.Time // when its call began
}

func newMemory() *memory {
	m := &memory{}
	m.kept, _ = simplelru.NewLRU(maxAnswers, func(_ string, a answer) { m.bytes -= a.size }) // it fails only for a size below 1
	return m
}

// get gives an answer that is younger than age.
func (m *memory) get(key string, now time.Time, age time.Duration) (any, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	a, found := m.kept.Get(key)
	if !found || now.Sub(a.at) >= age {
		return nil, false
	}
	return a.value, true
}

func (m *memory) keep(key string, a answer) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.kept.Remove(key) // else what it takes the place of would still count
	m.bytes += a.size
	m.kept.Add(key, a)
	for m.bytes > maxBytes {
		m.kept.RemoveOldest()
	}
}
