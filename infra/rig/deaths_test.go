package rig_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/waypost/waypost/infra/rig"
	"github.com/waypost/waypost/shared/ledger"
)

// A scenario is one event, and the deaths of the functions that serve it.
type scenario struct {
	id     string
	name   string
	deaths []rig.Death
}

// scenarios are every single death at the first n operations, in each of its
// four ways, and every second pair of places to die at, in a row, each in one of
// the sixteen ways there are. The next turn has the other pairs, and deals the
// ways out otherwise.
func scenarios(n, turn int) []scenario {
	var all []scenario
	add := func(deaths ...rig.Death) {
		id := fmt.Sprintf("case-%d", len(all)+1)
		var names []string
		for _, d := range deaths {
			names = append(names, fmt.Sprintf("%d performed=%v hangs=%v", d.At, d.Performed, d.Hangs))
		}
		all = append(all, scenario{id, id + ": dies at " + strings.Join(names, ", then at "), deaths})
	}
	for at := 1; at <= n; at++ {
		for way := range 4 {
			add(rig.Death{At: at, Performed: way&1 > 0, Hangs: way&2 > 0})
		}
	}
	for first := 1; first <= n; first++ {
		for second := 1; second <= n; second++ {
			if (first+second+turn)%2 > 0 {
				continue
			}
			way := first*n + second + 5*turn
			add(rig.Death{At: first, Performed: way&1 > 0, Hangs: way&2 > 0}, rig.Death{At: second, Performed: way&4 > 0, Hangs: way&8 > 0})
		}
	}
	return all
}

// spread gives each kind of operation a time of its own, so that those of one
// trip come in the same order each time.
func spread(op string) time.Duration {
	for i, name := range []string{"UpdateItem ledger", "GetItem catalog", "GetItem profiles", "GetSecretValue", "PutItem ledger event"} {
		if op == name {
			return time.Duration(4+2*i) * time.Millisecond
		}
	}
	return 5 * time.Millisecond
}

// backwards is spread the other way round.
func backwards(op string) time.Duration { return 20*time.Millisecond - spread(op) }

// end is what became of an event.
type end struct {
	runs     []rig.Execution
	delivery ledger.Delivery
	calls    []rig.Request
}

// ends looks at every scenario's end at once.
func ends(w *rig.World, all []scenario) map[string]end {
	byID := map[string][]rig.Execution{}
	for _, run := range w.Executions() {
		var in struct{ Entry struct{ ID string } }
		if json.Unmarshal([]byte(run.Input), &in) == nil {
			byID[in.Entry.ID] = append(byID[in.Entry.ID], run)
		}
	}
	out := map[string]end{}
	for _, s := range all {
		x := rig.ExecutionOf(s.id, "c-1")
		out[s.id] = end{byID[s.id], w.Delivery(x), w.Endpoint.Calls(x)}
	}
	return out
}

// holds checks what must be true of every accepted event, whatever died.
func (e end) holds(t *testing.T, s scenario, guarantee string) {
	t.Helper()
	say := func(format string, args ...any) {
		t.Helper()
		t.Errorf("%s: %s", s.name, fmt.Sprintf(format, args...))
	}
	if len(e.runs) != 1 {
		say("got %d executions, want 1", len(e.runs))
		return
	}
	d := e.delivery
	if d.State != ledger.Settled || e.runs[0].Status == "RUNNING" {
		say("the delivery is %q and its execution %s; want settled and ended", d.State, e.runs[0].Status)
		return
	}
	if guarantee == "atMostOnce" && len(e.calls) > 1 {
		say("the endpoint was called %d times", len(e.calls))
	}
	for _, c := range e.calls {
		if got, want := c.Key(), d.ID().String(); got != want {
			say("a call has the key %s, want %s", got, want)
		}
	}
	switch {
	case d.Outcome == ledger.Sent && len(e.calls) == 0:
		say("sent, and the endpoint saw nothing")
	case d.Outcome != ledger.Sent && d.Outcome != ledger.Unknown && d.Outcome != ledger.Dead:
		say("ended %s: %s", d.Outcome, d.Reason)
	case d.Outcome == ledger.Dead && len(e.calls) > 0 && guarantee == "atMostOnce":
		say("ended dead, though the endpoint may have taken it: %s", d.Reason)
	}
	if got, want := e.runs[0].Status == "SUCCEEDED", d.Outcome.GoesOn(); got != want {
		say("the execution ended %s (%s), and its delivery %s", e.runs[0].Status, e.runs[0].Error, d.Outcome)
	}
}

// The action function dies between every two of its steps, once and twice.
func TestActionFunctionDies(t *testing.T) {
	t.Parallel()
	const operations = 6 // claim, action, profile, secret, endpoint, settle
	for g, guarantee := range []string{"atMostOnce", "atLeastOnce"} {
		for h, how := range []struct {
			name    string
			cold    bool
			latency func(string) time.Duration
		}{{"cold", true, spread}, {"cold, backwards", true, backwards}, {"warm", false, spread}} {
			t.Run(guarantee+" "+how.name, func(t *testing.T) {
				t.Parallel()
				rig.Run(t, func(t *testing.T, w *rig.World) {
					w.Cold, w.Latency = how.cold, how.latency
					w.Publish(rig.Setup{Action: `{"settings": {"guarantee": "` + guarantee + `"}}`})
					all := scenarios(operations, 3*g+h)
					for _, s := range all {
						w.Kill(s.id, "webhook", s.deaths...)
						w.Send(s.id)
					}
					w.Settle()
					for id, e := range ends(w, all) {
						s := all[index(id)]
						e.holds(t, s, guarantee)
						if guarantee == "atLeastOnce" && e.delivery.Outcome != ledger.Sent {
							t.Errorf("%s: ended %s (%s), want sent: nothing stood against it", s.name, e.delivery.Outcome, e.delivery.Reason)
						}
						if how.cold && len(s.deaths) == 1 && w.Spared(id, "webhook") {
							t.Errorf("%s: it did not die", s.name)
						}
					}
				})
			})
		}
	}
}

func index(id string) int {
	var n int
	_, _ = fmt.Sscanf(id, "case-%d", &n)
	return n - 1
}

// The action function never lives; the machine has it give up, and then it
// dies at that too.
func TestFunctionDiesGivingUp(t *testing.T) {
	t.Parallel()
	for turn, tc := range []struct {
		name   string
		always rig.Death
	}{
		{"before it claims", rig.Death{At: 1}},
		{"after it claimed", rig.Death{At: 1, Performed: true}},
		{"after it called", rig.Death{At: 5, Performed: true}},
		{"while it hangs", rig.Death{At: 3, Hangs: true}},
	} {
		for _, guarantee := range []string{"atMostOnce", "atLeastOnce"} {
			t.Run(tc.name+" "+guarantee, func(t *testing.T) {
				t.Parallel()
				rig.Run(t, func(t *testing.T, w *rig.World) {
					w.Cold, w.Latency = true, spread
					w.Publish(rig.Setup{Action: `{"settings": {"guarantee": "` + guarantee + `"}}`})
					all := scenarios(3, turn)
					for _, s := range all {
						w.Kill(s.id, "webhook", slicesOf(tc.always, 40)...)
						w.KillGivingUp(s.id, "webhook", s.deaths...)
						w.Send(s.id)
					}
					w.Settle()
					for id, e := range ends(w, all) {
						e.holds(t, all[index(id)], guarantee)
						if len(e.calls) == 0 && e.delivery.Outcome == ledger.Unknown && tc.always.At == 1 && !tc.always.Performed {
							t.Errorf("%s: ended unknown (%s), and no function ever held it", all[index(id)].name, e.delivery.Reason)
						}
					}
				})
			})
		}
	}
}

func slicesOf(d rig.Death, n int) []rig.Death {
	all := make([]rig.Death, n)
	for i := range all {
		all[i] = d
	}
	return all
}

// Entry dies between every two of its steps, once and twice; its sender
// repeats the event until it is accepted, or gives up on it.
func TestEntryDies(t *testing.T) {
	t.Parallel()
	const operations = 7 // listeners, schema, (the event,) both records, start, started
	for r, reentry := range []string{``, `{"entry": {"reentry": {"allowed": true, "after": "PT5M"}}}`, `{"entry": {"reentry": {"allowed": false}}}`} {
		for p, pause := range []time.Duration{time.Second, 2 * time.Minute} {
			t.Run(fmt.Sprint(reentry, " repeated after ", pause), func(t *testing.T) {
				t.Parallel()
				rig.Run(t, func(t *testing.T, w *rig.World) {
					w.Cold, w.Latency = true, spread
					w.Publish(rig.Setup{Journey: reentry})
					all := scenarios(operations, 2*r+p)
					stop := sweeping(w)
					race(len(all), func(i int) {
						s, customer := all[i], fmt.Sprintf("c-%d", i)
						if err := w.Profiles.Write(t.Context(), customer, map[string]any{"phone": "+1555"}); err != nil {
							t.Error(err)
						}
						w.Kill(s.id, "entry", s.deaths...)
						for range 4 {
							if code, _ := w.Call(http.MethodPost, "/entry/", rig.EventOf(s.id, customer)); code == http.StatusAccepted {
								return
							}
							time.Sleep(pause)
						}
						t.Errorf("%s: never accepted", s.name)
					})
					stop()
					w.Settle()
					started := w.Started()
					for i, s := range all {
						x := rig.ExecutionOf(s.id, fmt.Sprintf("c-%d", i))
						if got, want := started[x], 1; got != want {
							t.Errorf("%s: %d executions, want %d", s.name, got, want)
						}
						if got, want := len(w.Endpoint.Calls(x)), 1; got != want {
							t.Errorf("%s: %d calls, want %d", s.name, got, want)
						}
					}
				})
			})
		}
	}
}

// sweeping runs the sweep each minute, until it is told to stop.
func sweeping(w *rig.World) (stop func()) {
	quit, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for {
			select {
			case <-time.After(time.Minute):
				w.Sweep()
			case <-quit:
				return
			}
		}
	}()
	return func() { close(quit); <-done }
}
