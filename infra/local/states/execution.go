package states

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/waypost/waypost/infra/local/states/asl"
	"github.com/waypost/waypost/infra/local/states/value"
)

// expressLimit is how long an Express execution may run.
const expressLimit = 5 * time.Minute

// maxHistory is how many events a Standard execution's history holds.
const maxHistory = 25_000

// A revision is what an execution runs: a machine's definition at its start.
type revision struct {
	id         string // "" until a machine was updated
	definition string
	role       string
	program    *asl.Machine
	updated    time.Time
}

// An execution's statuses.
const (
	running   = "RUNNING"
	succeeded = "SUCCEEDED"
	failed    = "FAILED"
	timedOut  = "TIMED_OUT"
	aborted   = "ABORTED"
)

// An execution is one run of a machine.
type execution struct {
	engine    *Engine
	machine   *stateMachine
	revision  *revision
	arn, name string
	express   bool
	inputText string
	input     any
	started   time.Time
	sequence  int64

	ctx    context.Context
	cancel context.CancelCauseFunc
	done   chan struct{} // closed at the end

	mu     sync.Mutex
	status string
	ended  time.Time
	output any
	fault  failure
	events []event
	last   int64 // the id of the last event
}

// A failure is an error as the language knows it: a name and a cause.
type failure struct {
	name, cause string
	late        bool // a Task's time is over
	silent      bool // because its heartbeat stayed away
	group       bool // in a branch or an iteration
}

// The most characters that Step Functions keeps of an error and of its cause:
// the bounds of those fields in its API's events. What a function gives beyond
// them is cut off, even where that breaks its JSON.
const (
	maxError = 256
	maxCause = 32768
)

func newFailure(name, cause string) *failure {
	return &failure{name: cut(name, maxError), cause: cut(cause, maxCause)}
}

// cut gives the first n characters of s.
func cut(s string, n int) string {
	for i := range s {
		if n == 0 {
			return s[:i]
		}
		n--
	}
	return s
}

// caughtBy says whether a retrier or catcher for these errors is for f.
func (f *failure) caughtBy(names []string) bool {
	return asl.Matches(names, f.name) || f.silent && slices.Contains(names, asl.ErrHeartbeatTimeout)
}

func (f *failure) Error() string { return f.name + ": " + f.cause }

// A stopped cancels an execution that StopExecution ends.
type stopped struct{ failure }

// begin starts an execution's goroutine. The caller has registered it and
// counted it in Engine.work.
func (x *execution) begin() {
	x.ctx, x.cancel = context.WithCancelCause(x.engine.base)
	go func() {
		defer x.engine.work.Done()
		limit := x.revision.program.Timeout
		if x.express && (limit == 0 || limit > expressLimit) {
			limit = expressLimit
		}
		if limit > 0 {
			timer := time.AfterFunc(limit, func() { x.cancel(errExpired) })
			defer timer.Stop()
		}
		x.run()
	}()
}

func (x *execution) run() {
	f := &frame{x: x, ctx: x.ctx}
	f.keep("ExecutionStarted", details{text: x.inputText, role: x.revision.role})
	output, err := f.machine(x.revision.program, x.input)
	x.finish(f, output, err)
	x.cancel(nil)
	x.engine.retire(x)
	close(x.done)
}

// finish records how an execution ended.
func (x *execution) finish(f *frame, output any, err error) {
	status, kind, d := succeeded, "ExecutionSucceeded", details{value: output}
	fault, isFault := errors.AsType[*failure](err)
	switch cause := context.Cause(x.ctx); {
	case cause != nil:
		status, kind, d = x.interrupted(f, cause)
	case isFault:
		status, kind, d = failed, "ExecutionFailed", details{failure: *fault}
	case err != nil: // only the engine's end stops a frame otherwise
		status, kind, d = x.interrupted(f, errClosed)
	}
	now := time.Now()
	x.append(kind, f.prev, d)
	x.mu.Lock()
	x.status, x.ended, x.fault = status, now, d.failure
	if status == succeeded {
		x.output = output
	}
	x.mu.Unlock()
	if status == failed || status == timedOut {
		x.engine.log.Info("execution ended", "machine", x.machine.name, "execution", x.name, "status", status, "error", d.failure.name)
	}
}

// interrupted says how an execution ended that did not end by itself.
func (x *execution) interrupted(f *frame, cause error) (status, kind string, d details) {
	switch {
	case errors.Is(cause, errExpired):
		return timedOut, "ExecutionTimedOut", details{} // without an error, as AWS has it
	case errors.Is(cause, errHistory):
		return failed, "ExecutionFailed", details{failure: failure{
			name: asl.ErrRuntime, cause: "The execution reached the maximum number of history events (25000)."}}
	}
	f.prev = 0 // as Step Functions has it
	if s, ok := errors.AsType[*stopped](cause); ok {
		return aborted, "ExecutionAborted", details{failure: s.failure}
	}
	return aborted, "ExecutionAborted", details{failure: failure{cause: "The local runtime ended."}}
}

func (s *stopped) Error() string { return "stopped" }

// startRequest is what StartExecution is asked, by the API or by a Task.
type startRequest struct {
	machineARN string
	name       string // "": one is made
	input      string // "": {}
}

// start starts an execution. The error is an *apiError.
func (e *Engine) start(r startRequest) (*execution, error) {
	if r.input == "" {
		r.input = "{}"
	}
	if len(r.input) > maxData {
		return nil, invalid("input", "Member must have length less than or equal to 262144")
	}
	input, err := value.Decode([]byte(r.input))
	if err != nil {
		return nil, &apiError{"InvalidExecutionInput", "Invalid State Machine Execution Input: '" + err.Error() + "'"}
	}
	if r.name == "" {
		r.name = asl.UUID()
	} else if err := checkName(r.name); err != nil {
		return nil, err
	}

	e.mu.Lock()
	defer e.mu.Unlock()
	m, ok := e.machines[r.machineARN]
	if !ok {
		return nil, noMachine(r.machineARN)
	}
	if e.shut {
		return nil, &apiError{"ServiceUnavailable", "The local runtime is ending."}
	}
	kind, suffix := "execution", ""
	if m.express {
		kind, suffix = "express", ":"+asl.UUID()
	}
	arn := "arn:aws:states:" + Region + ":" + Account + ":" + kind + ":" + m.name + ":" + r.name + suffix
	if old, ok := e.executions[arn]; ok {
		if old.machine == m && old.inputText == r.input && old.current() == running {
			return old, nil // the same start again
		}
		return nil, &apiError{"ExecutionAlreadyExists", "Execution Already Exists: '" + arn + "'"}
	}
	e.sequence++
	x := &execution{
		engine: e, machine: m, revision: m.current, arn: arn, name: r.name, express: m.express,
		inputText: r.input, input: input, started: time.Now(), sequence: e.sequence,
		done: make(chan struct{}), status: running,
	}
	if !x.express {
		e.executions[arn] = x
		m.runs = append(m.runs, x)
	}
	e.work.Add(1)
	x.begin()
	return x, nil
}

func (x *execution) current() string {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.status
}

// stop ends an execution, and waits until it has ended. It gives when that was.
func (x *execution) stop(name, cause string) time.Time {
	x.cancel(&stopped{failure{name: name, cause: cause}})
	<-x.done
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.ended
}

// checkName holds a name to what Step Functions allows in one.
func checkName(name string) error {
	bad := name == "" || len([]rune(name)) > 80 || strings.ContainsAny(name, " <>{}[]?*\"#%\\^|~`$&,;:/\t\n\r")
	for _, r := range name {
		bad = bad || r < ' ' || r >= 0x7f && r <= 0x9f
	}
	if bad {
		return &apiError{"InvalidName", "Invalid Name: '" + name + "'"}
	}
	return nil
}
