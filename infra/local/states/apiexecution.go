package states

import (
	"math"

	"github.com/waypost/waypost/infra/local/states/value"
)

// startExecution starts an execution. The trace header is taken and means
// nothing here: there is no X-Ray. Errors: InvalidArn, InvalidName,
// InvalidExecutionInput, StateMachineDoesNotExist, ExecutionAlreadyExists.
func (e *Engine) startExecution(in struct {
	StateMachineArn string `json:"stateMachineArn"`
	Name            string `json:"name"`
	Input           string `json:"input"`
	TraceHeader     string `json:"traceHeader"`
}) (any, error) {
	if err := arnOf(in.StateMachineArn, "stateMachine"); err != nil {
		return nil, err
	}
	x, err := e.start(startRequest{machineARN: in.StateMachineArn, name: in.Name, input: in.Input})
	if err != nil {
		return nil, err
	}
	return object{"executionArn": x.arn, "startDate": stamp(x.started)}, nil
}

type executionRequest struct {
	ExecutionArn string `json:"executionArn"`
	IncludedData string `json:"includedData"`
}

// find gives a Standard execution. Express ones have no record.
func (e *Engine) find(arn string) (*execution, error) {
	if err := arnOf(arn, "execution"); err != nil {
		return nil, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if x, ok := e.executions[arn]; ok {
		return x, nil
	}
	return nil, &apiError{"ExecutionDoesNotExist", "Execution Does Not Exist: '" + arn + "'"}
}

// describeExecution shows a Standard execution. Nothing can be redriven here,
// not even what AWS would redrive. Errors: InvalidArn (for an Express one too,
// as on AWS), ExecutionDoesNotExist.
func (e *Engine) describeExecution(in executionRequest) (any, error) {
	x, err := e.find(in.ExecutionArn)
	if err != nil {
		return nil, err
	}
	out := x.summary()
	x.mu.Lock()
	defer x.mu.Unlock()
	withData := in.IncludedData != "METADATA_ONLY"
	out["inputDetails"] = object{"included": withData}
	if withData {
		out["input"] = x.inputText
	}
	out["redriveStatus"] = "NOT_REDRIVABLE"
	out["redriveStatusReason"] = "Redriving an execution is not implemented by the local Step Functions"
	switch x.status {
	case running:
		out["redriveStatusReason"] = "Execution is RUNNING and cannot be redriven"
	case succeeded:
		out["redriveStatusReason"] = "Execution is SUCCEEDED and cannot be redriven"
		out["outputDetails"] = object{"included": withData}
		if withData {
			out["output"] = value.Encode(x.output)
		}
	}
	if x.fault.name != "" {
		out["error"] = x.fault.name
	}
	if x.fault.cause != "" {
		out["cause"] = x.fault.cause
	}
	return out, nil
}

// summary is what a list shows of an execution.
func (x *execution) summary() object {
	x.mu.Lock()
	defer x.mu.Unlock()
	out := object{
		"executionArn": x.arn, "stateMachineArn": x.machine.arn, "name": x.name,
		"status": x.status, "startDate": stamp(x.started), "redriveCount": 0,
	}
	if x.status != running {
		out["stopDate"] = stamp(x.ended)
	}
	return out
}

// listExecutions lists a machine's executions, the newest first. A page goes on
// where the last one ended, whatever was started meanwhile.
func (e *Engine) listExecutions(in struct {
	page
	StateMachineArn string `json:"stateMachineArn"`
	StatusFilter    string `json:"statusFilter"`
}) (any, error) {
	limit, before, err := in.bounds()
	if err != nil {
		return nil, err
	}
	switch in.StatusFilter {
	case "", running, succeeded, failed, timedOut, aborted, "PENDING_REDRIVE":
	default:
		return nil, &apiError{"ValidationException", "1 validation error detected: Value '" + in.StatusFilter + "' at 'statusFilter' failed to " +
			"satisfy constraint: Member must satisfy enum value set: [SUCCEEDED, TIMED_OUT, PENDING_REDRIVE, ABORTED, FAILED, RUNNING]"}
	}
	if before == 0 {
		before = math.MaxInt
	}
	e.mu.Lock()
	m, err := e.named(in.StateMachineArn)
	if err != nil {
		e.mu.Unlock()
		return nil, err
	}
	if m.express {
		e.mu.Unlock()
		return nil, &apiError{"StateMachineTypeNotSupported", "This operation is not supported by this type of state machine"}
	}
	runs := append([]*execution(nil), m.runs...)
	e.mu.Unlock()

	list := []object{}
	out := object{}
	for i := len(runs) - 1; i >= 0; i-- { // newest first; a token is the sequence number to go on below
		x := runs[i]
		if x == nil || x.sequence >= int64(before) || in.StatusFilter != "" && x.current() != in.StatusFilter {
			continue
		}
		if len(list) == limit {
			out["nextToken"] = nextToken(int(x.sequence) + 1)
			break
		}
		list = append(list, x.summary())
	}
	out["executions"] = list
	return out, nil
}

// stopExecution ends an execution before it answers, where AWS may take a
// moment. What has ended already stays as it is, and is no error.
func (e *Engine) stopExecution(in struct {
	ExecutionArn string `json:"executionArn"`
	Error        string `json:"error"`
	Cause        string `json:"cause"`
}) (any, error) {
	if err := fits(in.Error, in.Cause); err != nil {
		return nil, err
	}
	x, err := e.find(in.ExecutionArn)
	if err != nil {
		return nil, err
	}
	return object{"stopDate": stamp(x.stop(in.Error, in.Cause))}, nil
}

// getExecutionHistory shows a history, up to 1000 events a page, 100 unless
// told. A token names the event to go on with, so that a history which grows
// between two pages shifts neither order.
func (e *Engine) getExecutionHistory(in struct {
	page
	ExecutionArn         string `json:"executionArn"`
	ReverseOrder         bool   `json:"reverseOrder"`
	IncludeExecutionData *bool  `json:"includeExecutionData"`
}) (any, error) {
	limit, from, err := in.bounds()
	if err != nil {
		return nil, err
	}
	x, err := e.find(in.ExecutionArn)
	if err != nil {
		return nil, err
	}
	x.mu.Lock()
	events := x.events[:len(x.events):len(x.events)] // events are never changed once there
	x.mu.Unlock()
	withData := in.IncludeExecutionData == nil || *in.IncludeExecutionData
	list := []object{}
	out := object{}
	at, step := from, 1
	if in.ReverseOrder {
		step = -1
		if in.NextToken == "" {
			at = len(events) - 1
		}
	}
	for ; at >= 0 && at < len(events); at += step {
		if len(list) == limit {
			out["nextToken"] = nextToken(at)
			break
		}
		list = append(list, events[at].render(withData))
	}
	out["events"] = list
	return out, nil
}

// describeStateMachineForExecution shows the definition that an execution runs,
// which is its machine's at the start: later updates do not touch it.
func (e *Engine) describeStateMachineForExecution(in executionRequest) (any, error) {
	x, err := e.find(in.ExecutionArn)
	if err != nil {
		return nil, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	out := x.machine.describe(x.revision, in.IncludedData)
	updated := x.revision.updated
	if updated.IsZero() {
		updated = x.machine.created
	}
	out["updateDate"] = stamp(updated)
	return out, nil
}

// The three operations on task tokens tell apart a token that was never given
// out (InvalidToken) and one whose Task has ended (TaskTimedOut, which AWS says
// of any end): whoever calls back late must know that it was not a mistake.

func (e *Engine) sendTaskSuccess(in struct {
	TaskToken string `json:"taskToken"`
	Output    string `json:"output"`
}) (any, error) {
	if len(in.Output) > maxData {
		return nil, invalid("output", "Member must have length less than or equal to 262144")
	}
	output, err := value.Decode([]byte(in.Output))
	if err != nil {
		return nil, &apiError{"InvalidOutput", "Invalid Output: '" + err.Error() + "'"}
	}
	return object{}, e.settle(in.TaskToken, callback{output: output})
}

func (e *Engine) sendTaskFailure(in struct {
	TaskToken string `json:"taskToken"`
	Error     string `json:"error"`
	Cause     string `json:"cause"`
}) (any, error) {
	if err := fits(in.Error, in.Cause); err != nil {
		return nil, err
	}
	return object{}, e.settle(in.TaskToken, callback{fault: newFailure(in.Error, in.Cause)})
}

// fits refuses an error or a cause that is too long: a caller of the API is
// told so, where what a function gives is cut off.
func fits(name, cause string) error {
	switch {
	case cut(name, maxError) != name:
		return invalid("error", "Member must have length less than or equal to 256")
	case cut(cause, maxCause) != cause:
		return invalid("cause", "Member must have length less than or equal to 32768")
	}
	return nil
}

func (e *Engine) sendTaskHeartbeat(in struct {
	TaskToken string `json:"taskToken"`
}) (any, error) {
	return object{}, e.heartbeat(in.TaskToken)
}
