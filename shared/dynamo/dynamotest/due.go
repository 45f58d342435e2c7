package dynamotest

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/waypost/waypost/shared/dynamo"
	"github.com/waypost/waypost/shared/fault"
	"github.com/waypost/waypost/shared/ledger"
)

// dueBy lists the executions whose records, or whose deliveries' records, are
// due, of all pages, sorted.
func dueBy(t *testing.T, l *dynamo.Ledger, now time.Time, limit int) []string {
	t.Helper()
	var names []string
	for page, err := range l.Due(t.Context(), now, limit) {
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range page.Executions {
			names = append(names, e.Execution)
		}
		for _, d := range page.Deliveries {
			names = append(names, d.Execution)
		}
	}
	slices.Sort(names)
	return names
}

// due holds the index of what somebody must come back to: it has nothing
// else, of every shard up to limit, the longest due first.
func due(t *testing.T, client *dynamodb.Client) {
	l := openLedger(t, client)
	put(t, l,
		delivery("claimed"), delivery("waiting", waiting(noon)), delivery("settled", settled(ledger.Sent)),
		delivery("waiting long", waiting(noon.Add(time.Hour))))
	for _, e := range []ledger.Execution{execution("pending"), execution("started", started), execution("refused", func(e *ledger.Execution) { e.State = ledger.Refused })} {
		if err := l.Update(t.Context(), e); err != nil {
			t.Fatal(err)
		}
	}
	if _, _, err := l.RecordEvent(t.Context(), ledger.EventRecord{Source: "/shop", ID: "o-1", At: noon}); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		after time.Duration
		want  []string
	}{
		{0, nil},
		{45*time.Second - time.Microsecond, nil},
		{45 * time.Second, []string{"pending"}},
		{60*time.Second - time.Microsecond, []string{"pending"}},
		{60 * time.Second, []string{"claimed", "pending", "waiting"}}, // a lease of 45 s and its slack; a wait's slack
		{61 * time.Minute, []string{"claimed", "pending", "waiting", "waiting long"}},
	} {
		same(t, fmt.Sprintf("due %s after noon", tc.after), tc.want, dueBy(t, l, noon.Add(tc.after), 10))
	}

	t.Run("what is done is due no more", func(t *testing.T) {
		l := openLedger(t, client)
		d, e := delivery("a"), execution("b")
		put(t, l, d)
		if err := l.Update(t.Context(), e); err != nil {
			t.Fatal(err)
		}
		same(t, "before", []string{"a", "b"}, dueBy(t, l, noon.Add(time.Hour), 10))
		if _, err := l.Put(t.Context(), delivery("a", settled(ledger.Sent)), "f1"); err != nil {
			t.Fatal(err)
		}
		if err := l.Update(t.Context(), execution("b", started)); err != nil {
			t.Fatal(err)
		}
		same(t, "after", []string(nil), dueBy(t, l, noon.Add(time.Hour), 10))
	})
	t.Run("the longest due of each shard first", func(t *testing.T) {
		l := openLedger(t, client)
		const each, limit = 40, 3
		var names []string
		for i := range each { // the later ones first, so that order is the index's doing
			names = append(names, fmt.Sprintf("x%02d", each-i))
			put(t, l, delivery(names[i], waiting(noon.Add(-time.Duration(i)*time.Minute))))
		}
		var got []ledger.Delivery
		for page, err := range l.Due(t.Context(), noon.Add(time.Hour), limit) {
			if err != nil {
				t.Fatal(err)
			}
			got = page.Deliveries
			break
		}
		if len(got) > limit*dynamo.Shards || len(got) <= limit {
			t.Errorf("%d are due, want %d of each of %d shards", len(got), limit, dynamo.Shards)
		}
		if !slices.ContainsFunc(got, func(d ledger.Delivery) bool { return d.Execution == names[each-1] }) {
			t.Errorf("the longest due, %s, is not among %d", names[each-1], len(got))
		}
		if all := dueBy(t, l, noon.Add(time.Hour), limit); len(all) != each {
			t.Errorf("%d of %d are due, in pages", len(all), each)
		}
	})
}

// postpones holds that a delivery is due later where it is as it was.
func postpones(t *testing.T, client *dynamodb.Client) {
	l := openLedger(t, client)
	asRead := delivery("x", waiting(noon))
	for _, tc := range []struct {
		name  string
		is    []func(*ledger.Delivery)
		moved bool
	}{
		{"as it was", []func(*ledger.Delivery){waiting(noon)}, true},
		{"held by another", []func(*ledger.Delivery){waiting(noon), heldBy("f2")}, false},
		{"claimed meanwhile", nil, false},
		{"settled meanwhile", []func(*ledger.Delivery){settled(ledger.Sent)}, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			l := openLedger(t, client)
			is := delivery("x", tc.is...)
			put(t, l, is)
			before := dueBy(t, l, noon.Add(time.Hour), 9)
			faulty(t, "Postpone", l.Postpone(t.Context(), asRead, noon.Add(2*time.Hour)), "")
			holds(t, l, is)
			if tc.moved {
				same(t, "after two hours", before, dueBy(t, l, noon.Add(2*time.Hour), 9))
				before = nil
			}
			same(t, "within the hour", before, dueBy(t, l, noon.Add(time.Hour), 9))
		})
	}
	t.Run("settled, with a step that waits for its status", func(t *testing.T) {
		l := openLedger(t, client)
		put(t, l, delivery("x", settled(ledger.Sent), func(d *ledger.Delivery) { d.Callback = "nonce" }))
		waits, err := l.Await(t.Context(), asRead.ID(), "t1")
		faulty(t, "Await", err, "")
		heard, _, err := l.Hear(t.Context(), waits, report(ledger.Delivered))
		faulty(t, "Hear", err, "")
		faulty(t, "Postpone", l.Postpone(t.Context(), heard, noon.Add(2*time.Hour)), "")
		same(t, "within the hour", 0, len(dueBy(t, l, noon.Add(time.Hour), 9)))
		same(t, "after two hours", []string{"x"}, dueBy(t, l, noon.Add(2*time.Hour), 9))
		faulty(t, "Woken", l.Woken(t.Context(), heard.ID(), "t1"), "")
		faulty(t, "Postpone", l.Postpone(t.Context(), heard, noon.Add(2*time.Hour)), "")
		same(t, "once it was woken", 0, len(dueBy(t, l, noon.Add(2*time.Hour), 9)))
	})
	t.Run("not there", func(t *testing.T) {
		faulty(t, "Postpone", l.Postpone(t.Context(), asRead, noon), "")
		_, err := l.Delivery(t.Context(), asRead.ID())
		faulty(t, "Delivery", err, fault.NotFound)
	})
}
