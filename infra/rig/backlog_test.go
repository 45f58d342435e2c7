package rig_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/waypost/waypost/infra/rig"
	"github.com/waypost/waypost/shared/ledger"
)

// pending records executions that an accepted event has and nobody started, as
// if entry had died an hour ago.
func pending(t *testing.T, w *rig.World, n int, name, padding string) {
	t.Helper()
	x := w.Send("case-1").Executions[0].Execution
	w.Settle()
	e, err := w.Ledger.Execution(t.Context(), x)
	if err != nil {
		t.Fatal(err)
	}
	e.State, e.StartedAt, e.EnteredAt = ledger.Pending, time.Time{}, time.Now().Add(-time.Hour)
	e.Input = strings.Replace(e.Input, `"customerId"`, `"padding": "`+padding+`", "customerId"`, 1)
	for i := range n {
		e.EventID, e.Execution = fmt.Sprint(name, i), fmt.Sprint(name, i)
		if created, _, err := w.Ledger.Create(t.Context(), e, nil); err != nil || !created {
			t.Fatal(created, err)
		}
		record := ledger.EventRecord{Source: e.EventSource, ID: e.EventID, At: e.EnteredAt, Executions: []ledger.ExecutedAs{{Execution: e.Execution, StateMachine: e.StateMachine}}}
		if _, _, err := w.Ledger.RecordEvent(t.Context(), record); err != nil {
			t.Fatal(err)
		}
	}
}

// What can't be dealt with doesn't stand before what can: it is put off, the
// longer the older it is.
func TestSweepGoesOnAfterFailures(t *testing.T) {
	t.Parallel()
	rig.Run(t, func(t *testing.T, w *rig.World) {
		var healed atomic.Bool
		w.Fail = func(op string, body []byte) rig.Fault {
			if op == "StartExecution" && strings.Contains(string(body), "poison") && !healed.Load() {
				return rig.Refuses
			}
			return rig.Works
		}
		w.Publish(rig.Setup{})
		pending(t, w, 500, "poison", "")
		w.Kill("case-2", "entry", rig.Death{At: 5}) // accepted; not started
		w.Call(http.MethodPost, "/entry/", rig.EventOf("case-2", "c-1"))
		failed, sweeps := 0, 0
		for ; sweeps < 8 && len(w.Endpoint.Calls(rig.ExecutionOf("case-2", "c-1"))) == 0; sweeps++ {
			sleep(60)
			r, ok := w.Sweep()
			if !ok {
				t.Fatal("the sweep died")
			}
			failed += r.Failed
			sleep(1)
		}
		if sweeps == 8 || failed > 500 {
			t.Errorf("the healthy one was started by sweep %d of 8, after %d failures", sweeps, failed)
		}
		healed.Store(true)
		w.Settle()
		if got, want := len(w.Endpoint.Calls("")), 502; got != want {
			t.Errorf("got %d deliveries, want %d", got, want)
		}
	})
}

// One sweep deals with all that is due, where that is more than one page of
// the index: 1 MB.
func TestSweepReadsEveryPage(t *testing.T) {
	t.Parallel()
	rig.Run(t, func(t *testing.T, w *rig.World) {
		w.Publish(rig.Setup{})
		pending(t, w, 44, "wide", strings.Repeat("x", 120<<10))
		if r, ok := w.Sweep(); !ok || r.Started != 44 {
			t.Errorf("got %+v, want 44 started", r)
		}
		w.Settle()
	})
}
