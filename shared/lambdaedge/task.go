// Package lambdaedge is the one place that meets aws-lambda-go: it decodes
// what Lambda hands over, calls a handler, and turns its errors into what the
// caller understands. For a state machine that is an error name; for a
// function URL, a response.
package lambdaedge

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"log/slog"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambda/messages"

	"github.com/waypost/waypost/shared/delivery"
	"github.com/waypost/waypost/shared/fault"
	"github.com/waypost/waypost/shared/schema"
)

// Task makes the Lambda handler of a function that a state machine or a
// schedule calls with JSON.
func Task[In, Out any](log *slog.Logger, handle func(context.Context, In) (Out, error)) lambda.Handler {
	return bytesHandler(func(ctx context.Context, payload []byte) (any, error) {
		var in In
		if err := json.Unmarshal(payload, &in); err != nil {
			return nil, named(fault.NameInvalid, "the input is not what this function takes")
		}
		out, err := handle(ctx, in)
		if err != nil {
			return nil, stateError(ctx, log, err)
		}
		return out, nil
	})
}

// A bytesHandler is a lambda.Handler whose answers are its own. Those of
// lambda.NewHandler lie in a buffer that the next invocation writes: that is
// right on Lambda, which runs one at a time, and not where a process runs many.
type bytesHandler func(context.Context, []byte) (any, error)

// Invoke calls the handler and encodes its answer.
func (h bytesHandler) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	out, err := h(ctx, payload)
	if err != nil {
		return nil, err
	}
	return schema.Encode(out)
}

// named is an error that Lambda reports under a name: a value of this very
// type, never wrapped, since Lambda looks at the outermost error alone.
func named(name, message string) error {
	return messages.InvokeResponse_Error{Type: name, Message: message}
}

// stateError maps a handler's error to a name that machines know.
func stateError(ctx context.Context, log *slog.Logger, err error) error {
	if d, ok := errors.AsType[*delivery.Deferred](err); ok {
		return named(fault.NameDeferred, d.Error())
	}
	if s, ok := errors.AsType[*delivery.Stopped](err); ok {
		return named(s.Name(), s.Error())
	}
	switch fault.CodeOf(err) {
	case fault.Unavailable:
		log.LogAttrs(ctx, slog.LevelWarn, "a service did not answer", slog.Any("error", err))
		return named(fault.NameUnavailable, fault.Public(err))
	case fault.Internal:
		id := rand.Text()
		log.LogAttrs(ctx, slog.LevelError, "internal error", slog.String("id", id), slog.Any("error", err))
		return named(fault.NameInternal, "an internal error; the log has it under the id "+id)
	}
	log.LogAttrs(ctx, slog.LevelError, "the input cannot be processed", slog.Any("error", err))
	return named(fault.NameInvalid, fault.Public(err))
}
