package dynamotest

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/waypost/waypost/shared/catalog"
	"github.com/waypost/waypost/shared/dynamo"
	"github.com/waypost/waypost/shared/fault"
	"github.com/waypost/waypost/shared/ledger"
)

// racers is how many try the same thing at once.
const racers = 12

// races holds that of many who do the same thing at once one does it, and the
// others learn who did.
func races(t *testing.T, client *dynamodb.Client) {
	l := openLedger(t, client)

	for name, before := range map[string]*ledger.Delivery{"a first claim": nil, "a claim of what waits": new(delivery("wait", waiting(noon)))} {
		t.Run(name, func(t *testing.T) {
			if before != nil {
				put(t, l, *before)
			}
			var won atomic.Int32
			seen := make([]string, racers)
			atOnce(racers, func(i int) {
				d, ours, err := l.Claim(t.Context(), delivery("wait", heldBy(fmt.Sprint("f", i)), func(d *ledger.Delivery) { d.Step = stepOf(before) }), noon)
				if err != nil {
					t.Error(err)
				}
				if seen[i] = d.Holder; ours {
					won.Add(1)
				}
			})
			if won.Load() != 1 {
				t.Errorf("%d took the claim, want 1", won.Load())
			}
			for i, holder := range seen {
				if holder != seen[0] {
					t.Errorf("%d was told of %s, the first of %s", i, holder, seen[0])
				}
			}
		})
	}
	t.Run("a settlement", func(t *testing.T) {
		put(t, l, delivery(t.Name()))
		var won, lost atomic.Int32
		atOnce(racers, func(i int) {
			_, err := l.Put(t.Context(), delivery(t.Name(), settled(ledger.Unknown), func(d *ledger.Delivery) { d.SettledAt = noon.Add(time.Duration(i) * time.Second) }), "f1")
			switch {
			case err == nil:
				won.Add(1)
			case fault.Is(err, fault.Conflict):
				lost.Add(1)
			default:
				t.Error(err)
			}
		})
		if won.Load() != 1 || lost.Load() != racers-1 {
			t.Errorf("%d settled it and %d did not, want 1 and %d", won.Load(), lost.Load(), racers-1)
		}
	})
	t.Run("an event", func(t *testing.T) {
		var won atomic.Int32
		given := make([]ledger.EventRecord, racers)
		atOnce(racers, func(i int) {
			r, written, err := l.RecordEvent(t.Context(), ledger.EventRecord{Source: "/shop", ID: "raced", At: noon.Add(time.Duration(i) * time.Second)})
			if err != nil {
				t.Error(err)
			}
			if given[i] = r; written {
				won.Add(1)
			}
		})
		if won.Load() != 1 {
			t.Errorf("%d wrote the record, want 1", won.Load())
		}
		for _, r := range given {
			same(t, "the record given", given[0], r)
		}
	})
	// Transactions that meet each other may be cancelled, and are tried again;
	// one that still met another is Unavailable, and entered nothing.
	t.Run("an entry that is allowed once", func(t *testing.T) {
		var won atomic.Int32
		atOnce(racers, func(i int) {
			e := execution(fmt.Sprint(t.Name(), i), func(e *ledger.Execution) { e.Profile = t.Name() })
			created, refused, err := l.Create(t.Context(), e, &ledger.Reentry{})
			if created {
				won.Add(1)
			}
			if created == refused && !fault.Is(err, fault.Unavailable) {
				t.Errorf("created %t, refused %t, %v", created, refused, err)
			}
		})
		if won.Load() != 1 {
			t.Errorf("%d entered, want 1", won.Load())
		}
	})
	t.Run("an item of the catalog", func(t *testing.T) {
		c := &dynamo.Catalog{Client: client, Table: create(t, client, dynamo.CatalogTable)}
		for stamp := 1; stamp <= 3; stamp++ {
			var won, lost atomic.Int32
			atOnce(racers, func(i int) {
				err := c.Write(t.Context(), []catalog.Item{document("a", "draft", stamp, fmt.Sprint(i)), document("a", fmt.Sprint("v", stamp), 1, fmt.Sprint(i))})
				switch {
				case err == nil:
					won.Add(1)
				case fault.Is(err, fault.Conflict):
					lost.Add(1)
				default:
					t.Error(err)
				}
			})
			if won.Load() != 1 || lost.Load() != racers-1 {
				t.Fatalf("stamp %d: %d wrote and %d did not, want 1 and %d", stamp, won.Load(), lost.Load(), racers-1)
			}
			both, err := c.List(t.Context(), "a")
			if err != nil {
				t.Fatal(err)
			}
			if last := both[len(both)-1]; string(last.Document) != string(both[0].Document) {
				t.Errorf("stamp %d: one write's draft, another's version: %s, %s", stamp, both[0].Document, last.Document)
			}
		}
	})
}

// stepOf keeps the two races for claims apart.
func stepOf(before *ledger.Delivery) string {
	if before == nil {
		return "first"
	}
	return before.Step
}
