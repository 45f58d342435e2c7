package dynamotest

import (
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/waypost/waypost/shared/fault"
	"github.com/waypost/waypost/shared/ledger"
)

// replays holds that a settled record begins its next generation where it is as
// it was read, with nothing of the one before but what callbacks reported or need.
func replays(t *testing.T, client *dynamodb.Client) {
	l := openLedger(t, client)
	failed := func(d *ledger.Delivery) {
		d.Reason, d.Code, d.ProviderID, d.Callback, d.TaskToken = "refused", 422, "SM1", "nonce", "t1"
		d.Attempts = []ledger.Attempt{{At: noon, Result: "refused", Code: 422, Ms: 1.5, Digest: "abc"}}
		d.Response, d.Failure = map[string]any{"a": "b"}, map[string]any{"error": "no"}
		d.RequestedAt, d.Timings = noon, ledger.Timings{OwnMs: 0.5}
	}
	later := noon.Add(24 * time.Hour)
	as := func(changes ...func(*ledger.Delivery)) func(string) ledger.Delivery {
		return func(execution string) ledger.Delivery { return delivery(execution, changes...) }
	}
	was := as(settled(ledger.Failed), failed)
	for _, tc := range []struct {
		name  string
		there func(execution string) ledger.Delivery
		want  fault.Code
	}{
		{"as it was", was, ""},
		{"reported on, and still not sent", as(settled(ledger.Failed), failed, reported(ledger.Accepted)), ""},
		{"sent by now", as(settled(ledger.Sent), failed), fault.Conflict},
		{"settled by another since", as(settled(ledger.Failed), failed, heldBy("f2")), fault.Conflict},
		{"settled again since", as(settled(ledger.Failed), failed, func(d *ledger.Delivery) { d.SettledAt = d.SettledAt.Add(time.Minute) }), fault.Conflict},
		{"waits", as(waiting(noon), failed), fault.Conflict},
		{"held", as(failed), fault.Conflict},
	} {
		t.Run(tc.name, func(t *testing.T) {
			there, read := tc.there(t.Name()), was(t.Name())
			put(t, l, there)
			next := read.Replayed("r1", later, "because")
			next.Runner = "arn:aws:states:::execution:delivery:n"
			faulty(t, "Replay", l.Replay(t.Context(), read, next), tc.want)
			if tc.want != "" {
				holds(t, l, there)
				return
			}
			want := next
			want.Status, want.StatusAt = there.Status, there.StatusAt
			holds(t, l, want)
			same(t, "what is no longer said", []any{"", 0, 0, true}, []any{want.Reason, want.Code, len(want.Attempts), want.SettledAt.IsZero()})
			same(t, "due", true, slices.Contains(dueBy(t, l, later.Add(time.Hour), 100), want.Execution))

			faulty(t, "Replay whose answer was lost", l.Replay(t.Context(), read, next), "")
			other := read.Replayed("r2", later, "")
			faulty(t, "another's Replay", l.Replay(t.Context(), read, other), fault.Conflict)
			holds(t, l, want)

			claim := delivery(t.Name(), heldBy("f9"))
			claim.Runner, claim.StartedAt, claim.Callback = next.Runner, later.Add(time.Second), "newer"
			claimed, ours, err := l.Claim(t.Context(), claim, later)
			faulty(t, "Claim", err, "")
			same(t, "claimed", true, ours)
			same(t, "what a claim leaves", []any{1, later, "nonce"}, []any{len(claimed.Replays), claimed.StartedAt, claimed.Callback})
		})
	}
	t.Run("of nothing", func(t *testing.T) {
		read := was(t.Name())
		faulty(t, "Replay", l.Replay(t.Context(), read, read.Replayed("r1", later, "")), fault.Conflict)
	})
	t.Run("put back", func(t *testing.T) {
		read := was(t.Name())
		put(t, l, read)
		faulty(t, "Replay", l.Replay(t.Context(), read, read.Replayed("r1", later, "")), "")
		_, err := l.Put(t.Context(), read, "r1")
		faulty(t, "Put", err, "")
		holds(t, l, read)
	})
}
