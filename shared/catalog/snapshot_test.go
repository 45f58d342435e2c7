package catalog_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/waypost/waypost/shared/catalog"
)

// slow is a store that takes its time, and counts how often each item is read.
type slow struct {
	catalog.Store
	mu    sync.Mutex
	reads map[string]int
}

func (s *slow) note(key string) {
	time.Sleep(5 * time.Millisecond)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reads[key]++
}

func (s *slow) Get(ctx context.Context, key catalog.Key) (catalog.Item, error) {
	s.note(key.Name + " " + key.Version)
	return s.Store.Get(ctx, key)
}

func (s *slow) List(ctx context.Context, name string) ([]catalog.Item, error) {
	s.note(name)
	return s.Store.List(ctx, name)
}

// A change that many live journeys must be held against reads what they have
// in common once, and the rest many at a time.
func TestAChangeReadsAtOnce(t *testing.T) {
	const journeys, sources = 60, 20
	w := live(t)
	for i := range sources {
		name := fmt.Sprintf("s%d", i)
		_, _, err := w.SaveSource(t.Context(), name, []byte(`{"name": "`+name+`", "request": {"path": "/x"}, "response": {"city": {"type": "string"}}, "settings": {"url": "https://s.example.com"}}`))
		w.must(err)
	}
	for i := range journeys {
		name := fmt.Sprintf("j%d", i)
		doc := strings.Replace(ready, `"name": "ready"`, `"name": "`+name+`"`, 1)
		w.must(w.SaveJourney(t.Context(), name, []byte(strings.Replace(doc, "profile.name", "data.s1.city", 1))))
		w.must(failure(w.PublishJourney(t.Context(), name)))
	}
	synctest.Test(t, func(t *testing.T) {
		s := &slow{Store: w.store, reads: map[string]int{}}
		w.Store = s
		began := time.Now()
		w.must(failure(w.SaveProfileSchema(t.Context(), []byte(`{"type": "object", "properties": {"name": {"type": "string"}, "age": {"type": "integer"}}}`))))
		if took := time.Since(began); took > 200*time.Millisecond {
			t.Errorf("it took %v, for %d reads of 5 ms", took, len(s.reads))
		}
		for _, key := range slices.Sorted(maps.Keys(s.reads)) {
			if n := s.reads[key]; n > 1 && key != "profile# schema" { // which is saved
				t.Errorf("%s was read %d times", key, n)
			}
		}
	})
}
