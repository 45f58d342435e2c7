package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/waypost/waypost/infra/local/states"
)

type object = map[string]any

// A client calls a Step Functions API: moto's or ours.
type client struct{ url, account string }

const maxAnswer = 64 << 20

func readAll(r io.Reader) ([]byte, error) { return io.ReadAll(io.LimitReader(r, maxAnswer)) }

// call makes a request. An API error comes back as "Name: message".
func (c *client) call(ctx context.Context, operation string, in object) (object, error) {
	body, err := json.Marshal(in)
	if err != nil {
		return nil, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url+"/", bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", "application/x-amz-json-1.0")
	r.Header.Set("X-Amz-Target", states.TargetPrefix+operation)
	// moto finds the service in the credential's scope; nobody checks the signature.
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=none/20260101/us-east-1/states/aws4_request, SignedHeaders=host, Signature=none")
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		return nil, err
	}
	defer func() { _ = res.Body.Close() }()
	b, err := readAll(res.Body)
	if err != nil {
		return nil, err
	}
	var out object
	if err := json.Unmarshal(b, &out); err != nil {
		return nil, fmt.Errorf("%s answered %d: %.200s", operation, res.StatusCode, b)
	}
	if res.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%v: %v", out["__type"], out["message"])
	}
	return out, nil
}

// A result is how a run went on one interpreter.
type result struct {
	refused string // why the definition was not accepted
	status  string
	output  any
	error   string
	cause   string
	visited []string
	events  []string
	gaps    map[string][]int
}

// runLimit is how long a run may take.
const runLimit = 60 * time.Second

// run creates a machine, runs it to its end, and reads how it went.
func (c *client) run(ctx context.Context, name, definition, kind, input string, stop time.Duration) (*result, error) {
	ctx, cancel := context.WithTimeout(ctx, runLimit)
	defer cancel()
	machine, err := c.call(ctx, "CreateStateMachine", object{
		"name": name, "definition": definition, "type": kind, "roleArn": "arn:aws:iam::" + c.account + ":role/conformance",
	})
	if err != nil {
		return &result{refused: err.Error()}, nil
	}
	started, err := c.call(ctx, "StartExecution", object{"stateMachineArn": machine["stateMachineArn"], "name": name, "input": input})
	if err != nil {
		return nil, err
	}
	arn := started["executionArn"]
	if stop > 0 {
		pause(ctx, stop)
		if _, err := c.call(ctx, "StopExecution", object{"executionArn": arn, "error": "Stopped", "cause": "by the case"}); err != nil {
			return nil, err
		}
	}
	for {
		d, err := c.call(ctx, "DescribeExecution", object{"executionArn": arn})
		if err != nil {
			return nil, err
		}
		if d["status"] != "RUNNING" {
			return c.read(ctx, d)
		}
		pause(ctx, 50*time.Millisecond)
	}
}

// read gathers a run's result.
func (c *client) read(ctx context.Context, d object) (*result, error) {
	r := &result{}
	r.status, _ = d["status"].(string)
	r.error, _ = d["error"].(string)
	r.cause, _ = d["cause"].(string)
	in := object{"executionArn": d["executionArn"], "maxResults": 1000}
	for {
		h, err := c.call(ctx, "GetExecutionHistory", in)
		if err != nil {
			return nil, err
		}
		events, _ := h["events"].([]any)
		for _, e := range events {
			event, _ := e.(object)
			kind, _ := event["type"].(string)
			r.events = append(r.events, kind)
			// moto's DescribeExecution gives an output that is a string without
			// its quotes; in the history it is as it should be.
			if details, ok := event["executionSucceededEventDetails"].(object); ok {
				text, _ := details["output"].(string)
				if err := json.Unmarshal([]byte(text), &r.output); err != nil {
					return nil, fmt.Errorf("the output %q is not JSON: %w", text, err)
				}
			}
			if details, ok := event["stateEnteredEventDetails"].(object); ok {
				name, _ := details["name"].(string)
				r.visited = append(r.visited, name)
			}
		}
		token, ok := h["nextToken"].(string)
		if !ok || token == "" {
			return r, nil
		}
		in["nextToken"] = token
	}
}
