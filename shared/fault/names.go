package fault

import "slices"

// Error names that a state machine may meet: the one list that design.md asks
// for. The first are Waypost's own; package lambdaedge gives them to Step
// Functions, and delivery.Waker to a Task that waits.
const (
	NamePrefix      = "Waypost."            // of all of Waypost's own
	NameDeferred    = "Waypost.Deferred"    // come back at the time that the message gives
	NameFailed      = "Waypost.Failed"      // the outcome failed; the message is the step's result as JSON
	NameCapped      = "Waypost.Capped"      // likewise, capped
	NameUnknown     = "Waypost.Unknown"     // likewise, unknown
	NameDead        = "Waypost.Dead"        // likewise, dead
	NameUndelivered = "Waypost.Undelivered" // likewise, of a message that was sent and reported as not delivered
	NameNoStatus    = "Waypost.NoStatus"    // likewise, of one that was sent, with no final status by the step's deadline
	NameUnavailable = "Waypost.Unavailable" // a service of AWS did not answer: retry
	NameInvalid     = "Waypost.Invalid"     // the function can't understand its input
	NameInternal    = "Waypost.Internal"    // a defect, with an id that the log has too

	NameAll             = "States.ALL"
	NameTimeout         = "States.Timeout"
	NameDataLimit       = "States.DataLimitExceeded"
	NameExecutionExists = "StepFunctions.ExecutionAlreadyExistsException"
)

// OutcomeNames are the error names of outcomes for which a journey takes onError.
func OutcomeNames() []string { return []string{NameFailed, NameCapped, NameUnknown, NameDead} }

// StatusNames are the error names of what becomes of a message that was sent,
// for which a journey that awaits its status takes onError.
func StatusNames() []string { return []string{NameUndelivered, NameNoStatus} }

// TransientNames are failures of Lambda's and AWS's own, and of functions that
// died: what a Task's Retry is for. The first group comes from Lambda's API, the
// second too, of functions in a network or amid an update, and the third from
// its runtime. EC2AccessDeniedException and the like do not pass by themselves.
func TransientNames() []string {
	return []string{
		"Lambda.TooManyRequestsException", "Lambda.ServiceException", "Lambda.AWSLambdaException",
		"Lambda.SdkClientException", "Lambda.ClientExecutionTimeoutException", "Lambda.Unknown",
		"Lambda.ResourceNotReadyException", "Lambda.ResourceConflictException", "Lambda.ENINotReadyException", "Lambda.ENILimitReachedException",
		"Lambda.EC2ThrottledException", "Lambda.EC2UnexpectedException", "Lambda.SubnetIPAddressLimitReachedException",
		"Runtime.ExitError", "Sandbox.Timedout", NameTimeout, NameUnavailable,
	}
}

// WaitingNames are the transient ones of a Task that waits for its token: its
// timeout is the end of the waiting.
func WaitingNames() []string {
	return slices.DeleteFunc(TransientNames(), func(name string) bool { return name == NameTimeout })
}

// HandOverNames are what Step Functions itself may answer for a while when a
// machine starts another: what the Retry of await: none is for.
func HandOverNames() []string {
	return []string{"StepFunctions.ExecutionLimitExceededException", "StepFunctions.StepFunctionsException",
		"StepFunctions.SdkClientException", "StepFunctions.ThrottlingException", NameTimeout}
}

// KnownNames lists every name that a Retry or a Catch may have.
func KnownNames() []string {
	names := append(OutcomeNames(), TransientNames()...)
	names = append(names, StatusNames()...)
	names = append(names, HandOverNames()...)
	return append(names, NameDeferred, NameInvalid, NameInternal, NameAll, NameDataLimit, NameExecutionExists)
}
