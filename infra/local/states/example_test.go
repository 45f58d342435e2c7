package states_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"strings"

	"github.com/waypost/waypost/infra/local/states"
)

// greeter is an Invoker with one function.
type greeter struct{}

func (greeter) Invoke(_ context.Context, function string, payload []byte) ([]byte, error) {
	if function != "greet" {
		return nil, &states.ServiceError{Name: "Lambda.ResourceNotFoundException", Message: "Function not found: " + function, Status: 404}
	}
	return json.Marshal("hello " + strings.Trim(string(payload), `"`))
}

// Any client of Step Functions' API will do; this one is bare.
func Example() {
	engine := states.New(states.Options{Invoker: greeter{}})
	defer func() { _ = engine.Close(context.Background()) }()

	call := func(operation, body string) map[string]any {
		r := httptest.NewRequest("POST", "/", strings.NewReader(body))
		r.Header.Set("X-Amz-Target", states.TargetPrefix+operation)
		w := httptest.NewRecorder()
		engine.ServeHTTP(w, r)
		var out map[string]any
		_ = json.Unmarshal(w.Body.Bytes(), &out)
		return out
	}
	machine := call("CreateStateMachine", `{"name": "demo", "roleArn": "arn:aws:iam::000000000000:role/demo", "definition":
		"{\"StartAt\":\"G\",\"States\":{\"G\":{\"Type\":\"Task\",\"Resource\":\"arn:aws:states:::lambda:invoke\",\"Parameters\":{\"FunctionName\":\"greet\",\"Payload.$\":\"$.who\"},\"OutputPath\":\"$.Payload\",\"End\":true}}}"}`)
	started := call("StartExecution", fmt.Sprintf(`{"stateMachineArn": %q, "name": "one", "input": "{\"who\":\"Ada\"}"}`, machine["stateMachineArn"]))
	for {
		d := call("DescribeExecution", fmt.Sprintf(`{"executionArn": %q}`, started["executionArn"]))
		if d["status"] != "RUNNING" {
			fmt.Println(d["status"], d["output"])
			return
		}
	}
	// Output: SUCCEEDED "hello Ada"
}
