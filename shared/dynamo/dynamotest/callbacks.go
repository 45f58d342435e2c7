package dynamotest

import (
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/waypost/waypost/shared/fault"
	"github.com/waypost/waypost/shared/ledger"
)

func reported(status ledger.Status) func(*ledger.Delivery) {
	return func(d *ledger.Delivery) { d.Status, d.StatusAt = status, noon.Add(time.Second) }
}

func report(status ledger.Status) ledger.Report {
	return ledger.Report{Status: status, Code: "c", Reason: "r", ProviderID: "SM1", At: noon.Add(time.Minute)}
}

// hears holds that a status only moves forward, whatever the delivery's state,
// and decides the outcomes that nobody knew.
func hears(t *testing.T, client *dynamodb.Client) {
	l := openLedger(t, client)
	called := func(d *ledger.Delivery) { d.Callback = "nonce" }
	anew := func(d *ledger.Delivery) {
		d.Replays, d.ProviderID = []ledger.Replay{{Outcome: ledger.Unknown, At: noon}}, "SM2"
	}
	again := func(d *ledger.Delivery) {
		d.Attempts, d.ProviderID = []ledger.Attempt{{At: noon, Result: "ambiguous", Provider: "a"}, {At: noon, Result: "accepted", Provider: "b"}}, "SM2"
	}
	for _, tc := range []struct {
		name   string
		record []func(*ledger.Delivery)
		status ledger.Status
		moves  bool
		want   ledger.Outcome
	}{
		{"the first, while it is held", nil, ledger.Accepted, true, ""},
		{"while it waits", []func(*ledger.Delivery){waiting(noon)}, ledger.Delivered, true, ""},
		{"of what was sent", []func(*ledger.Delivery){settled(ledger.Sent)}, ledger.Undelivered, true, ledger.Sent},
		{"of what nobody knew", []func(*ledger.Delivery){settled(ledger.Unknown)}, ledger.Accepted, true, ledger.Sent},
		{"of what was given up", []func(*ledger.Delivery){settled(ledger.Dead)}, ledger.Undelivered, true, ledger.Sent},
		{"of what was refused", []func(*ledger.Delivery){settled(ledger.Failed)}, ledger.Delivered, true, ledger.Failed},
		{"forward", []func(*ledger.Delivery){settled(ledger.Sent), reported(ledger.Accepted)}, ledger.Forwarded, true, ledger.Sent},
		{"beyond delivered", []func(*ledger.Delivery){settled(ledger.Sent), reported(ledger.Delivered)}, ledger.Read, true, ledger.Sent},
		{"twice", []func(*ledger.Delivery){settled(ledger.Sent), reported(ledger.Delivered)}, ledger.Delivered, false, ledger.Sent},
		{"backward", []func(*ledger.Delivery){settled(ledger.Sent), reported(ledger.Delivered)}, ledger.Accepted, false, ledger.Sent},
		{"another final one", []func(*ledger.Delivery){settled(ledger.Sent), reported(ledger.Delivered)}, ledger.Undelivered, false, ledger.Sent},
		{"of the message before a replay's, that it was not delivered", []func(*ledger.Delivery){settled(ledger.Sent), anew}, ledger.Undelivered, false, ledger.Sent},
		{"of the message before a replay's, that it is on its way", []func(*ledger.Delivery){settled(ledger.Sent), anew}, ledger.Accepted, false, ledger.Sent},
		{"of the message before a replay's, that it was delivered", []func(*ledger.Delivery){settled(ledger.Sent), anew}, ledger.Delivered, true, ledger.Sent},
		{"of an ambiguous attempt's message, that it was not delivered", []func(*ledger.Delivery){settled(ledger.Sent), again}, ledger.Undelivered, false, ledger.Sent},
		{"of the message before a replay's, while that is made", []func(*ledger.Delivery){anew}, ledger.Undelivered, true, ""},
		{"of the message before a replay's, which nobody knows of", []func(*ledger.Delivery){settled(ledger.Unknown), anew}, ledger.Undelivered, true, ledger.Sent},
	} {
		t.Run(tc.name, func(t *testing.T) {
			d := delivery(t.Name(), append(tc.record, called)...)
			put(t, l, d)
			got, moved, err := l.Hear(t.Context(), d, report(tc.status))
			faulty(t, "Hear", err, "")
			same(t, "moved", tc.moves, moved)
			want := d
			if tc.moves {
				want.Status, want.StatusCode, want.StatusReason, want.StatusAt, want.ProviderID = tc.status, "c", "r", noon.Add(time.Minute), "SM1"
			}
			if want.Outcome = tc.want; tc.want != d.Outcome {
				want.Reason = ledger.Heard
			}
			same(t, "the answer", want, got)
			holds(t, l, want)
		})
	}

	t.Run("after a record that was read too early", func(t *testing.T) {
		early := delivery(t.Name(), called)
		now := delivery(t.Name(), called, settled(ledger.Unknown))
		put(t, l, now)
		got, moved, err := l.Hear(t.Context(), early, report(ledger.Delivered))
		faulty(t, "Hear", err, "")
		same(t, "moved", true, moved)
		same(t, "outcome", ledger.Sent, got.Outcome)
	})
	t.Run("under another token", func(t *testing.T) {
		d := delivery(t.Name(), called, settled(ledger.Sent))
		put(t, l, d)
		stale := d
		stale.Callback = "older"
		_, moved, err := l.Hear(t.Context(), stale, report(ledger.Delivered))
		faulty(t, "Hear", err, fault.NotFound)
		same(t, "moved", false, moved)
		holds(t, l, d)
	})
	t.Run("without a token", func(t *testing.T) {
		d := delivery(t.Name(), settled(ledger.Sent))
		put(t, l, d)
		_, moved, err := l.Hear(t.Context(), d, report(ledger.Delivered))
		faulty(t, "Hear", err, fault.NotFound)
		same(t, "moved", false, moved)
		holds(t, l, d)
	})
	t.Run("of nothing", func(t *testing.T) {
		_, _, err := l.Hear(t.Context(), delivery(t.Name(), called), report(ledger.Delivered))
		faulty(t, "Hear", err, fault.NotFound)
	})
	t.Run("while its holder settles it", func(t *testing.T) {
		for _, outcome := range []ledger.Outcome{ledger.Sent, ledger.Unknown} {
			name := t.Name() + string(outcome)
			held := delivery(name, called)
			put(t, l, held)
			if _, _, err := l.Hear(t.Context(), held, report(ledger.Delivered)); err != nil {
				t.Fatal(err)
			}
			got, err := l.Put(t.Context(), delivery(name, called, settled(outcome)), held.Holder)
			faulty(t, "Put", err, "")
			same(t, "status", ledger.Delivered, got.Status)
			same(t, "outcome", ledger.Sent, got.Outcome)
			holds(t, l, got)
		}
	})
}

// awaits holds what a Task that waits for the final status leaves in the record.
func awaits(t *testing.T, client *dynamodb.Client) {
	l := openLedger(t, client)
	d := delivery("w", settled(ledger.Sent), func(d *ledger.Delivery) { d.Callback = "nonce" })
	put(t, l, d)
	later := noon.Add(time.Hour)

	_, err := l.Await(t.Context(), ledger.DeliveryID{Execution: "none", Step: "s"}, "t1")
	faulty(t, "Await", err, fault.NotFound)
	waits, err := l.Await(t.Context(), d.ID(), "t1")
	faulty(t, "Await", err, "")
	d.TaskToken = "t1"
	same(t, "the record", d, waits)
	same(t, "due", 0, len(dueBy(t, l, later, 10)))

	heard, _, err := l.Hear(t.Context(), waits, report(ledger.Delivered))
	faulty(t, "Hear", err, "")
	same(t, "due after the final status", true, slices.Contains(dueBy(t, l, later, 10), d.Execution))
	faulty(t, "Woken by another token", l.Woken(t.Context(), d.ID(), "t0"), "")
	holds(t, l, heard)
	faulty(t, "Woken", l.Woken(t.Context(), d.ID(), "t1"), "")
	heard.TaskToken = ""
	holds(t, l, heard)
	same(t, "due once it was woken", 0, len(dueBy(t, l, later, 10)))

	t.Run("while the delivery is made anew", func(t *testing.T) {
		l := openLedger(t, client)
		d := delivery("w", settled(ledger.Unknown), func(d *ledger.Delivery) { d.Callback, d.TaskToken = "nonce", "t1" })
		put(t, l, d)
		faulty(t, "Replay", l.Replay(t.Context(), d, d.Replayed("r1", noon, "")), "")
		next, err := l.Delivery(t.Context(), d.ID())
		faulty(t, "Delivery", err, "")
		_, err = l.Await(t.Context(), d.ID(), "t2")
		faulty(t, "Await", err, "")

		done := next
		done.State, done.Outcome, done.SettledAt = ledger.Settled, ledger.Suppressed, noon.Add(time.Second)
		for _, token := range []string{"t2", ""} {
			if token == "" {
				faulty(t, "Woken", l.Woken(t.Context(), d.ID(), "t2"), "")
				same(t, "due once it was woken", []string{"w"}, dueBy(t, l, later, 10))
			}
			waits := next
			waits.Until = noon.Add(time.Minute)
			got, err := l.Put(t.Context(), waits, "r1")
			faulty(t, "Put", err, "")
			same(t, "token", token, got.TaskToken)
			holds(t, l, got)
		}
		_, err = l.Await(t.Context(), d.ID(), "t3")
		faulty(t, "Await", err, "")
		got, err := l.Put(t.Context(), done, "r1")
		faulty(t, "Put", err, "")
		same(t, "token", "t3", got.TaskToken)
		same(t, "due until it is woken", []string{"w"}, dueBy(t, l, later, 10))
	})
	t.Run("noted since the callback read the record", func(t *testing.T) {
		for _, before := range []string{"", "t1"} {
			l := openLedger(t, client)
			d := delivery("w", settled(ledger.Sent), func(d *ledger.Delivery) { d.Callback, d.TaskToken = "nonce", before })
			put(t, l, d)
			_, err := l.Await(t.Context(), d.ID(), "t2")
			faulty(t, "Await", err, "")
			heard, moved, err := l.Hear(t.Context(), d, report(ledger.Delivered))
			faulty(t, "Hear", err, "")
			same(t, "moved", true, moved)
			same(t, "token", "t2", heard.TaskToken)
			same(t, "due", []string{"w"}, dueBy(t, l, later, 10))
		}
	})
}
