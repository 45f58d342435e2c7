package limit_test

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/waypost/waypost/shared/fault"
	"github.com/waypost/waypost/shared/limit"
)

var epoch = time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)

// admit asks, and says in short what became of it: how long to wait, or why not.
func admit(t *testing.T, k *limit.Keeper, now time.Time, limits ...limit.Limit) string {
	t.Helper()
	d, err := k.Admit(t.Context(), "a", limits, now)
	if err != nil {
		t.Fatal(err)
	}
	if d.Admitted {
		return d.At.Sub(now).String()
	}
	if d.By.String()+" is used up" != d.Reason && d.By.Kind == limit.Cap {
		t.Errorf("refused by %s, for %q", d.By, d.Reason)
	}
	return d.Reason
}

func TestAdmit(t *testing.T) {
	capped := limit.Limit{Kind: limit.Cap, Calls: 2, Per: "1s"}
	throttled := limit.Limit{Kind: limit.Throttle, Calls: 4, Per: "1s"}
	hourly := limit.Limit{Kind: limit.Throttle, Calls: 1, Per: "1h"}
	usedUp, noSlot := "the cap of 2 calls per 1s is used up", "the throttle of 1 call per 1h has no free slot within 6h"
	type call struct {
		after time.Duration
		want  string
	}
	for _, tc := range []struct {
		name   string
		limits []limit.Limit
		calls  []call
	}{
		{"no limit", nil, []call{{0, "0s"}, {0, "0s"}}},
		{"cap", []limit.Limit{capped}, []call{{0, "0s"}, {999 * time.Millisecond, "0s"}, {0, usedUp}, {time.Millisecond, "0s"}, {0, "0s"}, {0, usedUp}}},
		{"throttle", []limit.Limit{throttled}, []call{{0, "0s"}, {0, "250ms"}, {100 * time.Millisecond, "400ms"}, {10 * time.Second, "0s"}}},
		{"a throttle's longest wait", []limit.Limit{hourly},
			[]call{{0, "0s"}, {0, "1h0m0s"}, {0, "2h0m0s"}, {0, "3h0m0s"}, {0, "4h0m0s"}, {0, "5h0m0s"}, {0, "6h0m0s"}, {0, noSlot}, {time.Hour, "6h0m0s"}}},
		{"a refused call takes no slot", []limit.Limit{capped, throttled},
			[]call{{0, "0s"}, {0, "250ms"}, {0, usedUp}, {0, usedUp}, {time.Second, "0s"}}},
		{"a call without a slot is not counted", []limit.Limit{{Kind: limit.Cap, Calls: 8, Per: "24h"}, hourly},
			[]call{{0, "0s"}, {0, "1h0m0s"}, {0, "2h0m0s"}, {0, "3h0m0s"}, {0, "4h0m0s"}, {0, "5h0m0s"}, {0, "6h0m0s"},
				{0, noSlot}, {0, noSlot}, {time.Hour, "6h0m0s"}, {time.Hour, "the cap of 8 calls per 24h is used up"}}},
		{"the later slot counts", []limit.Limit{throttled, {Kind: limit.Throttle, Calls: 1, Per: "1m"}}, []call{{0, "0s"}, {0, "1m0s"}}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			now := epoch
			k := limit.NewKeeper(new(limit.Memory))
			var got, want []string
			for _, c := range tc.calls {
				now = now.Add(c.after)
				got, want = append(got, admit(t, k, now, tc.limits...)), append(want, c.want)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("calls (-want +got):\n%s", diff)
			}
		})
	}
}

func TestKeysAreApart(t *testing.T) {
	k := limit.NewKeeper(new(limit.Memory))
	one := []limit.Limit{{Kind: limit.Cap, Calls: 1, Per: "1h"}}
	for _, key := range []string{"a", "b"} {
		if d, err := k.Admit(t.Context(), key, one, epoch); err != nil || !d.Admitted {
			t.Errorf("%s: %+v, %v", key, d, err)
		}
	}
}

func TestGiveBack(t *testing.T) {
	for _, l := range []limit.Limit{{Kind: limit.Cap, Calls: 1, Per: "1h"}, {Kind: limit.Cap, Calls: 1000, Per: "1s"}, {Kind: limit.Throttle, Calls: 1, Per: "6h"}} {
		k := limit.NewKeeper(new(limit.Memory))
		for range 2000 {
			d, err := k.Admit(t.Context(), "a", []limit.Limit{l}, epoch)
			if err != nil || !d.Admitted || !d.At.Equal(epoch) {
				t.Fatalf("%s: %+v, %v", l, d, err)
			}
			k.GiveBack(t.Context(), d)
		}
	}
}

// failing is a Store of which the moves of one kind fail.
type failing struct {
	limit.Memory
	schedules bool
	ctx       []error // of retreats
}

func (s *failing) Advance(ctx context.Context, id limit.ID, m limit.Move) (int64, bool, error) {
	if s.schedules == (m.Floor != 0) {
		return 0, false, fault.New(fault.Unavailable, "the store is out of order")
	}
	return s.Memory.Advance(ctx, id, m)
}

func (s *failing) Retreat(ctx context.Context, id limit.ID, m limit.Move, from int64) error {
	s.ctx = append(s.ctx, ctx.Err())
	return s.Memory.Retreat(ctx, id, m, from)
}

func TestAStoreThatFails(t *testing.T) {
	limits := []limit.Limit{{Kind: limit.Cap, Calls: 1, Per: "1h"}, {Kind: limit.Throttle, Calls: 1, Per: "1h"}}
	store := &failing{schedules: true}
	k := limit.NewKeeper(store)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if d, err := k.Admit(ctx, "a", limits, epoch); !fault.Is(err, fault.Unavailable) || d.Admitted {
		t.Fatalf("got %+v, %v, want Unavailable", d, err)
	}
	if diff := cmp.Diff([]error{nil}, store.ctx); diff != "" {
		t.Errorf("the cap is given back, though the caller gave up (-want +got):\n%s", diff)
	}
	if d, err := k.Admit(t.Context(), "a", limits[:1], epoch); err != nil || !d.Admitted {
		t.Errorf("then: %+v, %v", d, err)
	}
	// A refusal needs no other's answer.
	if d, err := k.Admit(t.Context(), "a", limits, epoch); err != nil || d.Admitted || d.By != limits[0] {
		t.Errorf("refused and failed: %+v, %v, want refused", d, err)
	}
	if _, err := k.Admit(t.Context(), "a", []limit.Limit{{Kind: "x"}}, epoch); !fault.Is(err, fault.Invalid) {
		t.Errorf("a limit that is not valid: %v", err)
	}
}

func anyLimit(kind limit.Kind) *rapid.Generator[limit.Limit] {
	return rapid.Custom(func(t *rapid.T) limit.Limit {
		return limit.Limit{Kind: kind, Calls: rapid.Int64Range(1, 2000).Draw(t, "calls"), Per: rapid.SampledFrom([]string{"500ms", "700ms", "1s", "3s"}).Draw(t, "per")}
	})
}

// calls lets several keepers of one store, with clocks that are apart, ask in
// turns, and gives the times at which calls were admitted.
func calls(t *rapid.T, l limit.Limit, skewed bool) []time.Time {
	store := new(limit.Memory)
	keepers := []*limit.Keeper{limit.NewKeeper(store), limit.NewKeeper(store), limit.NewKeeper(store)}
	now := epoch.Add(time.Duration(rapid.Int64Range(0, 3e9).Draw(t, "start")))
	var at []time.Time
	for range rapid.IntRange(1, 400).Draw(t, "n") {
		now = now.Add(time.Duration(rapid.SampledFrom([]int64{0, 0, 0, 1, 999, 1e5, 1e6, 2e7, 3e8, 1e9}).Draw(t, "pause")))
		clock := now
		if skewed {
			clock = now.Add(-time.Duration(rapid.Int64Range(0, 5e7).Draw(t, "skew")))
		}
		k := keepers[rapid.IntRange(0, 2).Draw(t, "keeper")]
		d, err := k.Admit(context.Background(), "a", []limit.Limit{l}, clock)
		if err != nil {
			t.Fatal(err)
		}
		if !d.Admitted {
			continue
		}
		if d.At.Before(clock) {
			t.Fatalf("admitted for %v before it was asked", clock.Sub(d.At))
		}
		if rapid.IntRange(0, 9).Draw(t, "give back") == 0 {
			k.GiveBack(context.Background(), d)
			continue
		}
		at = append(at, d.At)
	}
	return at
}

func TestACapHoldsInEachWindow(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := anyLimit(limit.Cap).Draw(t, "limit")
		windows := map[int64]int64{}
		for _, at := range calls(t, l, true) {
			w := at.UnixMicro() / l.Window().Microseconds()
			if windows[w]++; windows[w] > l.Calls {
				t.Fatalf("%d calls in one window of %s", windows[w], l)
			}
		}
	})
}

func TestAThrottleHoldsInAnyWindow(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := anyLimit(limit.Throttle).Draw(t, "limit")
		at := calls(t, l, true)
		slices.SortFunc(at, time.Time.Compare)
		for i := range at {
			// A call at once is made within the microsecond in which its slot begins.
			at[i] = at[i].Truncate(time.Microsecond)
			if i > 0 && at[i].Sub(at[i-1]) < l.Window()/time.Duration(l.Calls) {
				t.Fatalf("slots %v apart under %s", at[i].Sub(at[i-1]), l)
			}
			if j := i - int(l.Calls); j >= 0 && at[i].Sub(at[j]) < l.Window() {
				t.Fatalf("%d calls within %v under %s", l.Calls+1, at[i].Sub(at[j]), l)
			}
		}
	})
}

// One keeper gives slots in the order in which it is asked, if nothing is given back.
func TestSlotsAreInOrder(t *testing.T) {
	k := limit.NewKeeper(new(limit.Memory))
	l := limit.Limit{Kind: limit.Throttle, Calls: 1000, Per: "1s"}
	last := epoch.Add(-time.Hour)
	for i := range 1000 {
		d, err := k.Admit(t.Context(), "a", []limit.Limit{l}, epoch.Add(time.Duration(i)*100*time.Microsecond))
		if err != nil {
			t.Fatal(err)
		}
		if d.At.Sub(last) < time.Millisecond {
			t.Fatalf("call %d: %v after the last slot", i, d.At.Sub(last))
		}
		last = d.At
	}
}

// counting counts a Store's moves.
type counting struct {
	limit.Memory
	mu    sync.Mutex
	moves int
}

func (s *counting) Advance(ctx context.Context, id limit.ID, m limit.Move) (int64, bool, error) {
	s.mu.Lock()
	s.moves++
	s.mu.Unlock()
	return s.Memory.Advance(ctx, id, m)
}

func TestHighRatesAreTakenInBatches(t *testing.T) {
	for _, tc := range []struct {
		limit limit.Limit
		want  int
	}{
		{limit.Limit{Kind: limit.Cap, Calls: 200, Per: "1s"}, 200},
		{limit.Limit{Kind: limit.Cap, Calls: 2000, Per: "1s"}, 200},
		{limit.Limit{Kind: limit.Throttle, Calls: 200, Per: "1s"}, 200},
		{limit.Limit{Kind: limit.Throttle, Calls: 10000, Per: "1s"}, 200},
	} {
		store := new(counting)
		k := limit.NewKeeper(store)
		for range tc.limit.Calls {
			if d, err := k.Admit(t.Context(), "a", []limit.Limit{tc.limit}, epoch); err != nil || !d.Admitted {
				t.Fatalf("%s: %+v, %v", tc.limit, d, err)
			}
		}
		if store.moves != tc.want {
			t.Errorf("%s: %d moves, want %d", tc.limit, store.moves, tc.want)
		}
	}
}
