package main

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/waypost/waypost/shared/admin"
	"github.com/waypost/waypost/shared/ledger"
)

// What is not over, was not called, or has no step of its own fits the columns.
func TestPrintTrace(t *testing.T) {
	at := func(ms int) time.Time {
		return time.Date(2026, 1, 31, 9, 30, 0, 0, time.UTC).Add(time.Duration(ms) * time.Millisecond)
	}
	var out strings.Builder
	err := printTrace(&out, admin.Execution{
		Execution: "x", Journey: "ready", Version: 2, Profile: "c-1", Event: admin.Event{Type: "order.ready", Source: "/shop", ID: "7"},
		EnteredAt: at(0), Status: "RUNNING",
		Steps: []admin.Visited{{Step: "text", Entered: at(3), Exited: at(10)}, {Step: "known", Entered: at(5), Exited: at(7)}, {Step: "later", Entered: at(10)}},
		Deliveries: []admin.Delivery{
			{Step: "text", Outcome: "suppressed", Reason: "not allowed", Attempts: []admin.Attempt{}, Timings: ledger.Timings{ResolveMs: 5}},
			{Step: "known", Outcome: "sent", Status: "sent", Code: 200, EnteredAt: at(5), RequestedAt: at(5), Attempts: []admin.Attempt{{}},
				Timings: ledger.Timings{ResolveMs: 1, OwnMs: 0.05, EndpointMs: 3}},
			{Step: "aside", Outcome: "sent", Status: "undelivered", Code: 201, EnteredAt: at(1200), RequestedAt: at(1201), Attempts: []admin.Attempt{{}, {}},
				Timings: ledger.Timings{ResolveMs: 1.25, OwnMs: 0.06, EndpointMs: 12}},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	want := `execution  x
journey    ready version 2
profile    c-1
event      order.ready 7 from /shop
entered    2026-01-31T09:30:00Z
status     RUNNING

STEP   AT          TOOK    OUTCOME            CODE  ATTEMPTS  RESOLVE  OWN      ENDPOINT  REASON
text   +3.0 ms     7.0 ms  suppressed         -     0         5.00 ms  0.00 ms  -         not allowed
known  +5.0 ms     2.0 ms  sent               200   1         1.00 ms  0.05 ms  3.00 ms
later  +10.0 ms    so far  -                  -     -         -        -        -
aside  +1200.0 ms  -       sent, undelivered  201   2         1.25 ms  0.06 ms  12.00 ms
`
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Error(diff)
	}
}
