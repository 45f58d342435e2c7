package catalog_test

import (
	"maps"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Publishing what is live already makes its machine again where that is gone, as
// after its deployment was destroyed and its tables kept; and changes nothing else.
func TestPublishMakesALostMachineAgain(t *testing.T) {
	w := live(t)
	made, stored := maps.Clone(w.machines.made), w.store.keys()
	if len(made) != 1 {
		t.Fatalf("machines %v, want one", made)
	}
	clear(w.machines.made)
	p, err := w.PublishJourney(t.Context(), "ready")
	if err != nil || p.Version != 1 {
		t.Errorf("version %d, %v, want version 1", p.Version, err)
	}
	if d := cmp.Diff(made, w.machines.made); d != "" {
		t.Errorf("machines: %s", d)
	}
	if d := cmp.Diff(stored, w.store.keys()); d != "" {
		t.Errorf("the store: %s", d)
	}
}

// A deployment made anew has functions of other names, so that an unchanged
// document makes another machine: a new version, and the old machine stays what
// it was.
func TestPublishWhereFunctionsMoved(t *testing.T) {
	w := live(t)
	w.Names = func(name string) string { return "arn:moved:" + name }
	for range 2 {
		p, err := w.PublishJourney(t.Context(), "ready")
		if err != nil || p.Version != 2 {
			t.Errorf("version %d, %v, want version 2", p.Version, err)
		}
	}
	if got, want := len(w.machines.made), 2; got != want {
		t.Errorf("machines %v, want one a version", w.machines.made)
	}
	if d := cmp.Diff([]string{"order.ready: ready 2 event.customerId"}, w.listeners()); d != "" {
		t.Error(d)
	}
}
