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
// MaxAge, since an event that a journey misses does not come again.
const listenersAge = time.Second

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
