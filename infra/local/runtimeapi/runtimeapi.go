// Package runtimeapi runs a Lambda function's file, the bootstrap that goes to
// AWS, as child processes of this one, each behind a Lambda Runtime API of its
// own on loopback
// (https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html).
//
// A process with its API is an environment. It serves one invocation at a
// time: invocations at once start more environments, and idle ones are taken
// again, the last used first. What becomes of an invocation whose process
// crashes, hangs or can't be started is what Lambda reports.
//
// Not promised: the start of an environment counts to its first invocation's
// time, while Lambda gives it 10 s of its own; idle environments stay until
// Close; no extensions, no streamed answers, no limit on memory.
package runtimeapi

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/waypost/waypost/infra/local/lambda"
)

// initTime is how long a function may take from its start to its first poll:
// Lambda's own limit.
const initTime = 10 * time.Second

// A Config is what a function's processes are started with.
type Config struct {
	Name string // the function's
	File string // to execute
	// Env is the whole environment of each process, beside the address of its
	// runtime API. Nothing of this process's own is passed on.
	Env map[string]string
	Log *slog.Logger // gets what the processes write; nil discards
}

// A Function is a lambda.Executor that runs a file. It starts no more
// environments than it has invocations at once: bound those where it is
// registered. Make one with New.
type Function struct {
	cfg Config
	env []string // NAME=value

	mu     sync.Mutex
	closed bool
	all    map[*environment]bool
	idle   []*environment // the last used one last
}

var _ lambda.Executor = (*Function)(nil)

// New makes a function, without starting it.
func New(c Config) *Function {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if file, err := filepath.Abs(c.File); err == nil {
		c.File = file
	}
	f := &Function{cfg: c, all: map[*environment]bool{}}
	for _, name := range slices.Sorted(maps.Keys(c.Env)) {
		f.env = append(f.env, name+"="+c.Env[name])
	}
	return f
}

// Start starts one environment ahead of the first invocation. Its error names
// the file and says what to do about it.
func (f *Function) Start(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, initTime)
	defer cancel()
	e, err := f.start()
	if err != nil {
		return unrunnable(f.cfg.File, err)
	}
	select {
	case <-e.polled:
		f.release(e)
		return nil
	case <-e.gone:
		return fmt.Errorf("%s ended before it asked for work: %w", f.cfg.File, e.why())
	case <-ctx.Done():
		e.end()
		if errors.Is(ctx.Err(), context.Canceled) {
			return ctx.Err()
		}
		return fmt.Errorf("%s did not ask for work within %v of its start: is it a Lambda function?", f.cfg.File, initTime)
	}
}

// Execute has an environment run one invocation. It ends the environment
// where ctx ends first, as Lambda does after a timeout.
func (f *Function) Execute(ctx context.Context, c lambda.Call) (payload []byte, failed bool) {
	for {
		e, err := f.take()
		if err != nil {
			return failure(c, "Runtime.InvalidEntrypoint", err.Error()), true
		}
		inv := &invocation{Call: c, answer: make(chan answer, 1)}
		inv.deadline, _ = ctx.Deadline()
		e.assign(inv)
		select {
		case e.work <- inv:
			return e.await(ctx, inv)
		case <-e.gone:
			if !e.hasPolled() {
				return e.failure(c), true
			}
			// It died idle: the invocation never reached it, so another may have it.
		case <-ctx.Done():
			e.end()
			return nil, true // the Host says what ended it
		}
	}
}

// Close ends all environments.
func (f *Function) Close() error {
	f.mu.Lock()
	f.closed = true
	all := slices.Collect(maps.Keys(f.all))
	f.mu.Unlock()
	for _, e := range all {
		e.kill()
	}
	for _, e := range all {
		<-e.gone
	}
	return nil
}

// take gives an idle environment, or a new one.
func (f *Function) take() (*environment, error) {
	f.mu.Lock()
	if n := len(f.idle); n > 0 {
		e := f.idle[n-1]
		f.idle = f.idle[:n-1]
		f.mu.Unlock()
		return e, nil
	}
	f.mu.Unlock()
	return f.start()
}

// release makes an environment idle.
func (f *Function) release(e *environment) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.all[e] { // else it is gone
		f.idle = append(f.idle, e)
	}
}

// add keeps a started environment, unless the function is closed.
func (f *Function) add(e *environment) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return false
	}
	f.all[e] = true
	return true
}

// forget drops an environment whose process has ended.
func (f *Function) forget(e *environment) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.all, e)
	f.idle = slices.DeleteFunc(f.idle, func(other *environment) bool { return other == e })
}
