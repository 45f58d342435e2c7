package catalog_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/waypost/waypost/shared/catalog"
	"github.com/waypost/waypost/shared/fault"
)

// The newest version is the last that was published, once memory is old.
func TestNewestAction(t *testing.T) {
	w, ctx := live(t), t.Context()
	actions := catalog.NewActions(w.store, w.Now)
	first, err := actions.Newest(ctx, "shop")
	w.must(err)
	w.must(w.SaveAction(ctx, "shop", []byte(strings.Replace(shop, `"contract": {`, `"description": "newer", "contract": {"path": "/newer", `, 1))))
	p, err := w.PublishAction(ctx, "shop")
	w.must(err)
	if again, err := actions.Newest(ctx, "shop"); err != nil || again != first {
		t.Errorf("got %v (%v), want what memory has", again, err)
	}
	w.now = w.now.Add(catalog.MaxAge)
	newer, err := actions.Newest(ctx, "shop")
	w.must(err)
	if newer == first || p.Version != 2 || newer.Description != "newer" {
		t.Errorf("got %q after version %d was published", newer.Description, p.Version)
	}
	if _, err := actions.Newest(ctx, "none"); !fault.Is(err, fault.NotFound) {
		t.Errorf("got %v, want a NotFound", err)
	}
	w.store.err = errors.New("down")
	if kept, err := actions.Recent(ctx, "shop", 2); err != nil || kept != newer {
		t.Errorf("got %v (%v), want what memory has", kept, err)
	}
	w.now = w.now.Add(catalog.MaxAge)
	if _, err := actions.Recent(ctx, "shop", 2); err == nil {
		t.Error("a store that is down gave an action that is old")
	}
}
