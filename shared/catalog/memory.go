package catalog

import (
	"context"
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

// A reader reads documents of one kind through memory, each made ready once.
type reader[T any] struct {
	store  Store
	now    func() time.Time
	memory memory[*ready[T]]
	// make makes an item's document ready.
	make func(Item) (T, error)
}

// ready is a document in memory, with the item's stamp that it was made of.
type ready[T any] struct {
	value T
	stamp int
}

func newReader[T any](store Store, now func() time.Time, make func(Item) (T, error)) reader[T] {
	return reader[T]{store, now, newMemory[*ready[T]](now), make}
}

// cached gives what memory has of a document, or its zero value, and whether it is fresh.
func (r *reader[T]) cached(key string) (v T, fresh bool) {
	k, age := r.memory.get(key)
	if k == nil {
		return v, false
	}
	return k.value, age < MaxAge
}

// read reads an item. An unchanged one is the same value as before.
func (r *reader[T]) read(ctx context.Context, key string, at Key) (v T, _ error) {
	began := r.now()
	item, err := r.store.Get(ctx, at)
	if err != nil {
		return v, err
	}
	k, _ := r.memory.get(key)
	if k == nil || k.stamp != item.Stamp {
		if v, err = r.make(item); err != nil {
			return v, err
		}
		k = &ready[T]{v, item.Stamp}
	}
	r.memory.keep(key, k, began)
	return k.value, nil
}
