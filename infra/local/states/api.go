package states

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/waypost/waypost/infra/local/states/asl"
)

// maxBody bounds a request: AWS's limit of 1 MB for a definition, and what
// escaping may add to it.
const maxBody = 4 << 20

// maxDefinition is the most bytes that a definition may have.
const maxDefinition = 1 << 20

// An apiError is an error as the API tells it. The name is AWS's.
type apiError struct{ name, message string }

func (e *apiError) Error() string { return e.name + ": " + e.message }

func invalid(member, rule string) *apiError {
	return &apiError{"ValidationException", "1 validation error detected: Value at '" + member + "' failed to satisfy constraint: " + rule}
}

func noMachine(arn string) *apiError {
	return &apiError{"StateMachineDoesNotExist", "State Machine Does Not Exist: '" + arn + "'"}
}

// ServeHTTP answers Step Functions' API: POST, AWS JSON 1.0, the operation in
// X-Amz-Target. An operation or a member that is not implemented is refused by
// its name.
func (e *Engine) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/x-amz-json-1.0")
	w.Header().Set("x-amzn-RequestId", asl.UUID())
	answer, err := e.serve(w, r)
	if err != nil {
		fault, ok := errors.AsType[*apiError](err)
		status := http.StatusBadRequest
		if !ok {
			e.log.Error("request failed", "error", err)
			fault, status = &apiError{"InternalFailure", "an internal error; its details are in the log"}, http.StatusInternalServerError
		}
		w.WriteHeader(status)
		answer = object{"__type": fault.name, "message": fault.message}
	}
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(answer) // the caller is gone where this fails
}

func (e *Engine) serve(w http.ResponseWriter, r *http.Request) (any, error) {
	operation, ok := strings.CutPrefix(r.Header.Get("X-Amz-Target"), TargetPrefix)
	if !ok || r.Method != http.MethodPost {
		return nil, &apiError{"UnknownOperationException", "Step Functions' API takes POST requests with an X-Amz-Target of " + TargetPrefix + "…"}
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		return nil, &apiError{"SerializationException", "The request's body could not be read, or is too large."}
	}
	switch operation {
	case "CreateStateMachine":
		return handle(body, e.createStateMachine)
	case "DescribeStateMachine":
		return handle(body, e.describeStateMachine)
	case "UpdateStateMachine":
		return handle(body, e.updateStateMachine)
	case "DeleteStateMachine":
		return handle(body, e.deleteStateMachine)
	case "ListStateMachines":
		return handle(body, e.listStateMachines)
	case "ValidateStateMachineDefinition":
		return handle(body, e.validateDefinition)
	case "DescribeStateMachineForExecution":
		return handle(body, e.describeStateMachineForExecution)
	case "ListTagsForResource":
		return handle(body, e.listTags)
	case "TagResource":
		return handle(body, e.tagResource)
	case "UntagResource":
		return handle(body, e.untagResource)
	case "StartExecution":
		return handle(body, e.startExecution)
	case "DescribeExecution":
		return handle(body, e.describeExecution)
	case "ListExecutions":
		return handle(body, e.listExecutions)
	case "StopExecution":
		return handle(body, e.stopExecution)
	case "GetExecutionHistory":
		return handle(body, e.getExecutionHistory)
	case "SendTaskSuccess":
		return handle(body, e.sendTaskSuccess)
	case "SendTaskFailure":
		return handle(body, e.sendTaskFailure)
	case "SendTaskHeartbeat":
		return handle(body, e.sendTaskHeartbeat)
	}
	return nil, &apiError{"UnknownOperationException", "The operation " + operation + " is not implemented by the local Step Functions."}
}

// handle decodes a request for its operation. A member that the operation does
// not know is refused: whoever sends it counts on what it does.
func handle[In any](body []byte, operation func(In) (any, error)) (any, error) {
	var in In
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&in); err != nil && !errors.Is(err, io.EOF) {
		if name, ok := strings.CutPrefix(err.Error(), "json: unknown field "); ok {
			return nil, &apiError{"ValidationException", "The member " + name + " is not implemented by the local Step Functions."}
		}
		return nil, &apiError{"SerializationException", "The request's body is not the JSON that the operation takes."}
	}
	return operation(in)
}

// stamp is a time as AWS JSON has it: seconds since 1970, with milliseconds.
type stamp time.Time

// MarshalJSON writes the seconds.
func (s stamp) MarshalJSON() ([]byte, error) {
	ms := time.Time(s).UnixMilli()
	return fmt.Appendf(nil, "%d.%03d", ms/1000, ms%1000), nil
}

// arnOf checks that an ARN names a thing of this kind.
func arnOf(arn, kind string) error {
	parts := strings.SplitN(arn, ":", 7)
	switch {
	case len(parts) < 7 || parts[0] != "arn" || parts[2] != "states":
		return &apiError{"InvalidArn", "Invalid Arn: 'Invalid ARN prefix: " + arn + "'"}
	case parts[5] != kind:
		return &apiError{"InvalidArn", "Invalid Arn: 'Resource type not valid in this context: " + parts[5] + "'"}
	}
	return nil
}

// page is what the listing operations take.
type page struct {
	MaxResults int    `json:"maxResults"`
	NextToken  string `json:"nextToken"`
}

// bounds gives how many results to show, and the position to go on from.
func (p page) bounds() (limit, from int, err error) {
	limit = p.MaxResults
	if limit < 0 || limit > 1000 {
		return 0, 0, &apiError{"ValidationException", fmt.Sprintf("1 validation error detected: Value '%d' at 'maxResults' failed to "+
			"satisfy constraint: Member must have value less than or equal to 1000", limit)}
	}
	if limit == 0 {
		limit = 100
	}
	if p.NextToken == "" {
		return limit, 0, nil
	}
	from, err = strconv.Atoi(strings.TrimPrefix(p.NextToken, tokenMark))
	if err != nil || from < 0 || !strings.HasPrefix(p.NextToken, tokenMark) {
		return 0, 0, &apiError{"InvalidToken", "Invalid Token: 'Invalid token'"}
	}
	return limit, from, nil
}

const tokenMark = "from-"

func nextToken(from int) string { return tokenMark + strconv.Itoa(from) }
