// Package stepfunctions is the adapter to AWS Step Functions: it makes the
// journeys' machines, starts executions, and tells of them.
package stepfunctions

import (
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sfn/types"
	"github.com/aws/smithy-go"

	"github.com/waypost/waypost/shared/awserror"
	"github.com/waypost/waypost/shared/fault"
	"github.com/waypost/waypost/shared/journey"
	"github.com/waypost/waypost/shared/ledger"
)

// Service calls Step Functions. All fields but Tags must be set.
type Service struct {
	Client *sfn.Client
	// Role is the ARN of the role that journeys run under.
	Role string
	// Tags are put on every machine.
	Tags map[string]string
}

// Create implements catalog.Machines.
func (s *Service) Create(ctx context.Context, name string, m *journey.Machine) (string, error) {
	in := &sfn.CreateStateMachineInput{Name: &name, Definition: aws.String(string(m.Definition)), RoleArn: &s.Role, Type: types.StateMachineType(m.Type)}
	for key, value := range s.Tags {
		in.Tags = append(in.Tags, types.Tag{Key: &key, Value: &value})
	}
	out, err := s.Client.CreateStateMachine(ctx, in)
	if err == nil {
		return aws.ToString(out.StateMachineArn), nil
	}
	var exists *types.StateMachineAlreadyExists
	if !errors.As(err, &exists) {
		return "", failed(err, "the state machine "+name+" could not be made")
	}
	arn, err := s.find(ctx, name)
	if err != nil {
		return "", err
	}
	if _, err := s.Client.UpdateStateMachine(ctx, &sfn.UpdateStateMachineInput{StateMachineArn: &arn, Definition: in.Definition, RoleArn: &s.Role}); err != nil {
		return "", failed(err, "the state machine "+name+" could not be replaced")
	}
	return arn, nil
}

// find gives the ARN of a machine by its name.
func (s *Service) find(ctx context.Context, name string) (string, error) {
	pages := sfn.NewListStateMachinesPaginator(s.Client, &sfn.ListStateMachinesInput{})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return "", failed(err, "the state machines could not be listed")
		}
		for _, m := range page.StateMachines {
			if aws.ToString(m.Name) == name {
				return aws.ToString(m.StateMachineArn), nil
			}
		}
	}
	return "", fault.New(fault.Unavailable, "the state machine %s exists, and is not listed yet", name)
}

// Start implements entry.Machines.
func (s *Service) Start(ctx context.Context, machine, name, input string) error {
	_, err := s.Client.StartExecution(ctx, &sfn.StartExecutionInput{StateMachineArn: &machine, Name: &name, Input: &input})
	var exists *types.ExecutionAlreadyExists
	switch {
	case err == nil, errors.As(err, &exists):
		return nil
	case refusal(err):
		return fault.Wrap(awserror.Loggable(err), fault.Conflict, "Step Functions refused the execution: %s", code(err))
	}
	return failed(err, "the execution could not be started")
}

// refusal says whether a start would be refused again.
func refusal(err error) bool {
	switch code(err) {
	case "StateMachineDoesNotExist", "StateMachineDeleting", "InvalidArn", "InvalidExecutionInput", "InvalidName", "ValidationException":
		return true
	}
	return false
}

func code(err error) string {
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		return api.ErrorCode()
	}
	return ""
}

// Running implements sweep.Runs.
func (s *Service) Running(ctx context.Context, arn string) (bool, error) {
	if arn == "" {
		return false, nil
	}
	out, err := s.Client.DescribeExecution(ctx, &sfn.DescribeExecutionInput{ExecutionArn: &arn})
	var missing *types.ExecutionDoesNotExist
	switch {
	case errors.As(err, &missing), code(err) == "StateMachineTypeNotSupported", code(err) == "InvalidArn":
		return false, nil // gone, or an Express one, which nobody can ask about
	case err != nil:
		return false, failed(err, "the execution could not be described")
	}
	return out.Status == types.ExecutionStatusRunning || out.Status == types.ExecutionStatusPendingRedrive, nil
}

// Describe implements admin.Executions.
func (s *Service) Describe(ctx context.Context, arn string) (ledger.Run, error) {
	out, err := s.Client.DescribeExecution(ctx, &sfn.DescribeExecutionInput{ExecutionArn: &arn})
	if err != nil {
		return ledger.Run{}, missing(err)
	}
	return ledger.Run{Status: string(out.Status), Started: aws.ToTime(out.StartDate), Stopped: aws.ToTime(out.StopDate),
		Error: aws.ToString(out.Error), Cause: aws.ToString(out.Cause)}, nil
}

// Visits implements admin.Executions: it pairs the history's entries and exits.
func (s *Service) Visits(ctx context.Context, arn string) ([]ledger.Visit, error) {
	var visits []ledger.Visit
	pages := sfn.NewGetExecutionHistoryPaginator(s.Client, &sfn.GetExecutionHistoryInput{ExecutionArn: &arn,
		IncludeExecutionData: aws.Bool(false), MaxResults: 1000})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, missing(err)
		}
		for _, e := range page.Events {
			switch {
			case e.StateEnteredEventDetails != nil:
				visits = append(visits, ledger.Visit{State: aws.ToString(e.StateEnteredEventDetails.Name), Entered: aws.ToTime(e.Timestamp)})
			case e.StateExitedEventDetails != nil:
				for i := len(visits) - 1; i >= 0; i-- {
					if visits[i].State == aws.ToString(e.StateExitedEventDetails.Name) && visits[i].Exited.IsZero() {
						visits[i].Exited = aws.ToTime(e.Timestamp)
						break
					}
				}
			}
		}
	}
	return visits, nil
}

// missing tells an execution that is not there from a failing service.
func missing(err error) error {
	if _, gone := errors.AsType[*types.ExecutionDoesNotExist](err); gone {
		return fault.Wrap(awserror.Loggable(err), fault.NotFound, "Step Functions does not know the execution")
	}
	return failed(err, "the execution could not be read")
}

// failed is the fault for a service that did not do what it was asked.
func failed(err error, what string) error {
	if invalid, ok := errors.AsType[*types.InvalidDefinition](err); ok {
		return fault.Wrap(invalid, fault.Internal, "%s: Step Functions refuses its definition", what)
	}
	return fault.Wrap(awserror.Loggable(err), fault.Unavailable, "%s: Step Functions did not answer as it should", what)
}
