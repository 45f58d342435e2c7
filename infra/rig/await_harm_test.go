package rig_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/waypost/waypost/infra/rig"
	"github.com/waypost/waypost/shared/ledger"
)

// The callback is quicker than the answer of the provider, and at any moment
// from then on until after the token is noted: the step goes on at once, and
// needs no sweep.
func TestReportRacesToken(t *testing.T) {
	t.Parallel()
	rig.Run(t, func(t *testing.T, w *rig.World) {
		awaiting(t, w, "stop")
		const events = 60 // a millisecond apart; each call of AWS takes five
		w.Endpoint.Answer = func(_ int, r rig.Request) rig.Reply {
			x, isText := strings.CutSuffix(r.Key(), ".text.0")
			if !isText {
				return accepted
			}
			var n int
			for i := range events {
				if rig.ExecutionOf(fmt.Sprintf("case-%d", i), "c-1") == x {
					n = i
				}
			}
			if n == 0 {
				w.Report(x, rig.Step, ledger.Delivered)
				return accepted
			}
			go func() {
				time.Sleep(time.Duration(n) * time.Millisecond)
				w.Report(x, rig.Step, ledger.Delivered)
			}()
			return accepted
		}
		for i := range events {
			w.Send(fmt.Sprintf("case-%d", i))
		}
		sleep(2)
		for i := range events {
			x := rig.ExecutionOf(fmt.Sprintf("case-%d", i), "c-1")
			if diff := cmp.Diff([]string{"sent delivered 200 m-1"}, told(w, x)); diff != "" {
				t.Errorf("reported %d ms after the call: %s", i, diff)
			}
			if d := w.Delivery(x); d.TaskToken != "" {
				t.Errorf("reported %d ms after the call: the record still has the token", i)
			}
		}
		for _, run := range w.Executions() {
			if run.Status != "SUCCEEDED" {
				t.Errorf("got %s %s, want SUCCEEDED", run.Status, run.Error)
			}
		}
	})
}

// A callback function that died between the record and the waking, or could
// not wake, is made good by the sweep, which tries again where it can't either.
func TestSweepWakes(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		status    ledger.Status
		operation string
		told      []string
	}{
		{ledger.Delivered, "SendTaskSuccess", []string{"sent delivered 200 m-1"}},
		{ledger.Undelivered, "SendTaskFailure", []string{"sent undelivered 200 m-1"}},
	} {
		rig.Run(t, func(t *testing.T, w *rig.World) {
			awaiting(t, w, "continue")
			x := w.Send("case-1").Executions[0].Execution
			sleep(2)
			w.Hear(x, rig.Step, tc.status)
			if r, _ := w.Sweep(); r.Woken > 0 {
				t.Errorf("the sweep woke it at once, when the callback function may do it yet")
			}
			sleep(61)
			w.Fail = func(op string, _ []byte) rig.Fault {
				if op == tc.operation {
					return rig.Refuses
				}
				return rig.Works
			}
			if r, _ := w.Sweep(); r.Failed != 1 || run(t, w).Status != "RUNNING" {
				t.Errorf("got %+v, want one that failed", r)
			}
			w.Fail = nil
			if r, _ := w.Sweep(); r.Failed+r.Woken > 0 {
				t.Errorf("got %+v, want it put off", r)
			}
			sleep(61)
			if r, _ := w.Sweep(); r.Woken != 1 || r.Settled > 0 {
				t.Errorf("got %+v, want one woken", r)
			}
			sleep(1)
			if diff := cmp.Diff(tc.told, told(w, x)); diff != "" {
				t.Error(diff)
			}
			forgotten(t, w, x)
		})
	}
}

// The function dies at each operation of its waiting, with the status there
// already, or to come: Step Functions has it wait anew, under another token.
func TestFunctionDiesWaiting(t *testing.T) {
	t.Parallel()
	for _, early := range []bool{true, false} {
		operations := map[bool]int{true: 3, false: 1}[early] // note the token; wake, forget the token
		for at := 1; at <= operations; at++ {
			for way := range 4 {
				death := rig.Death{At: at, Performed: way&1 > 0, Hangs: way&2 > 0}
				t.Run(fmt.Sprintf("early %v, %+v", early, death), func(t *testing.T) {
					t.Parallel()
					rig.Run(t, func(t *testing.T, w *rig.World) {
						awaiting(t, w, "stop")
						x := rig.ExecutionOf("case-1", "c-1")
						w.Endpoint.Answer = func(_ int, r rig.Request) rig.Reply {
							if early && strings.HasSuffix(r.Key(), ".text.0") {
								w.Report(x, rig.Step, ledger.Delivered)
							}
							return accepted
						}
						w.KillPart(rig.Awaiting, "case-1", "webhook", death)
						w.Send("case-1")
						time.Sleep(5 * time.Minute)
						if !early {
							w.Report(x, rig.Step, ledger.Delivered)
						}
						w.Settle()
						if end := run(t, w); end.Status != "SUCCEEDED" || w.Spared("case-1", "webhook") {
							t.Errorf("got %s %s, want SUCCEEDED", end.Status, end.Error)
						}
						if diff := cmp.Diff([]string{"sent delivered 200 m-1"}, told(w, x)); diff != "" {
							t.Error(diff)
						}
						if got := len(w.Endpoint.Calls(x + ".text.")); got != 1 {
							t.Errorf("%d calls, want 1", got)
						}
						if due := w.Due(); len(due) > 0 {
							t.Errorf("due: %v, want nothing", due)
						}
					})
				})
			}
		}
	}
}

// It dies at each operation of giving the last word.
func TestFunctionDiesLate(t *testing.T) {
	t.Parallel()
	for at := 1; at <= 2; at++ { // read the record, forget the token
		for way := range 4 {
			death := rig.Death{At: at, Performed: way&1 > 0, Hangs: way&2 > 0}
			t.Run(fmt.Sprintf("%+v", death), func(t *testing.T) {
				t.Parallel()
				rig.Run(t, func(t *testing.T, w *rig.World) {
					awaiting(t, w, "continue")
					w.KillPart(rig.Late, "case-1", "webhook", death)
					x := w.Send("case-1").Executions[0].Execution
					time.Sleep(time.Hour + 5*time.Minute)
					if end := run(t, w); end.Status != "SUCCEEDED" || w.Spared("case-1", "webhook") {
						t.Errorf("got %s %s, want SUCCEEDED", end.Status, end.Error)
					}
					if diff := cmp.Diff([]string{"sent none 200 m-1"}, told(w, x)); diff != "" {
						t.Error(diff)
					}
					forgotten(t, w, x)
				})
			})
		}
	}
}

// Nobody woke the step, and no sweep ran: past the deadline it goes on all the same.
func TestStatusIsThereAtTheDeadline(t *testing.T) {
	t.Parallel()
	for status, want := range map[ledger.Status][]string{ledger.Delivered: {"sent delivered 200 m-1"}, ledger.Undelivered: {"sorry: sent undelivered 200 m-1", "sent undelivered 200 m-1"}} {
		rig.Run(t, func(t *testing.T, w *rig.World) {
			awaiting(t, w, "steps")
			x := w.Send("case-1").Executions[0].Execution
			sleep(2)
			w.Hear(x, rig.Step, status)
			time.Sleep(time.Hour)
			if diff := cmp.Diff(want, told(w, x)); diff != "" {
				t.Error(diff)
			}
			forgotten(t, w, x)
		})
	}
}

// Waking by the token of an older try, past the deadline, and after an operator
// stopped the execution does no harm, and the token that counts stays.
func TestTokensThatNobodyWaitsUnder(t *testing.T) {
	t.Parallel()
	t.Run("an older try", func(t *testing.T) {
		rig.Run(t, func(t *testing.T, w *rig.World) {
			awaiting(t, w, "stop")
			w.KillPart(rig.Awaiting, "case-1", "webhook", rig.Death{At: 1, Performed: true, Hangs: true})
			x := w.Send("case-1").Executions[0].Execution
			sleep(10)
			older := w.Delivery(x).TaskToken
			sleep(120)
			newer := w.Delivery(x).TaskToken
			if older == "" || newer == older {
				t.Fatalf("got the tokens %q and %q, want two", older, newer)
			}
			d := w.Hear(x, rig.Step, ledger.Delivered)
			d.TaskToken = older
			w.Wake(d)
			sleep(1)
			if got := w.Delivery(x).TaskToken; got != newer || run(t, w).Status != "RUNNING" {
				t.Errorf("got the token %q, want the newer, which waits", got)
			}
			w.Settle()
			if diff := cmp.Diff([]string{"sent delivered 200 m-1"}, told(w, x)); diff != "" {
				t.Error(diff)
			}
			forgotten(t, w, x)
		})
	})
	t.Run("past the deadline", func(t *testing.T) {
		rig.Run(t, func(t *testing.T, w *rig.World) {
			awaiting(t, w, "stop")
			x := w.Send("case-1").Executions[0].Execution
			sleep(10)
			waits := w.Delivery(x)
			time.Sleep(2 * time.Hour)
			d := w.Hear(x, rig.Step, ledger.Delivered)
			w.Wake(d)
			d.TaskToken = waits.TaskToken // as a callback that was read in time, and was slow
			w.Wake(d)
			if end := run(t, w); end.Error != "Waypost.NoStatus" {
				t.Errorf("got %s %s, want Waypost.NoStatus to stay", end.Status, end.Error)
			}
			forgotten(t, w, x)
		})
	})
	t.Run("stopped", func(t *testing.T) {
		rig.Run(t, func(t *testing.T, w *rig.World) {
			awaiting(t, w, "stop")
			x := w.Send("case-1").Executions[0].Execution
			sleep(10)
			w.Stop(run(t, w).ARN)
			w.Report(x, rig.Step, ledger.Delivered)
			forgotten(t, w, x)
		})
	})
}
