package rig_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/waypost/waypost/infra/rig"
	"github.com/waypost/waypost/shared/ledger"
)

// unknownAndAwaited has a delivery whose first call ends unknown, and the next
// ones as they are answered, while its step waits for the status.
func unknownAndAwaited(t *testing.T, w *rig.World, next func(x string) rig.Reply) string {
	t.Helper()
	awaiting(t, w, "continue")
	x, calls := rig.ExecutionOf("case-1", "c-1"), 0
	w.Endpoint.Answer = func(_ int, r rig.Request) rig.Reply {
		if !strings.HasSuffix(r.Key(), ".text.0") {
			return accepted
		}
		if calls++; calls == 1 {
			return rig.Reply{Status: 500}
		}
		return next(x)
	}
	w.Send("case-1")
	sleep(2)
	if d := w.Delivery(x); d.Outcome != ledger.Unknown || d.TaskToken == "" {
		t.Fatalf("got %s, token %q; want unknown, and a step that waits", d.Outcome, d.TaskToken)
	}
	return x
}

// wentOn holds what the journey saw, and that nothing waits any more.
func wentOn(t *testing.T, w *rig.World, x string, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, told(w, x)); diff != "" {
		t.Error(diff)
	}
	forgotten(t, w, x)
}

// A delivery that is made anew while its step waits: the step hears of the
// status whenever it comes.
func TestReplayOfAwaited(t *testing.T) {
	t.Parallel()
	t.Run("then delivered", func(t *testing.T) {
		rig.Run(t, func(t *testing.T, w *rig.World) {
			x := unknownAndAwaited(t, w, func(string) rig.Reply { return accepted })
			if code, text := replay(w, x, ""); code != http.StatusAccepted || !strings.Contains(text, "its step still waits for its status") {
				t.Errorf("got %d %s, want that the step is told", code, text)
			}
			sleep(2)
			w.Report(x, rig.Step, ledger.Delivered)
			sleep(2)
			wentOn(t, w, x, "sent delivered 200 m-1")
		})
	})
	t.Run("reported on while it waits", func(t *testing.T) {
		for _, dies := range []bool{false, true} { // the callback function, before it wakes
			rig.Run(t, func(t *testing.T, w *rig.World) {
				x := unknownAndAwaited(t, w, func(string) rig.Reply { return status(429) })
				replayed(t, w, x)
				sleep(2)
				if d := w.Delivery(x); d.State != ledger.Waiting {
					t.Fatalf("got it %s, want waiting", d.State)
				}
				if dies {
					w.Hear(x, rig.Step, ledger.Delivered)
					w.Settle()
				} else {
					w.Report(x, rig.Step, ledger.Delivered)
					sleep(1)
				}
				if diff := cmp.Diff([]string{"sent delivered 429 -"}, told(w, x)); diff != "" {
					t.Error(diff)
				}
				w.Settle()
				wentOn(t, w, x, "sent delivered 429 -")
				if d := w.Delivery(x); d.Outcome != ledger.Sent || d.Status != ledger.Delivered {
					t.Errorf("got %s, %s; want sent, delivered", d.Outcome, d.Status)
				}
			})
		}
	})
	t.Run("reported on while it is sent, and nobody wakes", func(t *testing.T) {
		rig.Run(t, func(t *testing.T, w *rig.World) {
			x := unknownAndAwaited(t, w, func(x string) rig.Reply {
				w.Hear(x, rig.Step, ledger.Delivered)
				return accepted
			})
			replayed(t, w, x)
			sleep(2)
			wentOn(t, w, x, "sent delivered 200 m-1")
		})
	})
	t.Run("its deadline passes while it waits", func(t *testing.T) {
		rig.Run(t, func(t *testing.T, w *rig.World) {
			x := unknownAndAwaited(t, w, func(string) rig.Reply {
				return rig.Reply{Status: 429, Header: map[string]string{"Retry-After": "600"}}
			})
			time.Sleep(55 * time.Minute)
			replayed(t, w, x)
			time.Sleep(7 * time.Minute)
			d := w.Delivery(x)
			if diff := cmp.Diff([]string{"unknown none 429 -"}, told(w, x)); diff != "" {
				t.Error(diff)
			}
			if d.State != ledger.Waiting || d.TaskToken != "" || len(w.Due()) != 1 {
				t.Errorf("got it %s, due %v; want it waiting, without a token, and due for the sweep", d.State, w.Due())
			}
		})
	})
	t.Run("its deadline passes after it was reported on, and nobody woke", func(t *testing.T) {
		rig.Run(t, func(t *testing.T, w *rig.World) {
			x := unknownAndAwaited(t, w, func(string) rig.Reply {
				return rig.Reply{Status: 429, Header: map[string]string{"Retry-After": "600"}}
			})
			time.Sleep(55 * time.Minute)
			replayed(t, w, x)
			time.Sleep(time.Minute)
			w.Hear(x, rig.Step, ledger.Undelivered)
			time.Sleep(6 * time.Minute)
			if diff := cmp.Diff([]string{"sent undelivered 429 -"}, told(w, x)); diff != "" {
				t.Error(diff)
			}
		})
	})
}

// Wherever a function dies that makes such a delivery anew, the step hears of
// the status once, and nothing is left to be done.
func TestFunctionDiesWithAwaitedReplay(t *testing.T) {
	t.Parallel()
	for at := 1; at <= 4; at++ {
		for way := range 4 {
			death, reported := rig.Death{At: at, Performed: way&1 > 0}, way&2 > 0
			t.Run(fmt.Sprintf("%+v, reported %v", death, reported), func(t *testing.T) {
				t.Parallel()
				rig.Run(t, func(t *testing.T, w *rig.World) {
					x := unknownAndAwaited(t, w, func(x string) rig.Reply {
						if reported {
							w.Hear(x, rig.Step, ledger.Delivered)
						}
						return accepted
					})
					w.Kill("case-1", "webhook", death)
					replayed(t, w, x)
					w.Settle()
					saw, d := told(w, x), w.Delivery(x)
					calls := len(w.Endpoint.Calls(x + ".text."))
					if len(saw) != 1 || calls > 2 || d.State != ledger.Settled {
						t.Fatalf("%s %s (%s) after %d calls; the journey saw %q", d.State, d.Outcome, d.Reason, calls, saw)
					}
					if reported && calls == 2 && !strings.HasPrefix(saw[0], "sent delivered ") {
						t.Errorf("the journey saw %q, want it delivered", saw[0])
					}
					if got := strings.Fields(saw[0])[0]; got != string(d.Outcome) {
						t.Errorf("the journey saw it %s, and the record has it %s", got, d.Outcome)
					}
					forgotten(t, w, x)
				})
			})
		}
	}
}
