package catalog

import (
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
)

// MaxAge is how long a function trusts what its memory holds of the catalog:
// a change takes effect within it.
const MaxAge = 5 * time.Second

// A memory keeps values by key with the time at which they were read.
type memory[V any] struct {
	now   func() time.Time
	cache *lru.Cache[string, remembered[V]]
}

type remembered[V any] struct {
	value V
	at    time.Time
}

func newMemory[V any](now func() time.Time) memory[V] {
	cache, _ := lru.New[string, remembered[V]](1000) // it fails only for a size below 1
	return memory[V]{now, cache}
}

// get gives what is kept, however old, and its age. What is not kept is the
// zero value.
func (m memory[V]) get(key string) (v V, age time.Duration) {
	r, _ := m.cache.Get(key)
	return r.value, m.now().Sub(r.at)
}

// keep keeps a value as of the time at which its reading began.
func (m memory[V]) keep(key string, v V, at time.Time) {
	m.cache.Add(key, remembered[V]{v, at})
}
