package states_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/waypost/waypost/infra/local/states"
)

const passes = `{"StartAt":"P","States":{"P":{"Type":"Pass","End":true}}}`

func TestStateMachines(t *testing.T) {
	b := newBench(t, &invoker{})
	in := object{"name": "m", "definition": passes, "roleArn": role, "tags": []object{{"key": "a", "value": "1"}}}
	arn := b.ok("CreateStateMachine", in)["stateMachineArn"]
	if want := "arn:aws:states:us-east-1:000000000000:stateMachine:m"; arn != want {
		t.Errorf("ARN: got %v, want %s", arn, want)
	}
	b.ok("CreateStateMachine", in) // the same again
	in["definition"] = passes + " "
	if _, fault := b.call("CreateStateMachine", in); !strings.HasPrefix(fault, "StateMachineAlreadyExists: ") {
		t.Errorf("another definition: got %q", fault)
	}
	d := b.ok("DescribeStateMachine", object{"stateMachineArn": arn})
	if got, want := fmt.Sprint(d["name"], d["status"], d["type"], d["definition"]), "mACTIVESTANDARD"+passes; got != want {
		t.Errorf("described: got %s, want %s", got, want)
	}

	x := b.ok("StartExecution", object{"stateMachineArn": arn})["executionArn"]
	updated := `{"StartAt":"Q","States":{"Q":{"Type":"Pass","End":true}}}`
	b.ok("UpdateStateMachine", object{"stateMachineArn": arn, "definition": updated})
	if got := b.ok("DescribeStateMachine", object{"stateMachineArn": arn})["definition"]; got != updated {
		t.Errorf("after the update: got %v", got)
	}
	if got := b.ok("DescribeStateMachineForExecution", object{"executionArn": x})["definition"]; got != passes {
		t.Errorf("what the execution runs: got %v, want the older definition", got)
	}
	if _, fault := b.call("UpdateStateMachine", object{"stateMachineArn": arn}); !strings.HasPrefix(fault, "MissingRequiredParameter: ") {
		t.Errorf("an empty update: got %q", fault)
	}

	b.ok("TagResource", object{"resourceArn": arn, "tags": []object{{"key": "b", "value": "2"}, {"key": "a", "value": "3"}}})
	b.ok("UntagResource", object{"resourceArn": arn, "tagKeys": []string{"b"}})
	tags, _ := json.Marshal(b.ok("ListTagsForResource", object{"resourceArn": arn})["tags"])
	if got, want := string(tags), `[{"key":"a","value":"3"}]`; got != want {
		t.Errorf("tags: got %s, want %s", got, want)
	}

	b.ok("DeleteStateMachine", object{"stateMachineArn": arn})
	b.ok("DeleteStateMachine", object{"stateMachineArn": arn})
	if _, fault := b.call("DescribeStateMachine", object{"stateMachineArn": arn}); !strings.HasPrefix(fault, "StateMachineDoesNotExist: ") {
		t.Errorf("after the deletion: got %q", fault)
	}
	b.ok("DescribeExecution", object{"executionArn": x}) // stays
}

func TestRequestErrors(t *testing.T) {
	b := newBench(t, &invoker{})
	m := b.create(passes)
	for _, tc := range []struct {
		operation string
		in        object
		want      string
	}{
		{"ListActivities", object{}, "UnknownOperationException: The operation ListActivities is not implemented"},
		{"StartSyncExecution", object{}, "UnknownOperationException: The operation StartSyncExecution"},
		{"CreateStateMachine", object{"name": "a b", "definition": passes, "roleArn": role}, "InvalidName: "},
		{"CreateStateMachine", object{"name": strings.Repeat("n", 81), "definition": passes, "roleArn": role}, "InvalidName: "},
		{"CreateStateMachine", object{"name": "a", "definition": passes, "roleArn": "me"}, "InvalidArn: "},
		{"CreateStateMachine", object{"name": "a", "definition": passes, "roleArn": role, "type": "FAST"}, "ValidationException: "},
		{"CreateStateMachine", object{"name": "a", "definition": passes, "roleArn": role, "publish": true}, "ValidationException: Versions"},
		{"CreateStateMachine", object{"name": "a", "definition": passes, "roleArn": role, "encryptionConfiguration": object{}},
			`ValidationException: The member "encryptionConfiguration" is not implemented`},
		{"CreateStateMachine", object{"name": "a", "definition": `{"StartAt":"A"}`, "roleArn": role},
			"InvalidDefinition: Invalid State Machine Definition: 'SCHEMA_VALIDATION_FAILED: These fields are required: [States] at /'"},
		{"CreateStateMachine", object{"name": 5}, "SerializationException: "},
		{"DescribeStateMachine", object{"stateMachineArn": "m"}, "InvalidArn: Invalid Arn: 'Invalid ARN prefix: m'"},
		{"StartExecution", object{"stateMachineArn": m + "x"}, "StateMachineDoesNotExist: "},
		{"StartExecution", object{"stateMachineArn": m, "input": "not json"}, "InvalidExecutionInput: "},
		{"StartExecution", object{"stateMachineArn": m, "input": "{} {}"}, "InvalidExecutionInput: "},
		{"StartExecution", object{"stateMachineArn": m, "name": "a/b"}, "InvalidName: "},
		{"StartExecution", object{"stateMachineArn": m, "input": `"` + strings.Repeat("x", 256*1024) + `"`}, "ValidationException: "},
		{"DescribeExecution", object{"executionArn": "arn:aws:states:us-east-1:000000000000:execution:m1:none"}, "ExecutionDoesNotExist: "},
		{"DescribeExecution", object{"executionArn": m}, "InvalidArn: "},
		{"GetExecutionHistory", object{"executionArn": "arn:aws:states:us-east-1:000000000000:execution:m1:none"}, "ExecutionDoesNotExist: "},
		{"StopExecution", object{"executionArn": "e", "error": strings.Repeat("x", 257)}, "ValidationException: "},
		{"SendTaskFailure", object{"taskToken": "t", "cause": strings.Repeat("x", 32769)}, "ValidationException: "},
		{"ListExecutions", object{"stateMachineArn": m, "statusFilter": "succeeded"}, "ValidationException: "},
		{"ListExecutions", object{"stateMachineArn": m, "maxResults": 1001}, "ValidationException: "},
		{"ListExecutions", object{"stateMachineArn": m, "nextToken": "nonsense"}, "InvalidToken: "},
		{"ListTagsForResource", object{"resourceArn": m + "x"}, "ResourceNotFound: "},
	} {
		_, got := b.call(tc.operation, tc.in)
		if !strings.HasPrefix(got, tc.want) {
			t.Errorf("%s %.80v: got %q, want %q…", tc.operation, tc.in, got, tc.want)
		}
	}
}

func TestValidate(t *testing.T) {
	b := newBench(t, &invoker{})
	out := b.ok("ValidateStateMachineDefinition", object{"definition": passes})
	if got, want := fmt.Sprint(out), "map[diagnostics:[] result:OK truncated:false]"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	out = b.ok("ValidateStateMachineDefinition", object{"definition": `{"StartAt":"P","States":{"P":{"Type":"Pass","Assign":{},"End":true}}}`})
	want := []any{object{"severity": "ERROR", "code": "SCHEMA_VALIDATION_FAILED", "message": "Field 'Assign' is not supported", "location": "/States/P"}}
	if d := cmp.Diff(want, out["diagnostics"]); d != "" || out["result"] != "FAIL" {
		t.Errorf("%v: %s", out["result"], d)
	}
	token := `{"StartAt":"T","States":{"T":{"Type":"Task","Resource":"arn:aws:states:::lambda:invoke.waitForTaskToken","Parameters":{"FunctionName":"f"},"End":true}}}`
	if out = b.ok("ValidateStateMachineDefinition", object{"definition": token, "type": "EXPRESS"}); out["result"] != "FAIL" {
		t.Error("a task token in an Express machine: got OK")
	}
}

func TestExecutionNames(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &bench{t: t, engine: states.New(states.Options{Invoker: &invoker{}})}
		defer b.close()
		m := b.create(`{"StartAt":"W","States":{"W":{"Type":"Wait","Seconds":10,"End":true}}}`)
		in := object{"stateMachineArn": m, "name": "n", "input": `{"a":1}`}
		first := b.ok("StartExecution", in)
		time.Sleep(time.Second)
		if d := cmp.Diff(first, b.ok("StartExecution", in)); d != "" {
			t.Errorf("the same start while it runs: %s", d)
		}
		other := object{"stateMachineArn": m, "name": "n", "input": `{"a":2}`}
		if _, fault := b.call("StartExecution", other); !strings.HasPrefix(fault, "ExecutionAlreadyExists: ") {
			t.Errorf("another input: got %q", fault)
		}
		time.Sleep(time.Minute)
		if _, fault := b.call("StartExecution", in); !strings.HasPrefix(fault, "ExecutionAlreadyExists: ") {
			t.Errorf("after its end: got %q", fault)
		}
	})
}

func TestListExecutions(t *testing.T) {
	b := newBench(t, &invoker{do: func(_ context.Context, _ string, p []byte) ([]byte, error) {
		if string(p) == "2" {
			return nil, failing("E", "")
		}
		return p, nil
	}})
	m := b.create(alone(""))
	for i := range 5 {
		b.wait(b.ok("StartExecution", object{"stateMachineArn": m, "name": fmt.Sprint("e", i), "input": fmt.Sprint(i)})["executionArn"].(string))
	}
	list := func(in object) (names string, next any) {
		in["stateMachineArn"] = m
		out := b.ok("ListExecutions", in)
		for _, e := range out["executions"].([]any) {
			names += e.(object)["name"].(string) + " "
		}
		return names, out["nextToken"]
	}
	if got, _ := list(object{}); got != "e4 e3 e2 e1 e0 " {
		t.Errorf("all: got %s", got)
	}
	if got, _ := list(object{"statusFilter": "FAILED"}); got != "e2 " {
		t.Errorf("failed: got %s", got)
	}
	var got string
	in := object{"maxResults": 2}
	for range 3 {
		names, next := list(in)
		got += names + "| "
		in["nextToken"] = next
	}
	if want := "e4 e3 | e2 e1 | e0 | "; got != want {
		t.Errorf("pages: got %s, want %s", got, want)
	}
}

func TestHistoryPages(t *testing.T) {
	b := newBench(t, &invoker{})
	x, _ := b.run(alone(""), `{"k":"secret"}`)
	read := func(in object) (ids string) {
		in["executionArn"] = x
		for range 10 {
			out := b.ok("GetExecutionHistory", in)
			for _, e := range out["events"].([]any) {
				ids += fmt.Sprint(e.(object)["id"], " ")
			}
			if out["nextToken"] == nil {
				return ids
			}
			in["nextToken"] = out["nextToken"]
		}
		return ids
	}
	if got, want := read(object{"maxResults": 3}), "1 2 3 4 5 6 7 "; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got, want := read(object{"maxResults": 3, "reverseOrder": true}), "7 6 5 4 3 2 1 "; got != want {
		t.Errorf("reverse: got %s, want %s", got, want)
	}
	out := b.ok("GetExecutionHistory", object{"executionArn": x, "includeExecutionData": false})
	if text := fmt.Sprint(out); strings.Contains(text, "secret") {
		t.Errorf("without data: got %s", text)
	}
}

// Only the latest closed executions are kept.
func TestKeep(t *testing.T) {
	b := &bench{t: t, engine: states.New(states.Options{Invoker: &invoker{}, Keep: 3})}
	defer b.close()
	m := b.create(passes)
	var arns []string
	for i := range 8 {
		x := b.ok("StartExecution", object{"stateMachineArn": m, "name": fmt.Sprint("e", i)})["executionArn"].(string)
		b.wait(x)
		arns = append(arns, x)
	}
	kept := 0
	for _, x := range arns {
		if _, fault := b.call("DescribeExecution", object{"executionArn": x}); fault == "" {
			kept++
		}
	}
	listed := len(b.ok("ListExecutions", object{"stateMachineArn": m})["executions"].([]any))
	if kept > 4 || listed > 4 { // the last may not have been put away yet
		t.Errorf("got %d kept and %d listed, want 3", kept, listed)
	}
}

func TestClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &bench{t: t, engine: states.New(states.Options{Invoker: &invoker{do: func(ctx context.Context, _ string, _ []byte) ([]byte, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}}})}
		m := b.create(alone(""))
		for range 20 {
			b.start(m, `{}`)
		}
		synctest.Wait()
		b.close()
		if _, fault := b.call("StartExecution", object{"stateMachineArn": m}); !strings.HasPrefix(fault, "ServiceUnavailable: ") {
			t.Errorf("a start after Close: got %q", fault)
		}
	})
}
