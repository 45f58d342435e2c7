package rig_test

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/waypost/waypost/infra/rig"
	"github.com/waypost/waypost/shared/ledger"
)

// An event that may be sent runs, whatever characters it is made of; one whose
// values take more room as JSON than an execution has is refused at once.
func TestLargeEvents(t *testing.T) {
	t.Parallel()
	const size = 120 << 10
	for _, tc := range []struct{ name, pad string }{
		{"letters", strings.Repeat("a", size)},
		{"characters of HTML", strings.Repeat("<&>", size/3)},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			rig.Run(t, func(t *testing.T, w *rig.World) {
				w.Publish(rig.Setup{})
				x := w.SendEvent(padded("case-1", `"`+tc.pad+`"`)).Executions[0].Execution
				w.Settle()
				if d := w.Delivery(x); d.Outcome != ledger.Sent {
					t.Errorf("got %q (%s), want sent", d.Outcome, d.Reason)
				}
			})
		})
	}
	for _, tc := range []struct{ name, pad string }{
		{"numbers that are written out", `[` + strings.Repeat("1e20,", size/5) + `1]`},
		{"line separators", `"` + strings.Repeat("\u2028", size/3) + `"`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			rig.Run(t, func(t *testing.T, w *rig.World) {
				w.Publish(rig.Setup{})
				code, text := w.Call(http.MethodPost, "/entry/", padded("case-1", tc.pad))
				if code != http.StatusRequestEntityTooLarge || !strings.Contains(text, "196608") || !strings.Contains(text, "order_ready") {
					t.Errorf("got %d %.300s, want 413 with the limit and the journey", code, text)
				}
				if got := len(w.Items(rig.Ledger)); got != 0 {
					t.Errorf("%d records were written", got)
				}
			})
		})
	}
}

// padded is an event with one more value in its data.
func padded(id, value string) string {
	return strings.Replace(rig.EventOf(id, "c-1"), `"total"`, `"pad": `+value+`, "total"`, 1)
}

// A document that fits its limit is kept, whatever characters it is made of.
func TestLargeDocuments(t *testing.T) {
	t.Parallel()
	rig.Run(t, func(t *testing.T, w *rig.World) {
		w.Put("events/order.wide", `{"type": "object", "description": "`+strings.Repeat("<", 200<<10)+`"}`)
		if got := w.Admin(http.MethodGet, "events/order.wide", ""); !strings.Contains(got, "<<<") {
			t.Errorf("got %.300s, want the document as it was written", got)
		}
	})
}

// What is recorded of a start is what changed, not the input again; and an
// execution's own record is in no index that nobody reads it from.
func TestAStartIsRecordedInFewBytes(t *testing.T) {
	t.Parallel()
	rig.Run(t, func(t *testing.T, w *rig.World) {
		w.Publish(rig.Setup{})
		x := w.SendEvent(padded("case-1", `"`+strings.Repeat("x", 50<<10)+`"`)).Executions[0].Execution
		writes := 0
		for _, op := range w.Ops() {
			if op.Function == "entry" && strings.Contains(op.Body, "xxx") && op.Name != "StartExecution" {
				writes++
			}
		}
		if writes != 1 {
			t.Errorf("the input was written %d times, want once", writes)
		}
		e, err := w.Ledger.Execution(t.Context(), x)
		if err != nil || e.State != ledger.Started || e.StartedAt.IsZero() || e.Profile != "c-1" || !strings.Contains(e.Input, "xxx") {
			t.Errorf("got %s, started at %v, of %q, with %d bytes of input, %v", e.State, e.StartedAt, e.Profile, len(e.Input), err)
		}
		for _, it := range w.Items(rig.Ledger) {
			if node := it["node"].(*types.AttributeValueMemberS).Value; node == "#" && (it["profile"] != nil || it["due"] != nil || it["dueShard"] != nil) {
				t.Errorf("a record of an execution is in an index: %v", slices.Sorted(maps.Keys(it)))
			}
		}
		w.Settle()
	})
}
