package dynamotest

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/waypost/waypost/shared/ledger"
)

// traces holds that an execution's record and deliveries come in one read,
// however long they are, in the order in which they started.
func traces(t *testing.T, client *dynamodb.Client) {
	l := openLedger(t, client)
	own, list, err := l.Trace(t.Context(), "none")
	if own != nil || len(list) != 0 || err != nil {
		t.Errorf("nothing there: %v, %v, %v", own, list, err)
	}
	// Six of 250 kB are more than a page of a query, which is 1 MB.
	var want []ledger.Delivery
	for i := range 6 {
		d := delivery("x", settled(ledger.Sent), func(d *ledger.Delivery) {
			d.Step, d.StartedAt, d.Response = fmt.Sprintf("s%d", 9-i), noon.Add(time.Duration(i)*time.Second), strings.Repeat("x", 250_000)
		})
		want = append(want, d)
		put(t, l, d)
	}
	put(t, l, delivery("x2"))
	for _, e := range []*ledger.Execution{nil, new(execution("x"))} {
		if e != nil {
			if err := l.Update(t.Context(), *e); err != nil {
				t.Fatal(err)
			}
		}
		own, list, err := l.Trace(t.Context(), "x")
		if err != nil {
			t.Fatal(err)
		}
		same(t, "the execution", e, own)
		same(t, "its deliveries", want, list)
	}
}

// names lists the executions of deliveries.
func names(list []ledger.Delivery) []string {
	out := make([]string, len(list))
	for i, d := range list {
		out[i] = d.Execution
	}
	return out
}

// ofProfile holds the list of a profile's deliveries. Executions' own records
// lie in the same index, and take nothing of the limit.
func ofProfile(t *testing.T, client *dynamodb.Client) {
	l := openLedger(t, client)
	const each = 12
	var newest []string
	for i := range each {
		at := noon.Add(-time.Duration(i) * time.Minute)
		name := fmt.Sprintf("x%02d", i)
		newest = append(newest, name)
		put(t, l, delivery(name, entered(at)), delivery("other"+name, entered(at), func(d *ledger.Delivery) { d.Profile = "c-ben" }))
		if err := l.Update(t.Context(), execution(name, started, func(e *ledger.Execution) { e.EnteredAt = at })); err != nil {
			t.Fatal(err)
		}
	}
	long := noon.Add(-24 * time.Hour)
	for _, tc := range []struct {
		name          string
		profile       string
		since, before time.Time
		limit         int
		want          []string
	}{
		{"all", "c-ada", long, noon.Add(time.Hour), 100, newest},
		{"the newest", "c-ada", long, noon.Add(time.Hour), 5, newest[:5]},
		{"one", "c-ada", long, noon.Add(time.Hour), 1, newest[:1]},
		{"not those entered then, but those before", "c-ada", long, noon, 2, newest[1:3]},
		{"since then, that moment too", "c-ada", noon.Add(-3 * time.Minute), noon.Add(time.Hour), 100, newest[:4]},
		{"one moment", "c-ada", noon, noon.Add(time.Microsecond), 100, newest[:1]},
		{"no time between", "c-ada", noon, noon, 100, nil},
		{"the wrong way round", "c-ada", noon, long, 100, nil},
		{"a profile without any", "c-cleo", long, noon.Add(time.Hour), 100, nil},
	} {
		got, err := l.OfProfile(t.Context(), tc.profile, tc.since, tc.before, tc.limit)
		if err != nil {
			t.Errorf("%s: %v", tc.name, err)
		}
		same(t, tc.name, tc.want, names(got))
	}
	t.Run("long records", func(t *testing.T) {
		var want []string
		for i := range 6 {
			d := delivery(fmt.Sprintf("long%d", i), settled(ledger.Sent), entered(noon.Add(-time.Duration(i)*time.Minute)),
				func(d *ledger.Delivery) { d.Profile, d.Response = "c-long", strings.Repeat("x", 250_000) })
			put(t, l, d)
			want = append(want, d.Execution)
		}
		got, err := l.OfProfile(t.Context(), "c-long", long, noon.Add(time.Hour), 100)
		if err != nil {
			t.Fatal(err)
		}
		same(t, "all", want, names(got))
	})
}

// ofJourney holds the list of a journey's deliveries in one hour, whose
// records lie in shards by their execution's name.
func ofJourney(t *testing.T, client *dynamodb.Client) {
	l := openLedger(t, client)
	hour := noon.Truncate(time.Hour)
	var newest []string
	for i := range 30 {
		d := delivery(fmt.Sprintf("x%02d", i), entered(hour.Add(time.Duration(i)*time.Minute)))
		put(t, l, d)
		newest = append(newest, d.Execution)
	}
	slices.Reverse(newest)
	put(t, l, delivery("before", entered(hour.Add(-time.Microsecond))), delivery("after", entered(hour.Add(time.Hour))),
		delivery("other", entered(hour), func(d *ledger.Delivery) { d.Journey = "order_read" }))
	if err := l.Update(t.Context(), execution("x00", started)); err != nil {
		t.Fatal(err)
	}
	long := noon.Add(-24 * time.Hour)
	for _, tc := range []struct {
		name          string
		hour          time.Time
		since, before time.Time
		limit         int
		want          []string
	}{
		{"all", hour, long, hour.Add(24 * time.Hour), 100, newest},
		{"any moment names the hour, in any zone", hour.Add(59 * time.Minute).In(time.FixedZone("", 7200)), long, hour.Add(24 * time.Hour), 100, newest},
		{"the newest", hour, long, hour.Add(24 * time.Hour), 7, newest[:7]},
		{"between two times", hour, hour.Add(10 * time.Minute), hour.Add(13 * time.Minute), 100, []string{"x12", "x11", "x10"}},
		{"the hour before", hour.Add(-time.Hour), long, hour.Add(24 * time.Hour), 100, []string{"before"}},
		{"the hour after", hour.Add(time.Hour), long, hour.Add(24 * time.Hour), 100, []string{"after"}},
		{"an hour without any", hour.Add(9 * time.Hour), long, hour.Add(24 * time.Hour), 100, nil},
		{"the wrong way round", hour, hour.Add(time.Hour), hour, 100, nil},
	} {
		got, err := l.OfJourney(t.Context(), "order_ready", tc.hour, tc.since, tc.before, tc.limit)
		if err != nil {
			t.Errorf("%s: %v", tc.name, err)
		}
		same(t, tc.name, tc.want, names(got))
	}
}
