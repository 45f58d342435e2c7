package dynamotest

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/waypost/waypost/shared/fault"
	"github.com/waypost/waypost/shared/ledger"
)

// claims holds Claim against its table of cases. The claim is f2's, for a start
// later than the one that is recorded, with everything that a first claim sets.
func claims(t *testing.T, client *dynamodb.Client) {
	l := openLedger(t, client)
	now := noon.Add(time.Minute)
	for _, tc := range []struct {
		name   string
		record func(execution string) ledger.Delivery // nil: there is none
		taken  bool
		ours   bool
	}{
		{"no record", nil, true, true},
		{"waiting, due", func(x string) ledger.Delivery { return delivery(x, waiting(now.Add(-time.Second))) }, true, true},
		{"waiting, due this moment", func(x string) ledger.Delivery { return delivery(x, waiting(now)) }, true, true},
		{"waiting, not due", func(x string) ledger.Delivery { return delivery(x, waiting(now.Add(time.Microsecond))) }, false, false},
		{"waiting, held by us, not due", func(x string) ledger.Delivery {
			return delivery(x, waiting(now.Add(time.Microsecond)), heldBy("f2"))
		}, false, false},
		{"claimed", func(x string) ledger.Delivery { return delivery(x) }, false, false},
		{"claimed, its lease over", func(x string) ledger.Delivery {
			return delivery(x, func(d *ledger.Delivery) { d.Lease = noon.Add(-time.Hour) })
		}, false, false},
		{"claimed, its earlier wait over", func(x string) ledger.Delivery {
			return delivery(x, func(d *ledger.Delivery) { d.Until = noon.Add(-time.Hour) })
		}, false, false},
		{"claimed by us", func(x string) ledger.Delivery { return delivery(x, heldBy("f2")) }, false, true},
		{"settled", func(x string) ledger.Delivery { return delivery(x, settled(ledger.Sent)) }, false, false},
		{"settled by us", func(x string) ledger.Delivery { return delivery(x, settled(ledger.Failed), heldBy("f2")) }, false, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			claim := delivery(t.Name(), heldBy("f2"), func(d *ledger.Delivery) {
				d.Lease, d.StartedAt, d.EnteredAt, d.EventAt = now.Add(45*time.Second), now, now.Add(-time.Second), now.Add(-time.Hour)
			})
			want := claim
			if tc.record != nil {
				before := tc.record(t.Name())
				before.Attempts = []ledger.Attempt{{At: noon, Result: "retryable", Code: 503, Ms: 12.5, Reason: "busy"}}
				put(t, l, before)
				want = before
				if tc.taken {
					want.State, want.Holder, want.Lease = claim.State, claim.Holder, claim.Lease
				}
			}
			got, ours, err := l.Claim(t.Context(), claim, now)
			if err != nil {
				t.Fatal(err)
			}
			if ours != tc.ours {
				t.Errorf("ours: got %t, want %t", ours, tc.ours)
			}
			same(t, "the record given", want, got)
			holds(t, l, want)
		})
	}
	t.Run("other steps and iterations are others", func(t *testing.T) {
		for _, change := range []func(*ledger.Delivery){
			func(d *ledger.Delivery) {}, func(d *ledger.Delivery) { d.Step = "award" }, func(d *ledger.Delivery) { d.Iteration = 10 },
		} {
			if d, ours, err := l.Claim(t.Context(), delivery(t.Name(), change), now); !ours || err != nil {
				t.Errorf("%s: ours %t, %v", d.ID(), ours, err)
			}
		}
	})
}

// settles holds Put's conditions: it writes for the holder alone, and what is settled stays.
func settles(t *testing.T, client *dynamodb.Client) {
	l := openLedger(t, client)
	later := func(d *ledger.Delivery) { d.SettledAt = d.SettledAt.Add(time.Microsecond) }
	as := func(changes ...func(*ledger.Delivery)) func(string) ledger.Delivery {
		return func(x string) ledger.Delivery { return delivery(x, changes...) }
	}
	for _, tc := range []struct {
		name   string
		record func(execution string) ledger.Delivery // nil: there is none
		put    func(execution string) ledger.Delivery
		holder string
		want   fault.Code
	}{
		{"a first record", nil, as(settled(ledger.Failed)), "", ""},
		{"a first record where there is one", as(), as(settled(ledger.Failed)), "", fault.Conflict},
		{"a first record, the same settlement again", as(settled(ledger.Failed)), as(settled(ledger.Failed)), "", ""},
		{"its holder settles", as(), as(settled(ledger.Sent)), "f1", ""},
		{"its holder defers", as(), as(waiting(noon.Add(time.Hour))), "f1", ""},
		{"its holder settles what waits", as(waiting(noon)), as(settled(ledger.Capped)), "f1", ""},
		{"a successor's claim is put by its old holder", as(heldBy("f2")), as(settled(ledger.Sent)), "f1", fault.Conflict},
		{"nothing is there to settle", nil, as(settled(ledger.Sent)), "f1", fault.Conflict},
		{"another outcome of what its holder settled", as(settled(ledger.Sent)), as(settled(ledger.Unknown)), "f1", fault.Conflict},
		{"another moment of what its holder settled", as(settled(ledger.Sent)), as(settled(ledger.Sent), later), "f1", fault.Conflict},
		{"what its holder settled is claimed again", as(settled(ledger.Sent)), as(), "f1", fault.Conflict},
		{"the answer to the same settlement was lost", as(settled(ledger.Sent)), as(settled(ledger.Sent)), "f1", ""},
		{"somebody else settled the same", as(settled(ledger.Sent), heldBy("f2")), as(settled(ledger.Sent)), "f1", fault.Conflict},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if tc.record != nil {
				put(t, l, tc.record(t.Name()))
			}
			d := tc.put(t.Name())
			_, err := l.Put(t.Context(), d, tc.holder)
			faulty(t, "Put", err, tc.want)
			switch {
			case tc.want == "":
				holds(t, l, d)
			case tc.record != nil:
				holds(t, l, tc.record(t.Name()))
			default:
				_, err := l.Delivery(t.Context(), d.ID())
				faulty(t, "reading what was refused", err, fault.NotFound)
			}
		})
	}
}

// records holds that a record comes back as it was written, and whole.
func records(t *testing.T, client *dynamodb.Client) {
	l := openLedger(t, client)
	full := delivery("full", settled(ledger.Failed), func(d *ledger.Delivery) {
		d.Reason, d.Status, d.Code, d.ProviderID = "Twilio refused it: \"21211\" – ein Grund\n", "undelivered", 400, "SM1"
		d.Attempts = []ledger.Attempt{
			{At: noon, Result: "retryable", Code: 503, Ms: 0.001, Reason: "busy", Digest: "abc"},
			{At: noon.Add(time.Second), Result: ledger.Lost, Ms: 12345.678},
		}
		d.Response = map[string]any{"sid": "SM1", "price": 0.1, "parts": int64(3), "ok": true, "none": nil, "empty": "",
			"list": []any{int64(1), "two", []any{}, map[string]any{}}, "deep": map[string]any{"a.b": map[string]any{"#c": "ü"}}}
		d.Failure = "refused"
		d.RequestedAt, d.Timings = noon.Add(20*time.Millisecond), ledger.Timings{ResolveMs: 4.25, OwnMs: 0.5, QueueMs: 1e-3, EndpointMs: 80}
	})
	put(t, l, full)
	holds(t, l, full)

	t.Run("what a record no longer says is gone", func(t *testing.T) {
		d := delivery(t.Name(), waiting(noon), func(d *ledger.Delivery) { d.Response, d.Code = map[string]any{"a": "b"}, 429 })
		put(t, l, d)
		d = delivery(t.Name(), settled(ledger.Sent))
		if _, err := l.Put(t.Context(), d, "f1"); err != nil {
			t.Fatal(err)
		}
		holds(t, l, d)
	})
	t.Run("none", func(t *testing.T) {
		d := delivery("full", func(d *ledger.Delivery) { d.Iteration = 3 })
		_, err := l.Delivery(t.Context(), d.ID())
		faulty(t, "Delivery", err, fault.NotFound)
	})
}
