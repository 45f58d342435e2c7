// Package states is the local runtime's Step Functions: an interpreter of the
// Amazon States Language, in memory, behind Step Functions' own HTTP API (AWS
// JSON 1.0), so that the AWS CLI and SDKs work against it unchanged.
//
// It runs Standard and Express machines, the latter started asynchronously
// alone. What a definition may hold is package asl's to say; anything else is
// refused when the machine is created. Histories have the event types, order,
// ids and details that Step Functions gives.
//
// It does not promise what only a service can: nothing outlives the process,
// there is no redrive, no version, alias, activity or Map run, an Express
// execution leaves no record at all, and only the latest closed executions are
// kept (Options.Keep). A deleted machine goes at once; its running executions
// go on. Time is the standard library's, so a testing/synctest bubble controls it.
package states

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"log/slog"
	"sync"
	"time"
)

// Account and Region are what every ARN of the local runtime names.
const (
	Account = "000000000000"
	Region  = "us-east-1"
)

// TargetPrefix begins the X-Amz-Target header of each request to this API.
const TargetPrefix = "AWSStepFunctions."

// defaultKeep is how many closed executions are kept, where Options does not say.
const defaultKeep = 10_000

// An Invoker runs Lambda functions.
type Invoker interface {
	// Invoke runs a function, named without ARN or qualifier, with a JSON
	// payload, and gives its JSON answer.
	//
	// A *FunctionError is the function's own failure, a *ServiceError is
	// Lambda's; of any other error the Task only tells "Lambda.Unknown". ctx
	// ends when the engine closes, not when the Task times out or its
	// execution stops: as on AWS, the function goes on.
	Invoke(ctx context.Context, function string, payload []byte) ([]byte, error)
}

// A FunctionError is what a function failed with: Lambda's error payload, as
// in {"errorMessage":"…","errorType":"Waypost.Deferred"}. The Task fails with
// the errorType as its error and the payload as its cause.
type FunctionError struct{ Payload []byte }

func (e *FunctionError) Error() string { return "the function failed: " + string(e.Payload) }

// A ServiceError is Lambda's own refusal or failure. Name is as Step Functions
// reports it, such as "Lambda.TooManyRequestsException"; Status is the HTTP
// status, 500 where it is 0.
type ServiceError struct {
	Name    string
	Message string
	Status  int
}

func (e *ServiceError) Error() string { return e.Name + ": " + e.Message }

// Options are an Engine's needs.
type Options struct {
	Invoker Invoker
	// Logger gets a line for each execution that fails, without its data. Nil: none.
	Logger *slog.Logger
	// Keep is how many closed executions are kept with their histories; the
	// oldest is forgotten first, and its name is free again. 0 is 10,000.
	Keep int
}

// An Engine holds state machines and runs executions. It is an http.Handler,
// safe for concurrent use. Make one with New.
type Engine struct {
	invoker Invoker
	log     *slog.Logger
	keep    int
	key     [32]byte // signs task tokens

	base   context.Context // ends when the engine closes
	cancel context.CancelCauseFunc
	work   sync.WaitGroup // executions and invocations

	mu         sync.Mutex
	shut       bool
	sequence   int64
	machines   map[string]*stateMachine // by ARN
	order      []*stateMachine          // as created
	executions map[string]*execution    // Standard ones, by ARN
	closed     []*execution             // oldest first
	waiting    map[string]*waiter       // by task token
}

var (
	errClosed  = errors.New("the engine is closed")
	errExpired = errors.New("the execution's time is over")
	errHistory = errors.New("the history is full")
)

// New makes an engine without machines.
func New(o Options) *Engine {
	e := &Engine{
		invoker: o.Invoker, log: o.Logger, keep: o.Keep,
		machines: map[string]*stateMachine{}, executions: map[string]*execution{}, waiting: map[string]*waiter{},
	}
	if e.log == nil {
		e.log = slog.New(slog.DiscardHandler)
	}
	if e.keep <= 0 {
		e.keep = defaultKeep
	}
	_, _ = rand.Read(e.key[:]) // never fails, says crypto/rand
	e.base, e.cancel = context.WithCancelCause(context.Background())
	return e
}

// Close ends all executions, refuses new ones, and waits until every goroutine
// of the engine's has ended, or for ctx. The context of running invocations
// ends too; one that ignores it is what Close waits for.
func (e *Engine) Close(ctx context.Context) error {
	e.mu.Lock()
	e.shut = true
	e.mu.Unlock()
	e.cancel(errClosed)
	ended := make(chan struct{})
	go func() {
		e.work.Wait()
		close(ended)
	}()
	select {
	case <-ended:
		return nil
	case <-ctx.Done():
		return errors.New("states: an invocation did not end in time")
	}
}

// retire keeps a closed execution, and forgets the oldest above the bound.
func (e *Engine) retire(x *execution) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if x.express {
		return
	}
	e.closed = append(e.closed, x)
	for len(e.closed) > e.keep {
		old := e.closed[0]
		e.closed[0] = nil
		e.closed = e.closed[1:]
		if e.executions[old.arn] == old {
			delete(e.executions, old.arn)
		}
		old.machine.forget(old)
	}
}

// A stateMachine is a created machine. Its fields are guarded by Engine.mu;
// what an execution runs is a snapshot, its revision.
type stateMachine struct {
	arn, name string
	express   bool
	created   time.Time
	current   *revision
	logging   json.RawMessage
	tracing   json.RawMessage
	tags      []tag
	runs      []*execution // Standard ones, oldest first; nil where forgotten
	forgotten int
}

// forget drops an execution, and now and then the gaps that this leaves.
func (m *stateMachine) forget(x *execution) {
	for i := range m.runs {
		if m.runs[i] == x {
			m.runs[i] = nil
			m.forgotten++
			break
		}
	}
	if m.forgotten <= len(m.runs)/2 {
		return
	}
	kept := make([]*execution, 0, len(m.runs)-m.forgotten)
	for _, x := range m.runs {
		if x != nil {
			kept = append(kept, x)
		}
	}
	m.runs, m.forgotten = kept, 0
}

type tag struct {
	Key   string `json:"key"`
	Value string `json:"value"`
}
