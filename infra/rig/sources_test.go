package rig_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/waypost/waypost/infra/rig"
	"github.com/waypost/waypost/shared/ledger"
)

// ulm is what stores answer, in these tests: an open store.
var ulm = rig.Reply{Status: 200, Body: `{"city": "Ulm", "open": true, "owner": "planted"}`}

func always(r rig.Reply) func(int, rig.Request) rig.Reply {
	return func(int, rig.Request) rig.Reply { return r }
}

// A warm delivery asks a source at the same time as everything else, and one
// whose request reads the profile right after that.
func TestSourceRoundTrips(t *testing.T) {
	for _, tc := range []struct {
		text   string
		begins time.Duration // of the source, after the claim
		called time.Duration // the endpoint
		paths  string        // that the profile's read asks for
	}{
		{"{{ data.stores.city }}", 0, 5 * time.Millisecond, ""},
		{"{{ data.tiers.perk }}", 5 * time.Millisecond, 10 * time.Millisecond, "id tier"},
		{"{{ data.tiers.perk }} {{ profile.firstName }}", 5 * time.Millisecond, 10 * time.Millisecond, "firstName id tier"},
	} {
		t.Run(tc.text, func(t *testing.T) {
			rig.Run(t, func(t *testing.T, w *rig.World) {
				w.PublishWithSources("", rig.Setup{Journey: rig.Maps(tc.text)})
				w.Endpoint.Source = always(rig.Reply{Status: 200, Body: `{"city": "Ulm", "perk": "tea"}`})
				w.Send("case-1")
				sleep(2)
				w.Ops()
				x := w.Send("case-2").Executions[0].Execution
				sleep(2)
				began := map[string]time.Time{}
				for _, op := range w.Ops() {
					if op.Function != "webhook" {
						continue
					}
					if !began[op.Name].IsZero() {
						t.Errorf("%s: a second time", op.Name)
					}
					began[op.Name] = op.Began
					if op.Name == "GetItem profiles" {
						if got := projection(t, op); got != tc.paths {
							t.Errorf("the profile's read asks for %s, want %s", got, tc.paths)
						}
					}
				}
				claim := began["UpdateItem ledger"]
				if got := began["source"].Sub(claim); got != tc.begins {
					t.Errorf("the source is called %v after the claim, want %v", got, tc.begins)
				}
				if got := began["endpoint"].Sub(claim); got != tc.called {
					t.Errorf("the endpoint is called %v after the claim, want %v", got, tc.called)
				}
				if _, read := began["GetItem profiles"]; read != (tc.paths != "") {
					t.Errorf("the profile was read: %v", read)
				}
				if d := w.Delivery(x); d.Outcome != ledger.Sent || d.Timings.ResolveMs != float64(tc.called.Milliseconds()) {
					t.Errorf("%s (%s), resolved in %v ms", d.Outcome, d.Reason, d.Timings.ResolveMs)
				}
			})
		})
	}
}

// projection lists the attributes that a read of a profile asks for.
func projection(t *testing.T, op rig.Op) string {
	t.Helper()
	var in struct {
		ProjectionExpression     string
		ExpressionAttributeNames map[string]string
	}
	if err := json.Unmarshal([]byte(op.Body), &in); err != nil {
		t.Fatal(err)
	}
	asked := in.ProjectionExpression
	for placeholder, name := range in.ExpressionAttributeNames {
		asked = strings.ReplaceAll(asked, placeholder, name)
	}
	paths := strings.Split(asked, ", ")
	slices.Sort(paths)
	return strings.Join(paths, " ")
}

// A function with an empty memory, in which nothing is known of the action and
// of the source, sends the same.
func TestColdSources(t *testing.T) {
	rig.Run(t, func(t *testing.T, w *rig.World) {
		w.Cold = true
		w.PublishWithSources("", rig.Setup{Action: `{"settings": {"requires": "data.stores.open"}}`, Journey: rig.Maps("{{ data.tiers.perk }}")})
		w.Endpoint.Source = func(_ int, c rig.Request) rig.Reply {
			if strings.HasPrefix(c.URL, "https://stores.example/") {
				return ulm
			}
			return rig.Reply{Status: 200, Body: `{"perk": "` + c.URL + `"}`}
		}
		x := w.Send("case-1").Executions[0].Execution
		w.Settle()
		if d := w.Delivery(x); d.Outcome != ledger.Sent || d.Reason != "" {
			t.Errorf("%s (%s)", d.Outcome, d.Reason)
		}
		if got, want := w.Endpoint.Calls(x)[0].Body, `{"text":"https://tiers.example?tier=gold","to":"c-1"}`; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	})
}

// Each step reads the source at that moment, or what it answered within its
// cache time; a change of the source takes effect within seconds.
func TestSourceIsReadAtThatMoment(t *testing.T) {
	for cache, want := range map[string][]string{"0s": {"1", "2", "3", "4"}, "5m": {"1", "1", "2", "3"}} {
		t.Run(cache, func(t *testing.T) {
			rig.Run(t, func(t *testing.T, w *rig.World) {
				w.PublishWithSources(`{"request": {"pathParams": {"order": "same"}}, "settings": {"cache": "`+cache+`"}}`, rig.Setup{Journey: rig.Maps("{{ data.stores.city }}")})
				w.Endpoint.Source = func(n int, _ rig.Request) rig.Reply {
					return rig.Reply{Status: 200, Body: fmt.Sprintf(`{"city": "%d"}`, n)}
				}
				var got []string
				for i, after := range []time.Duration{0, 4 * time.Minute, 2 * time.Minute, 10 * time.Second} {
					time.Sleep(after)
					if i == 3 {
						w.Put("sources/stores", rig.Patch(t, rig.StoresSource, `{"settings": {"url": "https://new.example"}}`))
						sleep(6)
					}
					x := w.Send(fmt.Sprintf("case-%d", i)).Executions[0].Execution
					sleep(2)
					var body struct{ Text string }
					if err := json.Unmarshal([]byte(w.Endpoint.Calls(x)[0].Body), &body); err != nil {
						t.Fatal(err)
					}
					got = append(got, body.Text)
				}
				if d := cmp.Diff(want, got); d != "" {
					t.Error(d)
				}
				calls := w.Endpoint.SourceCalls()
				last := calls[len(calls)-1]
				if got, want := last.URL, "https://new.example/v1/stores/o-case-3"; got != want {
					t.Errorf("after the change: got %s, want %s", got, want)
				}
				if got, want := last.Header.Get("Authorization"), "Bearer tok-of-stores"; got != want {
					t.Errorf("got %q, want %q", got, want)
				}
			})
		})
	}
}

// Many deliveries that ask the same at the same time share one call.
func TestManyDeliveriesShareACall(t *testing.T) {
	rig.Run(t, func(t *testing.T, w *rig.World) {
		w.PublishWithSources(`{"request": {"pathParams": {"order": "same"}}, "settings": {"cache": "1m"}}`, rig.Setup{Journey: rig.Maps("{{ data.stores.city }}")})
		slow := ulm
		slow.Takes = 300 * time.Millisecond
		w.Endpoint.Source = always(slow)
		race(40, func(i int) { w.Send(fmt.Sprintf("case-%d", i)) })
		w.Settle()
		if got, want := len(w.Endpoint.SourceCalls()), 1; got != want {
			t.Errorf("%d calls of the source, want %d", got, want)
		}
		for i := range 40 {
			calls := w.Endpoint.Calls(rig.ExecutionOf(fmt.Sprintf("case-%d", i), "c-1"))
			if len(calls) != 1 || calls[0].Body != `{"text":"Ulm","to":"c-1"}` {
				t.Errorf("%d: %v", i, calls)
			}
		}
	})
}

// A source that fails is nil. What has a default is sent with it; what needs
// the source fails, with its name and the source's reason.
func TestSourceFails(t *testing.T) {
	const down = "data.stores is nil: the endpoint answered 503 Service Unavailable"
	for _, tc := range []struct {
		name, source, action, text string
		reply                      rig.Reply
		outcome                    ledger.Outcome
		body, reason               string
	}{
		{"a default", "", "", "{{ data.stores.city ?? 'your town' }}", status(503), ledger.Sent, "your town", down},
		{"none", "", "", "In {{ data.stores.city }}", status(503), ledger.Failed, "",
			"the message could not be composed: text: is required, and came out empty: what it is mapped from is absent; " + down},
		{"an attribute that is absent", "", "", "In {{ data.stores.city }}", rig.Reply{Status: 200, Body: `{}`}, ledger.Failed, "",
			"the message could not be composed: text: is required, and came out empty: what it is mapped from is absent"},
		{"required by the settings", "", `{"settings": {"requires": "data.stores.open"}}`, "Hi", status(503), ledger.Suppressed, "",
			"not allowed: requires data.stores.open; " + down},
		{"closed", "", `{"settings": {"requires": "data.stores.open"}}`, "Hi", rig.Reply{Status: 200, Body: `{"open": false}`}, ledger.Suppressed, "",
			"not allowed: requires data.stores.open"},
		{"a secret that is none", `{"settings": {"auth": {"secret": "waypost/none"}}}`, "", "{{ data.stores.city ?? 'your town' }}", ulm, ledger.Sent, "your town",
			"data.stores is nil: the secret waypost/none does not exist"},
		{"too slow", "", "", "{{ data.stores.city ?? 'your town' }}", rig.Reply{Status: 200, Takes: time.Minute}, ledger.Sent, "your town",
			"data.stores is nil: stores.example did not answer within the timeout"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			rig.Run(t, func(t *testing.T, w *rig.World) {
				w.PublishWithSources(tc.source, rig.Setup{Action: tc.action, Journey: rig.Maps(tc.text)})
				w.Endpoint.Source = always(tc.reply)
				x := w.Send("case-1").Executions[0].Execution
				w.Settle()
				d := w.Delivery(x)
				if d.Outcome != tc.outcome || d.Reason != tc.reason {
					t.Errorf("got  %s: %s\nwant %s: %s", d.Outcome, d.Reason, tc.outcome, tc.reason)
				}
				got := ""
				for _, c := range w.Endpoint.Calls(x) {
					got += c.Body
				}
				if tc.body == "" && got != "" || !strings.Contains(got, tc.body) {
					t.Errorf("sent %q, want %q", got, tc.body)
				}
			})
		})
	}
}

// A source can't take the time that the endpoint needs: a delivery whose
// action has the longest timeout is sent all the same.
func TestSourceLeavesTimeForTheEndpoint(t *testing.T) {
	rig.Run(t, func(t *testing.T, w *rig.World) {
		w.PublishWithSources(`{"settings": {"timeout": "10s"}}`, rig.Setup{Action: `{"settings": {"timeout": "30s"}}`, Journey: rig.Maps("{{ data.stores.city ?? 'here' }}")})
		w.Endpoint.Source = always(rig.Reply{Status: 200, Takes: time.Minute})
		x := w.Send("case-1").Executions[0].Execution
		w.Settle()
		if d := w.Delivery(x); d.Outcome != ledger.Sent || len(d.Attempts) != 1 || d.Timings.ResolveMs > 7000 {
			t.Errorf("%s (%s) after %d attempts, resolved in %v ms", d.Outcome, d.Reason, len(d.Attempts), d.Timings.ResolveMs)
		}
	})
}

// A token that was changed is renewed when the source answers 401.
func TestSourceCredentialIsRenewed(t *testing.T) {
	rig.Run(t, func(t *testing.T, w *rig.World) {
		w.PublishWithSources("", rig.Setup{Journey: rig.Maps("{{ data.stores.city }}")})
		accepts := "Bearer tok-of-stores"
		w.Endpoint.Source = func(_ int, c rig.Request) rig.Reply {
			if c.Header.Get("Authorization") != accepts {
				return status(401)
			}
			return ulm
		}
		w.Send("case-1")
		sleep(10)
		w.PutSecret(rig.SourceSecret, `{"token": "tok-new"}`)
		accepts = "Bearer tok-new"
		x := w.Send("case-2").Executions[0].Execution
		w.Settle()
		if d := w.Delivery(x); d.Outcome != ledger.Sent || d.Reason != "" {
			t.Errorf("%s (%s)", d.Outcome, d.Reason)
		}
		if got, want := len(w.Endpoint.SourceCalls()), 3; got != want {
			t.Errorf("%d calls of the source, want %d", got, want)
		}
	})
}

// A condition reads sources too, those that read the profile among them; one
// that fails makes it false.
func TestConditionOnASource(t *testing.T) {
	for _, tc := range []struct {
		when  string
		reply rig.Reply
		want  string
	}{
		{"data.stores.open", ulm, "yes"},
		{"data.stores.open and profile.tier == 'gold'", ulm, "yes"},
		{"data.tiers.perk == 'https://tiers.example?tier=gold'", rig.Reply{Status: 200}, "yes"},
		{"data.stores.open", rig.Reply{Status: 200, Body: `{"open": false}`}, "no"},
		{"data.stores.open", status(503), "no"},
		{"data.stores == nil", status(503), "yes"},
	} {
		t.Run(fmt.Sprint(tc.when, tc.reply.Status), func(t *testing.T) {
			rig.Run(t, func(t *testing.T, w *rig.World) {
				step := `[{"id": "%s", "action": {"name": "notify", "version": 1, "with": {"to": "x", "text": "%[1]s"}}}]`
				w.PublishWithSources("", rig.Setup{Journey: `{"steps": [{"id": "ask", "condition": {"branches": [{"when": "` + tc.when +
					`", "steps": ` + fmt.Sprintf(step, "yes") + `}], "otherwise": ` + fmt.Sprintf(step, "no") + `}}]}`})
				w.Endpoint.Source = func(_ int, c rig.Request) rig.Reply {
					if tc.reply.Status == 200 && tc.reply.Body == "" {
						return rig.Reply{Status: 200, Body: `{"perk": "` + c.URL + `"}`}
					}
					return tc.reply
				}
				x := w.Send("case-1").Executions[0].Execution
				w.Settle()
				calls := w.Endpoint.Calls(x)
				if len(calls) != 1 || calls[0].Key() != x+"."+tc.want+".0" {
					t.Errorf("got %v, want the step %s", calls, tc.want)
				}
			})
		})
	}
}

// A warm decide asks the profile and the source at once.
func TestConditionRoundTrip(t *testing.T) {
	rig.Run(t, func(t *testing.T, w *rig.World) {
		w.PublishWithSources("", rig.Setup{Journey: `{"steps": [{"id": "ask", "condition": {"branches": [{"when": "data.stores.open and profile.points > 1",
			"steps": [{"id": "later", "wait": {"for": "PT1S"}}]}]}}]}`})
		w.Endpoint.Source = always(ulm)
		w.Send("case-1")
		sleep(2)
		w.Ops()
		w.Send("case-2")
		sleep(2)
		var ops []rig.Op
		for _, op := range w.Ops() {
			if op.Function == "decide" {
				ops = append(ops, op)
			}
		}
		if len(ops) != 2 || !ops[0].Began.Equal(ops[1].Began) {
			t.Errorf("got %v, want the source and the profile at once", ops)
		}
	})
}
