package limit

import (
	"context"
	"sync"
	"time"
)

// An ID names one number in a Store.
type ID struct {
	Pattern string // whose limit it is
	Shard   string // which of its limits, and of a cap which window
}

// A Move is how a number is moved forward.
//
// With Floor 0 the number is a counter, which begins at 0: it is moved by
// Step. Otherwise it is a schedule, the time that is next free: it is moved to Step
// after itself, or after Floor where it is earlier or not there. Neither is
// moved from beyond Ceiling.
type Move struct {
	Floor, Step, Ceiling int64 // a schedule's are in microseconds, since 1970 or of time
	Expires              time.Time
}

// A Store keeps numbers that many processes move forward at the same time.
type Store interface {
	// Advance makes a move, all of it or none, and gives where it began: where
	// the number was, or Floor. moved is false where that is beyond Ceiling.
	// The number may be forgotten after Expires. An error is Unavailable, and then
	// the move may have been made or not.
	Advance(ctx context.Context, id ID, m Move) (from int64, moved bool, err error)
	// Retreat takes a move that began at from back. A counter goes down by
	// Step; a schedule only where nobody has moved it since, for what is behind
	// it is taken. It is no error where that is not so.
	Retreat(ctx context.Context, id ID, m Move, from int64) error
}

// Memory is a Store in one process's memory, for tests and as the reference of
// what a Store does. Its zero value is empty. It forgets nothing.
type Memory struct {
	mu      sync.Mutex
	numbers map[ID]int64
}

var _ Store = (*Memory)(nil)

// Advance makes a move.
func (s *Memory) Advance(_ context.Context, id ID, m Move) (int64, bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	from := max(s.numbers[id], m.Floor)
	if from > m.Ceiling {
		return 0, false, nil
	}
	if s.numbers == nil {
		s.numbers = map[ID]int64{}
	}
	s.numbers[id] = from + m.Step
	return from, true, nil
}

// Retreat takes a move back.
func (s *Memory) Retreat(_ context.Context, id ID, m Move, from int64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch n := s.numbers[id]; {
	case m.Floor == 0 && n >= m.Step:
		s.numbers[id] = n - m.Step
	case m.Floor != 0 && n == from+m.Step:
		s.numbers[id] = from
	}
	return nil
}
