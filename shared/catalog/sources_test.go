package catalog_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/waypost/waypost/shared/catalog"
	"github.com/waypost/waypost/shared/fault"
)

const (
	stores = `{"name": "stores", "request": {"query": {"id": "{{ event.customerId }}"}}, "response": {"city": {"type": "string"}},
		"settings": {"url": "https://stores.example.com"}}`
	// visit is ready, with what the source says.
	visit = `{"name": "visit", "entry": {"event": "order.ready", "profile": "event.customerId"},
		"steps": [{"id": "tell", "action": {"name": "shop", "version": 1, "with": {"name": "{{ data.stores.city ?? 'here' }}"}}}]}`
)

func (w *world) saveSource(doc string) error {
	_, _, err := w.SaveSource(w.t.Context(), "stores", []byte(doc))
	return err
}

// publish saves and publishes the journey visit.
func (w *world) publish(doc string) error {
	w.must(w.SaveJourney(w.t.Context(), "visit", []byte(doc)))
	return failure(w.PublishJourney(w.t.Context(), "visit"))
}

// Each change is a revision that stays; what is so already changes nothing.
func TestSourceRevisions(t *testing.T) {
	w := live(t)
	w.must(w.saveSource(stores))
	w.must(w.saveSource("\n" + stores))
	w.now = w.now.Add(time.Hour)
	second := strings.Replace(stores, "stores.example.com", "new.example.com", 1)
	w.must(w.saveSource(second))
	var got []string
	for _, key := range w.store.keys() {
		if strings.Contains(key, "source") {
			got = append(got, key)
		}
	}
	if diff := cmp.Diff([]string{"list#source stores 1", "source#stores current 2", "source#stores r00001 1", "source#stores r00002 1"}, got); diff != "" {
		t.Error(diff)
	}
	s, err := w.Source(t.Context(), "stores")
	if err != nil || s.Revision != 2 || !s.ChangedAt.Equal(w.now) || !strings.Contains(string(s.Document), "new.example.com") {
		t.Errorf("got %+v, %v", s, err)
	}
}

// A change that would break a live journey that reads the source is refused
// with its name; an example gives way; a journey that is broken already is not
// held against it.
func TestSourceAndLiveJourneys(t *testing.T) {
	town := strings.Replace(stores, "city", "town", 1)
	w := live(t)
	w.must(w.saveSource(stores))
	w.must(w.publish(visit))
	err := w.saveSource(town)
	if !fault.Is(err, fault.Conflict) || !strings.Contains(err.Error(), "visit (version 1)") || strings.Contains(err.Error(), "ready") {
		t.Errorf("got %v, want a Conflict that names visit alone", err)
	}
	w.must(w.publish(strings.Replace(visit, `{"name"`, `{"tags": ["example"], "name"`, 1)))
	_, closed, err := w.SaveSource(t.Context(), "stores", []byte(town))
	if diff := cmp.Diff([]string{"visit"}, closed); err != nil || diff != "" {
		t.Errorf("closed: %s%v", diff, err)
	}
	if got := w.listeners(); slices.ContainsFunc(got, func(l string) bool { return strings.Contains(l, "visit") }) {
		t.Errorf("still listening: %v", got)
	}
	// Such a profile schema could not be saved: it is put in place behind the catalog's back.
	key := catalog.Key{Name: "profile#", Version: "schema"}
	broken := w.store.items[key]
	broken.Document = []byte(`{"type": "object", "properties": {"other": {"type": "string"}}}`)
	w.store.items[key] = broken
	w.must(w.saveSource(stores))
}

// A profile schema is held to the requests of the sources that live journeys read.
func TestSourceAndProfileSchema(t *testing.T) {
	w := live(t)
	w.must(w.saveSource(strings.Replace(stores, "event.customerId", "profile.name", 1)))
	w.must(w.publish(visit))
	w.must(failure(w.SaveEventSchema(t.Context(), "order.late", []byte(order))))
	w.must(w.SaveJourney(t.Context(), "ready", []byte(strings.Replace(ready, "profile.name", "event.customerId", 1))))
	w.must(failure(w.PublishJourney(t.Context(), "ready")))
	_, err := w.SaveProfileSchema(t.Context(), []byte(`{"type": "object", "properties": {"fullName": {"type": "string"}}}`))
	if want := "journey.visit.steps.0.action.with.name: data.stores can't be read in this journey: its request.query.id: profile.name: the profile schema has no name"; !fault.Is(err, fault.Conflict) || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want a Conflict: %s", err, want)
	}
}

// A catalog that does not answer breaks no journey: the change fails with its error.
func TestSourcesOutOfReach(t *testing.T) {
	w := live(t)
	w.must(w.saveSource(stores))
	w.must(w.SaveJourney(t.Context(), "visit", []byte(visit)))
	w.store.unlisted = "list#source"
	if err := failure(w.PublishJourney(t.Context(), "visit")); !fault.Is(err, fault.Unavailable) {
		t.Errorf("got %v, want an Unavailable", err)
	}
}

// Memory vouches for a source for MaxAge; an unchanged one is the same, and a
// changed one has its new revision.
func TestSourcesMemory(t *testing.T) {
	w, ctx := live(t), t.Context()
	r := catalog.NewSources(w.store, w.Now)
	if s, fresh := r.Cached("stores"); s != nil || fresh {
		t.Errorf("got %v, %v of an empty memory", s, fresh)
	}
	if _, err := r.Read(ctx, "stores"); !fault.Is(err, fault.NotFound) || fault.Public(err) != "there is no source stores" {
		t.Errorf("got %v", err)
	}
	w.must(w.saveSource(stores))
	first, err := r.Read(ctx, "stores")
	w.must(err)
	if s, fresh := r.Cached("stores"); s != first || !fresh || s.Revision != 1 {
		t.Errorf("got %v, %v", s, fresh)
	}
	w.now = w.now.Add(catalog.MaxAge)
	if s, fresh := r.Cached("stores"); s != first || fresh {
		t.Errorf("got %v, %v after %v", s, fresh, catalog.MaxAge)
	}
	if again, err := r.Read(ctx, "stores"); again != first || err != nil {
		t.Errorf("an unchanged source was compiled again: %v", err)
	}
	w.must(w.saveSource(strings.Replace(stores, "stores.example.com", "new.example.com", 1)))
	if changed, err := r.Read(ctx, "stores"); err != nil || changed.Revision != 2 || changed.Settings.URL != "https://new.example.com" {
		t.Errorf("got %+v, %v", changed, err)
	}
}
