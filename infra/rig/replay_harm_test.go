package rig_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/waypost/waypost/infra/rig"
	"github.com/waypost/waypost/shared/egress"
	"github.com/waypost/waypost/shared/ledger"
)

// Of two replays at once one begins, and the endpoint is called once by it.
func TestReplaysAtOnce(t *testing.T) {
	t.Parallel()
	rig.Run(t, func(t *testing.T, w *rig.World) {
		w.Publish(rig.Setup{})
		w.Endpoint.Answer = answers(status(404), accepted)
		x := w.Send("case-1").Executions[0].Execution
		w.Settle()
		codes := make([]int, 2)
		var all sync.WaitGroup
		for i := range codes {
			all.Go(func() { codes[i], _ = replay(w, x, "") })
		}
		all.Wait()
		slices.Sort(codes)
		if diff := cmp.Diff([]int{http.StatusAccepted, http.StatusConflict}, codes); diff != "" {
			t.Error(diff)
		}
		w.Settle()
		if d := w.Delivery(x); d.Outcome != ledger.Sent || d.Generation() != 2 || len(w.Endpoint.Calls(x)) != 2 {
			t.Errorf("got %s in generation %d after %d calls, want sent in 2 after 2", d.Outcome, d.Generation(), len(w.Endpoint.Calls(x)))
		}
	})
}

// What the first message's provider reports before the second is sent settles
// the delivery, and nothing is sent.
func TestReplayHearsTheFirstGeneration(t *testing.T) {
	t.Parallel()
	for _, status := range []ledger.Status{ledger.Accepted, ledger.Undelivered} {
		t.Run(string(status), func(t *testing.T) {
			t.Parallel()
			rig.Run(t, func(t *testing.T, w *rig.World) {
				w.Publish(rig.Setup{Action: atMostOnce})
				w.Endpoint.Answer = answers(rig.Reply{Fails: egress.Lost, Written: true}, accepted)
				x := w.Send("case-1").Executions[0].Execution
				w.Settle()
				first := w.Delivery(x)
				w.Latency = func(op string) time.Duration {
					if op == "StartExecution" {
						return 10 * time.Second
					}
					return 5 * time.Millisecond
				}
				go replay(w, x, "")
				sleep(2)
				if d := w.Delivery(x); d.State != ledger.Waiting || d.Callback != first.Callback {
					t.Errorf("got it %s, want it waiting under the same callback token", d.State)
				}
				if code, text := replay(w, x, ""); code != http.StatusConflict || !strings.Contains(text, "is not settled yet: it waits until ") {
					t.Errorf("while it waits: %d %s", code, text)
				}
				if _, moved, err := w.Ledger.Hear(t.Context(), first, ledger.Report{Status: status, At: time.Now()}); err != nil || !moved {
					t.Errorf("the callback was not heard: %v, %v", moved, err)
				}
				sleep(20)
				w.Settle()
				if d := w.Delivery(x); d.Outcome != ledger.Sent || d.Status != status || len(w.Endpoint.Calls(x)) != 1 {
					t.Errorf("got %s, %s after %d calls, want sent, %s after the first alone", d.Outcome, d.Status, len(w.Endpoint.Calls(x)), status)
				}
			})
		})
	}
}

// A replay that can't be started leaves the delivery as it was, and can be
// tried again; one whose start's answer is lost begins, or leaves it so too.
func TestReplayIsNotStarted(t *testing.T) {
	t.Parallel()
	for _, kind := range []rig.Fault{rig.Refuses, rig.Loses} {
		t.Run(fmt.Sprint(kind), func(t *testing.T) {
			t.Parallel()
			rig.Run(t, func(t *testing.T, w *rig.World) {
				w.Publish(rig.Setup{Action: atMostOnce})
				w.Endpoint.Answer = answers(rig.Reply{Fails: egress.Lost, Written: true}, accepted)
				x := w.Send("case-1").Executions[0].Execution
				w.Settle()
				before := w.Delivery(x)
				w.Fail = func(op string, _ []byte) rig.Fault {
					if op == "StartExecution" {
						return kind
					}
					return rig.Works
				}
				code, text := replay(w, x, "")
				w.Fail = nil
				if code != http.StatusAccepted {
					if code != http.StatusServiceUnavailable || !strings.Contains(text, "could not be started") || !strings.Contains(text, "it was, so try again") {
						t.Errorf("got %d %s, want 503", code, text)
					}
					if diff := cmp.Diff(before, w.Delivery(x), cmpopts.EquateEmpty()); diff != "" {
						t.Errorf("the record has changed: %s", diff)
					}
					sleep(60)
					if kind == rig.Loses && len(w.Endpoint.Calls(x)) != 1 {
						t.Errorf("what was put back was sent")
					}
					replayed(t, w, x)
				}
				w.Settle()
				if d := w.Delivery(x); d.Outcome != ledger.Sent || d.Generation() != 2 || len(w.Endpoint.Calls(x)) != 2 {
					t.Errorf("got %s (%s) in generation %d after %d calls, want sent in 2 after 2", d.Outcome, d.Reason, d.Generation(), len(w.Endpoint.Calls(x)))
				}
			})
		})
	}
}

// Wherever the admin function dies, the delivery is replayed or ends as it did
// before, with nothing lost, and can be replayed again.
func TestReplayDies(t *testing.T) {
	t.Parallel()
	const operations = 5 // read, the journey, the action, write, start
	for _, first := range []struct {
		name, action string
		reply        rig.Reply
		outcome      ledger.Outcome
		code         int
	}{
		{"failed", "", status(404), ledger.Failed, 404},
		{"unknown", atMostOnce, rig.Reply{Fails: egress.Lost, Written: true}, ledger.Unknown, 0},
	} {
		t.Run(first.name, func(t *testing.T) {
			t.Parallel()
			for at := 1; at <= operations; at++ {
				for _, performed := range []bool{false, true} {
					rig.Run(t, func(t *testing.T, w *rig.World) {
						w.Publish(rig.Setup{Action: first.action})
						w.Endpoint.Answer = answers(first.reply, accepted)
						x := w.Send("case-1").Executions[0].Execution
						w.Settle()
						before := w.Delivery(x)
						w.Kill("case-1", "admin", rig.Death{At: at, Performed: performed})
						if code, text := replay(w, x, `{"reason": "case-1"}`); code < 500 || w.Spared("case-1", "admin") {
							t.Fatalf("it was to die at %d: %d %s", at, code, text)
						}
						w.Settle()
						begun := at == operations && performed
						d := w.Delivery(x)
						switch {
						case begun && d.Outcome != ledger.Sent:
							t.Errorf("dying at %d, performed %v: got %s (%s), want sent", at, performed, d.Outcome, d.Reason)
						case !begun && (d.Outcome != first.outcome || d.Code != first.code || !strings.HasSuffix(d.Reason, before.Reason)):
							t.Errorf("dying at %d, performed %v: got %s %d (%s), want %s %d (%s)", at, performed, d.Outcome, d.Code, d.Reason, first.outcome, first.code, before.Reason)
						}
						if !begun {
							replayed(t, w, x)
							w.Settle()
							d = w.Delivery(x)
						}
						if d.Outcome != ledger.Sent || len(w.Endpoint.Calls(x)) != 2 || len(w.DeadLetters()) != 0 {
							t.Errorf("dying at %d, performed %v: got %s after %d calls, want sent after 2, and no dead letter", at, performed, d.Outcome, len(w.Endpoint.Calls(x)))
						}
					})
				}
			}
		})
	}
}

// A function that dies with a replay leaves what any other death leaves.
func TestFunctionDiesWithReplay(t *testing.T) {
	t.Parallel()
	for at := 1; at <= 4; at++ {
		for _, performed := range []bool{false, true} {
			t.Run(fmt.Sprint(at, performed), func(t *testing.T) {
				t.Parallel()
				rig.Run(t, func(t *testing.T, w *rig.World) {
					w.Publish(rig.Setup{Action: atMostOnce})
					w.Endpoint.Answer = answers(status(404), accepted)
					x := w.Send("case-1").Executions[0].Execution
					w.Settle()
					w.Kill("case-1", "webhook", rig.Death{At: at, Performed: performed})
					replayed(t, w, x)
					w.Settle()
					d, calls := w.Delivery(x), len(w.Endpoint.Calls(x))
					if d.State != ledger.Settled || calls > 2 || calls == 2 && d.Outcome != ledger.Sent && d.Outcome != ledger.Unknown {
						t.Errorf("got %s %s (%s) after %d calls", d.State, d.Outcome, d.Reason, calls)
					}
				})
			})
		}
	}
}

// A delivery whose execution the ledger doesn't know can't be made anew, and
// one that was replayed often enough neither.
func TestReplayRefused(t *testing.T) {
	t.Parallel()
	rig.Run(t, func(t *testing.T, w *rig.World) {
		w.Publish(rig.Setup{})
		if code, text := replay(w, "nothing", ""); code != http.StatusNotFound || !strings.Contains(text, "there is no delivery nothing.text.0") {
			t.Errorf("of nothing: %d %s", code, text)
		}
		if code, text := w.Call(http.MethodPost, "/admin/v1/deliveries/nothing/replay", ""); code != http.StatusUnprocessableEntity || !strings.Contains(text, "is not a delivery's id") {
			t.Errorf("of no delivery's id: %d %s", code, text)
		}
		now := time.Now()
		byHand := ledger.Delivery{Execution: "byhand", Step: "text", Journey: rig.Journey, Version: 1, Profile: "c-1", Action: rig.Action, ActionVersion: 1,
			State: ledger.Settled, Outcome: ledger.Failed, Holder: "h", EnteredAt: now, StartedAt: now, SettledAt: now}
		if _, err := w.Ledger.Put(t.Context(), byHand, ""); err != nil {
			t.Fatal(err)
		}
		if code, text := replay(w, "byhand", ""); code != http.StatusConflict || !strings.Contains(text, "the ledger has no record of its execution, which was started by hand") {
			t.Errorf("of an execution started by hand: %d %s", code, text)
		}

		w.Endpoint.Answer = answers(status(404))
		x := w.Send("case-1").Executions[0].Execution
		w.Settle()
		for range ledger.MaxReplays {
			replayed(t, w, x)
			w.Settle()
		}
		if code, text := replay(w, x, ""); code != http.StatusConflict || !strings.Contains(text, "has been replayed 10 times") {
			t.Errorf("once too often: %d %s", code, text)
		}
	})
}
