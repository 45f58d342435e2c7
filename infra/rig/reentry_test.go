package rig_test

import (
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"

	"github.com/waypost/waypost/infra/rig"
)

// An event that was never accepted shuts nobody out: wherever entry dies, the
// profile enters once, by that event or by the next.
func TestReentryAfterADeath(t *testing.T) {
	t.Parallel()
	for _, rule := range []string{`{"allowed": false}`, `{"allowed": true, "after": "PT24H"}`} {
		for _, performed := range []bool{false, true} {
			t.Run(fmt.Sprint(rule, performed), func(t *testing.T) {
				t.Parallel()
				rig.Run(t, func(t *testing.T, w *rig.World) {
					w.Cold = true
					w.Publish(rig.Setup{Journey: `{"entry": {"reentry": ` + rule + `}}`})
					for at := 1; at <= 7; at++ {
						customer, first, second := fmt.Sprintf("c-%d", at), fmt.Sprintf("case-%d", at), fmt.Sprintf("case-%d", 100+at)
						w.Put("profiles/"+customer, rig.Customer)
						w.Kill(first, "entry", rig.Death{At: at, Performed: performed})
						w.Call(http.MethodPost, "/entry/", rig.EventOf(first, customer))
						w.Settle()
						for _, id := range []string{second, first} { // the sender of the first tries again too late
							w.SendEvent(rig.EventOf(id, customer))
							w.Settle()
							got := len(w.Endpoint.Calls(rig.ExecutionOf(first, customer))) + len(w.Endpoint.Calls(rig.ExecutionOf(second, customer)))
							if got != 1 {
								t.Errorf("dying at %d: after %s the profile has entered %d times, want once", at, id, got)
							}
						}
					}
				})
			})
		}
	}
}

// A repeat that comes while the sweep drops what its first try left has its
// claim all the same.
func TestReentryWhileTheSweepDrops(t *testing.T) {
	t.Parallel()
	for at := 1; at <= 7; at++ { // the operation of the sweep that the repeat overtakes
		t.Run(fmt.Sprint(at), func(t *testing.T) {
			t.Parallel()
			rig.Run(t, func(t *testing.T, w *rig.World) {
				w.Cold = true
				var sweeping atomic.Bool
				var seen atomic.Int32
				w.Fail = func(string, []byte) rig.Fault {
					if sweeping.Load() && int(seen.Add(1)) == at {
						w.Send("case-1")
					}
					return rig.Works
				}
				w.Publish(rig.Setup{Journey: `{"entry": {"reentry": {"allowed": false}}}`})
				w.Kill("case-1", "entry", rig.Death{At: 4, Performed: true}) // claimed; the event's record is not written
				w.Call(http.MethodPost, "/entry/", rig.EventOf("case-1", "c-1"))
				if got := len(w.Items(rig.Ledger)); got != 2 {
					t.Fatalf("%d records, want the orphan and its claim", got)
				}
				sleep(100)
				sweeping.Store(true)
				w.Sweep()
				if int(seen.Load()) < at {
					t.Fatalf("the sweep made %d operations", seen.Load())
				}
				w.Settle()
				if a := w.Send("case-2"); len(a.Executions) != 0 {
					t.Errorf("got %+v, want it refused: the profile is in the journey", a)
				}
				w.Settle()
				if got := len(w.Endpoint.Calls("")); got != 1 {
					t.Errorf("%d calls, want 1", got)
				}
			})
		})
	}
}
