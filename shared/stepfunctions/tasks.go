package stepfunctions

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/sfn"

	"github.com/waypost/waypost/shared/awserror"
	"github.com/waypost/waypost/shared/fault"
)

// Succeed implements delivery.Tasks.
func (s *Service) Succeed(ctx context.Context, token, result string) error {
	_, err := s.Client.SendTaskSuccess(ctx, &sfn.SendTaskSuccessInput{TaskToken: &token, Output: &result})
	return woken(err)
}

// Fail implements delivery.Tasks. Step Functions takes 256 characters of a name
// and 32,768 of a cause.
func (s *Service) Fail(ctx context.Context, token, name, cause string) error {
	_, err := s.Client.SendTaskFailure(ctx, &sfn.SendTaskFailureInput{TaskToken: &token, Error: &name, Cause: &cause})
	return woken(err)
}

// woken tells a Task that no longer waits from a failing service.
func woken(err error) error {
	if err == nil {
		return nil
	}
	switch code(err) {
	case "TaskTimedOut", "TaskDoesNotExist", "InvalidToken":
		return fault.Wrap(awserror.Loggable(err), fault.NotFound, "no task waits under this token")
	}
	return failed(err, "the step could not be woken")
}
