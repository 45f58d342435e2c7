package rig_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/waypost/waypost/infra/rig"
	"github.com/waypost/waypost/shared/ledger"
)

// A change of settings under a published version reaches a function that has
// the action in memory within 5 s, without a new version of anything; a step
// of a journey that is under way has it too.
func TestSettingsTakeEffectWithinSeconds(t *testing.T) {
	t.Parallel()
	rig.Run(t, func(t *testing.T, w *rig.World) {
		step := `{"id": "ID", "action": {"name": "notify", "version": 1, "with": {"to": "{{ profile.phone }}", "text": "ID"}}}`
		w.Publish(rig.Setup{Journey: `{"steps": [` + strings.ReplaceAll(step, "ID", "text") + `, {"id": "later", "wait": {"for": "PT10S"}}, ` +
			strings.ReplaceAll(step, "ID", "again") + `]}`})
		w.Send("case-1")
		sleep(1) // the first step was made, and memory has its action
		w.Settings(`{"url": "https://other.example", "requires": "profile.tier == 'gold'"}`)
		sleep(5)
		w.Send("case-2")
		w.Settle()
		called := map[string][]string{}
		for _, id := range []string{"case-1", "case-2"} {
			for _, c := range w.Endpoint.Calls(rig.ExecutionOf(id, "c-1")) {
				called[id] = append(called[id], c.URL)
			}
		}
		const before, after = "https://hooks.example/v1/notices", "https://other.example/v1/notices"
		if diff := cmp.Diff(map[string][]string{"case-1": {before, after}, "case-2": {after, after}}, called); diff != "" {
			t.Error(diff)
		}
	})
}

// A contract never changes under a published version: a patch of it is
// refused, and a new draft is another version, which no journey takes by itself.
func TestContractStays(t *testing.T) {
	t.Parallel()
	rig.Run(t, func(t *testing.T, w *rig.World) {
		w.Publish(rig.Setup{})
		for _, patch := range []string{`{"contract": {"path": "/v2"}}`, `{"path": "/v2"}`, `{"body": null}`} {
			code, text := w.Call(http.MethodPatch, "/admin/v1/actions/notify/versions/1/settings", patch, "Content-Type", "application/merge-patch+json")
			if code != http.StatusUnprocessableEntity || !strings.Contains(text, "contract") {
				t.Errorf("%s: got %d %s, want it refused", patch, code, text)
			}
		}
		changed := strings.Replace(w.Admin(http.MethodGet, "actions/notify/versions/1", ""), "/v1/notices", "/v2/notices", 1)
		for _, key := range []string{`version`, `revision`, `publishedAt`, `changedAt`} {
			changed = rig.Patch(t, changed, `{"`+key+`": null}`)
		}
		w.Put("actions/notify", changed)
		if text := w.Admin(http.MethodPost, "actions/notify/publish", ""); !strings.Contains(text, `"version":2`) {
			t.Errorf("got %s, want version 2", text)
		}
		sleep(10)
		x := w.Send("case-1").Executions[0].Execution
		w.Settle()
		if calls := w.Endpoint.Calls(x); len(calls) != 1 || !strings.HasSuffix(calls[0].URL, "/v1/notices") {
			t.Errorf("got %v, want one call by version 1", calls)
		}
	})
}

// A step whose action's version is not published, which only a machine that
// was made by hand can have, fails and says so.
func TestActionThatIsNotPublished(t *testing.T) {
	t.Parallel()
	rig.Run(t, func(t *testing.T, w *rig.World) {
		w.Publish(rig.Setup{})
		task := taskOf("case-1")
		task.Action.Version = 7
		text, ok := w.Invoke("webhook", task)
		d := w.Delivery(task.Execution)
		if ok || d.Outcome != ledger.Failed || d.Reason != "the action notify version 7 is not published" {
			t.Errorf("got %s (%s), and the answer %s", d.Outcome, d.Reason, text)
		}
		if got := len(w.Endpoint.Calls("")); got != 0 {
			t.Errorf("%d calls, want none", got)
		}
	})
}
