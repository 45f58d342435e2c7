package admin_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// A source that is saved is in place at once, and comes back as it was written.
func TestSources(t *testing.T) {
	w := placed(t)
	put := func(doc string) map[string]any { return w.ok(http.MethodPut, "/admin/v1/sources/stores", doc) }
	if diff := cmp.Diff(map[string]any{"sources": []any{}}, w.ok(http.MethodGet, "/admin/v1/sources", "")); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(map[string]any{"name": "stores", "saved": true, "revision": 1.0}, put(storesSource)); diff != "" {
		t.Error(diff)
	}
	w.now = w.now.Add(time.Hour)
	put(storesSource) // nothing changes
	changed := with(t, storesSource, "settings.cache", "1h")
	for _, want := range []map[string]any{
		{"name": "stores", "revision": 1.0, "changedAt": "2026-01-31T09:30:00Z", "document": decode(t, storesSource)},
		{"name": "stores", "revision": 2.0, "changedAt": "2026-01-31T10:30:00Z", "document": decode(t, changed)},
	} {
		if diff := cmp.Diff(want, w.ok(http.MethodGet, "/admin/v1/sources/stores", "")); diff != "" {
			t.Error(diff)
		}
		put(changed)
	}
	if diff := cmp.Diff(map[string]any{"sources": []any{map[string]any{"name": "stores", "revision": 2.0}}}, w.ok(http.MethodGet, "/admin/v1/sources", "")); diff != "" {
		t.Error(diff)
	}
}

// A source's document is described whole, and its routes are in the index.
func TestSourcesAreDescribed(t *testing.T) {
	w := newWorld(t)
	described := w.ok(http.MethodGet, "/admin/v1/openapi.json", "")
	put, _ := json.Marshal(described["paths"].(map[string]any)["/admin/v1/sources/{name}"])
	for _, want := range []string{`"$id":"urn:waypost:schema:a-source"`, `"cache"`, `"get-source"`} {
		if !strings.Contains(string(put), want) {
			t.Errorf("the description of a source lacks %s", want)
		}
	}
	index, _ := json.Marshal(w.ok(http.MethodGet, "/admin/", "")["routes"])
	for _, want := range []string{`"method":"PUT","path":"/admin/v1/sources/{name}"`, `"method":"GET","path":"/admin/v1/sources"`} {
		if !strings.Contains(string(index), want) {
			t.Errorf("the index lacks %s: %s", want, index)
		}
	}
}
