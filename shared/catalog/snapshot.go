package catalog

import (
	"context"
	"sync"
)

// atOnce bounds how many reads a change makes at a time.
const atOnce = 16

// A snapshot reads through to a store and remembers what it read, for as long
// as one change is checked: what many journeys have in common (schemas,
// actions, sources) is read once. What is written meanwhile it does not see;
// the change's turn finds that out. Its zero value is of no use; see Catalog.snapshot.
type snapshot struct {
	Store
	items once[Key, Item]
	lists once[string, []Item]
}

// snapshot gives the catalog with a memory for one change.
func (c *Catalog) snapshot() *Catalog {
	seen := *c
	seen.Store = &snapshot{Store: c.Store}
	return &seen
}

// Get implements Store.
func (s *snapshot) Get(ctx context.Context, key Key) (Item, error) {
	return s.items.get(key, func() (Item, error) { return s.Store.Get(ctx, key) })
}

// List implements Store.
func (s *snapshot) List(ctx context.Context, name string) ([]Item, error) {
	return s.lists.get(name, func() ([]Item, error) { return s.Store.List(ctx, name) })
}

// once reads each key once, whoever asks for it and when. Its zero value is empty.
type once[K comparable, V any] struct {
	mu    sync.Mutex
	reads map[K]*reading[V]
}

// A reading is under way until done is closed.
type reading[V any] struct {
	done  chan struct{}
	value V
	err   error
}

func (o *once[K, V]) get(key K, read func() (V, error)) (V, error) {
	o.mu.Lock()
	r, begun := o.reads[key]
	if !begun {
		r = &reading[V]{done: make(chan struct{})}
		if o.reads == nil {
			o.reads = map[K]*reading[V]{}
		}
		o.reads[key] = r
	}
	o.mu.Unlock()
	if !begun {
		r.value, r.err = read()
		close(r.done)
	}
	<-r.done
	return r.value, r.err
}
