package rig_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/waypost/waypost/infra/rig"
	"github.com/waypost/waypost/shared/entry"
	"github.com/waypost/waypost/shared/fault"
	"github.com/waypost/waypost/shared/ledger"
)

// race runs f at once n times.
func race(n int, f func(i int)) {
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() { f(i) })
	}
	all.Wait()
}

// Functions that race for one delivery call its endpoint once, and each gets
// its outcome or is told when to come back.
func TestRaceForADelivery(t *testing.T) {
	t.Parallel()
	for _, cold := range []bool{false, true} {
		t.Run(fmt.Sprint("cold ", cold), func(t *testing.T) {
			rig.Run(t, func(t *testing.T, w *rig.World) {
				w.Cold = cold
				w.Publish(rig.Setup{})
				const deliveries, functions = 12, 8
				race(deliveries*functions, func(i int) {
					task := taskOf(fmt.Sprintf("case-%d", i/functions))
					task.GiveUp = i%functions == 5 // one of them would rather give up
					if got := comesTo(t, w, task, time.Now()); got != "sent" && got != "dead" && !strings.HasPrefix(got, "deferred") {
						t.Errorf("got %s, want sent, dead or deferred", got)
					}
				})
				for i := range deliveries {
					x := rig.ExecutionOf(fmt.Sprintf("case-%d", i), "c-1")
					d, calls := w.Delivery(x), len(w.Endpoint.Calls(x))
					if got, want := calls == 1, d.Outcome == ledger.Sent; calls > 1 || got != want {
						t.Errorf("got %s and %d calls", d.Outcome, calls)
					}
				}
			})
		})
	}
}

// Functions that race for a delivery whose function died take it over once.
func TestRaceToTakeOver(t *testing.T) {
	t.Parallel()
	for guarantee, want := range map[string]int{"atMostOnce": 0, "atLeastOnce": 1} {
		t.Run(guarantee, func(t *testing.T) {
			rig.Run(t, func(t *testing.T, w *rig.World) {
				w.Publish(rig.Setup{Action: `{"settings": {"guarantee": "` + guarantee + `"}}`})
				const deliveries, functions = 10, 6
				for i := range deliveries {
					task := taskOf(fmt.Sprintf("case-%d", i))
					d := ledger.Delivery{Execution: task.Execution, Step: rig.Step, Journey: rig.Journey, Profile: "c-1", Action: rig.Action, ActionVersion: 1, State: ledger.Claimed,
						Holder: "dead", Lease: time.Now().Add(-time.Second), StartedAt: time.Now().Add(-time.Minute), EnteredAt: time.Now()}
					if _, err := w.Ledger.Put(t.Context(), d, ""); err != nil {
						t.Fatal(err)
					}
				}
				race(deliveries*functions, func(i int) {
					comesTo(t, w, taskOf(fmt.Sprintf("case-%d", i/functions)), time.Now())
				})
				for i := range deliveries {
					x := rig.ExecutionOf(fmt.Sprintf("case-%d", i), "c-1")
					if got := len(w.Endpoint.Calls(x)); got != want {
						t.Errorf("got %d calls, want %d", got, want)
					}
					if d := w.Delivery(x); d.State != ledger.Settled || len(d.Attempts) != 1+want {
						t.Errorf("got %s after %q", d.State, results(d))
					}
				}
			})
		})
	}
}

// A slow function's settling races with its successor's takeover: one of them
// has the record, and the other is told so.
func TestSettleRacesTakeover(t *testing.T) {
	t.Parallel()
	rig.Run(t, func(t *testing.T, w *rig.World) {
		for i := range 50 {
			d := ledger.Delivery{Execution: fmt.Sprint("x", i), Step: rig.Step, Journey: rig.Journey, Profile: "c-1", EnteredAt: time.Now(), State: ledger.Claimed, Holder: "slow", StartedAt: time.Now()}
			if _, err := w.Ledger.Put(t.Context(), d, ""); err != nil {
				t.Fatal(err)
			}
			var won atomic.Int32
			race(4, func(n int) {
				mine := d
				if mine.Holder = fmt.Sprint("successor", n); n == 0 {
					mine.Holder, mine.State, mine.Outcome, mine.SettledAt = "slow", ledger.Settled, ledger.Sent, time.Now()
				}
				switch _, err := w.Ledger.Put(t.Context(), mine, "slow"); {
				case err == nil:
					won.Add(1)
				case !fault.Is(err, fault.Conflict):
					t.Error(err)
				}
			})
			if got := won.Load(); got != 1 {
				t.Errorf("%d writes succeeded, want 1", got)
			}
		}
	})
}

// Two entries that race with one event start one execution and answer alike;
// one of them says that it is a duplicate.
func TestRaceToEnter(t *testing.T) {
	t.Parallel()
	for name, reentry := range map[string]string{"plain": ``, "once": `{"entry": {"reentry": {"allowed": false}}}`} {
		t.Run(name, func(t *testing.T) {
			rig.Run(t, func(t *testing.T, w *rig.World) {
				w.Publish(rig.Setup{Journey: reentry})
				const events, senders = 10, 5
				answers := make([]entry.Answer, events*senders)
				race(len(answers), func(i int) {
					id := fmt.Sprintf("case-%d", i/senders)
					code, text := w.Call(http.MethodPost, "/entry/", rig.EventOf(id, "c-of-"+id))
					if code != http.StatusAccepted || json.Unmarshal([]byte(text), &answers[i]) != nil {
						t.Errorf("got %d %s", code, text)
					}
				})
				for e := range events {
					mine := answers[e*senders : (e+1)*senders]
					first := slices.IndexFunc(mine, func(a entry.Answer) bool { return !a.Duplicate })
					for i, a := range mine {
						if a.Duplicate == (i == first) || len(a.Executions) != 1 || !cmp.Equal(a.Executions, mine[0].Executions) {
							t.Errorf("answer %d: got %+v, and the first is %+v", i, a, mine[0])
						}
					}
				}
				w.Settle()
				if got := len(w.Executions()); got != events {
					t.Errorf("got %d executions, want %d", got, events)
				}
			})
		})
	}
}

// Different events of one profile that race for a journey which it may enter
// once: one enters.
func TestRaceForReentry(t *testing.T) {
	t.Parallel()
	rig.Run(t, func(t *testing.T, w *rig.World) {
		w.Publish(rig.Setup{Journey: `{"entry": {"reentry": {"allowed": false}}}`})
		var entered atomic.Int32
		race(20, func(i int) {
			entered.Add(int32(len(w.Send(fmt.Sprintf("case-%d", i)).Executions)))
		})
		w.Settle()
		if got := len(w.Executions()); entered.Load() != 1 || got != 1 {
			t.Errorf("%d entered and %d executions, want 1", entered.Load(), got)
		}
	})
}

// The sweep and a repeat of the event race to start what is pending.
func TestSweepRacesRepeat(t *testing.T) {
	t.Parallel()
	rig.Run(t, func(t *testing.T, w *rig.World) {
		w.Publish(rig.Setup{})
		var out atomic.Bool
		w.Fail = func(op string, _ []byte) rig.Fault {
			if op == "StartExecution" && out.Load() {
				return rig.Refuses
			}
			return rig.Works
		}
		out.Store(true)
		const events = 10
		for i := range events {
			w.Send(fmt.Sprintf("case-%d", i))
		}
		if got := len(w.Executions()); got != 0 {
			t.Fatalf("%d executions started, want none", got)
		}
		sleep(60)
		out.Store(false)
		race(3*events, func(i int) {
			if i%3 == 0 {
				w.Sweep()
				return
			}
			if a := w.Send(fmt.Sprintf("case-%d", i/3)); !a.Duplicate || len(a.Executions) != 1 {
				t.Errorf("got %+v, want a duplicate", a)
			}
		})
		w.Settle()
		if got := len(w.Executions()); got != events {
			t.Errorf("got %d executions, want %d", got, events)
		}
		if got := len(w.Endpoint.Calls("")); got != events {
			t.Errorf("got %d calls, want %d", got, events)
		}
	})
}
