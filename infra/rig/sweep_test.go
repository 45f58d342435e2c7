package rig_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/waypost/waypost/infra/rig"
	"github.com/waypost/waypost/shared/ledger"
)

// The decide function dies between every two of its steps, once and twice.
func TestDecideDies(t *testing.T) {
	t.Parallel()
	rig.Run(t, func(t *testing.T, w *rig.World) {
		w.Cold = true
		w.Publish(rig.Setup{Journey: `{"steps": [{"id": "tier", "condition": {"branches": [{"when": "profile.tier == 'gold'", "steps": [
			{"id": "text", "action": {"name": "notify", "version": 1, "with": {"to": "{{ profile.phone }}", "text": "{{ event.orderId }}"}}}]}]}}]}`})
		all := scenarios(1, 0)
		for _, s := range all {
			w.Kill(s.id, "decide", s.deaths...)
			w.Send(s.id)
		}
		w.Settle()
		for id, e := range ends(w, all) {
			e.holds(t, all[index(id)], "atLeastOnce")
			if w.Spared(id, "decide") || len(e.calls) != 1 {
				t.Errorf("%s: %d calls, want 1", all[index(id)].name, len(e.calls))
			}
		}
	})
}

// The sweep dies between every two of its steps. Before it lie an execution
// that nobody started, an orphan whose event was not accepted, a delivery
// whose function died and whose execution was stopped, and one that waits in
// an execution that was stopped.
func TestSweepDies(t *testing.T) {
	t.Parallel()
	const operations = 20
	for _, performed := range []bool{false, true} {
		t.Run(fmt.Sprint("performed ", performed), func(t *testing.T) {
			t.Parallel()
			rig.Run(t, func(t *testing.T, w *rig.World) {
				w.Cold, w.Latency = true, spread
				w.Publish(rig.Setup{Action: atMostOnce})
				w.Endpoint.Answer = func(_ int, r rig.Request) rig.Reply {
					if strings.Contains(r.Body, "4 is ready") {
						return rig.Reply{Status: 429, Header: map[string]string{"Retry-After": "120"}}
					}
					return accepted
				}
				for at := 1; at <= operations; at++ {
					id := func(n int) string { return fmt.Sprintf("case-%d", 10*at+n) }
					w.Kill(id(1), "entry", rig.Death{At: 5}) // before it starts the execution
					w.Kill(id(2), "entry", rig.Death{At: 4}) // before it writes the event's record
					w.Kill(id(3), "webhook", rig.Death{At: 2, Hangs: true})
					for n := 1; n <= 4; n++ {
						w.Call(http.MethodPost, "/entry/", rig.EventOf(id(n), "c-1"))
					}
					sleep(1)
					for _, x := range w.Executions() {
						if x.Status == "RUNNING" {
							w.Stop(x.ARN)
						}
					}
					time.Sleep(4 * time.Minute) // all of it is due
					w.Kill("", "sweep", rig.Death{At: at, Performed: performed, Hangs: at%2 == 0})
					_, lived := w.Sweep()
					if died := !w.Spared("", "sweep"); died == lived {
						t.Errorf("the sweep lived: %v, and was to die at %d", lived, at)
					}
					w.Kill("", "sweep")
					w.Settle()

					if d := w.Delivery(rig.ExecutionOf(id(3), "c-1")); d.Outcome != ledger.Unknown {
						t.Errorf("dying at %d: the lost delivery ended %q, want unknown", at, d.Outcome)
					}
					if d := w.Delivery(rig.ExecutionOf(id(4), "c-1")); d.Outcome != ledger.Dead {
						t.Errorf("dying at %d: the waiting delivery ended %q, want dead", at, d.Outcome)
					}
				}
				started := w.Started()
				for at := 1; at <= operations; at++ {
					for n, want := range []int{1: 1, 2: 0, 3: 1, 4: 1} {
						if got := started[rig.ExecutionOf(fmt.Sprintf("case-%d", 10*at+n), "c-1")]; n > 0 && got != want {
							t.Errorf("dying at %d: event %d has %d executions, want %d", at, n, got, want)
						}
					}
				}
			})
		})
	}
}

// What runs is left alone: the sweep settles only what nobody comes back to.
func TestSweepLeavesWhatRuns(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"", `{"mode": "express"}`} {
		t.Run("journey "+kind, func(t *testing.T) {
			rig.Run(t, func(t *testing.T, w *rig.World) {
				w.Publish(rig.Setup{Action: `{"settings": {"retry": {"within": "3m"}}}`, Journey: kind})
				w.Endpoint.Answer = answers(rig.Reply{Status: 429, Header: map[string]string{"Retry-After": "20"}}, accepted)
				w.Kill("case-1", "webhook", rig.Death{At: 1, Performed: true, Hangs: true}, rig.Death{At: 1, Hangs: true})
				x := w.Send("case-1").Executions[0].Execution
				stop := sweeping(w)
				time.Sleep(10 * time.Minute)
				stop()
				w.Settle()
				if d := w.Delivery(x); d.Outcome != ledger.Sent {
					t.Errorf("got %s (%s), want sent", d.Outcome, d.Reason)
				}
			})
		})
	}
}

// A delivery whose Express execution is over is settled without asking for
// that execution: AWS tells nobody of one, and its policies can't allow it.
func TestSweepSettlesExpressDeliveries(t *testing.T) {
	t.Parallel()
	rig.Run(t, func(t *testing.T, w *rig.World) {
		w.Publish(rig.Setup{Action: `{"settings": {"retry": {"within": "3m"}}}`, Journey: `{"mode": "express"}`})
		w.Answer = func(op string) (int, string) {
			if op == "DescribeExecution" {
				t.Error("an Express execution was asked for")
				return http.StatusBadRequest, `{"__type": "AccessDeniedException", "Message": "planted"}`
			}
			return 0, ""
		}
		hangs := slices.Repeat([]rig.Death{{At: 1, Performed: true, Hangs: true}}, 20) // longer than the execution may last
		w.Kill("case-1", "webhook", hangs...)
		w.KillGivingUp("case-1", "webhook", hangs...)
		x := w.Send("case-1").Executions[0].Execution
		w.Settle()
		d := w.Delivery(x)
		if d.Outcome == "" || d.SettledAt.Before(d.EnteredAt.Add(5*time.Minute)) {
			t.Errorf("got outcome %q, %v after it began, want it settled once the execution can't run any more", d.Outcome, d.SettledAt.Sub(d.EnteredAt))
		}
	})
}
