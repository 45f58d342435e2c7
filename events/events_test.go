// Package events holds a sample payload for each function, for sam local
// invoke, the AWS CLI and tests. The samples belong together: entry.json's
// event starts the example's journey, and sms.json, decide.json and
// loyalty.json are what its machine then sends, step by step; the samples of
// other channels are steps that the journey might have besides. Of
// entry-eventbridge.json the CloudEvent is the detail.
package events

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/go-cmp/cmp"

	"github.com/waypost/waypost/shared/decide"
	"github.com/waypost/waypost/shared/delivery"
	"github.com/waypost/waypost/shared/entry"
	"github.com/waypost/waypost/shared/ledger"
)

// payload makes what a sample is decoded into: of a function that is not
// named here, a channel's, a delivery's Task.
func payload(sample string) any {
	switch sample {
	case "admin", "entry", "callback":
		return new(events.LambdaFunctionURLRequest)
	case "entry-eventbridge":
		return new(events.EventBridgeEvent)
	case "decide":
		return new(decide.Task)
	case "sweep":
		return new(struct{})
	}
	return new(delivery.Task)
}

// TestEveryFunctionHasItsSample decodes every sample strictly, and holds that
// nothing of it is lost on the way back.
func TestEveryFunctionHasItsSample(t *testing.T) {
	functions, err := filepath.Glob("../functions/*")
	if err != nil || len(functions) == 0 {
		t.Fatalf("no functions found: %v", err)
	}
	samples := []string{"entry-eventbridge"}
	for _, f := range functions {
		samples = append(samples, filepath.Base(f))
	}
	for _, name := range samples {
		t.Run(name, func(t *testing.T) { read(t, name, payload(name)) })
	}
	files, err := filepath.Glob("*.json")
	if err != nil || len(files) != len(samples) {
		t.Errorf("got the files %v (%v), want one for each of %v", files, err, samples)
	}
}

// TestSamplesBelongTogether holds that the event of entry.json is the one
// whose execution the other samples name.
func TestSamplesBelongTogether(t *testing.T) {
	var request events.LambdaFunctionURLRequest
	read(t, "entry", &request)
	e, err := entry.ParseEvent([]byte(request.Body))
	if err != nil {
		t.Fatal(err)
	}
	var bus events.EventBridgeEvent
	read(t, "entry-eventbridge", &bus)
	if other, err := entry.ParseEvent(bus.Detail); err != nil || other.ID == e.ID {
		t.Errorf("entry-eventbridge.json has the event %s (%v), want another than entry.json's", other.ID, err)
	}
	var condition decide.Task
	read(t, "decide", &condition)
	want := delivery.Entry{ID: e.ID, Source: e.Source, Type: e.Type, Time: e.Time, Subject: e.Subject}
	execution := ledger.ExecutionName(condition.State.Journey.Name, e.Source, e.ID, condition.State.Profile)
	for _, name := range []string{"sms", "slack", "decide", "loyalty", "signage", "private", "webhook"} {
		var step struct {
			Execution string         `json:"execution"`
			State     delivery.State `json:"state"`
		}
		data, err := os.ReadFile(name + ".json")
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(data, &step); err != nil {
			t.Fatal(err)
		}
		got := step.State.Entry
		got.Accepted = want.Accepted
		if got != want || step.Execution != execution {
			t.Errorf("%s.json: got %+v in %s, want %+v in %s", name, got, step.Execution, want, execution)
		}
		if diff := cmp.Diff(canonical(t, encode(t, e.Data)), canonical(t, step.State.Event)); diff != "" {
			t.Errorf("%s.json has another event: %s", name, diff)
		}
	}
}

// read decodes a sample, refusing what into has no field for, and compares its
// encoding with the file.
func read(t *testing.T, name string, into any) {
	t.Helper()
	data, err := os.ReadFile(name + ".json")
	if err != nil {
		t.Fatalf("every function has a sample: %v", err)
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(into); err != nil {
		t.Fatalf("%s.json: %v", name, err)
	}
	if _, err := dec.Token(); err != io.EOF {
		t.Fatalf("%s.json: there is more after the payload", name)
	}
	if diff := cmp.Diff(canonical(t, data), canonical(t, encode(t, into))); diff != "" {
		t.Errorf("%s.json, decoded and encoded again: %s", name, diff)
	}
}

func encode(t *testing.T, v any) []byte {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// canonical indents JSON, with the keys in order.
func canonical(t *testing.T, data []byte) string {
	t.Helper()
	var v any
	if err := json.Unmarshal(data, &v); err != nil {
		t.Fatal(err)
	}
	text, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(text))
}
