package rig

import (
	"context"
	"errors"
	"regexp"
	"sync"
	"time"

	awslambda "github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambda/messages"

	"github.com/waypost/waypost/infra/local/urls"
	"github.com/waypost/waypost/shared/assemble"
	"github.com/waypost/waypost/shared/assemble/action"
	"github.com/waypost/waypost/shared/delivery"
	"github.com/waypost/waypost/shared/lambdaedge"
	"net/http"
	"slices"
	"strings"
)

// A Death is how an invocation dies: at its At-th operation, from 1, which is
// performed, so that only its answer is lost, or is not. What was on its way
// at that moment is performed. Whatever the invocation tries afterwards has no effect.
type Death struct {
	At        int
	Performed bool
	// Hangs has the function die by its timeout of 40 s, instead of at once.
	Hangs bool
}

// A Fault is what AWS does wrong with a request.
type Fault int

// The faults; the SDK sees a status of 500 in both cases.
const (
	Works   Fault = iota
	Refuses       // the request is not performed
	Loses         // it is performed, and its answer is lost
)

// An Op is one operation of a function: a request to AWS, or to the endpoint.
type Op struct {
	Function string
	Name     string // "UpdateItem ledger"; "endpoint"
	Body     string // of the request to AWS
	Began    time.Time
	Ended    time.Time
}

// A plan is for whom deaths are meant.
type plan struct {
	subject  string // an event's id
	function string
	part     Part
}

// A Part is which of a step's Tasks an invocation serves, by what the Task asks
// for; the ordinary one asks for nothing.
type Part string

// The parts that are not the ordinary one.
const (
	GivingUp Part = "giveUp"
	Awaiting Part = "await"
	Late     Part = "late"
)

func partOf(payload []byte) Part {
	for _, p := range []Part{GivingUp, Awaiting, Late} {
		if strings.Contains(string(payload), `"`+string(p)+`":true`) {
			return p
		}
	}
	return ""
}

// Kill has the next invocations of a function on behalf of an event die, one
// for each death. The event's id must be of the form "case-1". The sweep serves
// no event: its subject is "".
func (w *World) Kill(subject, function string, deaths ...Death) {
	w.KillPart("", subject, function, deaths...)
}

// KillGivingUp does the same to the invocations that ask a function to give up.
func (w *World) KillGivingUp(subject, function string, deaths ...Death) {
	w.KillPart(GivingUp, subject, function, deaths...)
}

// KillPart does the same to the invocations of one part.
func (w *World) KillPart(part Part, subject, function string, deaths ...Death) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.plans[plan{subject, function, part}] = deaths
}

// Spared says whether fewer invocations of a function died for an event than were to.
func (w *World) Spared(subject, function string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, part := range []Part{"", GivingUp, Awaiting, Late} {
		if len(w.plans[plan{subject, function, part}]) > 0 {
			return true
		}
	}
	return false
}

// Ops are the functions' operations since the last call of Ops, those of
// invocations that died left out.
func (w *World) Ops() []Op {
	w.mu.Lock()
	defer w.mu.Unlock()
	ops := w.ops
	w.ops = nil
	return ops
}

// environment is a function as Lambda runs it, which can die.
type environment struct {
	world    *World
	function string
	make     assemble.Function

	mu   sync.Mutex
	warm awslambda.Handler
}

var subjectOf = regexp.MustCompile(`case-[0-9]+`)

// Invoke runs the function, and gives up on it when it dies.
func (e *environment) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	w := e.world
	inv := &invocation{world: w, function: e.function, died: make(chan struct{}),
		plan: plan{subjectOf.FindString(string(payload)), e.function, partOf(payload)}}
	// A dead function makes no more requests: its context ends, so that the SDK
	// doesn't repeat what cannot succeed.
	run, cancel := context.WithCancel(context.WithValue(ctx, invocationKey{}, inv))
	defer cancel()
	h := e.handler()
	type answer struct {
		payload []byte
		err     error
	}
	done := make(chan answer, 1)
	go func() {
		out, err := h.Invoke(run, payload)
		done <- answer{out, err}
	}()
	select {
	case a := <-done:
		if !inv.over() {
			return a.payload, a.err
		}
	case <-inv.died:
	}
	cancel()
	if inv.death.Hangs {
		<-ctx.Done() // the host reports the timeout
	}
	return nil, messages.InvokeResponse_Error{Type: "Runtime.ExitError", Message: "RequestId: … Error: Runtime exited"}
}

// handler gives the function's process: a new one where the world is cold. Only
// admin stays as it is: nobody kills it, and its API takes long to build.
func (e *environment) handler() awslambda.Handler {
	if e.world.Cold && e.function != "admin" {
		return e.make(e.world.Platform)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.warm == nil {
		e.warm = e.make(e.world.Platform)
	}
	return e.warm
}

// An invocation counts its operations.
type invocation struct {
	world    *World
	function string
	plan     plan
	died     chan struct{}
	death    Death

	mu    sync.Mutex
	count int
	dead  bool
}

type invocationKey struct{}

var errDead = errors.New("the function is dead")

func (i *invocation) over() bool {
	if i == nil {
		return false
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.dead
}

// reach counts an operation, and says whether the invocation dies at it.
func (i *invocation) reach() (Death, bool) {
	if i == nil {
		return Death{}, false
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.dead {
		return Death{}, false
	}
	i.count++
	w := i.world
	w.mu.Lock()
	defer w.mu.Unlock()
	deaths := w.plans[i.plan]
	if len(deaths) == 0 || deaths[0].At != i.count {
		return Death{}, false
	}
	i.death, i.dead = deaths[0], true
	if w.plans[i.plan] = deaths[1:]; len(deaths) == 1 {
		delete(w.plans, i.plan)
	}
	return i.death, true
}

// step makes one operation of a function: it takes its time, and here is where
// functions die and AWS fails.
func (w *World) step(ctx context.Context, name string, body []byte, perform, lose func()) error {
	inv, _ := ctx.Value(invocationKey{}).(*invocation)
	if inv.over() {
		return errDead
	}
	began, latency := time.Now(), 5*time.Millisecond
	if inv == nil {
		latency = 0 // the test's own
	} else if w.Latency != nil {
		latency = w.Latency(name)
	}
	time.Sleep(latency / 2) // a request that has left is performed, whoever dies meanwhile
	if death, dies := inv.reach(); dies {
		if death.Performed {
			perform()
		}
		close(inv.died)
		return errDead
	}
	fault := Works
	if w.Fail != nil && inv != nil {
		fault = w.Fail(name, body)
	}
	if fault != Refuses {
		perform()
	}
	if fault != Works {
		lose()
	}
	time.Sleep(latency / 2)
	if inv.over() {
		return errDead
	}
	if inv != nil {
		w.mu.Lock()
		w.ops = append(w.ops, Op{inv.function, name, string(body), began, time.Now()})
		w.mu.Unlock()
	}
	return nil
}

// action makes an action function whose endpoint is the world's.
func (w *World) action(providers ...delivery.Provider) assemble.Function {
	return func(platform *assemble.Platform) awslambda.Handler {
		own := slices.Clone(providers)
		for i := range own {
			own[i].Traits = w.traits(own[i].Traits)
		}
		return lambdaedge.Task(platform.Log, action.Pipeline(platform, w.Endpoint, own...).Deliver)
	}
}

func (w *World) url(function string) http.Handler { return urls.Handler(w.host, function) }
