package callback_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/waypost/waypost/shared/action"
	"github.com/waypost/waypost/shared/callback/callbacktest"
	"github.com/waypost/waypost/shared/ledger"
	"github.com/waypost/waypost/shared/optout"
)

// What is not about one delivery comes by an action's name, and may name a
// delivery itself: of that action, or of one whose callbacks the same secret signs.
func TestInbound(t *testing.T) {
	w := newWorld()
	h := w.handler()
	other := ledger.Delivery{Execution: "x3", Step: "text", Action: "other", ActionVersion: 1, Callback: "NONCE"}
	w.put(other)
	for name, secret := range map[string]string{"sibling": "waypost/first", "stranger": "waypost/second"} {
		act := &action.Action{Definition: action.Definition{Name: name, Channel: "sms", Provider: "first"}}
		act.Settings.Callback = &action.Callback{Secret: secret}
		w.actions[name] = act
		w.put(ledger.Delivery{Execution: name, Step: "text", Action: name, ActionVersion: 1, Provider: "first", Callback: "NONCE"})
	}
	for _, tc := range []struct {
		name   string
		body   callbacktest.Body
		code   int
		answer string
		moved  ledger.Status
	}{
		{"a challenge", callbacktest.Body{Reply: "<c-1>"}, 200, "<c-1>", ""},
		{"a status of nothing", callbacktest.Body{Status: ledger.Delivered}, 204, "", ""},
		{"a delivery that there is not", callbacktest.Body{Status: ledger.Delivered, Token: "x9.text.0.NONCE"}, 204, "", ""},
		{"no token", callbacktest.Body{Status: ledger.Delivered, Token: "{x}"}, 204, "", ""},
		{"an inbound token", callbacktest.Body{Status: ledger.Delivered, Token: "inbound.ready_text"}, 204, "", ""},
		{"an inbound token of no action", callbacktest.Body{Status: ledger.Delivered, Token: "inbound.none"}, 204, "", ""},
		{"another action's", callbacktest.Body{Status: ledger.Delivered, Token: "x3.text.0.NONCE"}, 204, "", ""},
		{"its own", callbacktest.Body{Status: ledger.Delivered, Token: token, Reply: "ok"}, 200, "ok", ledger.Delivered},
	} {
		got := w.do(h, call{path: "/callback/one/inbound.ready_text", body: tc.body.String()})
		if got.Code != tc.code || got.Body.String() != tc.answer {
			t.Errorf("%s: got %d %q, want %d %q", tc.name, got.Code, got.Body, tc.code, tc.answer)
		}
		if tc.answer != "" && got.Header().Get("Content-Type") != "text/plain; charset=utf-8" {
			t.Errorf("%s: it is answered as %s", tc.name, got.Header().Get("Content-Type"))
		}
		if got := w.deliveries[ledger.DeliveryID{Execution: "x1", Step: "text"}]; got.Status != tc.moved {
			t.Errorf("%s: got the status %q, want %q", tc.name, got.Status, tc.moved)
		}
	}
	for name, moved := range map[string]ledger.Status{"sibling": ledger.Delivered, "stranger": ""} {
		got := w.do(h, call{path: "/callback/one/inbound.ready_text", body: callbacktest.Body{Status: ledger.Delivered, Token: name + ".text.0.NONCE"}.String()})
		if d := w.deliveries[ledger.DeliveryID{Execution: name, Step: "text"}]; got.Code != http.StatusNoContent || d.Status != moved {
			t.Errorf("the delivery of the %s: got %d and %q, want 204 and %q", name, got.Code, d.Status, moved)
		}
	}
	if d := cmp.Diff(other, w.deliveries[other.ID()]); d != "" {
		t.Errorf("another action's delivery has changed: %s", d)
	}
	w.down["Delivery"] = true
	if got := w.do(h, call{path: "/callback/one/inbound.ready_text", body: callbacktest.Body{Status: ledger.Read, Token: token}.String()}); got.Code != http.StatusServiceUnavailable {
		t.Errorf("without an answer of the ledger: got %d, want 503", got.Code)
	}
}

// A recipient who wants no more is noted, with what told of it.
func TestOptOuts(t *testing.T) {
	w := newWorld()
	h := w.handler()
	screen := &action.Action{Definition: action.Definition{Name: "screen", Channel: "screen"}}
	screen.Settings.Callback = &action.Callback{Secret: "waypost/first"}
	w.actions["screen"] = screen
	const number = "+15550100001"
	for _, tc := range []struct {
		name string
		call call
		down bool
		code int
		want optout.OptOut
	}{
		{"by a delivery's callback", call{body: callbacktest.Body{Status: ledger.Undelivered, Code: "21610", ID: "m-1", OptOut: number}.String()}, false, 204,
			optout.OptOut{Channel: "sms", At: noon, By: "first", Code: "21610", Evidence: "x1.text.0"}},
		{"by the failover's", call{path: "/callback/two/" + token, key: "key-of-second", body: callbacktest.Body{OptOut: number}.String()}, false, 204,
			optout.OptOut{Channel: "sms", At: noon, By: "second", Evidence: "x1.text.0"}},
		{"by the recipient's message", call{path: "/callback/one/inbound.ready_text", body: callbacktest.Body{ID: "m-in", OptOut: number}.String()}, false, 204,
			optout.OptOut{Channel: "sms", At: noon, By: "first", Evidence: "m-in"}},
		{"of a channel that has no recipients", call{path: "/callback/one/inbound.screen", body: callbacktest.Body{OptOut: number}.String()}, false, 204, optout.OptOut{}},
		{"while AWS does not answer", call{body: callbacktest.Body{OptOut: number}.String()}, true, 503, optout.OptOut{}},
		{"by a stranger", call{key: "none", body: callbacktest.Body{OptOut: number}.String()}, false, 403, optout.OptOut{}},
	} {
		clear(w.optOuts)
		w.down["Add"] = tc.down
		if got := w.do(h, tc.call); got.Code != tc.code {
			t.Errorf("%s: got %d, want %d", tc.name, got.Code, tc.code)
		}
		if d := cmp.Diff(tc.want, w.optOuts[number]); d != "" {
			t.Errorf("%s: %s", tc.name, d)
		}
	}
	if strings.Contains(w.log.String(), number) {
		t.Errorf("the log has the recipient: %s", &w.log)
	}
}

// A report on a batch may tell of many. What could not be noted of them is told
// again, and is not a reason to leave the others out.
func TestManyOptOuts(t *testing.T) {
	w := newWorld()
	h := w.handler()
	var numbers []string
	for i := range 100 {
		numbers = append(numbers, fmt.Sprintf("+1555010%04d", i))
	}
	c := call{body: callbacktest.Body{Status: ledger.Undelivered, OptOut: strings.Join(numbers, " ")}.String()}
	w.down["Add "+numbers[7]] = true
	if got := w.do(h, c); got.Code != http.StatusServiceUnavailable || len(w.optOuts) != 99 {
		t.Errorf("got %d and %d opt-outs, want 503 and 99", got.Code, len(w.optOuts))
	}
	w.down = nil
	if got := w.do(h, c); got.Code != http.StatusNoContent || w.optOuts[numbers[7]].Evidence != "x1.text.0" {
		t.Errorf("got %d and %+v, want 204 and what told of it", got.Code, w.optOuts[numbers[7]])
	}
}

// Where an action and its failover have callbacks of one kind, either may have
// signed: a record may still name the first where the second took the message,
// and what came in is of either.
func TestFailoverOfTheSameKind(t *testing.T) {
	const number = "+15550100001"
	id := ledger.DeliveryID{Execution: "x1", Step: "text"}
	for _, tc := range []struct {
		name, key, path string
		harm            func(*world)
		code            int
		by              string // who told of the opt-out
	}{
		{"the first's", key, token, nil, 204, "first"},
		{"the first's, while the second's is not there", key, token, func(w *world) { delete(w.secrets, "waypost/second") }, 204, "first"},
		{"the second's", "key-of-second", token, nil, 204, "second"},
		{"the second's, while the first's is not there", "key-of-second", token, func(w *world) { delete(w.secrets, "waypost/first") }, 204, "second"},
		{"the second's, of what came in", "key-of-second", "inbound.ready_text", nil, 204, "second"},
		{"nobody's", "none", token, nil, 403, ""},
		{"nobody's, while the second's is not there", "none", token, func(w *world) { delete(w.secrets, "waypost/second") }, 503, ""},
		{"nobody's, of what came in", "none", "inbound.ready_text", nil, 403, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := newWorld()
			if tc.harm != nil {
				tc.harm(w)
			}
			h := w.handler()
			h.Channels[1].Callback = "one"
			body := callbacktest.Body{Status: ledger.Delivered, Token: token, OptOut: number}.String()
			if got := w.do(h, call{path: "/callback/one/" + tc.path, key: tc.key, body: body}); got.Code != tc.code {
				t.Errorf("got %d, want %d", got.Code, tc.code)
			}
			if got, want := w.deliveries[id].Status == ledger.Delivered, tc.by != ""; got != want {
				t.Errorf("it is delivered: %t, want %t", got, want)
			}
			if got := w.optOuts[number].By; got != tc.by {
				t.Errorf("the opt-out is by %q, want %q", got, tc.by)
			}
		})
	}
}
