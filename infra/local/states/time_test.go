package states_test

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/waypost/waypost/infra/local/states"
)

// bubble runs a test in a synctest bubble, with an engine that is closed in it.
func bubble(t *testing.T, do func(ctx context.Context, function string, payload []byte) ([]byte, error), test func(b *bench)) {
	synctest.Test(t, func(t *testing.T) {
		b := &bench{t: t, engine: states.New(states.Options{Invoker: &invoker{do: do}})}
		test(b)
		b.close() // a goroutine that is left would deadlock the bubble
	})
}

func TestWait(t *testing.T) {
	for _, tc := range []struct {
		name, state, input string
		want               time.Duration
	}{
		{"Seconds", `"Seconds":600`, `{}`, 600 * time.Second},
		{"SecondsPath", `"SecondsPath":"$.n"`, `{"n":90}`, 90 * time.Second},
		{"Timestamp", `"Timestamp":"2000-01-01T01:00:00Z"`, `{}`, time.Hour}, // a bubble's clock starts at 2000
		{"Timestamp in the past", `"Timestamp":"1999-01-01T01:00:00Z"`, `{}`, 0},
		{"TimestampPath", `"TimestampPath":"$.t"`, `{"t":"2000-01-01T02:00:00+01:00"}`, time.Hour},
		{"TimestampPath with a fraction", `"TimestampPath":"$.t"`, `{"t":"2000-01-01T00:00:01.500Z"}`, 1500 * time.Millisecond},
	} {
		t.Run(tc.name, func(t *testing.T) {
			bubble(t, nil, func(b *bench) {
				_, d := b.run(`{"StartAt":"W","States":{"W":{"Type":"Wait",`+tc.state+`,"End":true}}}`, tc.input)
				if got := lasted(d); got != tc.want || d["status"] != "SUCCEEDED" {
					t.Errorf("got %v %v after %v, want SUCCEEDED after %v", d["status"], d["cause"], got, tc.want)
				}
			})
		})
	}
}

func TestRetryTimes(t *testing.T) {
	for _, tc := range []struct {
		name, retry string
		want        []time.Duration // between the calls
	}{
		{"defaults", `{"ErrorEquals":["E"]}`, []time.Duration{1, 2, 4}},
		{"backoff", `{"ErrorEquals":["E"],"IntervalSeconds":3,"BackoffRate":1.5,"MaxAttempts":2}`, []time.Duration{3, 4}},
		{"a cap", `{"ErrorEquals":["E"],"IntervalSeconds":2,"BackoffRate":10,"MaxAttempts":4,"MaxDelaySeconds":30}`, []time.Duration{2, 20, 30, 30}},
		{"none", `{"ErrorEquals":["E"],"MaxAttempts":0}`, nil},
		{"another error", `{"ErrorEquals":["X"]}`, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var at []time.Time
			bubble(t, func(context.Context, string, []byte) ([]byte, error) {
				at = append(at, time.Now())
				return nil, failing("E", "")
			}, func(b *bench) {
				_, d := b.run(alone(`,"Retry":[`+tc.retry+`]`), `{}`)
				if got, want := d["error"], "E"; got != want {
					t.Errorf("error: got %v, want %v", got, want)
				}
				var got []time.Duration
				for i := 1; i < len(at); i++ {
					got = append(got, at[i].Sub(at[i-1]).Truncate(time.Second)/time.Second)
				}
				if d := cmp.Diff(tc.want, got); d != "" {
					t.Error(d)
				}
			})
		})
	}
}

func TestRetryJitter(t *testing.T) {
	var at []time.Time
	bubble(t, func(context.Context, string, []byte) ([]byte, error) {
		at = append(at, time.Now())
		return nil, failing("E", "")
	}, func(b *bench) {
		b.run(alone(`,"Retry":[{"ErrorEquals":["E"],"IntervalSeconds":10,"BackoffRate":1,"MaxAttempts":50,"JitterStrategy":"FULL"}]`), `{}`)
		var whole int
		for i := 1; i < len(at); i++ {
			gap := at[i].Sub(at[i-1])
			if gap < 0 || gap > 10*time.Second {
				t.Errorf("a gap of %v, want from 0 to 10s", gap)
			}
			if gap == 10*time.Second {
				whole++
			}
		}
		if len(at) != 51 || whole > 5 {
			t.Errorf("got %d calls, %d of them after the whole interval; want 51 at random times", len(at), whole)
		}
	})
}

// alone is a machine of one Task, which calls the function f.
func alone(more string) string {
	return `{"StartAt":"A","States":{"A":{"Type":"Task","Resource":"arn:aws:states:::lambda:invoke",
		"Parameters":{"FunctionName":"f","Payload.$":"$"},"ResultSelector":{"p.$":"$.Payload"},"End":true` + more + `}}}`
}

func TestTimeouts(t *testing.T) {
	slow := func(ctx context.Context, _ string, p []byte) ([]byte, error) {
		select {
		case <-time.After(time.Minute):
			return p, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	for _, tc := range []struct {
		name, more string
		status     string
		error      string
		after      time.Duration
	}{
		{"in time", `,"TimeoutSeconds":61`, "SUCCEEDED", "", 60 * time.Second},
		{"late", `,"TimeoutSeconds":5`, "FAILED", "States.Timeout", 5 * time.Second},
		{"late by a path", `,"TimeoutSecondsPath":"$.t"`, "FAILED", "States.Timeout", 7 * time.Second},
		{"late twice", `,"TimeoutSeconds":5,"Retry":[{"ErrorEquals":["States.Timeout"],"MaxAttempts":1}]`, "FAILED", "States.Timeout", 11 * time.Second},
		{"States.TaskFailed is not for timeouts", `,"TimeoutSeconds":5,"Retry":[{"ErrorEquals":["States.TaskFailed"]}]`, "FAILED", "States.Timeout", 5 * time.Second},
	} {
		t.Run(tc.name, func(t *testing.T) {
			bubble(t, slow, func(b *bench) {
				_, d := b.run(alone(tc.more), `{"t":7}`)
				got := fmt.Sprint(d["status"], " ", d["error"], " ", lasted(d))
				fault := any(tc.error)
				if tc.error == "" {
					fault = nil
				}
				if want := fmt.Sprint(tc.status, " ", fault, " ", tc.after); got != want {
					t.Errorf("got %s, want %s", got, want)
				}
			})
		})
	}
}

// A Task that is timed out leaves its function running, as AWS does; the
// engine's end stops it.
func TestTimedOutFunctionGoesOn(t *testing.T) {
	ended := make(chan string, 2)
	bubble(t, func(ctx context.Context, f string, p []byte) ([]byte, error) {
		select {
		case <-time.After(10 * time.Second):
			ended <- "by itself"
		case <-ctx.Done():
			ended <- "with the engine"
		}
		return p, ctx.Err()
	}, func(b *bench) {
		b.run(alone(`,"TimeoutSeconds":1`), `{}`)
		time.Sleep(20 * time.Second)
		b.run(alone(`,"TimeoutSeconds":1`), `{}`)
		b.close()
		if got, want := <-ended+", "+<-ended, "by itself, with the engine"; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	})
}

func TestExecutionTimeout(t *testing.T) {
	bubble(t, nil, func(b *bench) {
		x, d := b.run(`{"StartAt":"W","TimeoutSeconds":30,"States":{"W":{"Type":"Wait","Seconds":60,"End":true}}}`, `{}`)
		if got, want := d["status"], "TIMED_OUT"; got != want || lasted(d) != 30*time.Second {
			t.Errorf("got %v after %v, want %v after 30s", got, lasted(d), want)
		}
		events := b.history(x)
		if got, want := events[len(events)-1]["type"], "ExecutionTimedOut"; got != want {
			t.Errorf("last event: got %v, want %v", got, want)
		}
	})
}

func TestExpress(t *testing.T) {
	var calls atomic.Int32
	bubble(t, func(_ context.Context, _ string, p []byte) ([]byte, error) { calls.Add(1); return p, nil }, func(b *bench) {
		// Every minute a call: after five the execution's time is over.
		definition := `{"StartAt":"W","States":{"W":{"Type":"Wait","Seconds":61,"Next":"A"},"A":{"Type":"Task",
			"Resource":"arn:aws:states:::lambda:invoke","Parameters":{"FunctionName":"f"},"Next":"W"}}}`
		m := b.ok("CreateStateMachine", object{"name": "x", "definition": definition, "roleArn": role, "type": "EXPRESS"})["stateMachineArn"]
		first := b.ok("StartExecution", object{"stateMachineArn": m, "name": "same"})["executionArn"].(string)
		second := b.ok("StartExecution", object{"stateMachineArn": m, "name": "same"})["executionArn"].(string)
		if first == second || !strings.HasPrefix(first, "arn:aws:states:us-east-1:000000000000:express:x:same:") {
			t.Errorf("ARNs: got %s and %s, want two of one name", first, second)
		}
		for _, operation := range []string{"DescribeExecution", "GetExecutionHistory", "StopExecution"} {
			_, fault := b.call(operation, object{"executionArn": first})
			if want := "InvalidArn: Invalid Arn: 'Resource type not valid in this context: express'"; fault != want {
				t.Errorf("%s: got %q, want %q", operation, fault, want)
			}
		}
		_, fault := b.call("ListExecutions", object{"stateMachineArn": m})
		if want := "StateMachineTypeNotSupported: This operation is not supported by this type of state machine"; fault != want {
			t.Errorf("ListExecutions: got %q, want %q", fault, want)
		}
		time.Sleep(time.Hour)
		if got, want := calls.Load(), int32(8); got != want {
			t.Errorf("got %d calls, want %d: four in five minutes, twice", got, want)
		}
	})
}

func TestTaskToken(t *testing.T) {
	token := make(chan string, 10)
	take := func(_ context.Context, _ string, p []byte) ([]byte, error) {
		token <- strings.Trim(string(p), `"`)
		return []byte(`{"taken":true}`), nil
	}
	definition := func(more string) string {
		return `{"StartAt":"T","States":{"T":{"Type":"Task","Resource":"arn:aws:states:::lambda:invoke.waitForTaskToken",
			"Parameters":{"FunctionName":"f","Payload.$":"$$.Task.Token"},"End":true` + more + `}}}`
	}
	t.Run("success", func(t *testing.T) {
		token = make(chan string, 10)
		bubble(t, take, func(b *bench) {
			x := b.start(b.create(definition("")), `{}`)
			synctest.Wait()
			got := <-token
			b.ok("SendTaskSuccess", object{"taskToken": got, "output": `{"x":1}`})
			if d := b.wait(x); d["output"] != `{"x":1}` {
				t.Errorf("output: got %v", d["output"])
			}
			want := []string{"ExecutionStarted", "TaskStateEntered", "TaskScheduled", "TaskStarted", "TaskSubmitted", "TaskSucceeded", "TaskStateExited", "ExecutionSucceeded"}
			var kinds []string
			for _, e := range b.history(x) {
				kinds = append(kinds, e["type"].(string))
			}
			if d := cmp.Diff(want, kinds); d != "" {
				t.Error(d)
			}
			for tok, want := range map[string]string{got: "TaskTimedOut", "no token": "InvalidToken", "bm8gdG9rZW4=": "InvalidToken"} {
				for _, operation := range []string{"SendTaskSuccess", "SendTaskFailure", "SendTaskHeartbeat"} {
					in := object{"taskToken": tok}
					if operation == "SendTaskSuccess" {
						in["output"] = "{}"
					}
					if _, fault := b.call(operation, in); !strings.HasPrefix(fault, want+": ") {
						t.Errorf("%s of %q: got %q, want %s", operation, tok, fault, want)
					}
				}
			}
			if _, fault := b.call("SendTaskSuccess", object{"taskToken": got, "output": "{"}); !strings.HasPrefix(fault, "InvalidOutput: ") {
				t.Errorf("broken output: got %q, want InvalidOutput", fault)
			}
		})
	})
	t.Run("heartbeats", func(t *testing.T) {
		token = make(chan string, 10)
		bubble(t, take, func(b *bench) {
			x := b.start(b.create(definition(`,"HeartbeatSeconds":10`)), `{}`)
			got := <-token
			for range 3 {
				time.Sleep(8 * time.Second)
				b.ok("SendTaskHeartbeat", object{"taskToken": got})
				synctest.Wait()
			}
			d := b.wait(x)
			if d["error"] != "States.Timeout" || lasted(d) != 34*time.Second {
				t.Errorf("got %v after %v, want States.Timeout 10s after the last heartbeat, at 34s", d["error"], lasted(d))
			}
		})
	})
	t.Run("the callback comes before the function ends", func(t *testing.T) {
		var b *bench
		bubble(t, func(_ context.Context, _ string, p []byte) ([]byte, error) {
			b.ok("SendTaskSuccess", object{"taskToken": strings.Trim(string(p), `"`), "output": `"early"`})
			time.Sleep(time.Second)
			return nil, failing("Died", "after it called back")
		}, func(in *bench) {
			b = in
			if _, d := b.run(definition(""), `{}`); d["output"] != `"early"` {
				t.Errorf("got %v %v, want the callback's output", d["status"], d["output"])
			}
		})
	})
}

func TestStop(t *testing.T) {
	for name, definition := range map[string]string{
		"a Wait":     `{"StartAt":"W","States":{"W":{"Type":"Wait","Seconds":3600,"End":true}}}`,
		"a Parallel": `{"StartAt":"P","States":{"P":{"Type":"Parallel","End":true,"Branches":[{"StartAt":"W","States":{"W":{"Type":"Wait","Seconds":3600,"End":true}}}]}}}`,
		"a Map":      `{"StartAt":"M","States":{"M":{"Type":"Map","ItemsPath":"$.l","End":true,"ItemProcessor":{"StartAt":"W","States":{"W":{"Type":"Wait","Seconds":3600,"End":true}}}}}}`,
		"a retry":    alone(`,"Retry":[{"ErrorEquals":["States.ALL"],"IntervalSeconds":3600}]`),
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(context.Context, string, []byte) ([]byte, error) { return nil, failing("E", "") }, func(b *bench) {
				x := b.start(b.create(definition), `{"l":[1,2,3]}`)
				time.Sleep(time.Second)
				b.ok("StopExecution", object{"executionArn": x, "error": "Halt", "cause": "why"})
				d := b.ok("DescribeExecution", object{"executionArn": x})
				if got, want := fmt.Sprint(d["status"], d["error"], d["cause"]), "ABORTEDHaltwhy"; got != want {
					t.Errorf("got %s, want %s", got, want)
				}
				events := b.history(x)
				last := events[len(events)-1]
				if got, want := fmt.Sprint(last["type"], last["previousEventId"]), "ExecutionAborted0"; got != want {
					t.Errorf("last event: got %s, want %s", got, want)
				}
				b.ok("StopExecution", object{"executionArn": x}) // once more changes nothing
			})
		})
	}
}
