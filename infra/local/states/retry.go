package states

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"time"

	"github.com/waypost/waypost/infra/local/states/asl"
	"github.com/waypost/waypost/infra/local/states/value"
)

// attempt runs a Task, Parallel or Map state: again while a retrier says so,
// then as a catcher says.
func (f *frame) attempt(s *asl.State, input any) (output any, next string, err error) {
	counts := make([]int, len(s.Retry))
	for {
		var result any
		switch s.Type {
		case asl.Task:
			result, err = f.task(s, input)
		case asl.Parallel:
			result, err = f.parallel(s, input)
		default:
			result, err = f.mapItems(s, input)
		}
		if err == nil {
			output, err = f.place(s, input, result)
		}
		if err == nil {
			output, err = f.output(s, output)
			return output, s.Next, err
		}
		fault, ok := errors.AsType[*failure](err)
		if !ok {
			return nil, "", err // interrupted
		}
		delay, again := retryDelay(s.Retry, counts, fault)
		if !again {
			break
		}
		if err := f.sleep(delay); err != nil {
			return nil, "", err
		}
		f.retries++
	}
	fault, _ := errors.AsType[*failure](err)
	if fault.group {
		f.record(string(s.Type)+"StateFailed", details{})
	}
	for _, c := range s.Catch {
		if fault.caughtBy(c.Errors) {
			caught := value.Of("Error", fault.name, "Cause", fault.cause)
			output, err := f.put(c.ResultPath, c.DiscardResult, input, caught)
			return output, c.Next, err
		}
	}
	return nil, "", fault
}

// retryDelay finds the retrier for an error, and how long it waits, unless it
// has no attempt left. counts are the attempts that each retrier has made.
func retryDelay(retriers []asl.Retrier, counts []int, fault *failure) (time.Duration, bool) {
	for i, r := range retriers {
		if !fault.caughtBy(r.Errors) {
			continue
		}
		if counts[i] >= r.Attempts {
			return 0, false
		}
		seconds := r.Interval.Seconds() * math.Pow(r.Backoff, float64(counts[i]))
		counts[i]++
		if r.MaxDelay > 0 {
			seconds = min(seconds, r.MaxDelay.Seconds())
		}
		seconds = min(seconds, maxWait.Seconds())
		if r.Jitter {
			seconds *= rand.Float64()
		}
		return time.Duration(seconds * float64(time.Second)), true
	}
	return 0, false
}

// group is the branches of a Parallel state, or the iterations of a Map.
type group struct {
	ctx    context.Context
	cancel context.CancelFunc
	failed chan branchFailure // one slot: the first failure counts
}

type branchFailure struct {
	at   *frame
	err  *failure
	prev int64
}

// within gives the failure as the state that has the branches fails with it.
func (b branchFailure) within() *failure {
	fault := *b.err
	fault.group = true
	return &fault
}

func (f *frame) group() *group {
	g := &group{failed: make(chan branchFailure, 1)}
	g.ctx, g.cancel = context.WithCancel(f.ctx)
	return g
}

// report notes how a branch ended; the first failure ends the others.
func (g *group) report(f *frame, err error) {
	fault, ok := errors.AsType[*failure](err)
	if !ok {
		return
	}
	select {
	case g.failed <- branchFailure{at: f, err: fault, prev: f.prev}:
		g.cancel()
	default:
	}
}

// failure gives the first failure, once all branches have ended.
func (g *group) failure() (branchFailure, bool) {
	select {
	case b := <-g.failed:
		return b, true
	default:
		return branchFailure{}, false
	}
}

// abort records that a frame's state was not left, for the types of states
// that have such an event.
func (f *frame) abort(s *asl.State) {
	if s == nil {
		return
	}
	switch s.Type {
	case asl.Task, asl.Wait, asl.Parallel, asl.Map:
		f.keep(string(s.Type)+"StateAborted", details{})
	}
}
