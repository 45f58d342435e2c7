package catalog_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/waypost/waypost/shared/catalog"
	"github.com/waypost/waypost/shared/fault"
)

// meeting is a store whose List and Get of one read wait for each other.
type meeting struct {
	catalog.Store
	both sync.WaitGroup
}

func (m *meeting) List(ctx context.Context, name string) ([]catalog.Item, error) {
	m.both.Done()
	m.both.Wait()
	return m.Store.List(ctx, name)
}

func (m *meeting) Get(ctx context.Context, key catalog.Key) (catalog.Item, error) {
	m.both.Done()
	m.both.Wait()
	return m.Store.Get(ctx, key)
}

// An event may wait for this read, so it is one round trip. One after the
// other, the two would wait for ever, which the bubble reports.
func TestListenersReadAtOnce(t *testing.T) {
	w := live(t)
	synctest.Test(t, func(t *testing.T) {
		m := &meeting{Store: w.store}
		m.both.Add(2)
		read, err := catalog.NewListeners(m, w.Now).Read(t.Context(), "order.ready")
		if err != nil || len(read.Journeys) != 1 || read.Schema == nil {
			t.Errorf("%+v, %v", read, err)
		}
	})
}

// A change that entry may not know of yet is answered once it does; what
// nobody can remember, at once.
func TestChangesWaitForMemories(t *testing.T) {
	w := live(t)
	other := strings.Replace(ready, `"name": "ready"`, `"name": "other"`, 1)
	for _, tc := range []struct {
		name   string
		change func(context.Context) error
		waits  bool
	}{
		{"the first journey", func(context.Context) error { return nil }, false},
		{"another", func(ctx context.Context) error {
			w.must(w.SaveJourney(ctx, "other", []byte(other)))
			return failure(w.PublishJourney(ctx, "other"))
		}, true},
		{"the same again", func(ctx context.Context) error { return failure(w.PublishJourney(ctx, "other")) }, false},
		{"a type that nobody listens to", func(ctx context.Context) error {
			return failure(w.SaveEventSchema(ctx, "order.late", []byte(order)))
		}, false},
		{"to that type", func(ctx context.Context) error {
			w.must(w.SaveJourney(ctx, "other", []byte(strings.Replace(other, "order.ready", "order.late", 1))))
			return failure(w.PublishJourney(ctx, "other"))
		}, true},
		{"a schema", func(ctx context.Context) error {
			return failure(w.SaveEventSchema(ctx, "order.ready", []byte(`{"type": "object", "properties": {"customerId": {"type": "string"}, "total": {"type": "number"}}}`)))
		}, true},
		{"the same schema", func(ctx context.Context) error {
			return failure(w.SaveEventSchema(ctx, "order.late", []byte(order)))
		}, false},
		{"the profile's, which entry does not read", func(ctx context.Context) error {
			return failure(w.SaveProfileSchema(ctx, []byte(`{"type": "object", "properties": {"name": {"type": "string"}, "age": {"type": "integer"}}}`)))
		}, false},
	} {
		if err := tc.change(t.Context()); err != nil {
			t.Fatal(tc.name, err)
		}
		if got := len(w.slept) > 0; got != tc.waits || tc.waits && w.slept[0] <= time.Second {
			t.Errorf("%s waited %v, want that it waits: %v", tc.name, w.slept, tc.waits)
		}
		w.slept = nil
	}
	gone, cancel := context.WithCancel(t.Context())
	w.Sleep = func(ctx context.Context, _ time.Duration) error { cancel(); return ctx.Err() }
	if err := failure(w.SaveEventSchema(gone, "order.ready", []byte(order))); !fault.Is(err, fault.Unavailable) || !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want that the change is made and may not be found yet", err)
	}
}
