package catalog

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/waypost/waypost/shared/fault"
	"github.com/waypost/waypost/shared/journey"
	"github.com/waypost/waypost/shared/schema"
)

// A Listener is a live journey version, as entry needs it.
type Listener struct {
	Journey string        `json:"journey"`
	Version int           `json:"version"`
	Machine string        `json:"machine"` // ARN
	Express bool          `json:"express,omitempty"`
	Entry   journey.Entry `json:"entry"`
}

// Listening is what the catalog says of an event type.
type Listening struct {
	Schema   *schema.Schema // nil where the type has none: then nobody listens
	Journeys []Listener
}

// Listeners finds the live journeys of an event type through memory. Make it
// with NewListeners.
type Listeners struct {
	store  Store
	now    func() time.Time
	memory memory[*Listening]
}

// NewListeners makes a reader with an empty memory.
func NewListeners(store Store, now func() time.Time) *Listeners {
	return &Listeners{store, now, newMemory[*Listening](now)}
}

// listenersAge is how long memory is trusted with who listens: shorter than
// MaxAge, since an event that a journey misses does not come again. A change
// of it is answered only once every memory from before is older (Catalog.commit).
const listenersAge = time.Second

// settling is how long a change of who listens takes until no memory from
// before is trusted, with a margin.
const settling = listenersAge + 250*time.Millisecond

// commit writes a change. Where entry may remember what was before, it waits
// until that is forgotten: whoever sends an event after the answer finds the
// change, and entry need not ask at each event. The first journey of an event
// type waits for nothing, since nobody trusts a memory that nobody listens.
func (c *Catalog) commit(ctx context.Context, ch *change) error {
	if err := ch.write(ctx, c.Store); err != nil || !ch.heard {
		return err
	}
	if err := c.Sleep(ctx, settling); err != nil {
		return fault.Wrap(err, fault.Unavailable, "the change is made; events of the next second may not find it yet")
	}
	return nil
}

// Sleep waits, unless its context ends before: then it gives the context's
// error. It is what a Catalog is given outside tests.
func Sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// listenable reads who listens to an event type, those included that do no
// more: some entry may still remember them.
func (c *Catalog) listenable(ctx context.Context, ch *change, eventType string) ([]Item, error) {
	items, err := c.Store.List(ctx, listenName(eventType))
	ch.heard = ch.heard || len(items) > 0
	return items, err
}

// Known gives what memory has of an event type, or nil where that is nothing
// or not fresh.
func (l *Listeners) Known(eventType string) *Listening {
	known, age := l.memory.get(eventType)
	if known == nil || age > listenersAge {
		return nil
	}
	return known
}

// Read reads the schema and the live journeys of an event type, at once: it is
// on the way of an event.
func (l *Listeners) Read(ctx context.Context, eventType string) (*Listening, error) {
	began := l.now()
	var items []Item
	var it Item
	hasSchema := false
	trip, tripCtx := errgroup.WithContext(ctx)
	trip.Go(func() (err error) {
		items, err = l.store.List(tripCtx, listenName(eventType))
		return err
	})
	trip.Go(func() (err error) {
		it, err = l.store.Get(tripCtx, keyOf(KindEvent, eventType, theSchema))
		hasSchema = err == nil
		if fault.Is(err, fault.NotFound) {
			return nil
		}
		return err
	})
	if err := trip.Wait(); err != nil {
		return nil, err
	}
	found := &Listening{}
	for _, it := range items {
		var j Listener
		if err := json.Unmarshal(it.Document, &j); err != nil {
			return nil, fmt.Errorf("reading who listens to %s: %w", eventType, err)
		}
		if j.Version > 0 { // 0: a later version listens to another type
			found.Journeys = append(found.Journeys, j)
		}
	}
	if hasSchema {
		var err error
		if found.Schema, err = schema.Compile([]byte(it.Document)); err != nil {
			return nil, err
		}
	}
	l.memory.keep(eventType, found, began)
	return found, nil
}

func listenName(eventType string) string { return "listen#" + eventType }
