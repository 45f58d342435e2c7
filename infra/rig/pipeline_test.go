package rig_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/waypost/waypost/infra/rig"
	"github.com/waypost/waypost/shared/ledger"
)

// sleep lets seconds pass.
func sleep(seconds int) { time.Sleep(time.Duration(seconds) * time.Second) }

// A warm delivery makes one round trip before its endpoint is called, and
// three calls of AWS in all.
func TestRoundTrips(t *testing.T) {
	t.Parallel()
	rig.Run(t, func(t *testing.T, w *rig.World) {
		w.Publish(rig.Setup{})
		w.Send("case-1")
		sleep(2)
		w.Ops()
		w.Send("case-2")
		sleep(2)
		var names []string
		var ops []rig.Op
		for _, op := range w.Ops() {
			if op.Function == "webhook" {
				ops, names = append(ops, op), append(names, op.Name)
			}
		}
		slices.Sort(names[:2]) // these are under way at the same time
		if d := cmp.Diff([]string{"GetItem profiles", "UpdateItem ledger", "endpoint", "PutItem ledger"}, names); d != "" {
			t.Fatal(d)
		}
		if !ops[0].Began.Equal(ops[1].Began) {
			t.Errorf("the claim and the profile were not asked for at once: %v and %v", ops[0].Began, ops[1].Began)
		}
		if got, want := ops[2].Began.Sub(ops[0].Began), 5*time.Millisecond; got != want {
			t.Errorf("before the endpoint was called: got %v, want one round trip of %v", got, want)
		}
	})
}

// A cold one makes two: only the action tells which attributes and secret it needs.
func TestColdRoundTrips(t *testing.T) {
	t.Parallel()
	rig.Run(t, func(t *testing.T, w *rig.World) {
		w.Publish(rig.Setup{})
		w.Send("case-1")
		sleep(2)
		var first, called time.Time
		for _, op := range w.Ops() {
			switch {
			case op.Function == "webhook" && first.IsZero():
				first = op.Began
			case op.Name == "endpoint":
				called = op.Began
			}
		}
		if got, want := called.Sub(first), 10*time.Millisecond; got != want {
			t.Errorf("before the endpoint was called: got %v, want %v", got, want)
		}
	})
}

// Each read of a profile names the attributes of its step's mapping and of its
// action's settings, or of its condition, and the key, and nothing else.
func TestProjection(t *testing.T) {
	t.Parallel()
	rig.Run(t, func(t *testing.T, w *rig.World) {
		w.Publish(rig.Setup{Action: `{"settings": {"requires": "profile.consents.sms == 'y'"}}`,
			Journey: `{"steps": [{"id": "tier", "condition": {"branches": [{"when": "profile.tier == 'gold'", "steps": [
				{"id": "text", "action": {"name": "notify", "version": 1, "with": {"to": "{{ profile.phone }}", "text": "{{ profile.firstName }}"}}}]}]}}]}`})
		for i, want := range [][]string{
			{"decide id tier", "webhook firstName id phone", "webhook consents.sms firstName id phone"}, // at first only the mapping is known
			{"decide id tier", "webhook consents.sms firstName id phone"},
		} {
			w.Ops()
			w.Send(fmt.Sprintf("case-%d", i+1))
			sleep(2)
			if diff := cmp.Diff(want, projections(t, w.Ops())); diff != "" {
				t.Errorf("event %d: %s", i+1, diff)
			}
		}
	})
}

// projections lists what profile reads asked for, each with its function; all
// must be strongly consistent.
func projections(t *testing.T, ops []rig.Op) []string {
	t.Helper()
	var all []string
	for _, op := range ops {
		if op.Name != "GetItem profiles" {
			continue
		}
		var in struct {
			ConsistentRead           bool
			ProjectionExpression     string
			ExpressionAttributeNames map[string]string
		}
		if err := json.Unmarshal([]byte(op.Body), &in); err != nil || !in.ConsistentRead {
			t.Errorf("%v: %s must be consistent", err, op.Body)
		}
		asked := in.ProjectionExpression
		for placeholder, name := range in.ExpressionAttributeNames {
			asked = strings.ReplaceAll(asked, placeholder, name)
		}
		paths := strings.Split(asked, ", ")
		slices.Sort(paths)
		all = append(all, op.Function+" "+strings.Join(paths, " "))
	}
	return all
}

// Each step reads the profile at that moment.
func TestProfileChangesBetweenSteps(t *testing.T) {
	t.Parallel()
	rig.Run(t, func(t *testing.T, w *rig.World) {
		step := `{"id": "%s", "action": {"name": "notify", "version": 1, "with": {"to": "{{ profile.phone }}", "text": "{{ profile.tier }}"}}}`
		w.Publish(rig.Setup{Journey: `{"steps": [` + fmt.Sprintf(step, "text") + `, {"id": "later", "wait": {"for": "PT10M"}},
			{"id": "tier", "condition": {"branches": [{"when": "profile.tier == 'silver'", "steps": [` + fmt.Sprintf(step, "again") + `]}]}}]}`})
		x := w.Send("case-1").Executions[0].Execution
		sleep(60)
		w.Put("profiles/c-1", `{"phone": "+2", "tier": "silver"}`)
		w.Settle()
		var bodies []string
		for _, c := range w.Endpoint.Calls(x) {
			bodies = append(bodies, c.Body)
		}
		if d := cmp.Diff([]string{`{"text":"gold","to":"+15550001"}`, `{"text":"silver","to":"+2"}`}, bodies); d != "" {
			t.Error(d)
		}
	})
}

// Quick retries are made in the function; then the machine waits.
func TestRetryTimes(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name   string
		reply  rig.Reply
		ranges [][2]time.Duration // between the calls
	}{
		{"backoff", status(429), [][2]time.Duration{{50 * time.Millisecond, 120 * time.Millisecond}, {250 * time.Millisecond, 520 * time.Millisecond}, {20 * time.Second, 50 * time.Second}}},
		{"Retry-After, shortly", rig.Reply{Status: 429, Header: map[string]string{"Retry-After": "1"}},
			[][2]time.Duration{{time.Second, 1100 * time.Millisecond}, {time.Second, 1100 * time.Millisecond}, {time.Second, 1500 * time.Millisecond}}},
		{"Retry-After, later", rig.Reply{Status: 429, Header: map[string]string{"Retry-After": "300"}},
			[][2]time.Duration{{5 * time.Minute, 5*time.Minute + time.Second}, {5 * time.Minute, 5*time.Minute + time.Second}, {5 * time.Minute, 5*time.Minute + time.Second}}},
		{"Retry-After, as a date", rig.Reply{Status: 503, Header: map[string]string{"Retry-After": "Sat, 01 Jan 2000 00:20:00 GMT"}},
			[][2]time.Duration{{19 * time.Minute, 20 * time.Minute}}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			rig.Run(t, func(t *testing.T, w *rig.World) {
				w.Publish(rig.Setup{})
				w.Endpoint.Answer = answers(tc.reply)
				x := w.Send("case-1").Executions[0].Execution
				w.Settle()
				calls := w.Endpoint.Calls(x)
				if len(calls) != 4 {
					t.Fatalf("got %d calls, want 4", len(calls))
				}
				for i, r := range tc.ranges {
					if got := calls[i+1].At.Sub(calls[i].At); got < r[0] || got > r[1] {
						t.Errorf("before call %d: got %v, want from %v to %v", i+2, got, r[0], r[1])
					}
				}
			})
		})
	}
}

// Throttled deliveries take their turns, near ones in the function and far
// ones by the machine; what would come too late is capped.
func TestThrottle(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, limits string
		events       int
		apart        time.Duration
		capped       int
	}{
		{"near", `[{"kind": "throttle", "calls": 1, "per": "1s"}]`, 2, time.Second, 0},
		{"far", `[{"kind": "throttle", "calls": 1, "per": "20s"}]`, 5, 20 * time.Second, 0},
		{"too far", `[{"kind": "throttle", "calls": 1, "per": "1m"}]`, 6, time.Minute, 3},
	} {
		t.Run(tc.name, func(t *testing.T) {
			rig.Run(t, func(t *testing.T, w *rig.World) {
				w.Publish(rig.Setup{Action: `{"settings": {"retry": {"within": "150s"}, "limits": ` + tc.limits + `}}`})
				for i := range tc.events {
					w.Send(fmt.Sprintf("case-%d", i))
				}
				w.Settle()
				calls := w.Endpoint.Calls("")
				for i := 1; i < len(calls); i++ {
					if got := calls[i].At.Sub(calls[i-1].At); got < tc.apart-20*time.Millisecond || got > tc.apart+20*time.Millisecond {
						t.Errorf("between calls %d and %d: %v, want %v", i, i+1, got, tc.apart)
					}
				}
				capped := 0
				for i := range tc.events {
					if d := w.Delivery(rig.ExecutionOf(fmt.Sprintf("case-%d", i), "c-1")); d.Outcome == ledger.Capped {
						if want := "per 1m beyond its deadline"; !strings.Contains(d.Reason, want) {
							t.Errorf("reason: got %s, want …%s", d.Reason, want)
						}
						capped++
					} else if d.Outcome != ledger.Sent {
						t.Errorf("got %s (%s), want sent", d.Outcome, d.Reason)
					}
				}
				if capped != tc.capped {
					t.Errorf("got %d capped, want %d", capped, tc.capped)
				}
			})
		})
	}
}

func TestCap(t *testing.T) {
	t.Parallel()
	rig.Run(t, func(t *testing.T, w *rig.World) {
		w.Publish(rig.Setup{Action: `{"settings": {"limits": [{"kind": "cap", "calls": 2, "per": "1h"}]}}`})
		for i := range 3 {
			w.Send(fmt.Sprintf("case-%d", i))
		}
		w.Settle()
		outcomes := map[ledger.Outcome]int{}
		for i := range 3 {
			outcomes[w.Delivery(rig.ExecutionOf(fmt.Sprintf("case-%d", i), "c-1")).Outcome]++
		}
		if d := cmp.Diff(map[ledger.Outcome]int{"sent": 2, "capped": 1}, outcomes); d != "" {
			t.Error(d)
		}
	})
}

// An answer of AWS that is lost is asked for again, by the SDK: no delivery
// is the worse for it, even at most once.
func TestLostAnswers(t *testing.T) {
	t.Parallel()
	for _, op := range []string{"UpdateItem ledger", "PutItem ledger", "GetItem profiles", "GetItem catalog", "GetSecretValue", "StartExecution", "TransactWriteItems"} {
		for _, kind := range []rig.Fault{rig.Loses, rig.Refuses} {
			t.Run(fmt.Sprint(op, kind), func(t *testing.T) {
				t.Parallel()
				rig.Run(t, func(t *testing.T, w *rig.World) {
					w.Publish(rig.Setup{Action: atMostOnce, Journey: `{"entry": {"reentry": {"allowed": false}}}`})
					var met atomic.Int32 // two functions may make the same operation at once
					w.Fail = func(name string, _ []byte) rig.Fault {
						if !strings.HasPrefix(name, op) || met.Add(1) > 2 {
							return rig.Works
						}
						return kind
					}
					x := w.Send("case-1").Executions[0].Execution
					sleep(20)
					if d := w.Delivery(x); d.Outcome != ledger.Sent || len(w.Endpoint.Calls(x)) != 1 {
						t.Errorf("got %s (%s) and %d calls, want sent at once", d.Outcome, d.Reason, len(w.Endpoint.Calls(x)))
					}
					w.Settle()
				})
			})
		}
	}
}

// A table that is out of order for hours holds deliveries up, and does not
// fill their executions' histories (25,000 events at most).
func TestLongOutage(t *testing.T) {
	t.Parallel()
	rig.Run(t, func(t *testing.T, w *rig.World) {
		w.Publish(rig.Setup{Action: `{"settings": {"retry": {"within": "24h"}}}`})
		began := time.Now()
		w.Fail = func(name string, _ []byte) rig.Fault {
			if name == "GetItem profiles" && time.Since(began) < 6*time.Hour {
				return rig.Refuses
			}
			return rig.Works
		}
		x := w.Send("case-1").Executions[0].Execution
		w.Settle()
		d := w.Delivery(x)
		if d.Outcome != ledger.Sent || d.SettledAt.Sub(began) > 7*time.Hour {
			t.Errorf("got %s (%s) after %v, want sent soon after the outage", d.Outcome, d.Reason, d.SettledAt.Sub(began))
		}
		if n := strings.Count(w.History(w.Executions()[0].ARN), `"PreviousEventId"`); n > 900 {
			t.Errorf("the history has %d events", n)
		}
	})
}

// A function that has used up its time before the call leaves the call to the next.
func TestNoTimeLeft(t *testing.T) {
	t.Parallel()
	rig.Run(t, func(t *testing.T, w *rig.World) {
		w.Publish(rig.Setup{Action: `{"settings": {"guarantee": "atMostOnce", "timeout": "30s"}}`})
		w.Endpoint.Answer = answers(rig.Reply{Status: 200, Body: `{"id": "1"}`, Takes: 28 * time.Second})
		slow := true
		w.Latency = func(op string) time.Duration {
			if op == "GetItem profiles" && slow {
				slow = false
				return 15 * time.Second
			}
			return time.Millisecond
		}
		x := w.Send("case-1").Executions[0].Execution
		w.Settle()
		if d := w.Delivery(x); d.Outcome != ledger.Sent || results(d) != "accepted" {
			t.Errorf("got %s (%s) after %q, want sent", d.Outcome, d.Reason, results(d))
		}
	})
}
