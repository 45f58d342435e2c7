package rig_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/waypost/waypost/infra/rig"
	"github.com/waypost/waypost/shared/ledger"
)

// goesOn is a journey whose second step must be reached whatever the first comes to.
const goesOn = `{"steps": [
	{"id": "text", "action": {"name": "notify", "version": 1, "with": {"to": "{{ profile.phone }}", "text": "a"}}, "onError": "continue"},
	{"id": "two", "action": {"name": "notify", "version": 1, "with": {"to": "{{ profile.phone }}", "text": "{{ steps.text.outcome }}"}}, "onError": "continue"}]}`

// An error that is too large for a state machine keeps nobody from onError.
func TestLargeError(t *testing.T) {
	t.Parallel()
	rig.Run(t, func(t *testing.T, w *rig.World) {
		w.Publish(rig.Setup{Action: `{"contract": {"error": {"message": {"type": "string"}}}}`, Journey: goesOn})
		w.Endpoint.Answer = func(_ int, r rig.Request) rig.Reply {
			if strings.Contains(r.Key(), ".two.") {
				return accepted
			}
			return rig.Reply{Status: 400, Body: `{"message": "` + strings.Repeat("x", 40_000) + `"}`}
		}
		x := w.Send("case-1").Executions[0].Execution
		w.Settle()
		if d := w.Delivery(x); d.Outcome != ledger.Failed || d.Failure == nil {
			t.Errorf("got %s (%s) with %v", d.Outcome, d.Reason, d.Failure != nil)
		}
		calls, run := w.Endpoint.Calls(x), w.Executions()[0]
		if run.Status != "SUCCEEDED" || len(calls) != 2 || !strings.Contains(calls[1].Body, "failed") {
			t.Errorf("the execution ended %s (%s, %.80s) after %d calls", run.Status, run.Error, run.Cause, len(calls))
		}
	})
}

// What an endpoint answers is kept, and given to the journey again by a
// repeat, also where DynamoDB has no number and no depth for it.
func TestAnswersBeyondDynamoDB(t *testing.T) {
	t.Parallel()
	deep := any("x")
	for range 60 {
		deep = map[string]any{"a": deep}
	}
	for _, tc := range []struct {
		name, kind, body string
		want             any
	}{
		{"a large number", "number", `1e250`, 1e250},
		{"a tiny number", "number", `1e-250`, 1e-250},
		{"an integer", "integer", `9007199254740993`, int64(9007199254740993)},
		{"60 objects", "object", strings.Repeat(`{"a":`, 60) + `"x"` + strings.Repeat(`}`, 60), deep},
		{"an empty text", "string", `""`, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			rig.Run(t, func(t *testing.T, w *rig.World) {
				fields := `{"n": {"type": "` + tc.kind + `"}}`
				w.Publish(rig.Setup{Action: `{"contract": {"response": ` + fields + `, "error": ` + fields + `}}`})
				w.Endpoint.Answer = answers(rig.Reply{Status: 200, Body: `{"n": ` + tc.body + `}`}, rig.Reply{Status: 400, Body: `{"n": ` + tc.body + `}`})
				x := w.Send("case-1").Executions[0].Execution
				w.Settle()
				d := w.Delivery(x)
				want := map[string]any{"n": tc.want}
				if diff := cmp.Diff(want, d.Response); d.Outcome != ledger.Sent || diff != "" {
					t.Errorf("got %s (%s): %s", d.Outcome, d.Reason, diff)
				}
				if got := w.DeadLetters(); len(got) > 0 {
					t.Errorf("dead letters: %v", got)
				}
				task := taskOf("case-1")
				first, _ := w.Invoke("webhook", task)
				if run := w.Executions()[0]; !strings.Contains(run.Output, first) {
					t.Errorf("a repeat gives %s, and the first gave %s", first, run.Output)
				}
			})
		})
	}
}

// A record that the table refuses for what it holds is written without the
// answer's fields: the outcome stays what it was.
func TestAnswerThatCannotBeKept(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		reply   rig.Reply
		outcome ledger.Outcome
	}{{accepted, ledger.Sent}, {rig.Reply{Status: 400, Body: `{"id": "m-1"}`}, ledger.Failed}} {
		rig.Run(t, func(t *testing.T, w *rig.World) {
			w.Publish(rig.Setup{Action: `{"contract": {"error": {"id": {"type": "string"}}}}`})
			w.Endpoint.Answer = answers(tc.reply)
			refused := false
			w.Answer = func(op string) (int, string) {
				if op != "PutItem ledger" || refused || len(w.Endpoint.Calls("")) == 0 {
					return 0, ""
				}
				refused = true
				return http.StatusBadRequest, `{"__type": "ValidationException", "message": "planted"}`
			}
			x := w.Send("case-1").Executions[0].Execution
			w.Settle()
			d := w.Delivery(x)
			if d.Outcome != tc.outcome || d.Response != nil || d.Failure != nil || !strings.Contains(d.Reason, "the answer's fields are left out") {
				t.Errorf("got %s (%s) with %v and %v, want %s without fields", d.Outcome, d.Reason, d.Response, d.Failure, tc.outcome)
			}
			if got := len(w.Endpoint.Calls(x)); got != 1 {
				t.Errorf("the endpoint was called %d times", got)
			}
		})
	}
}

// Answers that add up to more than an execution's state may have are left out,
// with the reason: the messages were sent, and the journey goes on.
func TestAnswersThatAddUp(t *testing.T) {
	t.Parallel()
	const kib = 1 << 10
	for _, tc := range []struct {
		name          string
		event, answer string // what makes each large
		failed        bool   // the answer is a refusal
		first, second bool   // the step's fields are left out
	}{
		{"small", "p", "r", false, false, false},
		{"the second", strings.Repeat("p", 110*kib), strings.Repeat("r", 100*kib), false, false, true},
		{"both", strings.Repeat("p", 110*kib), strings.Repeat("r", 145*kib), false, true, true},
		{"more than a state by itself", "p", strings.Repeat("r", 300*kib), false, true, true},
		{"characters of two bytes", strings.Repeat("ü", 55*kib), strings.Repeat("ü", 62*kib), false, false, true},
		{"refusals", strings.Repeat("p", 125*kib), strings.Repeat(`"`, 5*kib), true, false, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			rig.Run(t, func(t *testing.T, w *rig.World) {
				w.Publish(rig.Setup{Action: `{"contract": {"response": {"id": {"type": "string"}}, "error": {"id": {"type": "string"}}}}`, Journey: goesOn})
				body, err := json.Marshal(map[string]string{"id": tc.answer})
				if err != nil {
					t.Fatal(err)
				}
				want, code := ledger.Sent, http.StatusOK
				if tc.failed {
					want, code = ledger.Failed, http.StatusBadRequest
				}
				w.Endpoint.Answer = answers(rig.Reply{Status: code, Body: string(body)})
				x := w.SendEvent(strings.Replace(rig.EventOf("case-1", "c-1"), `"total"`, `"pad": "`+tc.event+`", "total"`, 1)).Executions[0].Execution
				w.Settle()
				for step, without := range map[string]bool{"text": tc.first, "two": tc.second} {
					d := w.DeliveryOf(x, step)
					if d.Outcome != want || strings.Contains(d.Reason, "the answer's fields are left out") != without || (d.Response == nil && d.Failure == nil) != without {
						t.Errorf("%s: got %s (%s) with fields %t, want %s with %t", step, d.Outcome, d.Reason, d.Response != nil || d.Failure != nil, want, !without)
					}
				}
				if run := w.Executions()[0]; run.Status != "SUCCEEDED" {
					t.Errorf("the execution ended %s (%s, %.200s)", run.Status, run.Error, run.Cause)
				}
				if got := len(w.Endpoint.Calls(x)); got != 2 {
					t.Errorf("the endpoint was called %d times, want 2", got)
				}
			})
		})
	}
}

// A step whose task is too large for Step Functions ends dead, and the journey
// goes on as its author said.
func TestStateTooLargeForAStep(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ name, second string }{
		{"awaited", `"onError": "continue"`},
		{"handed over", `"description": "none"`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			rig.Run(t, func(t *testing.T, w *rig.World) {
				await := ""
				if tc.name == "handed over" {
					await = `"await": "none", `
				}
				w.Publish(rig.Setup{Journey: `{"steps": [
					{"id": "text", "action": {"name": "notify", "version": 1, "with": {"to": "x", "text": "a"}}},
					{"id": "two", "action": {"name": "notify", "version": 1, ` + await + `"with": {"to": "` + strings.Repeat("x", 30<<10) + `", "text": "b"}}, ` + tc.second + `},
					{"id": "three", "action": {"name": "notify", "version": 1, "with": {"to": "x", "text": "{{ steps.two.outcome }}"}}}]}`})
				w.Endpoint.Answer = func(_ int, r rig.Request) rig.Reply {
					if strings.Contains(r.Key(), ".text.") {
						return rig.Reply{Status: 200, Body: `{"id": "` + strings.Repeat("r", 125<<10) + `"}`}
					}
					return accepted
				}
				x := w.SendEvent(strings.Replace(rig.EventOf("case-1", "c-1"), `"total"`, `"pad": "`+strings.Repeat("p", 110<<10)+`", "total"`, 1)).Executions[0].Execution
				w.Settle()
				if run := w.Executions()[0]; run.Status != "SUCCEEDED" {
					t.Errorf("the execution ended %s (%s, %.200s)", run.Status, run.Error, run.Cause)
				}
				calls := w.Endpoint.Calls(x)
				if len(calls) != 2 || !strings.Contains(calls[1].Body, `"dead"`) {
					t.Errorf("got %d calls, want two, the last of which says that step two is dead", len(calls))
				}
				if got := w.DeliveryOf(x, "two").Outcome; got != ledger.Dead && await == "" {
					t.Errorf("the record of step two says %q, want dead", got)
				}
			})
		})
	}
}
