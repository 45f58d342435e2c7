// Package awserror makes errors of the AWS SDK fit for a log. A service that
// refuses a request's values often repeats them ("Value '…' at 'input' failed
// to satisfy constraint"), and those are customers' data. What the log has
// instead is the operation, the status, the request's id and the error's code.
//
// It is for the adapters: each error that one wraps as a cause goes through Loggable.
package awserror

import (
	"errors"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"
)

// harmless are codes whose messages name roles, tables and quotas, never a
// request's values, and which an operator needs to mend a deployment.
var harmless = []string{
	"AccessDenied", "AccessDeniedException", "ExpiredTokenException", "InvalidSignatureException", "MissingAuthenticationTokenException", "UnrecognizedClientException",
	"ProvisionedThroughputExceededException", "RequestLimitExceeded", "ResourceNotFoundException", "StateMachineDoesNotExist", "ThrottlingException",
}

// Loggable gives an error that holds err, and whose text repeats no value of
// the request. Errors that are not a service's (no connection, no time left)
// keep their text.
func Loggable(err error) error {
	api, ok := errors.AsType[smithy.APIError](err)
	if !ok {
		return err
	}
	text := api.ErrorCode()
	if slices.Contains(harmless, text) {
		text += ": " + api.ErrorMessage()
	}
	if r, ok := errors.AsType[*http.ResponseError](err); ok {
		text = fmt.Sprintf("status %d, request %s, %s", r.HTTPStatusCode(), r.ServiceRequestID(), text)
	}
	if op, ok := errors.AsType[*smithy.OperationError](err); ok {
		text = op.Service() + " " + op.Operation() + ": " + text
	}
	return &loggable{text, err}
}

type loggable struct {
	text  string
	cause error
}

func (e *loggable) Error() string { return e.text }

func (e *loggable) Unwrap() error { return e.cause }
