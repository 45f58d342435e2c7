package runtimeapi

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os/exec"
	"path/filepath"
	"sync"
	"time"

	"github.com/waypost/waypost/infra/local/lambda"
)

// An environment is one process of a function and the runtime API that it
// polls. Whoever takes it from the function has it alone, assigns one
// invocation and waits; an answer makes it idle, and its process's end makes it
// gone for good:
//
//	start ──> take ──> assign ──> work ──> answer ──> release ──> idle
//	            └───────────┴───────┴── the process ends ──> gone
type environment struct {
	function *Function
	cmd      *exec.Cmd
	said     *lines
	work     chan *invocation // unbuffered: a poll takes it
	polled   chan struct{}    // closed at the first poll
	gone     chan struct{}    // closed once the process has ended
	ended    error            // how it ended; read it after gone

	mu      sync.Mutex
	current *invocation // assigned and not answered
	initial []byte      // the error document that its start reported
}

// An invocation is a Call on its way through an environment.
type invocation struct {
	lambda.Call
	deadline time.Time
	handed   bool        // the process has it; the environment's mu guards it
	answer   chan answer // holds one
}

type answer struct {
	payload []byte
	failed  bool
}

// start starts an environment, and does not wait for its first poll.
func (f *Function) start() (*environment, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("no port for a runtime API: %w", err)
	}
	e := &environment{function: f, said: &lines{log: f.cfg.Log.With("function", f.cfg.Name)},
		work: make(chan *invocation), polled: make(chan struct{}), gone: make(chan struct{})}
	e.cmd = exec.Command(f.cfg.File)
	e.cmd.Dir = filepath.Dir(f.cfg.File) // as on Lambda, whose folder holds nothing else
	e.cmd.Env = append([]string{"AWS_LAMBDA_RUNTIME_API=" + l.Addr().String()}, f.env...)
	e.cmd.Stdout, e.cmd.Stderr = e.said, e.said
	e.cmd.WaitDelay = time.Second // for what a process of its own may keep open
	e.cmd.SysProcAttr = attributes()
	if err := e.cmd.Start(); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	// It may poll before anybody serves: the connection waits at the listener.
	server := &http.Server{Handler: e.handler(), ReadHeaderTimeout: initTime}
	go func() { _ = server.Serve(l) }() // it ends with the process
	kept := f.add(e)
	go func() {
		e.ended = e.cmd.Wait()
		f.forget(e)
		_ = server.Close() // nobody is left to answer
		e.said.flush()
		close(e.gone)
	}()
	if !kept {
		e.end()
		return nil, errors.New("the local runtime is stopping")
	}
	return e, nil
}

// assign has the environment take inv at its next poll.
func (e *environment) assign(inv *invocation) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.current = inv
}

// await waits for the answer of an invocation that the process took.
func (e *environment) await(ctx context.Context, inv *invocation) (payload []byte, failed bool) {
	select {
	case a := <-inv.answer:
		return a.payload, a.failed
	case <-e.gone:
	case <-ctx.Done():
	}
	if !e.abandon(inv) { // it was answered just now
		a := <-inv.answer
		return a.payload, a.failed
	}
	e.end()
	return e.failure(inv.Call), true
}

// abandon takes an invocation back, so that no answer counts any more. It is
// false where there is one already.
func (e *environment) abandon(inv *invocation) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.current != inv {
		return false
	}
	e.current = nil
	return true
}

// finish answers the invocation of this id, and makes the environment idle. It
// is false where no such invocation is under way.
func (e *environment) finish(id string, a answer) bool {
	e.mu.Lock()
	inv := e.current
	if inv == nil || !inv.handed || inv.RequestID != id {
		e.mu.Unlock()
		return false
	}
	e.current = nil
	e.mu.Unlock()
	// Idle first: a caller that has its answer finds the environment free.
	e.function.release(e)
	inv.answer <- a
	return true
}

func (e *environment) hasPolled() bool {
	select {
	case <-e.polled:
		return true
	default:
		return false
	}
}

// kill ends the process at once. One that has ended stays ended.
func (e *environment) kill() { _ = e.cmd.Process.Kill() }

// end kills the process and waits until it is gone.
func (e *environment) end() {
	e.kill()
	<-e.gone
}

// failure is the error document of an invocation whose process has ended: what
// its start reported, or how it ended.
func (e *environment) failure(c lambda.Call) []byte {
	e.mu.Lock()
	defer e.mu.Unlock()
	switch {
	case e.initial != nil:
		return e.initial
	case e.ended == nil:
		return failure(c, "Runtime.ExitError", "Runtime exited without providing a reason")
	}
	return failure(c, "Runtime.ExitError", "Runtime exited with error: "+e.ended.Error())
}

// why says how a process ended that never polled.
func (e *environment) why() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	switch last := e.said.last(); {
	case e.initial != nil:
		return fmt.Errorf("its start failed with %s", e.initial)
	case last != "":
		return errors.New(last)
	case e.ended != nil:
		return e.ended
	}
	return errors.New("it exited without a word")
}

// failure is an error document in Lambda's words.
func failure(c lambda.Call, errorType, message string) []byte {
	return lambda.ErrorDocument(errorType, "RequestId: "+c.RequestID+" Error: "+message)
}
