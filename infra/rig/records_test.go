package rig_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/waypost/waypost/infra/rig"
	"github.com/waypost/waypost/shared/delivery"
	"github.com/waypost/waypost/shared/ledger"
)

// Every state that a record can be in, met by a function and by giving up.
func TestRecordStates(t *testing.T) {
	t.Parallel()
	const holder = "another"
	ambiguous := []ledger.Attempt{{Result: "ambiguous", Reason: "the endpoint answered 500", Digest: "d"}}
	safe := []ledger.Attempt{{Result: "retryable", Reason: "the endpoint answered 429", Digest: "d"}}
	claimed := func(d *ledger.Delivery, lease time.Duration) {
		d.State, d.Lease = ledger.Claimed, time.Now().Add(lease)
	}
	for _, tc := range []struct {
		name                  string
		record                func(*ledger.Delivery) // nil: there is none
		deliver, giveUp       string                 // under atLeastOnce
		deliverOnce, giveOnce string                 // under atMostOnce, where that differs
	}{
		{name: "none", deliver: "sent", giveUp: "dead"},
		{name: "claimed", record: func(d *ledger.Delivery) { claimed(d, time.Minute) }, deliver: "deferred 1m0s", giveUp: "deferred 1m0s"},
		{name: "claimed, for a moment more", record: func(d *ledger.Delivery) { claimed(d, time.Second) }, deliver: "sent", giveUp: "deferred 1s", deliverOnce: "unknown"},
		{name: "lapsed", record: func(d *ledger.Delivery) { claimed(d, -time.Second) }, deliver: "sent", giveUp: "dead", deliverOnce: "unknown", giveOnce: "unknown"},
		{name: "lapsed, with a status", record: func(d *ledger.Delivery) { claimed(d, -time.Second); d.Status = "delivered" }, deliver: "sent without a call", giveUp: "sent without a call"},
		{name: "lapsed after a safe attempt", record: func(d *ledger.Delivery) { claimed(d, -time.Second); d.Attempts = safe }, deliver: "sent", giveUp: "dead", deliverOnce: "unknown", giveOnce: "unknown"},
		{name: "waiting", record: func(d *ledger.Delivery) { d.State, d.Until = ledger.Waiting, time.Now().Add(time.Minute) }, deliver: "deferred 1m0s", giveUp: "dead"},
		{name: "waiting for a slot", record: func(d *ledger.Delivery) {
			d.State, d.Until, d.Reason = ledger.Waiting, time.Now().Add(time.Minute), "waiting for a slot of its action's throttle"
		}, deliver: "deferred 59s", giveUp: "dead"},
		{name: "waiting for long", record: func(d *ledger.Delivery) { d.State, d.Until = ledger.Waiting, time.Now().Add(30*time.Hour) }, deliver: "deferred 30h0m0s", giveUp: "dead"},
		{name: "due", record: func(d *ledger.Delivery) { d.State, d.Until = ledger.Waiting, time.Now() }, deliver: "sent", giveUp: "dead"},
		{name: "due after a safe attempt", record: func(d *ledger.Delivery) { d.State, d.Until, d.Attempts = ledger.Waiting, time.Now(), safe }, deliver: "sent", giveUp: "dead"},
		{name: "due after an ambiguous attempt", record: func(d *ledger.Delivery) { d.State, d.Until, d.Attempts = ledger.Waiting, time.Now(), ambiguous },
			deliver: "unknown", giveUp: "dead", giveOnce: "unknown"},
		{name: "settled", record: func(d *ledger.Delivery) { d.State, d.Outcome = ledger.Settled, ledger.Sent }, deliver: "sent without a call", giveUp: "sent without a call"},
		{name: "settled as failed", record: func(d *ledger.Delivery) { d.State, d.Outcome = ledger.Settled, ledger.Failed }, deliver: "failed", giveUp: "failed"},
	} {
		for _, guarantee := range []string{"atLeastOnce", "atMostOnce"} {
			for _, giveUp := range []bool{false, true} {
				t.Run(fmt.Sprint(tc.name, " ", guarantee, " ", giveUp), func(t *testing.T) {
					t.Parallel()
					want := tc.deliver
					switch {
					case giveUp && guarantee == "atMostOnce" && tc.giveOnce != "":
						want = tc.giveOnce
					case giveUp:
						want = tc.giveUp
					case guarantee == "atMostOnce" && tc.deliverOnce != "":
						want = tc.deliverOnce
					}
					rig.Run(t, func(t *testing.T, w *rig.World) {
						w.Publish(rig.Setup{Action: `{"settings": {"guarantee": "` + guarantee + `"}}`})
						task := taskOf("case-1")
						task.GiveUp = giveUp
						id := task.ID()
						if tc.record != nil {
							d := ledger.Delivery{Execution: id.Execution, Step: id.Step, Journey: rig.Journey, Version: 1, Profile: "c-1",
								Action: rig.Action, ActionVersion: 1, Holder: holder, StartedAt: time.Now(), EnteredAt: time.Now()}
							tc.record(&d)
							if _, err := w.Ledger.Put(t.Context(), d, ""); err != nil {
								t.Fatal(err)
							}
						}
						began := time.Now()
						got := comesTo(t, w, task, began)
						if len(w.Endpoint.Calls(id.Execution)) == 0 && got == "sent" {
							got = "sent without a call"
						}
						if got != want {
							t.Errorf("got %s, want %s", got, want)
						}
					})
				})
			}
		}
	}
}

// A repeat that looks again at a held delivery asks for the claim alone, and
// reads the profile at the moment at which the claim is its own.
func TestLooksAreCheap(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		lease  time.Duration
		want   string
		reads  int // of the profile
		claims int
	}{{time.Minute, "deferred 1m0s", 1, 6}, {time.Second, "sent", 2, 4}} {
		rig.Run(t, func(t *testing.T, w *rig.World) {
			w.Publish(rig.Setup{})
			task := taskOf("case-1")
			d := ledger.Delivery{Execution: task.Execution, Step: rig.Step, Journey: rig.Journey, Profile: "c-1", Action: rig.Action, ActionVersion: 1,
				State: ledger.Claimed, Holder: "another", Lease: time.Now().Add(tc.lease), StartedAt: time.Now(), EnteredAt: time.Now()}
			if _, err := w.Ledger.Put(t.Context(), d, ""); err != nil {
				t.Fatal(err)
			}
			w.Ops()
			if got := comesTo(t, w, task, time.Now()); got != tc.want {
				t.Errorf("got %s, want %s", got, tc.want)
			}
			ops := w.Ops()
			if got := count(ops, "GetItem profiles"); got != tc.reads {
				t.Errorf("%s: the profile was read %d times, want %d", tc.want, got, tc.reads)
			}
			if got := count(ops, "UpdateItem ledger"); got != tc.claims {
				t.Errorf("%s: it was claimed %d times, want %d", tc.want, got, tc.claims)
			}
		})
	}
}

// taskOf is what the standard journey's machine sends for an event.
func taskOf(id string) delivery.Task {
	return delivery.Task{Format: 1, Action: delivery.Ref{Name: rig.Action, Version: 1}, Step: rig.Step, Execution: rig.ExecutionOf(id, "c-1"),
		With:    json.RawMessage(`{"to": "{{ profile.phone }}", "text": "{{ event.orderId }}"}`),
		Entered: time.Now(),
		State: delivery.State{Format: 1, Journey: delivery.Journey{Name: rig.Journey, Version: 1}, Profile: "c-1",
			Entry: delivery.Entry{ID: id, Source: "shop", Type: rig.Event, Accepted: time.Now()}, Event: json.RawMessage(`{"orderId": "o-1"}`), Steps: json.RawMessage(`{}`)}}
}

// comesTo invokes the action function once, and gives its outcome, or for how long it is deferred.
func comesTo(t *testing.T, w *rig.World, task delivery.Task, began time.Time) string {
	text, ok := w.Invoke("webhook", task)
	var answer struct {
		Outcome      string
		ErrorType    string
		ErrorMessage string
	}
	if err := json.Unmarshal([]byte(text), &answer); err != nil {
		t.Fatal(err)
	}
	if ok {
		return answer.Outcome
	}
	if answer.ErrorType == "Waypost.Deferred" {
		until, err := time.Parse(time.RFC3339, answer.ErrorMessage)
		if err != nil {
			t.Fatal(err)
		}
		return "deferred " + until.Sub(began).String()
	}
	return strings.ToLower(strings.TrimPrefix(answer.ErrorType, "Waypost."))
}
