package states_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/waypost/waypost/infra/local/states"
)

// invoker is an Invoker made of a function; how many calls it had, and their payloads.
type invoker struct {
	do func(ctx context.Context, function string, payload []byte) ([]byte, error)

	mu    sync.Mutex
	calls []string
}

var _ states.Invoker = (*invoker)(nil)

func (i *invoker) Invoke(ctx context.Context, function string, payload []byte) ([]byte, error) {
	i.mu.Lock()
	i.calls = append(i.calls, function+" "+string(payload))
	i.mu.Unlock()
	if i.do == nil {
		return payload, nil
	}
	return i.do(ctx, function, payload)
}

// failing gives a function's own error.
func failing(name, message string) error {
	b, _ := json.Marshal(map[string]string{"errorMessage": message, "errorType": name})
	return &states.FunctionError{Payload: b}
}

// bench is an engine under test, called through its API.
type bench struct {
	t      testing.TB
	engine *states.Engine
	name   int
}

func newBench(t testing.TB, i states.Invoker) *bench {
	b := &bench{t: t, engine: states.New(states.Options{Invoker: i})}
	t.Cleanup(func() { b.close() })
	return b
}

func (b *bench) close() {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := b.engine.Close(ctx); err != nil {
		b.t.Error(err)
	}
}

type object = map[string]any

// call makes a request; an API error comes back as "Name: message".
func (b *bench) call(operation string, in any) (object, string) {
	b.t.Helper()
	body, err := json.Marshal(in)
	if err != nil {
		b.t.Fatal(err)
	}
	r := httptest.NewRequest(http.MethodPost, "/", bytes.NewReader(body))
	r.Header.Set("X-Amz-Target", states.TargetPrefix+operation)
	w := httptest.NewRecorder()
	b.engine.ServeHTTP(w, r)
	var out object
	if err := json.Unmarshal(w.Body.Bytes(), &out); err != nil {
		b.t.Fatalf("%s: %v in %s", operation, err, w.Body)
	}
	if w.Code != http.StatusOK {
		return nil, fmt.Sprintf("%v: %v", out["__type"], out["message"])
	}
	return out, ""
}

// ok makes a request that must succeed.
func (b *bench) ok(operation string, in any) object {
	b.t.Helper()
	out, fault := b.call(operation, in)
	if fault != "" {
		b.t.Fatalf("%s: %s", operation, fault)
	}
	return out
}

const role = "arn:aws:iam::000000000000:role/test"

// create creates a Standard machine and gives its ARN.
func (b *bench) create(definition string) string {
	b.t.Helper()
	b.name++
	out := b.ok("CreateStateMachine", object{"name": fmt.Sprintf("m%d", b.name), "definition": definition, "roleArn": role})
	return out["stateMachineArn"].(string)
}

// start starts an execution and gives its ARN.
func (b *bench) start(machine, input string) string {
	b.t.Helper()
	return b.ok("StartExecution", object{"stateMachineArn": machine, "input": input})["executionArn"].(string)
}

// wait waits for an execution's end, and gives its description.
func (b *bench) wait(execution string) object {
	b.t.Helper()
	for pause := time.Millisecond; ; pause *= 2 {
		out := b.ok("DescribeExecution", object{"executionArn": execution})
		if out["status"] != "RUNNING" {
			return out
		}
		time.Sleep(pause) // in a synctest bubble this costs nothing
	}
}

// lasted is how long an execution took, by its description.
func lasted(d object) time.Duration {
	seconds := d["stopDate"].(float64) - d["startDate"].(float64)
	return (time.Duration(seconds*1000) * time.Millisecond).Round(10 * time.Millisecond)
}

// run runs a definition to its end.
func (b *bench) run(definition, input string) (execution string, description object) {
	b.t.Helper()
	x := b.start(b.create(definition), input)
	return x, b.wait(x)
}

func (b *bench) history(execution string) []object {
	b.t.Helper()
	out := b.ok("GetExecutionHistory", object{"executionArn": execution, "maxResults": 1000})
	var events []object
	for _, e := range out["events"].([]any) {
		events = append(events, e.(object))
	}
	return events
}

// lines shows a history as "id prev Type".
func lines(events []object) string {
	var s strings.Builder
	for _, e := range events {
		fmt.Fprintf(&s, "%v %v %v\n", e["id"], e["previousEventId"], e["type"])
	}
	return s.String()
}

func TestOneTask(t *testing.T) {
	b := newBench(t, &invoker{})
	x, d := b.run(`{"StartAt":"A","States":{"A":{"Type":"Task","Resource":"arn:aws:states:::lambda:invoke",
		"Parameters":{"FunctionName":"echo","Payload.$":"$"},"OutputPath":"$.Payload","End":true}}}`, `{"b":1,"a":2}`)
	if got, want := d["output"], `{"b":1,"a":2}`; got != want {
		t.Errorf("output: got %v, want %v", got, want)
	}
	want := `1 0 ExecutionStarted
2 0 TaskStateEntered
3 2 TaskScheduled
4 3 TaskStarted
5 4 TaskSucceeded
6 5 TaskStateExited
7 6 ExecutionSucceeded
`
	if got := lines(b.history(x)); got != want {
		t.Errorf("history: got\n%swant\n%s", got, want)
	}
}
