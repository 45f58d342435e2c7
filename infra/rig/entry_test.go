package rig_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/waypost/waypost/infra/rig"
	"github.com/waypost/waypost/shared/ledger"
)

// Events that are refused, by the function's URL and as an EventBridge detail:
// each says what is wrong and where, and leaves nothing behind.
func TestRefusedEvents(t *testing.T) {
	t.Parallel()
	good := rig.EventOf("case-1", "c-1")
	for _, tc := range []struct {
		name, body, contentType string
		status                  int
		want                    []string // parts of the problem
		url                     bool     // only its URL can say so
	}{
		{name: "malformed JSON", body: "{\n  \"id\": \"1\",,\n}", status: 400, want: []string{`"line":2`, `"column":13`}},
		{name: "two documents", body: good + good, status: 400},
		{name: "a key twice", body: `{"id": "1", "id": "2"}`, status: 400},
		{name: "no object", body: `[1]`, status: 422, want: []string{"must be a JSON object"}},
		{name: "nothing", body: ``, status: 400, url: true},
		{name: "no id", body: rig.Patch(t, good, `{"id": null}`), status: 422, want: []string{`"path":"id"`, `"rule":"required"`}},
		{name: "an empty source", body: rig.Patch(t, good, `{"source": ""}`), status: 422, want: []string{`"path":"source"`}},
		{name: "a numeric type", body: rig.Patch(t, good, `{"type": 7}`), status: 422, want: []string{`"path":"type"`, "must be a string"}},
		{name: "another version", body: rig.Patch(t, good, `{"specversion": "0.3"}`), status: 422, want: []string{"must be 1.0"}},
		{name: "a wrong time", body: rig.Patch(t, good, `{"time": "yesterday"}`), status: 422, want: []string{"RFC 3339"}},
		{name: "a misspelt attribute", body: rig.Patch(t, good, `{"Subject": "x"}`), status: 422, want: []string{`"suggestion":"subject"`}},
		{name: "binary data", body: rig.Patch(t, good, `{"data_base64": "AA=="}`), status: 422, want: []string{"data_base64"}},
		{name: "its schema", body: rig.Patch(t, good, `{"data": {"total": "much"}}`), status: 422, want: []string{`"path":"data.total"`, `"rule":"type"`}},
		{name: "its schema, a field missing", body: rig.Patch(t, good, `{"data": {"orderId": null}}`), status: 422, want: []string{`"rule":"required"`, "orderId"}},
		{name: "no data", body: rig.Patch(t, good, `{"data": null}`), status: 422, want: []string{`"path":"data"`}},
		{name: "a profile's id that is none", body: rig.Patch(t, good, `{"data": {"customerId": ""}}`), status: 422, want: []string{"entry.profile", "order_ready"}},
		{name: "too large", body: rig.Patch(t, good, `{"data": {"orderId": "`+strings.Repeat("x", 128<<10)+`"}}`), status: 413, want: []string{"131072"}},
		{name: "a wrong content type", body: good, contentType: "text/xml", status: 415, want: []string{"application/cloudevents+json"}, url: true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			rig.Run(t, func(t *testing.T, w *rig.World) {
				w.Publish(rig.Setup{})
				kind := tc.contentType
				if kind == "" {
					kind = "application/cloudevents+json"
				}
				code, text := w.Call(http.MethodPost, "/entry/", tc.body, "Content-Type", kind)
				if code != tc.status {
					t.Errorf("got %d %s, want %d", code, text, tc.status)
				}
				for _, part := range tc.want {
					if !strings.Contains(text, part) {
						t.Errorf("got %s, want …%s…", text, part)
					}
				}
				if detail := json.RawMessage(tc.body); !tc.url && json.Valid(detail) {
					text, ok := w.Invoke("entry", map[string]any{"detail-type": rig.Event, "detail": detail})
					if ok || !strings.Contains(text, `"errorType":"Waypost.Invalid"`) {
						t.Errorf("as a detail: got %s", text)
					}
				}
				if got := len(w.Items(rig.Ledger)); got != 0 {
					t.Errorf("%d records were written", got)
				}
			})
		})
	}
}

// What is accepted, and what it starts.
func TestAcceptedEvents(t *testing.T) {
	t.Parallel()
	rig.Run(t, func(t *testing.T, w *rig.World) {
		w.Publish(rig.Setup{Journey: `{"entry": {"when": "event.total >= 20"}}`})
		send := func(event string) string {
			code, text := w.Call(http.MethodPost, "/entry/", event)
			return fmt.Sprint(code, " ", strings.TrimSpace(text))
		}
		started := func(id, duplicate string) string {
			return `202 {"executions":[{"execution":"` + rig.ExecutionOf(id, "c-1") + `","journey":"order_ready","version":1}]` + duplicate + `}`
		}
		for _, tc := range []struct{ name, event, want string }{
			{"an event", rig.EventOf("case-1", "c-1"), started("case-1", "")},
			{"the same again", rig.EventOf("case-1", "c-1"), started("case-1", `,"duplicate":true`)},
			{"when is false", rig.Patch(t, rig.EventOf("case-2", "c-1"), `{"data": {"total": 3}}`), `202 {"executions":[]}`},
			{"when is false, again", rig.Patch(t, rig.EventOf("case-2", "c-1"), `{"data": {"total": 3}}`), `202 {"executions":[],"duplicate":true}`},
			{"a type that nobody listens to", rig.Patch(t, rig.EventOf("case-3", "c-1"), `{"type": "order.lost"}`), `202 {"executions":[]}`},
			{"another source", rig.Patch(t, rig.EventOf("case-1", "c-1"), `{"source": "web", "data": {"total": 1}}`), `202 {"executions":[]}`},
			{"extensions", rig.Patch(t, rig.EventOf("case-4", "c-1"), `{"traceparent": "00-1"}`), started("case-4", "")},
		} {
			if got := send(tc.event); got != tc.want {
				t.Errorf("%s: got %s, want %s", tc.name, got, tc.want)
			}
		}
		text, ok := w.Invoke("entry", map[string]any{"detail-type": rig.Event, "detail": json.RawMessage(rig.EventOf("case-5", "c-1"))})
		if want := rig.ExecutionOf("case-5", "c-1"); !ok || !strings.Contains(text, want) {
			t.Errorf("by EventBridge: got %s, want %s", text, want)
		}
		w.Settle()
		if got, want := len(w.Executions()), 3; got != want {
			t.Errorf("got %d executions, want %d", got, want)
		}
	})
}

// An event that has no profile for one journey enters the others; one whose
// profile's id is none is refused.
func TestEventWithoutAProfileForOneJourney(t *testing.T) {
	t.Parallel()
	rig.Run(t, func(t *testing.T, w *rig.World) {
		w.Publish(rig.Setup{})
		w.Put("events/"+rig.Event, `{"type": "object", "required": ["orderId", "customerId"], "properties": {
			"orderId": {"type": "string"}, "customerId": {"type": "string"}, "total": {"type": "number"}, "payerId": {"type": "string"}}}`)
		w.Put("journeys/paid", `{"name": "paid", "entry": {"event": "order.ready", "profile": "event.payerId"}, "steps": [{"id": "later", "wait": {"for": "PT1S"}}]}`)
		w.Admin(http.MethodPost, "journeys/paid/publish", "")
		sleep(2)
		if a := w.Send("case-1"); len(a.Executions) != 1 || a.Executions[0].Journey != rig.Journey {
			t.Errorf("got %+v, want %s alone", a, rig.Journey)
		}
		if got := strings.Count(w.Logs(), "its entry.profile is nil"); got != 1 {
			t.Errorf("the log says it %d times, want once", got)
		}
		if a := w.SendEvent(rig.Patch(t, rig.EventOf("case-2", "c-1"), `{"data": {"payerId": "c-2"}}`)); len(a.Executions) != 2 {
			t.Errorf("got %+v, want both journeys", a)
		}
		for _, id := range []string{"", strings.Repeat("c", 513)} {
			code, text := w.Call(http.MethodPost, "/entry/", rig.Patch(t, rig.EventOf("case-3", "c-1"), `{"data": {"payerId": "`+id+`"}}`))
			if code != http.StatusUnprocessableEntity || !strings.Contains(text, "journey paid") {
				t.Errorf("got %d %s, want 422 that names the journey", code, text)
			}
		}
	})
}

// A repeat of an accepted event is answered as before, whatever has become of
// its type's schema.
func TestRepeatAfterASchemaChange(t *testing.T) {
	t.Parallel()
	rig.Run(t, func(t *testing.T, w *rig.World) {
		var away atomic.Bool
		w.Fail = func(op string, _ []byte) rig.Fault {
			if op == "GetItem ledger event" && away.Load() {
				return rig.Refuses
			}
			return rig.Works
		}
		w.Publish(rig.Setup{})
		first := w.Send("case-1")
		w.Put("events/"+rig.Event, `{"type": "object", "required": ["orderId", "customerId", "storeId"], "properties": {
			"orderId": {"type": "string"}, "customerId": {"type": "string"}, "total": {"type": "number"}, "storeId": {"type": "string"}}}`)
		sleep(2)
		if a := w.Send("case-1"); !a.Duplicate || !slices.Equal(a.Executions, first.Executions) {
			t.Errorf("got %+v, want a duplicate of %+v", a, first)
		}
		if code, text := w.Call(http.MethodPost, "/entry/", rig.EventOf("case-2", "c-1")); code != http.StatusUnprocessableEntity {
			t.Errorf("another event: got %d %s, want 422", code, text)
		}
		away.Store(true) // whether it was accepted is not known: its sender must try again
		if code, text := w.Call(http.MethodPost, "/entry/", rig.EventOf("case-1", "c-1")); code != http.StatusServiceUnavailable {
			t.Errorf("while the ledger is away: got %d %s, want 503", code, text)
		}
		away.Store(false)
		w.Settle()
		if got := len(w.Endpoint.Calls("")); got != 1 {
			t.Errorf("%d calls, want 1", got)
		}
	})
}

// Re-entrance: each line is an event, the seconds after which it is sent, and
// whether the profile enters.
func TestReentry(t *testing.T) {
	t.Parallel()
	type send struct {
		id     string
		after  int
		enters bool
	}
	for _, tc := range []struct {
		name, entry string
		sends       []send
	}{
		{"always", `{}`, []send{{"case-1", 0, true}, {"case-2", 0, true}}},
		{"never again", `{"reentry": {"allowed": false}}`, []send{{"case-1", 0, true}, {"case-1", 1, true}, {"case-2", 3600, false}, {"case-2", 1, false}}},
		{"after five minutes", `{"reentry": {"allowed": true, "after": "PT5M"}}`,
			[]send{{"case-1", 0, true}, {"case-2", 299, false}, {"case-3", 2, true}, {"case-4", 2, false}, {"case-2", 600, false}, {"case-5", 0, true}}},
		{"at once", `{"reentry": {"allowed": true}}`, []send{{"case-1", 0, true}, {"case-2", 0, true}}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			rig.Run(t, func(t *testing.T, w *rig.World) {
				w.Publish(rig.Setup{Journey: `{"entry": ` + tc.entry + `}`})
				for i, s := range tc.sends {
					sleep(s.after)
					if a := w.Send(s.id); (len(a.Executions) == 1) != s.enters {
						t.Errorf("event %d, %s: got %+v, want it to enter: %v", i, s.id, a, s.enters)
					}
				}
			})
		})
	}
}

// Re-entrance counts by journey and profile, across versions.
func TestReentryAcrossVersions(t *testing.T) {
	t.Parallel()
	rig.Run(t, func(t *testing.T, w *rig.World) {
		rule := `{"entry": {"reentry": {"allowed": false}}`
		w.Publish(rig.Setup{Journey: rule + `}`})
		w.Send("case-1")
		w.Publish(rig.Setup{Journey: rule + `, "description": "another"}`})
		sleep(10)
		if a := w.Send("case-2"); len(a.Executions) != 0 {
			t.Errorf("got %+v, want it refused", a)
		}
		w.Put("profiles/c-2", rig.Customer)
		if a := w.SendEvent(rig.EventOf("case-3", "c-2")); len(a.Executions) != 1 || a.Executions[0].Version != 2 {
			t.Errorf("got %+v, want another profile in version 2", a)
		}
	})
}

// A start that fails stays pending until the sweep or a repeat starts it, even
// after a new version was published: in the version of its event's record.
func TestPendingStarts(t *testing.T) {
	t.Parallel()
	for _, by := range []string{"sweep", "repeat"} {
		t.Run(by, func(t *testing.T) {
			rig.Run(t, func(t *testing.T, w *rig.World) {
				w.Publish(rig.Setup{})
				refused := true
				w.Fail = func(op string, _ []byte) rig.Fault {
					if op == "StartExecution" && refused {
						return rig.Refuses
					}
					return rig.Works
				}
				x := w.Send("case-1").Executions[0]
				if got := len(w.Executions()); got != 0 {
					t.Fatalf("%d executions, want none yet", got)
				}
				w.Publish(rig.Setup{Journey: `{"description": "another"}`})
				refused = false
				sleep(10)
				if by == "repeat" {
					if a := w.Send("case-1"); !a.Duplicate || a.Executions[0] != x {
						t.Errorf("got %+v, want a duplicate with %+v", a, x)
					}
				}
				w.Settle()
				if runs := w.Executions(); len(runs) != 1 || !strings.Contains(runs[0].ARN, "order_ready-v1") {
					t.Errorf("got %+v, want one execution of version 1", runs)
				}
			})
		})
	}
}

// An orphan of a sender's dead try is of an older version: what starts is what
// the event's record lists, with that version's input.
func TestOrphanOfAnOlderVersion(t *testing.T) {
	t.Parallel()
	for _, startFails := range []bool{false, true} {
		t.Run(fmt.Sprint("the start fails: ", startFails), func(t *testing.T) {
			rig.Run(t, func(t *testing.T, w *rig.World) {
				w.Cold, w.Latency = true, spread
				w.Publish(rig.Setup{})
				w.Kill("case-1", "entry", rig.Death{At: 4}) // the execution's record is written, the event's is not
				if code, _ := w.Call(http.MethodPost, "/entry/", rig.EventOf("case-1", "c-1")); code == http.StatusAccepted {
					t.Fatal("entry did not die")
				}
				if got := len(w.Items(rig.Ledger)); got != 1 {
					t.Fatalf("%d records, want the orphan alone", got)
				}
				w.Publish(rig.Setup{Journey: `{"description": "another"}`})
				refused := startFails
				w.Fail = func(op string, _ []byte) rig.Fault {
					if op == "StartExecution" && refused {
						return rig.Refuses
					}
					return rig.Works
				}
				w.Send("case-1")
				refused = false
				w.Settle()
				runs := w.Executions()
				if len(runs) != 1 || !strings.Contains(runs[0].ARN, "order_ready-v2") || !strings.Contains(runs[0].Input, `"version":2`) {
					t.Errorf("got %+v, want one execution of version 2", runs)
				}
			})
		})
	}
}

// An execution that Step Functions refuses for good is recorded so, and not
// tried again.
func TestRefusedForGood(t *testing.T) {
	t.Parallel()
	rig.Run(t, func(t *testing.T, w *rig.World) {
		w.Publish(rig.Setup{})
		w.DeleteMachines()
		x := w.Send("case-1").Executions[0].Execution
		w.Settle()
		e, err := w.Ledger.Execution(t.Context(), x)
		if err != nil || e.State != ledger.Refused || !strings.Contains(e.Reason, "StateMachineDoesNotExist") {
			t.Errorf("got %s (%s), %v; want failed, with its reason", e.State, e.Reason, err)
		}
		if a := w.Send("case-1"); !a.Duplicate {
			t.Errorf("got %+v, want a duplicate", a)
		}
	})
}

// A transaction that meets another one tells nothing of re-entrance: it is tried again.
func TestTransactionConflict(t *testing.T) {
	t.Parallel()
	rig.Run(t, func(t *testing.T, w *rig.World) {
		w.Publish(rig.Setup{Journey: `{"entry": {"reentry": {"allowed": false}}}`})
		met := 0
		w.Answer = func(op string) (int, string) {
			if op != "TransactWriteItems" || met == 2 {
				return 0, ""
			}
			met++
			return http.StatusBadRequest, `{"__type": "com.amazonaws.dynamodb.v20120810#TransactionCanceledException", "Message": "cancelled",
				"CancellationReasons": [{"Code": "None"}, {"Code": "TransactionConflict", "Message": "Transaction is ongoing for the item"}]}`
		}
		if a := w.Send("case-1"); len(a.Executions) != 1 || met != 2 {
			t.Errorf("got %+v after %d conflicts, want the profile to enter", a, met)
		}
	})
}

// The index of what is due holds nothing else.
func TestDueIndexIsSparse(t *testing.T) {
	t.Parallel()
	rig.Run(t, func(t *testing.T, w *rig.World) {
		w.Publish(rig.Setup{})
		w.Send("case-1")
		w.Settle()
		for _, it := range w.Items(rig.Ledger) {
			if _, due := it["due"]; due {
				t.Errorf("a settled record is due: %v", it)
			}
			if expires, ok := it["expires"].(*types.AttributeValueMemberN); !ok || expires.Value < fmt.Sprint(time.Now().Add(365*24*time.Hour).Unix()) {
				t.Errorf("a record expires too early: %v", it)
			}
		}
	})
}
