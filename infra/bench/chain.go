package main

import (
	"slices"
	"sync"
	"time"

	"github.com/waypost/waypost/infra/local"
)

// A span is one call of AWS, as it was seen to begin and end.
type span struct {
	local.Call
	began, ended time.Time
}

// chain gives the length of the longest chain of spans of which each began
// after the one before it had ended: how many round trips were made one after
// the other, at most, however many ran at once beside them.
func chain(spans []span) int {
	n := 0
	var last time.Time
	// Of those that may come next, the one that ends first leaves most room.
	for _, s := range slices.SortedFunc(slices.Values(spans), func(a, b span) int { return a.ended.Compare(b.ended) }) {
		if n == 0 || !s.began.Before(last) {
			n, last = n+1, s.ended
		}
	}
	return n
}

// A recorder adds latency to each call of AWS and notes when it began and
// ended. It is for one delivery at a time. Its around is local.Config.Around.
type recorder struct {
	invoked chan struct{} // an invocation of the action function has ended

	mu      sync.Mutex
	latency time.Duration
	spans   []span
}

func newRecorder() *recorder { return &recorder{invoked: make(chan struct{}, 1000)} }

func (r *recorder) around(c local.Call, do func()) {
	r.mu.Lock()
	latency := r.latency
	r.mu.Unlock()
	began := time.Now()
	time.Sleep(latency)
	do()
	r.mu.Lock()
	r.spans = append(r.spans, span{c, began, time.Now()})
	r.mu.Unlock()
	if c.By == local.ByStates && c.Name == "Invoke "+actionFunction {
		r.invoked <- struct{}{}
	}
}

// begin forgets what was recorded, and sets the latency of what follows.
func (r *recorder) begin(latency time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.latency, r.spans = latency, nil
}

// by gives the calls that a function made.
func (r *recorder) by(function string) []span {
	r.mu.Lock()
	defer r.mu.Unlock()
	var out []span
	for _, s := range r.spans {
		if s.By == function {
			out = append(out, s)
		}
	}
	return out
}
