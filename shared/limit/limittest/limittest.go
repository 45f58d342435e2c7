// Package limittest is what every limit.Store must do, as tests.
package limittest

import (
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/waypost/waypost/shared/limit"
)

// A move is one call of a Store and what it must answer.
type move struct {
	retreat bool
	move    limit.Move
	from    int64 // of an advance: expected; of a retreat: given
	refused bool
}

// Run holds the stores that open makes against the contract. Each call of open
// gives a store that is empty, or at least unused under the test's name.
func Run(t *testing.T, open func(t *testing.T) limit.Store) {
	// About the year 2026 in microseconds: numbers must be exact at this size.
	const now, second = int64(1_780_000_000_123_457), int64(1_000_000)
	expires := time.UnixMicro(now).Add(48 * time.Hour)
	counter := func(step, ceiling int64) limit.Move {
		return limit.Move{Step: step, Ceiling: ceiling, Expires: expires}
	}
	schedule := func(at, step int64) limit.Move {
		return limit.Move{Floor: at, Step: step, Ceiling: at + 10*second, Expires: expires}
	}
	for _, tc := range []struct {
		name  string
		moves []move
	}{
		{"a counter counts to its ceiling", []move{
			{move: counter(1, 2), from: 0}, {move: counter(1, 2), from: 1}, {move: counter(1, 2), from: 2}, {move: counter(1, 2), refused: true},
		}},
		{"a counter moves whole or not at all", []move{
			{move: counter(5, 5), from: 0}, {move: counter(5, 5), from: 5}, {move: counter(5, 5), refused: true}, {move: counter(1, 10), from: 10},
		}},
		{"a counter below its ceiling from the first", []move{{move: counter(1, -1), refused: true}}},
		{"a counter goes back", []move{
			{move: counter(1, 1), from: 0}, {move: counter(1, 1), from: 1}, {move: counter(1, 1), refused: true},
			{retreat: true, move: counter(1, 1), from: 0}, {move: counter(1, 1), from: 1}, {move: counter(1, 1), refused: true},
		}},
		{"a counter that is not there goes nowhere", []move{
			{retreat: true, move: counter(1, 1), from: 0}, {move: counter(1, 1), from: 0},
		}},
		{"a schedule begins now", []move{{move: schedule(now, 7), from: now}}},
		{"a schedule in use goes on from itself", []move{
			{move: schedule(now, 7), from: now}, {move: schedule(now, 7), from: now + 7}, {move: schedule(now+3, 1), from: now + 14},
		}},
		{"a schedule that was left behind begins anew", []move{
			{move: schedule(now, 7), from: now}, {move: schedule(now+8, 7), from: now + 8}, {move: schedule(now+9, 7), from: now + 15},
		}},
		{"a schedule that is met exactly", []move{{move: schedule(now, 7), from: now}, {move: schedule(now+7, 7), from: now + 7}}},
		{"a clock that is behind", []move{{move: schedule(now, 7), from: now}, {move: schedule(now-5, 7), from: now + 7}}},
		{"a schedule that is full", []move{
			{move: schedule(now, 10*second), from: now}, {move: schedule(now, second), from: now + 10*second}, {move: schedule(now, second), refused: true},
			{move: schedule(now+second, second), from: now + 11*second}, {move: schedule(now+20*second, second), from: now + 20*second},
		}},
		{"a schedule's last slot is given back", []move{
			{move: schedule(now, 7), from: now}, {move: schedule(now, 7), from: now + 7},
			{retreat: true, move: schedule(now, 7), from: now + 7}, {move: schedule(now, 7), from: now + 7},
		}},
		{"a schedule's other slots are not", []move{
			{move: schedule(now, 7), from: now}, {move: schedule(now, 7), from: now + 7},
			{retreat: true, move: schedule(now, 7), from: now}, {move: schedule(now, 7), from: now + 14},
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			store, id := open(t), limit.ID{Pattern: t.Name(), Shard: "s"}
			for i, m := range tc.moves {
				if m.retreat {
					if err := store.Retreat(t.Context(), id, m.move, m.from); err != nil {
						t.Fatalf("move %d: %v", i, err)
					}
					continue
				}
				from, moved, err := store.Advance(t.Context(), id, m.move)
				if err != nil {
					t.Fatalf("move %d: %v", i, err)
				}
				if moved == m.refused || moved && from != m.from {
					t.Fatalf("move %d: from %d, moved %t; want %d, %t", i, from, moved, m.from, !m.refused)
				}
			}
		})
	}

	t.Run("numbers are apart", func(t *testing.T) {
		store := open(t)
		for _, id := range []limit.ID{{Pattern: "a", Shard: "b"}, {Pattern: "a", Shard: "c"}, {Pattern: "b", Shard: "b"}} {
			if from, moved, err := store.Advance(t.Context(), id, counter(1, 9)); from != 0 || !moved || err != nil {
				t.Errorf("%v: %d, %t, %v", id, from, moved, err)
			}
		}
	})

	t.Run("many at once", func(t *testing.T) {
		store := open(t)
		for _, tc := range []struct {
			shard string
			move  limit.Move
		}{{"counter", counter(1, 15)}, {"schedule", limit.Move{Floor: now, Step: 5, Ceiling: now + 75, Expires: expires}}} {
			var mu sync.Mutex
			var wg sync.WaitGroup
			got := map[int64]int{}
			for range 32 {
				wg.Go(func() {
					from, moved, err := store.Advance(t.Context(), limit.ID{Pattern: "p", Shard: tc.shard}, tc.move)
					if err != nil {
						t.Error(err)
						return
					}
					mu.Lock()
					defer mu.Unlock()
					if moved {
						got[(from-tc.move.Floor)/tc.move.Step]++
					}
				})
			}
			wg.Wait()
			want := map[int64]int{}
			for i := range int64(16) {
				want[i] = 1
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s: each place is taken once (-want +got):\n%s", tc.shard, diff)
			}
		}
	})
}
