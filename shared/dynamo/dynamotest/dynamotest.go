// Package dynamotest is what the DynamoDB adapters must do, as tests: what the
// domain's interfaces promise, held by whichever DynamoDB a client meets.
//
// shared/dynamo's own test runs it on the embedded runtime's DynamoDB, and
// `make conformance` on Amazon's DynamoDB Local. On AWS itself it would have
// to wait for the secondary indexes, which follow their table a moment later.
package dynamotest

import (
	"context"
	"crypto/rand"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/waypost/waypost/shared/dynamo"
	"github.com/waypost/waypost/shared/fault"
	"github.com/waypost/waypost/shared/ledger"
)

// Run holds the adapters against their contracts. It makes tables of its own,
// under names that nobody has, and deletes them at the end.
func Run(t *testing.T, client *dynamodb.Client) {
	for _, part := range []struct {
		name string
		run  func(*testing.T, *dynamodb.Client)
	}{
		{"claim", claims},
		{"settle", settles},
		{"record", records},
		{"callback", hears},
		{"await", awaits},
		{"replay", replays},
		{"create", creates},
		{"reentry", reentries},
		{"executions", executions},
		{"events", events},
		{"due", due},
		{"postpone", postpones},
		{"trace", traces},
		{"profile's deliveries", ofProfile},
		{"journey's deliveries", ofJourney},
		{"profiles", profiles},
		{"own profiles", ownProfiles},
		{"profile's values", profileValues},
		{"catalog", catalogs},
		{"catalog's writes", catalogWrites},
		{"limits", limits},
		{"opt-outs", optOuts},
		{"races", races},
	} {
		t.Run(part.name, func(t *testing.T) {
			t.Parallel()
			part.run(t, client)
		})
	}
}

// noon is the suite's present; all its times follow from it. Its microseconds
// show that none are lost.
var noon = time.Date(2026, 5, 4, 12, 0, 0, 123_456_000, time.UTC)

// create makes a table under a name that nobody has, and gives the name.
func create(t *testing.T, client *dynamodb.Client, table func(name string) *dynamodb.CreateTableInput) string {
	t.Helper()
	name := "waypost-" + strings.ToLower(rand.Text())
	if _, err := client.CreateTable(t.Context(), table(name)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if _, err := client.DeleteTable(context.WithoutCancel(t.Context()), &dynamodb.DeleteTableInput{TableName: &name}); err != nil {
			t.Error(err)
		}
	})
	exists := dynamodb.NewTableExistsWaiter(client, func(o *dynamodb.TableExistsWaiterOptions) { o.MinDelay = 10 * time.Millisecond })
	if err := exists.Wait(t.Context(), &dynamodb.DescribeTableInput{TableName: &name}, time.Minute); err != nil {
		t.Fatal(err)
	}
	return name
}

// openLedger makes a ledger with a table of its own.
func openLedger(t *testing.T, client *dynamodb.Client) *dynamo.Ledger {
	t.Helper()
	return &dynamo.Ledger{Client: client, Table: create(t, client, dynamo.LedgerTable)}
}

// A delivery is claimed at noon by f1, unless it is changed.
func delivery(execution string, changes ...func(*ledger.Delivery)) ledger.Delivery {
	d := ledger.Delivery{
		Execution: execution, Step: "text", Iteration: 2, Journey: "order_ready", Version: 3, Profile: "c-ada",
		Action: "order_ready_sms", ActionVersion: 1, Channel: "sms", Provider: "twilio", Runner: "arn:aws:states:::execution:m:" + execution,
		State: ledger.Claimed, Holder: "f1", Lease: noon.Add(45 * time.Second),
		EventAt: noon.Add(-2 * time.Second), EnteredAt: noon.Add(-time.Second), StartedAt: noon,
	}
	for _, change := range changes {
		change(&d)
	}
	return d
}

func waiting(until time.Time) func(*ledger.Delivery) {
	return func(d *ledger.Delivery) {
		d.State, d.Lease, d.Until, d.Reason = ledger.Waiting, time.Time{}, until, "throttled"
	}
}

func settled(o ledger.Outcome) func(*ledger.Delivery) {
	return func(d *ledger.Delivery) {
		d.State, d.Lease, d.Outcome, d.SettledAt = ledger.Settled, time.Time{}, o, noon.Add(time.Second)
	}
}

func heldBy(holder string) func(*ledger.Delivery) {
	return func(d *ledger.Delivery) { d.Holder = holder }
}

func entered(at time.Time) func(*ledger.Delivery) {
	return func(d *ledger.Delivery) { d.EnteredAt = at }
}

// put writes records that are not there yet.
func put(t *testing.T, l *dynamo.Ledger, list ...ledger.Delivery) {
	t.Helper()
	for _, d := range list {
		if _, err := l.Put(t.Context(), d, ""); err != nil {
			t.Fatalf("putting %s: %v", d.ID(), err)
		}
	}
}

// same compares what was read with what was written: an empty list or object
// may come back as none, and the other way round.
func same(t *testing.T, what string, want, got any) {
	t.Helper()
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

// holds checks the record that the table has.
func holds(t *testing.T, l *dynamo.Ledger, want ledger.Delivery) {
	t.Helper()
	got, err := l.Delivery(t.Context(), want.ID())
	if err != nil {
		t.Fatal(err)
	}
	same(t, "the record", want, got)
}

// faulty checks an error's code, "" being no error.
func faulty(t *testing.T, what string, err error, want fault.Code) {
	t.Helper()
	if err == nil && want == "" {
		return
	}
	if err == nil || want == "" || !fault.Is(err, want) {
		t.Errorf("%s: got the error %v, want %q", what, err, want)
	}
}

// atOnce calls f for 0 to n-1 at the same time.
func atOnce(n int, f func(i int)) {
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() { f(i) })
	}
	all.Wait()
}
