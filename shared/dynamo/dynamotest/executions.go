package dynamotest

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/waypost/waypost/shared/dynamo"
	"github.com/waypost/waypost/shared/fault"
	"github.com/waypost/waypost/shared/ledger"
)

// execution is one that is accepted at noon and not started, unless it is changed.
func execution(name string, changes ...func(*ledger.Execution)) ledger.Execution {
	e := ledger.Execution{
		Execution: name, Journey: "order_ready", Version: 3, Profile: "c-ada", StateMachine: "arn:aws:states:::stateMachine:m",
		Input: `{"event":{"total":25}}`, State: ledger.Pending, EventSource: "/shop", EventID: "o-1", EventType: "order.ready", EnteredAt: noon,
	}
	for _, change := range changes {
		change(&e)
	}
	return e
}

func started(e *ledger.Execution) { e.State, e.StartedAt = ledger.Started, noon.Add(time.Millisecond) }

// recorded checks the record that the table has.
func recorded(t *testing.T, l *dynamo.Ledger, want ledger.Execution) {
	t.Helper()
	got, err := l.Execution(t.Context(), want.Execution)
	if err != nil {
		t.Fatal(err)
	}
	same(t, "the execution's record", want, got)
}

// always lets a profile enter again at once: nothing is claimed.
var always = ledger.Reentry{Allowed: true}

// creates holds that an execution's record is written once; where re-entrance
// is claimed with it, anew for as long as it is pending.
func creates(t *testing.T, client *dynamodb.Client) {
	l := openLedger(t, client)
	for name, rule := range map[string]*ledger.Reentry{
		"no rule": nil, "always": &always, "never again": {}, "again after a while": {Allowed: true, After: time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			mine := func(e *ledger.Execution) { e.Profile = t.Name() }
			first := execution(t.Name(), mine)
			if created, refused, err := l.Create(t.Context(), first, rule); !created || refused || err != nil {
				t.Errorf("first: created %t, refused %t, %v", created, refused, err)
			}
			again := execution(t.Name(), mine, func(e *ledger.Execution) { e.Version, e.EnteredAt = 4, noon.Add(time.Minute) })
			claimed := rule != nil && *rule != always
			if created, refused, err := l.Create(t.Context(), again, rule); created != claimed || refused || err != nil {
				t.Errorf("repeat: created %t, refused %t, %v", created, refused, err)
			}
			if claimed {
				first = again
			}
			recorded(t, l, first)
			started(&first)
			if err := l.Update(t.Context(), first); err != nil {
				t.Fatal(err)
			}
			if created, refused, err := l.Create(t.Context(), again, rule); created || refused || err != nil {
				t.Errorf("repeat of what has started: created %t, refused %t, %v", created, refused, err)
			}
			recorded(t, l, first)
		})
	}
}

// An attempt at entering a journey, and what must come of it.
type attempt struct {
	execution string
	change    func(*ledger.Execution)
	rule      ledger.Reentry
	created   bool
	refused   bool
}

// reentries holds the rule on entering a journey again: by journey and
// profile, across versions.
func reentries(t *testing.T, client *dynamodb.Client) {
	l := openLedger(t, client)
	hourly := ledger.Reentry{Allowed: true, After: time.Hour}
	at := func(after time.Duration) func(*ledger.Execution) {
		return func(e *ledger.Execution) { e.EnteredAt = noon.Add(after) }
	}
	for _, tc := range []struct {
		name     string
		attempts []attempt
	}{
		{"never again", []attempt{
			{execution: "a", created: true}, {execution: "b", refused: true}, {execution: "c", change: at(1000 * time.Hour), refused: true},
		}},
		{"another version is the same journey", []attempt{
			{execution: "a", created: true}, {execution: "b", change: func(e *ledger.Execution) { e.Version = 4 }, refused: true},
		}},
		{"another profile, another journey", []attempt{
			{execution: "a", created: true}, {execution: "b", change: func(e *ledger.Execution) { e.Profile += "2" }, created: true},
			{execution: "c", change: func(e *ledger.Execution) { e.Journey += "2" }, created: true},
			{execution: "d", change: func(e *ledger.Execution) { e.Journey, e.Profile = e.Journey+e.Profile[:1], e.Profile[1:] }, created: true},
		}},
		{"not within the hour", []attempt{
			{execution: "a", rule: hourly, created: true},
			{execution: "b", rule: hourly, change: at(time.Hour - time.Microsecond), refused: true},
			{execution: "c", rule: hourly, change: at(time.Hour), created: true},
			{execution: "d", rule: hourly, change: at(2*time.Hour - time.Microsecond), refused: true},
			{execution: "e", rule: hourly, change: at(3 * time.Hour), created: true},
		}},
		{"what needs no claim makes none", []attempt{
			{execution: "a", rule: always, created: true}, {execution: "b", rule: always, created: true}, {execution: "c", created: true},
		}},
		{"a repeat of a refused one", []attempt{
			{execution: "a", created: true}, {execution: "b", refused: true}, {execution: "b", refused: true}, {execution: "a", created: true},
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			for i, a := range tc.attempts {
				e := execution(t.Name()+a.execution, func(e *ledger.Execution) { e.Profile = t.Name() })
				if a.change != nil {
					a.change(&e)
				}
				created, refused, err := l.Create(t.Context(), e, &a.rule)
				if created != a.created || refused != a.refused || err != nil {
					t.Errorf("attempt %d: created %t, refused %t, %v; want %t, %t", i, created, refused, err, a.created, a.refused)
				}
				if _, err := l.Execution(t.Context(), e.Execution); refused != fault.Is(err, fault.NotFound) {
					t.Errorf("attempt %d: reading its record: %v", i, err)
				}
			}
		})
	}
	// Its first try may have died before its event was accepted.
	t.Run("what was dropped leaves no claim", func(t *testing.T) {
		e := execution(t.Name(), func(e *ledger.Execution) { e.Profile = t.Name() })
		for range 2 {
			if created, refused, err := l.Create(t.Context(), e, &ledger.Reentry{}); !created || refused || err != nil {
				t.Fatalf("created %t, refused %t, %v", created, refused, err)
			}
			if err := l.Drop(t.Context(), e); err != nil {
				t.Fatal(err)
			}
		}
		other := execution(t.Name()+"b", func(e *ledger.Execution) { e.Profile = t.Name() })
		if created, refused, err := l.Create(t.Context(), other, &ledger.Reentry{}); !created || refused || err != nil {
			t.Errorf("another: created %t, refused %t, %v", created, refused, err)
		}
	})
}

// executions holds what else is done with an execution's record.
func executions(t *testing.T, client *dynamodb.Client) {
	l := openLedger(t, client)
	full := execution("full", func(e *ledger.Execution) { e.Express, e.Reason, e.State = true, "no such machine", ledger.Refused })
	for _, e := range []ledger.Execution{execution("full"), full, execution("full", started)} {
		if err := l.Update(t.Context(), e); err != nil {
			t.Fatal(err)
		}
		recorded(t, l, e)
	}
	_, err := l.Execution(t.Context(), "none")
	faulty(t, "Execution", err, fault.NotFound)

	for _, tc := range []struct {
		name string
		is   func(*ledger.Execution)
		gone bool
	}{
		{"drop one that is as it was", func(*ledger.Execution) {}, true},
		{"drop one that was started", started, false},
		{"drop one that was refused", func(e *ledger.Execution) { e.State = ledger.Refused }, false},
		{"drop one that was recorded anew", func(e *ledger.Execution) { e.EnteredAt = noon.Add(time.Microsecond) }, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			is := execution(t.Name(), tc.is)
			if err := l.Update(t.Context(), is); err != nil {
				t.Fatal(err)
			}
			faulty(t, "Drop", l.Drop(t.Context(), execution(t.Name())), "")
			if !tc.gone {
				recorded(t, l, is)
				return
			}
			_, err := l.Execution(t.Context(), is.Execution)
			faulty(t, "Execution", err, fault.NotFound)
		})
	}
	faulty(t, "dropping what is not there", l.Drop(t.Context(), execution("none")), "")
}

// events holds that an event's record is written once, by its source and id.
func events(t *testing.T, client *dynamodb.Client) {
	l := openLedger(t, client)
	_, err := l.Event(t.Context(), "/shop", "o-1")
	faulty(t, "Event", err, fault.NotFound)
	first := ledger.EventRecord{Source: "/shop", ID: "o-1", Type: "order.ready", At: noon, Executions: []ledger.ExecutedAs{
		{Execution: "a", Journey: "order_ready", Version: 3, Profile: "c-ada", StateMachine: "arn", Express: true},
		{Execution: "b", Journey: "points", Version: 1, Profile: "c-ada", StateMachine: "arn"},
	}}
	for i, r := range []ledger.EventRecord{first, {Source: "/shop", ID: "o-1", Type: "order.ready", At: noon.Add(time.Hour)}} {
		got, written, err := l.RecordEvent(t.Context(), r)
		if err != nil || written != (i == 0) {
			t.Errorf("record %d: written %t, %v", i, written, err)
		}
		same(t, "the record given", first, got)
	}
	// Two parts that join to the same text, another id, and one for whom nobody listens.
	for _, r := range []ledger.EventRecord{{Source: "/shopo", ID: "-1", At: noon}, {Source: "/shop", ID: "o-1 ", At: noon}, {Source: "#", ID: "#", At: noon}} {
		if _, written, err := l.RecordEvent(t.Context(), r); !written || err != nil {
			t.Errorf("%q %q: written %t, %v", r.Source, r.ID, written, err)
		}
		got, err := l.Event(t.Context(), r.Source, r.ID)
		if err != nil {
			t.Fatal(err)
		}
		same(t, "the record", r, got)
	}
}
