package replay

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/waypost/waypost/shared/fault"
	"github.com/waypost/waypost/shared/journey"
	"github.com/waypost/waypost/shared/ledger"
)

func TestParse(t *testing.T) {
	for _, tc := range []struct {
		body string
		want Request
		says string // of the error
	}{
		{"", Request{}, ""},
		{"{}", Request{}, ""},
		{`{"reason": "asked Twilio", "outcome": "unknown"}`, Request{"asked Twilio", ledger.Unknown}, ""},
		{`{"reason": "` + strings.Repeat("ü", MaxReason) + `"}`, Request{Reason: strings.Repeat("ü", MaxReason)}, ""},
		{`{"reason": "` + strings.Repeat("ü", MaxReason+1) + `"}`, Request{}, "reason: must have at most 500 characters"},
		{`{"outcome": "sent"}`, Request{}, "outcome: must be one of suppressed, capped, failed, unknown, dead"},
		{`{"outcome": 1, "resaon": "x"}`, Request{}, "outcome: must be a string; resaon: is not known here; there are reason and outcome"},
		{`["unknown"]`, Request{}, "a replay's body must be an object"},
		{`{"reason": `, Request{}, "malformed"},
	} {
		got, err := Parse([]byte(tc.body))
		if tc.says != "" {
			if err == nil || !strings.Contains(err.Error(), tc.says) {
				t.Errorf("%s: got the error %v, want %q", tc.body, err, tc.says)
			}
			continue
		}
		if diff := cmp.Diff(tc.want, got); err != nil || diff != "" {
			t.Errorf("%s: %v %s", tc.body, err, diff)
		}
	}
}

// A fake is the ledger, the journeys and the engine of one delivery.
type fake struct {
	own     *ledger.Execution
	d       ledger.Delivery
	step    error // of looking the step up
	start   error
	put     error
	started []string // inputs
}

func (f *fake) Trace(context.Context, string) (*ledger.Execution, []ledger.Delivery, error) {
	return f.own, []ledger.Delivery{f.d}, nil
}

func (f *fake) Replay(_ context.Context, _, next ledger.Delivery) error {
	f.d = next
	return nil
}

func (f *fake) Put(_ context.Context, d ledger.Delivery, _ string) (ledger.Delivery, error) {
	if f.put == nil {
		f.d = d
	}
	return d, f.put
}

func (f *fake) Step(context.Context, string, int, string) (journey.Action, string, error) {
	return journey.Action{Name: "notify", Version: 1}, "webhook", f.step
}

func (f *fake) Start(_ context.Context, _, _, input string) error {
	f.started = append(f.started, input)
	return f.start
}

// Each row is a delivery that failed, and what stands in its replay's way.
func TestWhatStandsInTheWay(t *testing.T) {
	out := fault.New(fault.Unavailable, "Step Functions did not answer as it should")
	for _, tc := range []struct {
		name    string
		change  func(*fake)
		code    fault.Code
		says    string
		started int
		state   ledger.State // afterwards
	}{
		{"nothing", func(*fake) {}, "", "", 1, ledger.Waiting},
		{"it is held", func(f *fake) { f.d.State, f.d.Lease = ledger.Claimed, time.Unix(60, 0) }, fault.Conflict, "a function holds it until 1970-01-01T00:01:00Z", 0, ledger.Claimed},
		{"it waits", func(f *fake) { f.d.State, f.d.Until, f.d.Reason = ledger.Waiting, time.Unix(60, 0), "busy" }, fault.Conflict, "it waits until 1970-01-01T00:01:00Z: busy", 0, ledger.Waiting},
		{"its provider has it", func(f *fake) { f.d.Status = ledger.Undelivered }, fault.Conflict, "its provider reported it as undelivered", 0, ledger.Settled},
		{"no record of the execution", func(f *fake) { f.own = nil }, fault.Conflict, "the ledger has no record of its execution", 0, ledger.Settled},
		{"an input that is none", func(f *fake) { f.own.Input = "[]" }, fault.Conflict, "what its execution was started with cannot be read", 0, ledger.Settled},
		{"no such step", func(f *fake) { f.step = fault.New(fault.NotFound, "there is no step x") }, fault.Conflict, "cannot be replayed: there is no step x", 0, ledger.Settled},
		{"a table that does not answer", func(f *fake) { f.step = fault.New(fault.Unavailable, "the catalog table did not answer") }, fault.Unavailable, "catalog", 0, ledger.Settled},
		{"too much for an input", func(f *fake) { f.own.Input = `{"event": "` + strings.Repeat("x", maxInput) + `"}` }, fault.Conflict, "and Step Functions takes 262144", 0, ledger.Settled},
		{"the engine", func(f *fake) { f.start = out }, fault.Unavailable, "the delivery is as it was", 1, ledger.Settled},
		{"the engine, for good", func(f *fake) { f.start = fault.New(fault.Conflict, "Step Functions refused the execution: X") }, fault.Unavailable, "refused the execution: X", 1, ledger.Settled},
		{"the engine, which has begun all the same", func(f *fake) { f.start, f.put = out, fault.New(fault.Conflict, "held") }, "", "", 1, ledger.Waiting},
		{"the engine, and then the ledger", func(f *fake) { f.start, f.put = out, errors.New("dial tcp") }, fault.Unavailable, "until the sweep, within minutes, ends it as failed again", 1, ledger.Waiting},
	} {
		t.Run(tc.name, func(t *testing.T) {
			f := &fake{own: &ledger.Execution{Execution: "x", Input: `{"format": 1, "event": {"a": 1}, "profile": "c-1", "steps": {}}`},
				d: ledger.Delivery{Execution: "x", Step: "text", Journey: "j", Version: 1, Action: "notify", ActionVersion: 1, State: ledger.Settled, Outcome: ledger.Failed, Holder: "f1"}}
			tc.change(f)
			r := &Replayer{Records: f, Ledger: f, Steps: f, Machines: f, Names: func(name string) string { return "arn:aws:states:::stateMachine:" + name },
				NewHolder: func() string { return "r1" }, Log: slog.New(slog.DiscardHandler), Now: func() time.Time { return time.Unix(3600, 0) }}
			d, err := r.Replay(t.Context(), f.d.ID(), Request{})
			switch {
			case tc.code == "" && (err != nil || d.Generation() != 2 || !strings.HasPrefix(d.Runner, "arn:aws:states:::execution:delivery:")):
				t.Errorf("got generation %d by %s, %v", d.Generation(), d.Runner, err)
			case tc.code != "" && (!fault.Is(err, tc.code) || !strings.Contains(fault.Public(err), tc.says)):
				t.Errorf("got the error %v, want %s with %q", err, tc.code, tc.says)
			}
			if len(f.started) != tc.started || f.d.State != tc.state {
				t.Errorf("%d starts and it is %s, want %d and %s", len(f.started), f.d.State, tc.started, tc.state)
			}
		})
	}
}

// The delivery machine gets what a journey's own step would give it.
func TestInput(t *testing.T) {
	at := time.Unix(3600, 0).UTC()
	f := &fake{own: &ledger.Execution{Execution: "x", Input: `{"format": 1, "journey": {"name": "j", "version": 2}, "event": {"n": 12345678901234567890}, "profile": "c-1", "steps": {}}`}}
	d := ledger.Delivery{Execution: "x", Step: "text", Journey: "j", Version: 2, Action: "notify", ActionVersion: 3, EnteredAt: at}
	before := ledger.Delivery{Execution: "x", Step: "first", State: ledger.Settled, Outcome: ledger.Failed, Code: 404, Reason: "no", Failure: "gone", EnteredAt: at.Add(-time.Minute)}
	pending := ledger.Delivery{Execution: "x", Step: "beside", State: ledger.Claimed, EnteredAt: at}
	after := ledger.Delivery{Execution: "x", Step: "later", State: ledger.Settled, Outcome: ledger.Sent, EnteredAt: at.Add(time.Minute)}
	r := &Replayer{Steps: f, Names: journey.Placeholder}
	got, err := r.input(t.Context(), f.own, &d, []ledger.Delivery{before, pending, d, after})
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"function":"${webhook}","task":{"format":1,"action":{"name":"notify","version":3},"with":{},"step":"text","iteration":0,"execution":"x",` +
		`"enteredStep":"1970-01-01T01:00:00Z","state":{"format":1,"journey":{"name":"j","version":2},"entry":{"id":"","source":"","type":"","accepted":"0001-01-01T00:00:00Z"},` +
		`"event":{"n":12345678901234567890},"profile":"c-1","steps":{"beside":{"result":{"outcome":"pending","code":0,"response":null,"error":null}},` +
		`"first":{"result":{"outcome":"failed","code":404,"response":null,"error":"gone","reason":"no"}}}}}}`
	if diff := cmp.Diff(want, got); diff != "" || !json.Valid([]byte(got)) {
		t.Error(diff)
	}
}
