package states_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/waypost/waypost/infra/local/states"
)

// The histories are in the order, and with the ids, that AWS was recorded to give.
func TestHistories(t *testing.T) {
	fail := func(_ context.Context, f string, p []byte) ([]byte, error) {
		switch f {
		case "fails":
			return nil, failing("E", "m")
		case "throttled":
			return nil, &states.ServiceError{Name: "Lambda.TooManyRequestsException", Message: "slow", Status: 429}
		}
		return p, nil
	}
	item := `{"StartAt":"I","States":{"I":{"Type":"Pass","End":true}}}`
	fails := `{"StartAt":"F","States":{"F":{"Type":"Fail","Error":"E","Cause":"C"}}}`
	task := func(f string) string {
		return `{"StartAt":"T","States":{"T":{"Type":"Task","Resource":"arn:aws:states:::lambda:invoke","Parameters":{"FunctionName":"` + f + `"},"End":true}}}`
	}
	for _, tc := range []struct{ name, definition, input, want string }{
		{"a plain function", `{"StartAt":"T","States":{"T":{"Type":"Task","Resource":"arn:aws:lambda:us-east-1:000000000000:function:f","End":true}}}`, `{}`, `
1 0 ExecutionStarted
2 0 TaskStateEntered
3 2 LambdaFunctionScheduled
4 3 LambdaFunctionStarted
5 4 LambdaFunctionSucceeded
6 5 TaskStateExited
7 6 ExecutionSucceeded`},
		{"a task fails", task("fails"), `{}`, `
1 0 ExecutionStarted
2 0 TaskStateEntered
3 2 TaskScheduled
4 3 TaskStarted
5 4 TaskFailed
6 5 ExecutionFailed`},
		{"a Map in turn", `{"StartAt":"M","States":{"M":{"Type":"Map","MaxConcurrency":1,"ItemProcessor":` + item + `,"End":true}}}`, `[1,2]`, `
1 0 ExecutionStarted
2 0 MapStateEntered
3 2 MapStateStarted
4 3 MapIterationStarted
5 4 PassStateEntered
6 5 PassStateExited
7 6 MapIterationSucceeded
8 6 MapIterationStarted
9 8 PassStateEntered
10 9 PassStateExited
11 10 MapIterationSucceeded
12 11 MapStateSucceeded
13 11 MapStateExited
14 13 ExecutionSucceeded`},
		{"a Map of nothing", `{"StartAt":"M","States":{"M":{"Type":"Map","ItemProcessor":` + item + `,"End":true}}}`, `[]`, `
1 0 ExecutionStarted
2 0 MapStateEntered
3 2 MapStateStarted
4 3 MapStateSucceeded
5 3 MapStateExited
6 5 ExecutionSucceeded`},
		{"a Map that fails, and is caught", `{"StartAt":"M","States":{"M":{"Type":"Map","ItemProcessor":` + fails + `,
			"Catch":[{"ErrorEquals":["E"],"Next":"H"}],"End":true},"H":{"Type":"Pass","End":true}}}`, `[1]`, `
1 0 ExecutionStarted
2 0 MapStateEntered
3 2 MapStateStarted
4 3 MapIterationStarted
5 4 FailStateEntered
6 5 MapIterationFailed
7 5 MapStateFailed
8 7 MapStateExited
9 8 PassStateEntered
10 9 PassStateExited
11 10 ExecutionSucceeded`},
		{"a Parallel that fails", `{"StartAt":"P","States":{"P":{"Type":"Parallel","Branches":[` + fails + `],"End":true}}}`, `{}`, `
1 0 ExecutionStarted
2 0 ParallelStateEntered
3 2 ParallelStateStarted
4 3 FailStateEntered
5 4 ParallelStateFailed
6 5 ExecutionFailed`},
		{"a Parallel whose task fails", `{"StartAt":"P","States":{"P":{"Type":"Parallel","Branches":[` + task("throttled") + `],"End":true}}}`, `{}`, `
1 0 ExecutionStarted
2 0 ParallelStateEntered
3 2 ParallelStateStarted
4 3 TaskStateEntered
5 4 TaskScheduled
6 5 TaskStarted
7 6 TaskFailed
8 7 TaskStateAborted
9 7 ParallelStateFailed
10 9 ExecutionFailed`},
		{"a Parallel", `{"StartAt":"P","States":{"P":{"Type":"Parallel","Branches":[` + item + `],"End":true}}}`, `{}`, `
1 0 ExecutionStarted
2 0 ParallelStateEntered
3 2 ParallelStateStarted
4 3 PassStateEntered
5 4 PassStateExited
6 5 ParallelStateSucceeded
7 5 ParallelStateExited
8 7 ExecutionSucceeded`},
		{"no such path", `{"StartAt":"I","States":{"I":{"Type":"Pass","OutputPath":"$.x","End":true}}}`, `{}`, `
1 0 ExecutionStarted
2 0 PassStateEntered
3 2 ExecutionFailed`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			b := newBench(t, &invoker{do: fail})
			x, _ := b.run(tc.definition, tc.input)
			if d := cmp.Diff(strings.TrimSpace(tc.want)+"\n", lines(b.history(x))); d != "" {
				t.Error(d)
			}
		})
	}
}

// The fields of each event's details, with what can't be the same each time left out.
func TestEventDetails(t *testing.T) {
	b := newBench(t, &invoker{do: func(_ context.Context, f string, p []byte) ([]byte, error) { return p, failing("E", "m") }})
	x, _ := b.run(`{"StartAt":"T","States":{"T":{"Type":"Task","Resource":"arn:aws:states:::lambda:invoke","Parameters":{"FunctionName":"f","Payload.$":"$"},
		"TimeoutSeconds":9,"HeartbeatSeconds":3,"Catch":[{"ErrorEquals":["States.ALL"],"ResultPath":"$.e","Next":"H"}],"End":true},"H":{"Type":"Succeed"}}}`, `{"<a>": 1}`)
	want := []string{
		`{"executionStartedEventDetails":{"input":"{\"<a>\": 1}","inputDetails":{"truncated":false},"roleArn":"arn:aws:iam::000000000000:role/test"}}`,
		`{"stateEnteredEventDetails":{"input":"{\"<a>\":1}","inputDetails":{"truncated":false},"name":"T"}}`,
		`{"taskScheduledEventDetails":{"heartbeatInSeconds":3,"parameters":"{\"FunctionName\":\"f\",\"Payload\":{\"<a>\":1}}","region":"us-east-1","resource":"invoke","resourceType":"lambda","timeoutInSeconds":9}}`,
		`{"taskStartedEventDetails":{"resource":"invoke","resourceType":"lambda"}}`,
		`{"taskFailedEventDetails":{"cause":"{\"errorMessage\":\"m\",\"errorType\":\"E\"}","error":"E","resource":"invoke","resourceType":"lambda"}}`,
		`{"stateExitedEventDetails":{"name":"T","output":"{\"<a>\":1,\"e\":{\"Error\":\"E\",\"Cause\":\"{\\\"errorMessage\\\":\\\"m\\\",\\\"errorType\\\":\\\"E\\\"}\"}}","outputDetails":{"truncated":false}}}`,
	}
	var got []string
	for _, e := range b.history(x)[:len(want)] {
		for _, k := range []string{"id", "previousEventId", "timestamp", "type"} {
			delete(e, k)
		}
		var s strings.Builder
		enc := json.NewEncoder(&s)
		enc.SetEscapeHTML(false)
		if err := enc.Encode(e); err != nil {
			t.Fatal(err)
		}
		got = append(got, strings.TrimSpace(s.String()))
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestLambdaFailures(t *testing.T) {
	for _, tc := range []struct {
		name         string
		err          error
		error, cause string
	}{
		{"its own", failing("Waypost.Deferred", "2026-01-01T00:00:00Z"), "Waypost.Deferred", `{"errorMessage":"2026-01-01T00:00:00Z","errorType":"Waypost.Deferred"}`},
		{"without a type", &states.FunctionError{Payload: []byte(`{"errorMessage":"Task timed out after 3.00 seconds"}`)}, "Lambda.Unknown",
			`The cause could not be determined because Lambda did not return an error type. Returned payload: {"errorMessage":"Task timed out after 3.00 seconds"}`},
		{"Lambda's", &states.ServiceError{Name: "Lambda.ResourceNotFoundException", Message: "Function not found: f", Status: 404}, "Lambda.ResourceNotFoundException",
			"Function not found: f (Service: AWSLambda; Status Code: 404; Error Code: ResourceNotFoundException; Request ID: "},
		{"unknown", errors.New("a secret of the machine's"), "Lambda.Unknown", "The cause could not be determined because Lambda did not return an error type."},
	} {
		t.Run(tc.name, func(t *testing.T) {
			b := newBench(t, &invoker{do: func(context.Context, string, []byte) ([]byte, error) { return nil, tc.err }})
			_, d := b.run(alone(""), `{}`)
			if d["error"] != tc.error || !strings.HasPrefix(fmt.Sprint(d["cause"]), tc.cause) || strings.Contains(fmt.Sprint(d), "secret") {
				t.Errorf("got %v: %v, want %s: %s", d["error"], d["cause"], tc.error, tc.cause)
			}
		})
	}
}

// What reaches the Invoker: the bare name, and the payload's bytes.
func TestInvocation(t *testing.T) {
	for _, tc := range []struct{ parameters, want string }{
		{`{"FunctionName":"sms"}`, "sms {}"},
		{`{"FunctionName":"sms:live","Payload":[1]}`, "sms [1]"},
		{`{"FunctionName":"arn:aws:lambda:us-east-1:000000000000:function:sms:1","Payload":"plain"}`, `sms "plain"`},
		{`{"FunctionName":"000000000000:function:sms","Payload":"{\"json\":true}"}`, `sms {"json":true}`},
		{`{"FunctionName.$":"$.f","Payload.$":"$.p"}`, `dyn {"z":1,"a":[null,1.50]}`},
	} {
		i := &invoker{}
		b := newBench(t, i)
		_, d := b.run(strings.Replace(alone(""), `{"FunctionName":"f","Payload.$":"$"}`, tc.parameters, 1), `{"f":"dyn","p":{"z":1,"a":[null,1.50]}}`)
		if d["status"] != "SUCCEEDED" || len(i.calls) != 1 || i.calls[0] != tc.want {
			t.Errorf("%s: got %v %v, want %s", tc.parameters, d["status"], i.calls, tc.want)
		}
	}
}

// startExecution names AWS's errors, so that a machine can catch them.
func TestStartExecutionTask(t *testing.T) {
	b := newBench(t, &invoker{})
	target := b.create(passes)
	definition := func(arn, input string) string {
		return `{"StartAt":"S","States":{"S":{"Type":"Task","Resource":"arn:aws:states:::states:startExecution",
			"Parameters":{"StateMachineArn":"` + arn + `","Name":"n","Input":` + input + `},"ResultSelector":{"arn.$":"$.ExecutionArn"},"End":true}}}`
	}
	_, d := b.run(definition(target, `{"a.$":"$.v"}`), `{"v":7}`)
	want := `{"arn":"arn:aws:states:us-east-1:000000000000:execution:m1:n"}`
	if d["output"] != want {
		t.Errorf("got %v %v, want %s", d["status"], d["output"], want)
	}
	if got := b.wait("arn:aws:states:us-east-1:000000000000:execution:m1:n")["output"]; got != `{"a":7}` {
		t.Errorf("the started one: got %v", got)
	}
	_, d = b.run(definition(target, `"{\"a\":8}"`), `{}`)
	if got, want := d["error"], "StepFunctions.ExecutionAlreadyExistsException"; got != want {
		t.Errorf("the name again: got %v, want %v", got, want)
	}
	_, d = b.run(definition(target+"x", `{}`), `{}`)
	if got, want := d["error"], "StepFunctions.StateMachineDoesNotExistException"; got != want {
		t.Errorf("no such machine: got %v, want %v", got, want)
	}
}

func TestDataLimit(t *testing.T) {
	large := strings.Repeat("x", 250_000)
	b := newBench(t, &invoker{})
	_, d := b.run(`{"StartAt":"P","States":{"P":{"Type":"Pass","Parameters":{"a.$":"$","b.$":"$"},"End":true}}}`, `"`+large+`"`)
	if got, want := d["error"], "States.DataLimitExceeded"; got != want {
		t.Errorf("Parameters: got %v, want %v", got, want)
	}
	_, d = b.run(`{"StartAt":"P","States":{"P":{"Type":"Pass","Result":"`+large+`","ResultPath":"$.x","End":true}}}`, `{"y":"`+large[:100_000]+`"}`)
	if got, want := d["error"], "States.DataLimitExceeded"; got != want {
		t.Errorf("ResultPath: got %v, want %v", got, want)
	}
}

// An error and its cause are cut off where Step Functions' API ends them, even
// in the midst of the function's JSON.
func TestCauseLimit(t *testing.T) {
	b := newBench(t, &invoker{do: func(context.Context, string, []byte) ([]byte, error) {
		return nil, failing(strings.Repeat("E", 300), strings.Repeat("ü", 40_000))
	}})
	_, d := b.run(`{"StartAt":"T","States":{"T":{"Type":"Task","Resource":"arn:aws:states:::lambda:invoke","Parameters":{"FunctionName":"f"},"End":true}}}`, `{}`)
	if got, want := d["error"], strings.Repeat("E", 256); got != want {
		t.Errorf("error: got %v, want %v", got, want)
	}
	cause, _ := d["cause"].(string)
	if got, want := utf8.RuneCountInString(cause), 32768; got != want || !utf8.ValidString(cause) {
		t.Errorf("cause: got %d characters, want %d", got, want)
	}
	_, d = b.run(`{"StartAt":"T","States":{"T":{"Type":"Task","Resource":"arn:aws:states:::lambda:invoke","Parameters":{"FunctionName":"f"},
		"Catch":[{"ErrorEquals":["States.ALL"],"Next":"P"}],"End":true},"P":{"Type":"Pass","Parameters":{"a.$":"States.StringToJson($.Cause)"},"End":true}}}`, `{}`)
	if got, want := d["error"], "States.IntrinsicFailure"; got != want {
		t.Errorf("reading what was cut off: got %v, want %v", got, want)
	}
}

// A machine that never ends is ended by its history, as AWS does.
func TestEndlessMachine(t *testing.T) {
	b := newBench(t, &invoker{})
	x, d := b.run(`{"StartAt":"A","States":{"A":{"Type":"Pass","Next":"B"},"B":{"Type":"Pass","Next":"A"}}}`, `{}`)
	if got, want := fmt.Sprint(d["error"], d["cause"]), "States.RuntimeThe execution reached the maximum number of history events (25000)."; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	last := b.ok("GetExecutionHistory", object{"executionArn": x, "reverseOrder": true, "maxResults": 1})["events"].([]any)[0].(object)
	if got, want := fmt.Sprint(last["id"], last["type"]), "25000ExecutionFailed"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
