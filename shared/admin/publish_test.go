package admin_test

import (
	"maps"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// pick gives some members of an object.
func pick(m map[string]any, names ...string) map[string]any {
	out := map[string]any{}
	for _, name := range names {
		if v, ok := m[name]; ok {
			out[name] = v
		}
	}
	return out
}

func TestWhatIsSavedComesBack(t *testing.T) {
	w := placed(t)
	for path, want := range map[string]string{
		"/admin/v1/profile-schema":     profileSchema,
		"/admin/v1/events/order.ready": eventSchema,
	} {
		if diff := cmp.Diff(decode(t, want), w.ok(http.MethodGet, path, "")); diff != "" {
			t.Errorf("%s: %s", path, diff)
		}
	}
	if diff := cmp.Diff(map[string]any{"name": "shop", "saved": true}, w.ok(http.MethodPut, "/admin/v1/actions/shop", shopAction)); diff != "" {
		t.Error(diff)
	}
	shop := w.ok(http.MethodGet, "/admin/v1/actions/shop", "")
	if diff := cmp.Diff(decode(t, shopAction), shop["draft"]); diff != "" {
		t.Error(diff)
	}
	want := decode(t, shopAction)
	maps.Copy(want, map[string]any{"version": 1.0, "revision": 1.0, "publishedAt": "2026-01-31T09:30:00Z", "changedAt": "2026-01-31T09:30:00Z"})
	want["settings"].(map[string]any)["guarantee"] = "atLeastOnce" // the channel's default, made plain
	for name, got := range map[string]any{"latest": shop["latest"], "version 1": w.ok(http.MethodGet, "/admin/v1/actions/shop/versions/1", "")} {
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	ready := w.ok(http.MethodGet, "/admin/v1/journeys/ready", "")
	if diff := cmp.Diff(decode(t, readyJourney), ready["draft"]); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(ready["latest"], any(w.ok(http.MethodGet, "/admin/v1/journeys/ready/versions/1", ""))); diff != "" {
		t.Error(diff)
	}

	w.ok(http.MethodPut, "/admin/v1/actions/another", with(t, shopAction, "name", "another"))
	lists := map[string]any{"actions": w.ok(http.MethodGet, "/admin/v1/actions", "")["actions"], "journeys": w.ok(http.MethodGet, "/admin/v1/journeys", "")["journeys"]}
	if diff := cmp.Diff(map[string]any{
		"actions":  []any{map[string]any{"name": "another"}, map[string]any{"name": "shop", "version": 1.0}},
		"journeys": []any{map[string]any{"name": "ready", "version": 1.0}},
	}, lists); diff != "" {
		t.Error(diff)
	}
}

func TestProfiles(t *testing.T) {
	w := placed(t)
	const attributes = `{"firstName":"Ada","points":3,"consents":{"sms":"y"},"tags":["a","b"],"share":0.5,"gone":null}`
	w.ok(http.MethodPut, "/admin/v1/profiles/c-1", attributes)
	if diff := cmp.Diff(decode(t, attributes), w.ok(http.MethodGet, "/admin/v1/profiles/c-1", "")); diff != "" {
		t.Error(diff)
	}
	w.ok(http.MethodPut, "/admin/v1/profiles/c-1", `{"firstName":"Ada"}`)
	if diff := cmp.Diff(map[string]any{"firstName": "Ada"}, w.ok(http.MethodGet, "/admin/v1/profiles/c-1", "")); diff != "" {
		t.Errorf("a PUT replaces: %s", diff)
	}
}

// Publishing what is published already answers that version; a change makes
// the next one, and the one before stays as it was.
func TestPublishActions(t *testing.T) {
	w := placed(t)
	publish := func() map[string]any { return w.ok(http.MethodPost, "/admin/v1/actions/shop/publish", "") }
	first := publish()
	w.now = w.now.Add(time.Hour)
	if diff := cmp.Diff(first, publish()); diff != "" {
		t.Errorf("a repeat: %s", diff)
	}
	// Settings and descriptions are not the contract.
	w.ok(http.MethodPut, "/admin/v1/actions/shop", with(t, with(t, shopAction, "settings.timeout", "5s"), "description", "The shop"))
	if diff := cmp.Diff(first, publish()); diff != "" {
		t.Errorf("other settings: %s", diff)
	}
	w.ok(http.MethodPut, "/admin/v1/actions/shop", with(t, shopAction, "contract.body.source", "other"))
	second := publish()
	if got, want := second["version"], 2.0; got != want {
		t.Errorf("version = %v, want %v", got, want)
	}
	if diff := cmp.Diff(first, w.ok(http.MethodGet, "/admin/v1/actions/shop/versions/1", "")); diff != "" {
		t.Errorf("version 1 changed: %s", diff)
	}
	shop := w.ok(http.MethodGet, "/admin/v1/actions/shop", "")
	if diff := cmp.Diff(map[string]any{"versions": []any{1.0, 2.0}, "latest": second}, pick(shop, "versions", "latest")); diff != "" {
		t.Error(diff)
	}
}

func TestPatchSettings(t *testing.T) {
	w := placed(t)
	first := w.ok(http.MethodGet, "/admin/v1/actions/shop/versions/1", "")
	patch := func(text string) map[string]any {
		w.now = w.now.Add(time.Hour)
		return w.ok(http.MethodPatch, "/admin/v1/actions/shop/versions/1/settings", text)
	}
	second := patch(`{"url": "https://shop2.example.com", "retry": {"attempts": 2}}`)
	want := maps.Clone(first)
	want["settings"] = map[string]any{"url": "https://shop2.example.com", "retry": map[string]any{"attempts": 2.0}, "guarantee": "atLeastOnce"}
	want["revision"], want["changedAt"] = 2.0, "2026-01-31T10:30:00Z"
	if diff := cmp.Diff(want, second); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(want, w.ok(http.MethodGet, "/admin/v1/actions/shop/versions/1", "")); diff != "" {
		t.Error(diff)
	}
	for _, same := range []string{`{}`, `{"url": "https://shop2.example.com"}`, `{"timeout": null}`, `{"guarantee": null}`} {
		if diff := cmp.Diff(second, patch(same)); diff != "" {
			t.Errorf("%s changes nothing: %s", same, diff)
		}
	}
	third := patch(`{"retry": null}`)
	if got := third["settings"].(map[string]any); got["retry"] != nil || third["revision"] != 3.0 {
		t.Errorf("after taking retry away: %v", third)
	}
}

func TestPublishJourneys(t *testing.T) {
	w := placed(t)
	publish := func() map[string]any { return w.ok(http.MethodPost, "/admin/v1/journeys/ready/publish", "") }
	first := publish()
	machine, _ := first["stateMachine"].(string)
	if diff := cmp.Diff(map[string]any{"journey": "ready", "version": 1.0, "type": "STANDARD"}, pick(first, "journey", "version", "type")); diff != "" {
		t.Error(diff)
	}
	if !strings.Contains(machine, ":stateMachine:waypost-ready-v1") || w.machines.made[machine] == "" {
		t.Errorf("stateMachine = %q, and there are %v", machine, w.machines.made)
	}
	w.ok(http.MethodPut, "/admin/v1/journeys/ready", " "+readyJourney) // spaces are nothing
	if diff := cmp.Diff(first, publish()); diff != "" || len(w.machines.made) != 1 {
		t.Errorf("a repeat: %s, with %d machines", diff, len(w.machines.made))
	}
	w.ok(http.MethodPut, "/admin/v1/journeys/ready", with(t, readyJourney, "steps.action.with.name", "Dear {{ profile.firstName ?? 'guest' }}"))
	second := publish()
	if second["version"] != 2.0 || second["stateMachine"] == machine {
		t.Errorf("after a change: %v", second)
	}
	if diff := cmp.Diff(first, w.ok(http.MethodGet, "/admin/v1/journeys/ready/versions/1", "")); diff != "" {
		t.Errorf("version 1 changed: %s", diff)
	}
}

// Requests that race come to what they would have come to one after the other.
func TestRaces(t *testing.T) {
	together := func(n int, each func(int)) {
		var all sync.WaitGroup
		for i := range n {
			all.Go(func() { each(i) })
		}
		all.Wait()
	}
	t.Run("publishing one draft", func(t *testing.T) {
		w := newWorld(t)
		w.ok(http.MethodPut, "/admin/v1/actions/shop", shopAction)
		together(8, func(int) {
			if res, text := w.send(http.MethodPost, "/admin/v1/actions/shop/publish", ""); res.StatusCode != 200 {
				t.Errorf("%d %s", res.StatusCode, text)
			}
		})
		if diff := cmp.Diff([]any{1.0}, w.ok(http.MethodGet, "/admin/v1/actions/shop", "")["versions"]); diff != "" {
			t.Error(diff)
		}
	})
	t.Run("patching settings", func(t *testing.T) {
		w := placed(t)
		patches := []string{`{"url": "https://a.example.com"}`, `{"timeout": "5s"}`, `{"retry": {"attempts": 2}}`}
		together(len(patches), func(i int) {
			if res, text := w.send(http.MethodPatch, "/admin/v1/actions/shop/versions/1/settings", patches[i]); res.StatusCode != 200 {
				t.Errorf("%d %s", res.StatusCode, text)
			}
		})
		got := w.ok(http.MethodGet, "/admin/v1/actions/shop/versions/1", "")
		want := map[string]any{"revision": 4.0, "settings": map[string]any{"url": "https://a.example.com", "timeout": "5s", "retry": map[string]any{"attempts": 2.0}, "guarantee": "atLeastOnce"}}
		if diff := cmp.Diff(want, pick(got, "revision", "settings")); diff != "" {
			t.Error(diff)
		}
	})
	// While one publish makes its machine, another saves and publishes a
	// different draft: each version's machine is what its document says.
	t.Run("publishing two drafts", func(t *testing.T) {
		w := placed(t)
		draft := func(greeting string) string { return with(t, readyJourney, "steps.action.with.name", greeting) }
		w.ok(http.MethodPut, "/admin/v1/journeys/ready", draft("one"))
		w.machines.before = func() {
			w.machines.before = nil
			w.ok(http.MethodPut, "/admin/v1/journeys/ready", draft("two"))
			w.ok(http.MethodPost, "/admin/v1/journeys/ready/publish", "")
		}
		w.ok(http.MethodPost, "/admin/v1/journeys/ready/publish", "")
		if diff := cmp.Diff([]any{1.0, 2.0}, w.ok(http.MethodGet, "/admin/v1/journeys/ready", "")["versions"]); diff != "" {
			t.Error(diff)
		}
		live := w.ok(http.MethodGet, "/admin/v1/journeys/ready/versions/2", "")
		if got := w.machines.made[live["stateMachine"].(string)]; !strings.Contains(got, `"two"`) || strings.Contains(got, `"one"`) {
			t.Errorf("the live version's machine is %s", got)
		}
	})
}

// A journey that names attributes where there is no profile schema is told so.
func TestNoProfileSchema(t *testing.T) {
	w := newWorld(t)
	w.ok(http.MethodPut, "/admin/v1/events/order.ready", eventSchema)
	w.ok(http.MethodPut, "/admin/v1/actions/shop", shopAction)
	w.ok(http.MethodPost, "/admin/v1/actions/shop/publish", "")
	w.ok(http.MethodPut, "/admin/v1/journeys/ready", readyJourney)
	got := w.refused(http.MethodPost, "/admin/v1/journeys/ready/publish", "")
	want := "422 the journey ready is not valid\n" +
		"steps.0.action.with.name, line 1, column 15: profile.firstName: the profile schema has no firstName\n" +
		"there is no profile schema yet: PUT one to /admin/v1/profile-schema"
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
