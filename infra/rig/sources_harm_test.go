package rig_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/waypost/waypost/infra/rig"
	"github.com/waypost/waypost/shared/ledger"
)

// What a source answers is nowhere but in what is sent.
func TestSourceAnswersStayOut(t *testing.T) {
	rig.Run(t, func(t *testing.T, w *rig.World) {
		w.PublishWithSources(`{"response": {"city": {"type": "string"}, "open": {"type": "boolean"}, "owner": {"type": "string"}}}`,
			rig.Setup{Action: `{"settings": {"requires": "data.stores.open"}}`, Journey: rig.Maps("{{ data.stores.owner }}")})
		w.Endpoint.Source = always(ulm)
		x := w.Send("case-1").Executions[0].Execution
		w.Settle()
		w.Endpoint.Source = always(rig.Reply{Status: 200, Body: `{"owner": {"is": "planted"}}`})
		w.Send("case-2")
		w.Settle()
		w.Endpoint.Source = always(rig.Reply{Status: 500, Body: `planted`})
		w.Send("case-3")
		w.Settle()
		if got, want := w.Endpoint.Calls(x)[0].Body, `{"text":"planted","to":"c-1"}`; got != want {
			t.Errorf("sent %s, want %s", got, want)
		}
		seen := map[string]string{"the logs": w.Logs(), "the ledger": fmt.Sprint(values(w.Items(rig.Ledger))), "the catalog": fmt.Sprint(values(w.Items(rig.Catalog)))}
		for _, run := range w.Executions() {
			seen["the history of "+run.Name] = w.History(run.ARN) + run.Output
		}
		for where, text := range seen {
			if len(text) < 10 {
				t.Errorf("%s is empty", where)
			}
			for _, secret := range []string{"planted", "tok-of-stores"} {
				if strings.Contains(text, secret) {
					t.Errorf("%s: has %s", where, secret)
				}
			}
		}
	})
}

// values prints items with what their attributes hold.
func values[T any](items []T) string {
	text, err := json.Marshal(items)
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// A repeat of a settled delivery doesn't wait for a source, and one that takes
// over from a function that died asks it again.
func TestSourcesOfRepeats(t *testing.T) {
	rig.Run(t, func(t *testing.T, w *rig.World) {
		w.PublishWithSources("", rig.Setup{Journey: rig.Maps("{{ data.stores.city }}")})
		w.Endpoint.Source = always(ulm)
		w.Kill("case-1", "webhook", rig.Death{At: 7, Performed: true}) // its call of the endpoint
		x := w.Send("case-1").Executions[0].Execution
		w.Settle()
		if d := w.Delivery(x); d.Outcome != ledger.Sent || w.Spared("case-1", "webhook") {
			t.Errorf("%s (%s) after %q; nobody died: %v", d.Outcome, d.Reason, results(d), w.Spared("case-1", "webhook"))
		}
		if got := w.Endpoint.Calls(x); len(got) != 2 || got[0].Body != got[1].Body {
			t.Errorf("got %v, want the same twice", got)
		}
		slow := ulm
		slow.Takes = 900 * time.Millisecond
		w.Endpoint.Source = always(slow)
		task := taskOf("case-1")
		task.With = json.RawMessage(`{"to": "x", "text": "{{ data.stores.city }}"}`)
		began := time.Now()
		if got, want := comesTo(t, w, task, began), "sent"; got != want {
			t.Errorf("the repeat: got %s, want %s", got, want)
		}
		if took := time.Since(began); took > 20*time.Millisecond {
			t.Errorf("the repeat took %v", took)
		}
		sleep(2) // the call that nobody waits for ends by itself
	})
}

// A catalog that does not answer is AWS's failure, not the source's: the
// delivery waits, and is then sent with what the source says.
func TestSourceDefinitionOutOfReach(t *testing.T) {
	rig.Run(t, func(t *testing.T, w *rig.World) {
		w.PublishWithSources("", rig.Setup{Journey: rig.Maps("{{ data.stores.city ?? 'here' }}")})
		w.Endpoint.Source = always(ulm)
		until := time.Now().Add(time.Minute)
		w.Fail = func(op string, body []byte) rig.Fault {
			if op == "GetItem catalog" && strings.Contains(string(body), "source#") && time.Now().Before(until) {
				return rig.Refuses
			}
			return rig.Works
		}
		x := w.Send("case-1").Executions[0].Execution
		w.Settle()
		if d := w.Delivery(x); d.Outcome != ledger.Sent || d.SettledAt.Before(until) {
			t.Errorf("%s (%s) at %v", d.Outcome, d.Reason, d.SettledAt)
		}
		if got, want := w.Endpoint.Calls(x)[0].Body, `{"text":"Ulm","to":"c-1"}`; got != want {
			t.Errorf("sent %s, want %s", got, want)
		}
	})
}

// A function that dies at any of its operations, those of sources among them,
// loses nothing, and under atMostOnce sends nothing twice.
func TestDeathsWithSources(t *testing.T) {
	for _, guarantee := range []string{"atMostOnce", "atLeastOnce"} {
		for at := range 9 {
			for _, performed := range []bool{false, true} {
				t.Run(fmt.Sprint(guarantee, " ", at+1, " ", performed), func(t *testing.T) {
					rig.Run(t, func(t *testing.T, w *rig.World) {
						w.PublishWithSources("", rig.Setup{Action: `{"settings": {"guarantee": "` + guarantee + `"}}`,
							Journey: rig.Maps("{{ data.stores.city }}{{ data.tiers.perk ?? '' }}")})
						w.Endpoint.Source = always(ulm)
						w.Kill("case-1", "webhook", rig.Death{At: at + 1, Performed: performed})
						x := w.Send("case-1").Executions[0].Execution
						w.Settle()
						d, calls := w.Delivery(x), w.Endpoint.Calls(x)
						if d.State != ledger.Settled || d.Outcome != ledger.Sent && (d.Outcome != ledger.Unknown || guarantee != "atMostOnce") {
							t.Errorf("%s: %s (%s)", d.State, d.Outcome, d.Reason)
						}
						if guarantee == "atMostOnce" && len(calls) > 1 {
							t.Errorf("sent %d times", len(calls))
						}
						for _, c := range calls {
							if got, want := c.Body, `{"text":"Ulm","to":"c-1"}`; got != want {
								t.Errorf("sent %s, want %s", got, want)
							}
						}
					})
				})
			}
		}
	}
}
