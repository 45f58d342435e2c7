package rig_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/waypost/waypost/infra/rig"
	"github.com/waypost/waypost/shared/ledger"
)

const reports = `{"settings": {"guarantee": "atMostOnce", "callback": {"secret": "waypost/callbacks"}}}`

// awaiting publishes a journey that awaits the status of its text for an hour,
// and then tells a webhook what it saw of it; onError tells it as well, with a
// word before, where it is "steps". Steps may come before, each with a comma.
func awaiting(t *testing.T, w *rig.World, onError string, before ...string) {
	t.Helper()
	w.Put("actions/tell", tellAction)
	w.Admin(http.MethodPost, "actions/tell/publish", "")
	const saw = `{{ steps.text.outcome }} {{ steps.text.status ?? 'none' }} {{ steps.text.code }} {{ steps.text.response.id ?? '-' }}`
	tell := func(id, word string) string {
		return `{"id": "` + id + `", "action": {"name": "tell", "version": 1, "with": {"saw": "` + word + saw + `"}}}`
	}
	switch onError {
	case "steps":
		onError = `[` + tell("sorry", "sorry: ") + `]`
	default:
		onError = `"` + onError + `"`
	}
	w.Publish(rig.Setup{Action: reports, Journey: `{"steps": [` + strings.Join(before, "") + `
		{"id": "text", "action": {"name": "notify", "version": 1, "await": "status", "deadline": "PT1H",
			"with": {"to": "{{ profile.phone }}", "text": "{{ event.orderId }}"}}, "onError": ` + onError + `}, ` + tell("told", "") + `]}`})
}

// told lists what the webhook was told of an execution.
func told(w *rig.World, x string) []string {
	var all []string
	for _, c := range w.Endpoint.Calls(x) {
		if _, saw, ok := strings.Cut(c.Body, `{"saw":"`); ok {
			all = append(all, strings.TrimSuffix(saw, `"}`))
		}
	}
	return all
}

// answeringText answers the text, and accepts what is told.
func answeringText(reply rig.Reply) func(int, rig.Request) rig.Reply {
	return func(_ int, r rig.Request) rig.Reply {
		if strings.HasSuffix(r.Key(), ".text.0") {
			return reply
		}
		return accepted
	}
}

// run gives the one execution that there is.
func run(t *testing.T, w *rig.World) rig.Execution {
	t.Helper()
	runs := w.Executions()
	if len(runs) != 1 {
		t.Fatalf("got %d executions, want 1", len(runs))
	}
	return runs[0]
}

// forgotten holds that nothing of the waiting is left.
func forgotten(t *testing.T, w *rig.World, x string) {
	t.Helper()
	if d := w.Delivery(x); d.TaskToken != "" {
		t.Errorf("the record still has the token")
	}
	if due := w.Due(); len(due) > 0 {
		t.Errorf("due: %v, want nothing", due)
	}
}

// Each row is one delivery whose status is awaited, and what the journey saw.
func TestAwaitStatus(t *testing.T) {
	t.Parallel()
	type at struct {
		minute int
		status ledger.Status
	}
	ambiguous := rig.Reply{Status: 500}
	for _, tc := range []struct {
		name    string
		answer  rig.Reply
		profile string // instead of the customer
		reports []at
		onError string
		told    []string
		error   string // the execution's
		after   time.Duration
	}{
		{name: "delivered", reports: []at{{5, ledger.Delivered}}, told: []string{"sent delivered 200 m-1"}, after: 5 * time.Minute},
		{name: "read", reports: []at{{5, ledger.Read}}, told: []string{"sent read 200 m-1"}, after: 5 * time.Minute},
		{name: "step by step", reports: []at{{1, ledger.Accepted}, {2, ledger.Forwarded}, {3, ledger.Accepted}, {50, ledger.Delivered}},
			told: []string{"sent delivered 200 m-1"}, after: 50 * time.Minute},
		{name: "delivered twice", reports: []at{{5, ledger.Delivered}, {5, ledger.Delivered}, {6, ledger.Undelivered}}, told: []string{"sent delivered 200 m-1"}, after: 5 * time.Minute},
		{name: "undelivered", reports: []at{{5, ledger.Undelivered}}, onError: "steps",
			told: []string{"sorry: sent undelivered 200 m-1", "sent undelivered 200 m-1"}, after: 5 * time.Minute},
		{name: "undelivered, and it stops", reports: []at{{5, ledger.Undelivered}}, onError: "stop", error: "Waypost.Undelivered", after: 5 * time.Minute},
		{name: "undelivered, and it continues", reports: []at{{5, ledger.Undelivered}}, onError: "continue", told: []string{"sent undelivered 200 m-1"}, after: 5 * time.Minute},
		{name: "no report", onError: "steps", told: []string{"sorry: sent none 200 m-1", "sent none 200 m-1"}, after: time.Hour},
		{name: "no report, and it stops", onError: "stop", error: "Waypost.NoStatus", after: time.Hour},
		{name: "no final report, and it continues", reports: []at{{5, ledger.Forwarded}}, onError: "continue", told: []string{"sent sent 200 m-1"}, after: time.Hour},
		{name: "unknown, then delivered", answer: ambiguous, reports: []at{{5, ledger.Delivered}}, told: []string{"sent delivered 500 -"}, after: 5 * time.Minute},
		{name: "unknown, then undelivered", answer: ambiguous, reports: []at{{5, ledger.Undelivered}}, onError: "stop", error: "Waypost.Undelivered", after: 5 * time.Minute},
		{name: "unknown for good", answer: ambiguous, onError: "steps", told: []string{"sorry: unknown none 500 -", "unknown none 500 -"}, after: time.Hour},
		{name: "unknown for good, and it stops", answer: ambiguous, onError: "stop", error: "Waypost.Unknown", after: time.Hour},
		{name: "unknown, then accepted", answer: ambiguous, reports: []at{{5, ledger.Accepted}}, onError: "stop", error: "Waypost.NoStatus", after: time.Hour},
		{name: "suppressed", profile: `{"phone": "+15550001", "tier": "none"}`, told: []string{"suppressed none 0 -"}},
		{name: "failed", answer: rig.Reply{Status: 400}, onError: "stop", error: "Waypost.Failed"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			rig.Run(t, func(t *testing.T, w *rig.World) {
				if tc.answer.Status == 0 {
					tc.answer = accepted
				}
				w.Endpoint.Answer = answeringText(tc.answer)
				if tc.onError == "" {
					tc.onError = "stop"
				}
				awaiting(t, w, tc.onError)
				if tc.profile != "" {
					w.Settings(`{"requires": "profile.tier == 'gold'"}`)
					w.Put("profiles/c-1", tc.profile)
				}
				x := w.Send("case-1").Executions[0].Execution
				began := time.Now()
				for _, r := range tc.reports {
					time.Sleep(time.Until(began.Add(time.Duration(r.minute) * time.Minute)))
					w.Report(x, rig.Step, r.status)
				}
				sleep(1)
				if got := run(t, w).Status == "RUNNING"; got != (tc.after == time.Hour) {
					t.Errorf("after the reports it runs: %v", got)
				}
				time.Sleep(time.Until(began.Add(tc.after + 2*time.Second))) // no sweep is needed
				end := run(t, w)
				if want := map[bool]string{true: "SUCCEEDED", false: "FAILED"}[tc.error == ""]; end.Status != want || end.Error != tc.error {
					t.Errorf("got %s %s %s, want %s %s", end.Status, end.Error, end.Cause, want, tc.error)
				}
				if diff := cmp.Diff(tc.told, told(w, x)); diff != "" {
					t.Error(diff)
				}
				forgotten(t, w, x)
				if got := strings.Count(w.Logs(), `"msg":"awaited status"`); got != 1 && tc.name != "failed" {
					t.Errorf("%d log lines tell of it, want 1", got)
				}
			})
		})
	}
}

// What the endpoint answered is there after the waiting too, as large as a
// state may hold, and is left out of an error where it would be too much.
func TestLargeAnswerAfterWaiting(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		before int // bytes that an earlier step leaves in the state
		size   int
		status ledger.Status
		want   int // how much of it the journey sees
	}{
		{0, 200 << 10, ledger.Delivered, 200 << 10}, {0, 200 << 10, ledger.Undelivered, 1}, {0, 1 << 10, ledger.Undelivered, 1 << 10},
		{215 << 10, 21 << 10, ledger.Delivered, 21 << 10}, {215 << 10, 21 << 10, ledger.Undelivered, 1}, {215 << 10, 1 << 10, ledger.Undelivered, 1 << 10},
	} {
		rig.Run(t, func(t *testing.T, w *rig.World) {
			awaiting(t, w, "continue", `{"id": "before", "action": {"name": "notify", "version": 1, "with": {"to": "x", "text": "y"}}},`)
			w.Endpoint.Answer = func(_ int, r rig.Request) rig.Reply {
				size := tc.size
				if strings.HasSuffix(r.Key(), ".before.0") {
					size = tc.before
				}
				return rig.Reply{Status: 200, Body: `{"id":"` + strings.Repeat("x", size) + `"}`}
			}
			x := w.Send("case-1").Executions[0].Execution
			sleep(2)
			w.Report(x, rig.Step, tc.status)
			sleep(2)
			saw := told(w, x)
			if len(saw) != 1 {
				t.Fatalf("it was told %d times, want once: %s", len(saw), run(t, w).Error)
			}
			if got := saw[0][strings.LastIndex(saw[0], " ")+1:]; len(got) != tc.want {
				t.Errorf("%d bytes and %s: the journey saw %d bytes, want %d", tc.size, tc.status, len(got), tc.want)
			}
		})
	}
}

// What an awaiting journey relies on can't be taken from under it.
func TestCallbackSettingStays(t *testing.T) {
	t.Parallel()
	rig.Run(t, func(t *testing.T, w *rig.World) {
		awaiting(t, w, "stop")
		code, text := w.Call(http.MethodPatch, "/admin/v1/actions/notify/versions/1/settings", `{"callback": null}`, "Content-Type", "application/merge-patch+json")
		if code != http.StatusConflict || !strings.Contains(text, "live journey order_ready (version 1)") || !strings.Contains(text, "callback") {
			t.Errorf("got %d %s, want it refused with the journey's name", code, text)
		}
		w.Settings(`{"callback": {"secret": "waypost/other-callbacks"}}`)
	})
}

// The trace says what became of it, as an operator reads it.
func TestTraceOfNoDelivery(t *testing.T) {
	t.Parallel()
	rig.Run(t, func(t *testing.T, w *rig.World) {
		awaiting(t, w, "stop")
		x := w.Send("case-1").Executions[0].Execution
		sleep(2)
		w.Report(x, rig.Step, ledger.Undelivered)
		sleep(2)
		text := w.Admin(http.MethodGet, "executions/"+x, "")
		for _, want := range []string{`"error":"Waypost.Undelivered"`, "the provider reported that it was not delivered, with its code 30003", `"status":"undelivered"`} {
			if !strings.Contains(text, want) {
				t.Errorf("got %s, want %s in it", text, want)
			}
		}
		if history := w.History(run(t, w).ARN); strings.Contains(history, "as it was told") {
			t.Error("the history has the provider's own words")
		}
	})
}
