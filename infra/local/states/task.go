package states

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/waypost/waypost/infra/local/states/asl"
	"github.com/waypost/waypost/infra/local/states/value"
)

// A try is one attempt of a Task: what its events say, and its time.
type try struct {
	frame *frame
	state *asl.State
	plain bool // the resource is a function's own ARN: the events are Lambda's
	about details
	timer <-chan time.Time // the Task's time is over
	beat  *beat
}

// task makes one attempt of a Task state, and gives its result.
func (f *frame) task(s *asl.State, input any) (any, error) {
	var w *waiter
	if s.Resource.Token {
		f.token, w = f.x.engine.newToken()
		defer func() {
			f.x.engine.dropToken(f.token)
			f.token = ""
		}()
	}
	in, err := f.input(s, input)
	if err != nil {
		return nil, err
	}
	params := in
	if s.Parameters != nil {
		if params, err = f.fill(s.Parameters, in); err != nil {
			return nil, err
		}
	}
	t := &try{frame: f, state: s, plain: s.Resource.Integration == asl.LambdaFunction}
	t.about.kind, t.about.resource = s.Resource.Kind()
	scheduled := t.about
	scheduled.params, scheduled.value = params, params
	if scheduled.timeout, err = f.seconds(s.Timeout, "TimeoutSeconds", in); err != nil {
		return nil, err
	}
	if scheduled.beat, err = f.seconds(s.Heartbeat, "HeartbeatSeconds", in); err != nil {
		return nil, err
	}
	t.record("Scheduled", scheduled)
	t.record("Started", t.about)
	if scheduled.timeout > 0 {
		timer := time.NewTimer(time.Duration(scheduled.timeout) * time.Second)
		defer timer.Stop()
		t.timer = timer.C
	}
	t.beat = newBeat(w, time.Duration(scheduled.beat)*time.Second)
	defer t.beat.stop()

	result, err := t.call(params, w)
	if err != nil {
		return nil, t.failed(err)
	}
	if value.Size(result) > maxData {
		return nil, t.failed(tooLarge(t.name()))
	}
	done := t.about
	done.value = result
	t.record("Succeeded", done)
	return result, nil
}

// seconds gives a timeout; one that a path selects must be above 0.
func (f *frame) seconds(a asl.Amount, field string, in any) (int, error) {
	n, err := f.amount(a, field, in)
	if err == nil && a.Set && n == 0 {
		err = f.runtimeFailure(fmt.Errorf("The %sPath field must refer to a positive value: %s", field, a.Path))
	}
	return n, err
}

// name is what an error about the Task's result calls it.
func (t *try) name() string {
	if t.plain {
		return t.about.resource
	}
	return t.about.kind
}

func (t *try) record(what string, d details) {
	if t.plain {
		t.frame.record("LambdaFunction"+what, d)
		return
	}
	t.frame.record("Task"+what, d)
}

// failed records that the attempt failed, unless it was interrupted.
func (t *try) failed(err error) error {
	fault, ok := errors.AsType[*failure](err)
	if !ok {
		return err
	}
	d := t.about
	d.failure = *fault
	what := "Failed"
	if fault.late {
		what = "TimedOut"
	}
	t.record(what, d)
	return fault
}

// call does what the Task is for.
func (t *try) call(params any, w *waiter) (any, error) {
	switch t.state.Resource.Integration {
	case asl.LambdaFunction:
		answer, err := t.invoke(functionName(t.state.Resource.ARN), value.Append(nil, params), w)
		if err != nil {
			return nil, err
		}
		return answer.body, nil
	case asl.StartExecution:
		return t.startExecution(params)
	}
	o, _ := params.(*value.Object)
	ref, _ := o.Get("FunctionName")
	name, ok := ref.(string)
	if !ok || name == "" {
		return nil, t.frame.runtimeFailure(fmt.Errorf("The Parameters '%s' could not be used to start the Task: "+
			"[The value of the field 'FunctionName' has an invalid format]", value.Encode(params)))
	}
	answer, err := t.invoke(functionName(name), payload(o), w)
	if err != nil {
		return nil, err
	}
	if w == nil {
		return answer.envelope(), nil
	}
	return t.await(w, answer)
}

// payload gives the bytes of lambda:invoke's Payload: {} without one, and a
// string that holds JSON as that JSON.
func payload(o *value.Object) []byte {
	v, ok := o.Get("Payload")
	if !ok {
		return []byte("{}")
	}
	if s, ok := v.(string); ok && json.Valid([]byte(s)) {
		return []byte(s)
	}
	return value.Append(nil, v)
}

// functionName gives the name in a function's ARN or partial ARN, without its
// qualifier: the local runtime has one version of each.
func functionName(ref string) string {
	parts := strings.Split(ref, ":")
	for i, p := range parts {
		if p == "function" && i+1 < len(parts) {
			return parts[i+1]
		}
	}
	return parts[0]
}

// An answer is what an invocation gave.
type answer struct {
	body any
	size int
	err  error
	at   time.Time
	// token is the callback that came before the function ended, where one did.
	token *callback
}

// invoke runs a function, until the Task's time is over. The function itself
// goes on after that, as it does on AWS.
func (t *try) invoke(name string, payload []byte, w *waiter) (*answer, error) {
	e := t.frame.x.engine
	ended := make(chan *answer, 1)
	if !e.spawn(func() {
		body, err := e.invoker.Invoke(e.base, name, payload)
		ended <- &answer{body: body, size: len(body), err: err, at: time.Now()}
	}) {
		return nil, errClosed
	}
	// A function may call back before it ends, and even die after that. The
	// callback then says how the Task ended, for SendTaskSuccess was answered
	// as a success; but the events wait for the function, to be in order.
	var early *callback
	var calls <-chan callback
	if w != nil {
		calls = w.done
	}
	for {
		select {
		case a := <-ended:
			a.token = early
			if a.err != nil {
				if early != nil { // the callback said how it ended; what the function did since is no matter
					return &answer{token: early}, nil
				}
				return nil, t.lambdaFailure(a.err)
			}
			a.decode()
			return a, nil
		case c := <-calls:
			early, calls = &c, nil
		case <-t.beat.beats:
			t.beat.reset()
		case <-t.beat.missed:
			return nil, &failure{name: asl.ErrTimeout, late: true, silent: true}
		case <-t.timer:
			return nil, &failure{name: asl.ErrTimeout, late: true}
		case <-t.frame.ctx.Done():
			return nil, t.frame.ctx.Err()
		}
	}
}

// decode reads the answer's JSON. What is none counts as a string.
func (a *answer) decode() {
	body, _ := a.body.([]byte)
	switch v, err := value.Decode(body); {
	case len(body) == 0:
		a.body = nil
	case err != nil:
		a.body = strings.ToValidUTF8(string(body), "\uFFFD")
	default:
		a.body = v
	}
}

// envelope gives lambda:invoke's result, with the metadata of the call as the
// SDK for Java shows it.
func (a *answer) envelope() any {
	return withMetadata(value.Of("ExecutedVersion", "$LATEST", "Payload", a.body), a.at, a.size, "application/json",
		"X-Amz-Executed-Version", "$LATEST").With("StatusCode", value.Int(http.StatusOK))
}

// withMetadata appends what Step Functions tells of an SDK call.
func withMetadata(o *value.Object, at time.Time, size int, contentType string, more ...string) *value.Object {
	id := asl.UUID()
	pairs := append([]string{"Connection", "keep-alive", "Content-Length", strconv.Itoa(size), "Content-Type", contentType,
		"Date", at.UTC().Format(http.TimeFormat), "x-amzn-RequestId", id}, more...)
	all, plain := value.NewObject(len(pairs)/2), value.NewObject(len(pairs)/2)
	for i := 0; i < len(pairs); i += 2 {
		all.Set(pairs[i], []any{pairs[i+1]})
		plain.Set(pairs[i], pairs[i+1])
	}
	o.Set("SdkHttpMetadata", value.Of("AllHttpHeaders", all, "HttpHeaders", plain, "HttpStatusCode", value.Int(http.StatusOK)))
	o.Set("SdkResponseMetadata", value.Of("RequestId", id))
	return o
}

// lambdaFailure names what went wrong with an invocation as Step Functions does.
func (t *try) lambdaFailure(err error) error {
	if fe, ok := errors.AsType[*FunctionError](err); ok {
		v, _ := value.Decode(fe.Payload)
		if o, ok := v.(*value.Object); ok {
			if name, _ := o.Get("errorType"); name != nil && name != "" {
				return newFailure(fmt.Sprint(name), string(fe.Payload))
			}
		}
		return newFailure("Lambda.Unknown", "The cause could not be determined because Lambda did not return an error type. "+
			"Returned payload: "+string(fe.Payload))
	}
	if se, ok := errors.AsType[*ServiceError](err); ok {
		status := se.Status
		if status == 0 {
			status = http.StatusInternalServerError
		}
		return newFailure(se.Name, serviceCause(se.Message, "AWSLambda", status, strings.TrimPrefix(se.Name, "Lambda.")))
	}
	if errors.Is(err, context.Canceled) && t.frame.x.engine.base.Err() != nil {
		return context.Canceled // the engine closes
	}
	t.frame.x.engine.log.Error("invoking a function failed", "error", err)
	return newFailure("Lambda.Unknown", "The cause could not be determined because Lambda did not return an error type.")
}

func serviceCause(message, service string, status int, code string) string {
	return fmt.Sprintf("%s (Service: %s; Status Code: %d; Error Code: %s; Request ID: %s; Proxy: null)",
		message, service, status, code, asl.UUID())
}

// startExecution starts another execution, and does not wait for it.
func (t *try) startExecution(params any) (any, error) {
	o, _ := params.(*value.Object)
	r := startRequest{}
	for _, p := range []struct {
		key string
		to  *string
	}{{"StateMachineArn", &r.machineARN}, {"Name", &r.name}, {"Input", &r.input}} {
		v, ok := o.Get(p.key)
		if !ok {
			continue
		}
		s, isText := v.(string)
		switch {
		case isText:
			*p.to = s
		case p.key != "Input":
			return nil, t.frame.runtimeFailure(fmt.Errorf("The Parameters '%s' could not be used to start the Task: "+
				"[The value of the field '%s' has an invalid format]", value.Encode(params), p.key))
		case v != nil:
			*p.to = value.Encode(v)
		}
	}
	x, err := t.frame.x.engine.start(r)
	if a, ok := errors.AsType[*apiError](err); ok {
		return nil, newFailure("StepFunctions."+a.name+"Exception",
			serviceCause(a.message, "AWSStepFunctions", http.StatusBadRequest, a.name))
	}
	return withMetadata(value.Of("ExecutionArn", x.arn), time.Now(), 164, "application/x-amz-json-1.0").
		With("StartDate", instant(x.started)), nil
}

// spawn runs f in a goroutine that Close waits for, unless the engine is closed.
func (e *Engine) spawn(f func()) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.shut {
		return false
	}
	e.work.Go(f)
	return true
}
