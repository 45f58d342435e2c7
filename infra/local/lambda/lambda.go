// Package lambda is the embedded runtime's Lambda: it hosts functions by name,
// invokes them as AWS Lambda does, and serves the Invoke API over HTTP.
//
// A function is a lambda.Handler of aws-lambda-go, run in this process by
// default. It is given what Lambda gives it: a context with the function's
// deadline and its lambdacontext, and a JSON payload. What comes back is what
// Lambda's Go runtime would have sent: a JSON payload, or an error document
// whose errorType is the Go type name of the outermost error.
//
// Not promised: one environment serves one request at a time on AWS, while a
// handler in this process is called concurrently (package runtimeapi runs a
// function's file in processes of its own, as AWS does); an asynchronous
// invocation that fails is not repeated; versions and aliases are all $LATEST.
package lambda

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	awslambda "github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"

	"github.com/waypost/waypost/infra/local/awsport/awsjson"
)

// Limits of Lambda's Invoke, in bytes.
const (
	maxRequest = 6291456 // synchronous
	maxEvent   = 1 << 20 // asynchronous
	// MaxResponse bounds an answer. The Host reports a larger one.
	MaxResponse = 6291556
)

const (
	defaultTimeout = 40 * time.Second
	defaultMemory  = 256
	// maxAsync bounds the asynchronous invocations under way, and so the
	// memory that their payloads hold.
	maxAsync = 1000
)

// A Config is what a function is registered with.
type Config struct {
	Timeout     time.Duration // of one invocation; 0 means 40 s
	Memory      int           // MiB, only shown; 0 means 256
	Concurrency int           // invocations at once, beyond which they are refused; 0 means no limit

	// Restart makes a new handler after a panic or a timeout, as Lambda starts
	// a new environment; nil keeps the old one. For handlers in this process.
	Restart func() (awslambda.Handler, error)
}

// A Call is one invocation, as an Executor gets it. Its context has the deadline.
type Call struct {
	Function  string
	RequestID string
	ARN       string // of the function
	Payload   []byte
}

// An Executor runs a function's code. The in-process one calls a handler;
// runtimeapi.Function keeps child processes behind a runtime API.
type Executor interface {
	// Execute runs one invocation to its end and gives the payload that the
	// function answered, or with failed the error document that it reported.
	// It may return early when ctx ends; the Host reports the timeout.
	Execute(ctx context.Context, c Call) (payload []byte, failed bool)
	// Close frees what the executor holds. No Execute is under way.
	Close() error
}

// An Outcome is what an invocation came to: exactly one of a payload, a
// function's error, and a refusal.
type Outcome struct {
	RequestID string
	Payload   []byte         // the answer, or with FunctionError the error document
	Error     string         // "Unhandled" where the function failed, as X-Amz-Function-Error says; else empty
	Refused   *awsjson.Error // where Lambda would not run the function; its Code is an exception's name
}

// A Host holds functions and invokes them. Make one with New.
type Host struct {
	account, region string
	log             *slog.Logger

	base   context.Context // ends when the host closes; invocations outlive their callers
	cancel context.CancelFunc
	async  chan struct{}

	mu        sync.Mutex
	closed    bool
	functions map[string]*function
	running   sync.WaitGroup
}

type function struct {
	name     string
	cfg      Config
	executor Executor
	slots    chan struct{} // nil: no limit
	modified time.Time
}

// Account and region of the embedded runtime: those that a Host shows in ARNs
// where its Options name none.
const (
	DefaultAccount = "000000000000"
	DefaultRegion  = "us-east-1"
)

// Options are a Host's settings; the zero value is useful.
type Options struct {
	Account, Region string
	Log             *slog.Logger // nil discards; never given payloads
}

// New makes a Host without functions.
func New(o Options) *Host {
	h := &Host{
		account:   cmp.Or(o.Account, DefaultAccount),
		region:    cmp.Or(o.Region, DefaultRegion),
		log:       o.Log,
		async:     make(chan struct{}, maxAsync),
		functions: map[string]*function{},
	}
	if h.log == nil {
		h.log = slog.New(slog.DiscardHandler)
	}
	h.base, h.cancel = context.WithCancel(context.Background())
	return h
}

// Register adds a function, or replaces the one of this name, run by its
// handler in this process. Invocations under way end as they began.
func (h *Host) Register(name string, handler awslambda.Handler, cfg Config) {
	h.RegisterExecutor(name, &inProcess{handler: handler, restart: cfg.Restart, log: h.log}, cfg)
}

// RegisterExecutor adds or replaces a function that an Executor runs.
func (h *Host) RegisterExecutor(name string, e Executor, cfg Config) {
	cfg.Timeout = cmp.Or(cfg.Timeout, defaultTimeout)
	cfg.Memory = cmp.Or(cfg.Memory, defaultMemory)
	f := &function{name: name, cfg: cfg, executor: e, modified: time.Now()}
	if cfg.Concurrency > 0 {
		f.slots = make(chan struct{}, cfg.Concurrency)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.functions[name] = f
}

// ARN gives a function's ARN, whether or not it is registered.
func (h *Host) ARN(name string) string {
	return fmt.Sprintf("arn:aws:lambda:%s:%s:function:%s", h.region, h.account, name)
}

// Invoke runs a function once and waits for its end. The function is named by
// its name or ARN. A caller whose ctx ends gets a refusal, but the invocation
// goes on, as on AWS, until the function's deadline or the host's Close.
func (h *Host) Invoke(ctx context.Context, name string, payload []byte) Outcome {
	if len(payload) == 0 {
		payload = []byte("{}")
	}
	id := awsjson.RequestID()
	start, refused := h.admit(id, name, payload, maxRequest)
	if refused != nil {
		return Outcome{RequestID: id, Refused: refused}
	}
	done := make(chan Outcome, 1)
	go func() { done <- start() }()
	select {
	case out := <-done:
		return out
	case <-ctx.Done():
		return Outcome{RequestID: id, Refused: serviceError("the caller went away before the function ended")}
	}
}

// InvokeAsync runs a function once and does not wait. It gives the invocation's
// request id, or why it was refused.
func (h *Host) InvokeAsync(name string, payload []byte) (string, *awsjson.Error) {
	if len(payload) == 0 {
		payload = []byte("{}")
	}
	select {
	case h.async <- struct{}{}:
	default:
		return "", tooMany("ConcurrentInvocationLimitExceeded")
	}
	id := awsjson.RequestID()
	start, refused := h.admit(id, name, slices.Clone(payload), maxEvent)
	if refused != nil {
		<-h.async
		return "", refused
	}
	go func() {
		defer func() { <-h.async }()
		start()
	}()
	return id, nil
}

// admit checks an invocation against Lambda's rules and takes its slot. The
// function that it returns must be called: it runs the invocation and gives
// the slot back.
func (h *Host) admit(id, name string, payload []byte, limit int) (func() Outcome, *awsjson.Error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	f := h.functions[baseName(name)]
	switch {
	case h.closed:
		return nil, serviceError("the local runtime is stopping")
	case f == nil:
		return nil, h.notFound(name)
	case len(payload) > limit:
		return nil, &awsjson.Error{Status: http.StatusRequestEntityTooLarge, Code: "RequestTooLargeException",
			Message: fmt.Sprintf("Request must be smaller than %d bytes for the InvokeFunction operation", limit)}
	case !json.Valid(payload):
		return nil, awsjson.Errorf("InvalidRequestContentException", "Could not parse request body into json: the payload is not valid JSON")
	}
	if f.slots != nil {
		select {
		case f.slots <- struct{}{}:
		default:
			return nil, tooMany("ReservedFunctionConcurrentInvocationLimitExceeded")
		}
	}
	h.running.Add(1)
	return func() Outcome {
		// The slot is the handler's, not the invocation's: a handler that
		// ignores its deadline still runs.
		release := func() {
			if f.slots != nil {
				<-f.slots
			}
			h.running.Done()
		}
		return h.run(f, Call{Function: f.name, RequestID: id, ARN: h.ARN(f.name), Payload: payload}, release)
	}, nil
}

// run calls the function's executor and judges how it ended.
func (h *Host) run(f *function, c Call, release func()) Outcome {
	ctx, cancel := context.WithTimeout(h.base, f.cfg.Timeout)
	defer cancel()
	ctx = lambdacontext.NewContext(ctx, &lambdacontext.LambdaContext{AwsRequestID: c.RequestID, InvokedFunctionArn: c.ARN})

	type result struct {
		payload []byte
		failed  bool
	}
	done := make(chan result, 1)
	go func() {
		defer release()
		payload, failed := f.executor.Execute(ctx, c)
		done <- result{payload, failed}
	}()
	var r result
	select {
	case r = <-done:
	case <-ctx.Done():
	}
	// A handler that returns because its context ended loses to the deadline,
	// as it does on Lambda, whichever of the two was seen first.
	switch err := ctx.Err(); {
	case errors.Is(err, context.DeadlineExceeded):
		h.log.Warn("a function timed out", "function", f.name, "requestId", c.RequestID)
		f.restart()
		return failure(c, "Sandbox.Timedout", fmt.Sprintf("RequestId: %s Error: Task timed out after %.2f seconds", c.RequestID, f.cfg.Timeout.Seconds()))
	case err != nil:
		return failure(c, "Runtime.ExitError", fmt.Sprintf("RequestId: %s Error: the local runtime stopped", c.RequestID))
	case r.failed:
		return Outcome{RequestID: c.RequestID, Payload: r.payload, Error: "Unhandled"}
	case len(r.payload) > MaxResponse:
		return failure(c, "Function.ResponseSizeTooLarge", fmt.Sprintf("Response payload size exceeded maximum allowed payload size (%d bytes).", MaxResponse))
	}
	return Outcome{RequestID: c.RequestID, Payload: r.payload}
}

func (f *function) restart() {
	if p, ok := f.executor.(*inProcess); ok {
		p.renew()
	}
}

// Close refuses new invocations, cancels those that run, and waits until every
// handler has returned or ctx ends; then it closes the executors.
func (h *Host) Close(ctx context.Context) error {
	h.mu.Lock()
	h.closed = true
	h.mu.Unlock()
	h.cancel()
	done := make(chan struct{})
	go func() { h.running.Wait(); close(done) }()
	select {
	case <-done:
	case <-ctx.Done():
		return fmt.Errorf("functions that ignore their context still run: %w", ctx.Err())
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	var errs []error
	for _, f := range h.functions {
		errs = append(errs, f.executor.Close())
	}
	return errors.Join(errs...)
}

// failure is an Outcome that Lambda itself reports about a function.
func failure(c Call, errorType, message string) Outcome {
	return Outcome{RequestID: c.RequestID, Error: "Unhandled", Payload: ErrorDocument(errorType, message)}
}

func serviceError(message string) *awsjson.Error {
	return &awsjson.Error{Status: http.StatusInternalServerError, Code: "ServiceException", Message: message}
}

func tooMany(reason string) *awsjson.Error {
	return &awsjson.Error{Status: http.StatusTooManyRequests, Code: "TooManyRequestsException", Message: "Rate Exceeded. Reason: " + reason}
}

func (h *Host) notFound(name string) *awsjson.Error {
	return &awsjson.Error{Status: http.StatusNotFound, Code: "ResourceNotFoundException", Message: "Function not found: " + h.ARN(baseName(name))}
}

// baseName takes a function's bare name out of any of the forms that Lambda
// accepts: name, name:qualifier, account:function:name, and ARNs of both.
func baseName(name string) string {
	if _, after, ok := strings.Cut(name, "function:"); ok {
		name = after
	}
	name, _, _ = strings.Cut(name, ":")
	return name
}
