package local

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/google/go-cmp/cmp"

	"github.com/waypost/waypost/shared/ledger"
)

// sample reads a payload of events/.
func sample(t *testing.T, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("../../events", name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// TestSamples feeds every sample to its function, as handler and as file, once
// the example is in place.
func TestSamples(t *testing.T) {
	answers := []struct {
		sample string
		want   string // a pattern
	}{
		{"sms", `^\{"outcome":"sent","code":201,"response":\{"sid":"SM`},
		{"slack", `^\{"outcome":"sent","code":200,"response":\{"channel":"C00000001","ts":"`},
		{"decide", `^\{"branch":0\}$`},
		{"loyalty", `^\{"outcome":"sent","code":201,"response":\{"award":"aw_`},
		{"signage", `^\{"outcome":"sent","code":200,"response":\{"version":1\d{15}\}`},
		{"private", `^\{"outcome":"sent","code":200,`},
		{"webhook", `^\{"outcome":"sent","code":20\d,`},
		{"entry", `^\{"statusCode":202,.*\\"journey\\":\\"order_ready\\"`},
		{"entry-eventbridge", `^\{"executions":\[\{.*"journey":"order_ready"`},
		{"admin", `^\{"statusCode":200,.*\\"name\\":\\"order_ready\\"`},
		{"callback", `^\{"statusCode":404,.*\\"title\\":\\"Not Found\\"`}, // its token was made up
		{"sweep", `^\{"started":0,"dropped":0,"settled":0,"woken":0,"postponed":0,"failed":0\}$`},
	}
	tested := map[string]bool{}
	for _, a := range answers {
		tested[functionOf(a.sample)] = true
	}
	for function := range Functions() {
		if !tested[function] {
			t.Errorf("no sample is fed to %s", function)
		}
	}
	for name, dir := range map[string]func(*testing.T) string{
		"handlers": func(*testing.T) string { return "" },
		"binaries": binaries,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := start(t, Config{Binaries: dir(t)})
			w.apply()
			for _, a := range answers {
				out := w.host.Invoke(t.Context(), functionOf(a.sample), sample(t, a.sample))
				if out.Refused != nil || out.Error != "" || !regexp.MustCompile(a.want).Match(out.Payload) {
					t.Errorf("%s: got %s %s (refused: %v), want %s", a.sample, out.Error, out.Payload, out.Refused, a.want)
				}
			}
			if !t.Failed() {
				w.sent(t)
			}
		})
	}
}

// functionOf gives the function that a sample is for.
func functionOf(sample string) string {
	function, _, _ := strings.Cut(sample, "-")
	return function
}

// sent holds that the samples of the steps are what the example's machine
// sends for entry.json's event, but for times, the machine's own name and
// what endpoints answered.
func (w *world) sent(t *testing.T) {
	t.Helper()
	var step struct{ Execution, Runner string }
	if err := json.Unmarshal(sample(t, "sms"), &step); err != nil {
		t.Fatal(err)
	}
	w.ended(step.Execution, 20*time.Second)
	machine := regexp.MustCompile(`waypost-order_ready-v1-[0-9a-f]+`)
	arn := machine.ReplaceAllString(step.Runner, w.machine(t, machine))
	history, err := sfn.NewFromConfig(w.AWS).GetExecutionHistory(t.Context(),
		&sfn.GetExecutionHistoryInput{ExecutionArn: &arn, MaxResults: 1000})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]any{}
	for _, e := range history.Events {
		if d := e.TaskScheduledEventDetails; d != nil {
			var p struct {
				FunctionName string
				Payload      any
			}
			if err := json.Unmarshal([]byte(*d.Parameters), &p); err != nil {
				t.Fatal(err)
			}
			// The text's function is called twice: it sends, then it awaits the status.
			function := p.FunctionName[strings.LastIndex(p.FunctionName, ":")+1:]
			if got[function] == nil {
				got[function] = p.Payload
			}
		}
	}
	alike := regexp.MustCompile(`SM[0-9a-f]{32}|"(entered|accepted|ts)": "[^"]*"|1\d{15}|` + machine.String())
	for _, function := range []string{"sms", "signage", "private", "webhook", "slack", "decide", "loyalty"} {
		var want any
		if err := json.Unmarshal(sample(t, function), &want); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(alike.ReplaceAllString(indent(t, want), ""), alike.ReplaceAllString(indent(t, got[function]), "")); diff != "" {
			t.Errorf("events/%s.json is not what the machine sends: %s", function, diff)
		}
	}
	var first struct {
		State struct{ Entry struct{ Source, ID string } }
	}
	if err := json.Unmarshal(sample(t, "sms"), &first); err != nil {
		t.Fatal(err)
	}
	if got, want := ledger.ExecutionName("order_ready", first.State.Entry.Source, first.State.Entry.ID, "c-ada"), step.Execution; got != want {
		t.Errorf("the samples' execution is %s, want %s", want, got)
	}
}

// machine gives the name of the machine that matches.
func (w *world) machine(t *testing.T, name *regexp.Regexp) string {
	t.Helper()
	out, err := sfn.NewFromConfig(w.AWS).ListStateMachines(t.Context(), &sfn.ListStateMachinesInput{})
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range out.StateMachines {
		if name.MatchString(*m.Name) {
			return *m.Name
		}
	}
	t.Fatalf("there is no machine %s", name)
	return ""
}
