package states_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/waypost/waypost/infra/local/states"
	"github.com/waypost/waypost/infra/local/states/asl"
)

// An arbitrary definition is refused, or runs to an end or until it is
// stopped; nothing panics, and no goroutine is left. A synctest bubble makes a
// year pass at once.
func FuzzDefinition(f *testing.F) {
	for _, s := range []string{
		passes, alone(`,"Retry":[{"ErrorEquals":["States.ALL"],"JitterStrategy":"FULL"}]`),
		`{"StartAt":"C","States":{"C":{"Type":"Choice","Choices":[{"And":[{"Variable":"$.a","IsPresent":true},{"Not":{"Variable":"$.a","StringMatches":"*x"}}],"Next":"W"}],"Default":"F"},"W":{"Type":"Wait","SecondsPath":"$.n","Next":"C"},"F":{"Type":"Fail","ErrorPath":"$.e"}}}`,
		`{"StartAt":"P","States":{"P":{"Type":"Parallel","Branches":[{"StartAt":"A","States":{"A":{"Type":"Pass","Result":1,"End":true}}},{"StartAt":"B","States":{"B":{"Type":"Succeed"}}}],"ResultSelector":{"x.$":"$[0]"},"ResultPath":"$.p","Next":"M"},"M":{"Type":"Map","ItemsPath":"$.list","ItemSelector":{"i.$":"$$.Map.Item.Index"},"ItemProcessor":{"StartAt":"I","States":{"I":{"Type":"Pass","Parameters":{"s.$":"States.Format('{}', $.i)"},"End":true}}},"Catch":[{"ErrorEquals":["States.ALL"],"Next":"E"}],"End":true},"E":{"Type":"Pass","End":true}}}`,
		`{"StartAt":"T","States":{"T":{"Type":"Task","Resource":"arn:aws:states:::lambda:invoke.waitForTaskToken","Parameters":{"FunctionName":"f","Payload.$":"$$.Task.Token"},"TimeoutSeconds":20,"HeartbeatSeconds":5,"End":true}}}`,
	} {
		f.Add([]byte(s), []byte(`{"a":"x","n":1,"list":[1,{"b":2}],"e":"E"}`))
	}
	f.Fuzz(func(t *testing.T, definition, input []byte) {
		if len(definition) > 4000 || len(input) > 1000 || !json.Valid(input) {
			return
		}
		if _, found := asl.Parse(definition, false); found != nil {
			for _, d := range found {
				if d.Code == "" || d.Message == "" {
					t.Errorf("a diagnostic says nothing: %+v", d)
				}
			}
			return
		}
		synctest.Test(t, func(t *testing.T) {
			b := &bench{t: t, engine: states.New(states.Options{Invoker: &invoker{}})}
			defer b.close()
			x := b.start(b.create(string(definition)), string(input))
			time.Sleep(400 * 24 * time.Hour)
			synctest.Wait()
			d := b.ok("DescribeExecution", object{"executionArn": x})
			if d["status"] == "RUNNING" { // it waits longer than that, or for a token
				b.ok("StopExecution", object{"executionArn": x})
				d = b.ok("DescribeExecution", object{"executionArn": x})
			}
			last := b.ok("GetExecutionHistory", object{"executionArn": x, "reverseOrder": true, "maxResults": 1})["events"].([]any)[0].(object)
			want := map[string]string{"SUCCEEDED": "ExecutionSucceeded", "FAILED": "ExecutionFailed", "ABORTED": "ExecutionAborted", "TIMED_OUT": "ExecutionTimedOut"}
			if got := fmt.Sprint(last["type"]); got != want[fmt.Sprint(d["status"])] {
				t.Errorf("status %v after the event %s", d["status"], got)
			}
		})
	})
}
