package rig_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/waypost/waypost/infra/rig"
	"github.com/waypost/waypost/shared/callback/callbacktest"
	"github.com/waypost/waypost/shared/ledger"
)

const (
	// number is the standard customer's.
	number = "+15550001"
	// unwanted is a link to their opt-out of text messages.
	unwanted = "/admin/v1/opt-outs/sms/" + number
)

var (
	texted   = rig.Reply{Status: 201, Body: `{"sid": "SM1"}`}
	optedOut = rig.Reply{Status: 400, Body: `{"code": 21610, "message": "Attempt to send to unsubscribed recipient ` + number + `", "status": 400}`}
)

// texting is a world whose standard action texts.
func texting(t *testing.T, f func(t *testing.T, w *rig.World), patches ...string) {
	t.Helper()
	rig.Run(t, func(t *testing.T, w *rig.World) {
		w.Reporter = callbacktest.Reporter{}
		w.PutSecret("waypost/twilio", twilioSecret)
		w.PutSecret("waypost/sinch", localSinch)
		w.PutSecret("waypost/reports", `{"key": "`+reportKey+`"}`)
		act := rig.Patch(t, sms, `{"settings": {"callback": {"secret": "waypost/reports"}}}`)
		for _, p := range patches {
			act = rig.Patch(t, act, p)
		}
		w.Publish(rig.Setup{Action: act})
		w.Endpoint.Answer = answers(texted)
		f(t, w)
	})
}

// send makes a delivery, and gives what became of it.
func send(w *rig.World, id string) ledger.Delivery {
	x := w.Send(id).Executions[0].Execution
	w.Settle()
	return w.Delivery(x)
}

// A recipient who told Twilio to stop gets no more text messages, but what
// comes over other channels; until an operator lifts it.
func TestOptOutByRefusal(t *testing.T) {
	t.Parallel()
	texting(t, func(t *testing.T, w *rig.World) {
		w.Endpoint.Answer = answers(optedOut)
		first := send(w, "case-1")
		if first.Outcome != ledger.Suppressed || !strings.Contains(first.Reason, "21610") {
			t.Errorf("the refusal ended %s (%s), want suppressed for 21610", first.Outcome, first.Reason)
		}
		second := send(w, "case-2")
		if want := "the recipient opted out (twilio 21610, " + first.SettledAt.Format(time.DateOnly) + ")"; second.Outcome != ledger.Suppressed || second.Reason != want {
			t.Errorf("the next ended %s (%s), want suppressed: %s", second.Outcome, second.Reason, want)
		}
		if n := len(w.Endpoint.Calls("")); n != 1 {
			t.Errorf("Twilio was called %d times, want once", n)
		}
		if text := w.Admin(http.MethodGet, unwanted[len("/admin/v1/"):], ""); !strings.Contains(text, `"by":"twilio","code":"21610","evidence":"`+first.ID().String()+`"`) || strings.Contains(text, number) {
			t.Errorf("the API shows %s", text)
		}

		w.Put("actions/hook", rig.Patch(t, `{"name": "hook", "channel": "webhook", "contract": {"method": "POST", "path": "/v1/x", "body": {"to": {"toBeMapped": true, "type": "string"}}},
			"settings": {"url": "https://hooks.example"}}`, ""))
		w.Admin(http.MethodPost, "actions/hook/publish", "")
		w.Put("journeys/"+rig.Journey, `{"name": "order_ready", "entry": {"event": "order.ready", "profile": "event.customerId"}, "steps": [
			{"id": "text", "action": {"name": "hook", "version": 1, "with": {"to": "{{ profile.phone }}"}}}]}`)
		w.Admin(http.MethodPost, "journeys/"+rig.Journey+"/publish", "")
		w.Endpoint.Answer = answers(accepted)
		if other := send(w, "case-3"); other.Outcome != ledger.Sent || other.Channel != "webhook" {
			t.Errorf("over another channel it ended %s (%s), want sent", other.Outcome, other.Reason)
		}
	})
}

// What is lifted is sent again, and what told of the opt-out does not count twice.
func TestOptOutIsLifted(t *testing.T) {
	t.Parallel()
	texting(t, func(t *testing.T, w *rig.World) {
		first := send(w, "case-1")
		report := func() {
			t.Helper()
			code, text := w.CallBack(reportKey, first.CallbackToken(), callbacktest.Body{Status: ledger.Undelivered, Code: "21610", OptOut: number[1:]})
			if code != http.StatusNoContent {
				t.Errorf("the callback is answered %d %s", code, text)
			}
		}
		ends := func(id string, want ledger.Outcome) {
			t.Helper()
			if d := send(w, id); d.Outcome != want {
				t.Errorf("%s ended %s (%s), want %s", id, d.Outcome, d.Reason, want)
			}
		}
		call := func(method string, want int) {
			t.Helper()
			if code, text := w.Call(method, unwanted, ""); code != want || strings.Contains(text, number) {
				t.Errorf("%s: got %d %s, want %d", method, code, text, want)
			}
		}
		call(http.MethodGet, 404)
		report()
		ends("case-2", ledger.Suppressed)
		call(http.MethodGet, 200)
		call(http.MethodDelete, 200)
		call(http.MethodDelete, 404)
		call(http.MethodGet, 404)
		ends("case-3", ledger.Sent)
		report() // once more: it is no news
		ends("case-4", ledger.Sent)

		// The recipient's own word is new each time.
		if code, text := w.CallBack(reportKey, "inbound.notify", callbacktest.Body{ID: "m-in", OptOut: number, Reply: "<Response/>"}); code != 200 || text != "<Response/>" {
			t.Errorf("STOP is answered %d %s", code, text)
		}
		ends("case-5", ledger.Suppressed)
		call(http.MethodDelete, 200)
		call(http.MethodPut, 200)
		call(http.MethodPut, 200)
		ends("case-6", ledger.Suppressed)
		if d := w.Delivery(rig.ExecutionOf("case-6", "c-1")); !strings.Contains(d.Reason, "(operator, ") {
			t.Errorf("got the reason %s, want the operator", d.Reason)
		}
		for place, text := range w.Everything() {
			if strings.Contains(text, number[1:]) {
				t.Errorf("%s has the recipient: %s", place, text)
			}
		}
	})
}

// The API takes a phone number of a channel whose recipients can opt out.
func TestOptOutPaths(t *testing.T) {
	t.Parallel()
	texting(t, func(t *testing.T, w *rig.World) {
		for _, tc := range []struct{ path, want string }{
			{"sms/Ada", `"path":"recipient"`}, {"sms/0701740605", `"path":"recipient"`}, {"sns/" + number, `did you mean sms?`}, {"webhook/" + number, `"path":"channel"`},
		} {
			for _, method := range []string{http.MethodGet, http.MethodPut, http.MethodDelete} {
				if code, text := w.Call(method, "/admin/v1/opt-outs/"+tc.path, ""); code != 422 || !strings.Contains(text, tc.want) {
					t.Errorf("%s %s: got %d %s, want 422 with %s", method, tc.path, code, text, tc.want)
				}
			}
		}
		if code, text := w.Call(http.MethodPost, unwanted, ""); code != 405 {
			t.Errorf("got %d %s, want 405", code, text)
		}
	})
}

// Asking for an opt-out is a second round trip, at once with that of the limits;
// an action of another channel makes none.
func TestOptOutRoundTrips(t *testing.T) {
	t.Parallel()
	for limits, want := range map[string][]string{
		`[]`: {"GetItem limits"},
		`[{"kind": "cap", "calls": 9, "per": "24h"}, {"kind": "throttle", "calls": 9, "per": "1s"}]`: {"GetItem limits", "UpdateItem limits", "UpdateItem limits"},
	} {
		t.Run(fmt.Sprint(len(want)), func(t *testing.T) {
			t.Parallel()
			texting(t, func(t *testing.T, w *rig.World) {
				send(w, "case-1")
				w.Ops()
				w.Send("case-2")
				sleep(2)
				var asked []rig.Op
				var began, called time.Time
				for _, op := range w.Ops() {
					switch {
					case strings.HasSuffix(op.Name, rig.Limits):
						asked = append(asked, op)
					case op.Function == "sms" && began.IsZero():
						began = op.Began
					case op.Name == "endpoint":
						called = op.Began
					}
				}
				names := make([]string, len(asked))
				for i, op := range asked {
					names[i] = op.Name
					if !op.Began.Equal(asked[0].Began) {
						t.Errorf("%s began %v after the first", op.Name, op.Began.Sub(asked[0].Began))
					}
				}
				slices.Sort(names)
				if d := cmp.Diff(want, names); d != "" {
					t.Error(d)
				}
				if got, want := called.Sub(began), 10*time.Millisecond; got != want {
					t.Errorf("before the endpoint was called: got %v, want two round trips, %v", got, want)
				}
			}, `{"settings": {"limits": `+limits+`}}`)
		})
	}
}

// Limits don't count what is not sent, and who opts out while a delivery waits
// for its slot is not sent it.
func TestOptOutAndLimits(t *testing.T) {
	t.Parallel()
	t.Run("a cap", func(t *testing.T) {
		t.Parallel()
		texting(t, func(t *testing.T, w *rig.World) {
			w.Call(http.MethodPut, unwanted, "")
			if d := send(w, "case-1"); d.Outcome != ledger.Suppressed {
				t.Errorf("it ended %s (%s), want suppressed", d.Outcome, d.Reason)
			}
			w.Call(http.MethodDelete, unwanted, "")
			if d := send(w, "case-2"); d.Outcome != ledger.Sent {
				t.Errorf("once it is lifted it ended %s (%s), want sent", d.Outcome, d.Reason)
			}
		}, `{"settings": {"limits": [{"kind": "cap", "calls": 1, "per": "24h"}]}}`)
	})
	t.Run("a throttle", func(t *testing.T) {
		t.Parallel()
		texting(t, func(t *testing.T, w *rig.World) {
			w.Send("case-1")
			w.Send("case-2")
			sleep(5)
			w.Call(http.MethodPut, unwanted, "")
			w.Settle()
			for id, want := range map[string]ledger.Outcome{"case-1": ledger.Sent, "case-2": ledger.Suppressed} {
				if d := w.Delivery(rig.ExecutionOf(id, "c-1")); d.Outcome != want {
					t.Errorf("%s ended %s (%s), want %s", id, d.Outcome, d.Reason, want)
				}
			}
		}, `{"settings": {"limits": [{"kind": "throttle", "calls": 1, "per": "60s"}]}}`)
	})
}

// Where nobody can say whether a recipient has opted out, nothing is sent yet.
func TestOptOutsOutOfReach(t *testing.T) {
	t.Parallel()
	texting(t, func(t *testing.T, w *rig.World) {
		var mended atomic.Bool
		w.Fail = func(op string, _ []byte) rig.Fault {
			if op == "GetItem limits" && !mended.Load() {
				return rig.Refuses
			}
			return rig.Works
		}
		x := w.Send("case-1").Executions[0].Execution
		sleep(60)
		if n := len(w.Endpoint.Calls("")); n > 0 {
			t.Errorf("it was sent %d times", n)
		}
		mended.Store(true)
		w.Settle()
		if d := w.Delivery(x); d.Outcome != ledger.Sent {
			t.Errorf("it ended %s (%s), want sent once it can be asked", d.Outcome, d.Reason)
		}
	})
}
