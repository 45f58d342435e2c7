package lambda

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"reflect"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"

	awslambda "github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambda/messages"
)

// inProcess runs a handler in this process, and reports its failures as
// aws-lambda-go's own runtime loop does.
type inProcess struct {
	restart func() (awslambda.Handler, error)
	log     *slog.Logger

	mu      sync.Mutex
	handler awslambda.Handler
	cold    bool // the handler panicked or timed out since it was made
}

// Execute calls the handler, a new one where the last one died.
func (p *inProcess) Execute(ctx context.Context, c Call) (payload []byte, failed bool) {
	handler, err := p.current()
	if err != nil {
		return ErrorDocument("Runtime.InitError", err.Error()), true
	}
	defer func() {
		if v := recover(); v != nil {
			p.renew()
			// The stack is for whoever wrote the handler; the caller gets
			// what Lambda would give.
			p.log.ErrorContext(ctx, "a function panicked", "function", c.Function, "requestId", c.RequestID, "panic", v, "stack", string(debug.Stack()))
			payload, failed = marshalError(panicError(v)), true
		}
	}()
	payload, err = handler.Invoke(ctx, c.Payload)
	if err != nil {
		return marshalError(handlerError(err)), true
	}
	return payload, false
}

// Close has nothing to free.
func (p *inProcess) Close() error { return nil }

// renew has the next invocation start with a new handler.
func (p *inProcess) renew() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cold = true
}

func (p *inProcess) current() (awslambda.Handler, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cold && p.restart != nil {
		handler, err := p.restart()
		if err != nil {
			return nil, err
		}
		p.handler = handler
	}
	p.cold = false
	return p.handler, nil
}

// handlerError maps an error as aws-lambda-go's lambda/errors.go does: a value
// of InvokeResponse_Error is taken as it is, and any other error is named by
// its outermost Go type, without package or pointer.
func handlerError(err error) messages.InvokeResponse_Error {
	if e, ok := err.(messages.InvokeResponse_Error); ok { //nolint:errorlint // a wrapped one has its wrapper's name there too
		return e
	}
	return messages.InvokeResponse_Error{Message: err.Error(), Type: typeName(err)}
}

// panicError maps a panic's value likewise, and adds the stack.
func panicError(v any) messages.InvokeResponse_Error {
	if e, ok := v.(messages.InvokeResponse_Error); ok {
		return e
	}
	return messages.InvokeResponse_Error{Message: fmt.Sprintf("%v", v), Type: typeName(v), StackTrace: stack()}
}

func typeName(v any) string {
	t := reflect.TypeOf(v)
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return t.Name()
}

// maxFrames is how many frames aws-lambda-go reports.
const maxFrames = 32

// stack gives the frames of the panic under recovery, innermost first, with
// the path shortened to the package's, as no machine's folders belong in it.
func stack() []*messages.InvokeResponse_Error_StackFrame {
	pcs := make([]uintptr, maxFrames+8)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(1, pcs)])
	var out []*messages.InvokeResponse_Error_StackFrame
	panicked := false
	for {
		f, more := frames.Next()
		if panicked && len(out) < maxFrames {
			folder, label := "", f.Function
			if i := strings.LastIndex(label, "/"); i >= 0 {
				folder, label = label[:i+1], label[i+1:]
			}
			pkg, label, _ := strings.Cut(label, ".")
			file := f.File[strings.LastIndex(f.File, "/")+1:]
			out = append(out, &messages.InvokeResponse_Error_StackFrame{Path: folder + pkg + "/" + file, Line: int32(f.Line), Label: label})
		}
		panicked = panicked || f.Function == "runtime.gopanic"
		if !more {
			return out
		}
	}
}

// ErrorDocument is what Lambda reports of a failed invocation, as JSON.
func ErrorDocument(errorType, message string) []byte {
	return marshalError(messages.InvokeResponse_Error{Message: message, Type: errorType})
}

func marshalError(e messages.InvokeResponse_Error) []byte {
	doc, err := json.Marshal(e)
	if err != nil { // strings and numbers always encode
		return []byte(`{"errorMessage":"the error could not be encoded","errorType":"Runtime.MarshalError"}`)
	}
	return doc
}
