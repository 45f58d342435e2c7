package main

import (
	"github.com/waypost/waypost/infra/foreign"

	"bytes"
	"context"
	"encoding/json"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/waypost/waypost/infra/local/states"
	"github.com/waypost/waypost/infra/local/states/asl"
)

func TestSkippedWithoutPython(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	var out bytes.Buffer
	if err := run(context.Background(), nil, &out); err != nil {
		t.Fatal(err)
	}
	if got, want := out.String(), "conformance: skipped: "+foreign.ErrNoPython.Error()+"\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if err := run(context.Background(), []string{"-require"}, &out); err == nil {
		t.Error("with -require: got no error")
	}
}

// Each hand-written case must be one that our engine accepts, but for those
// that are there to be refused: a case that both sides refuse compares nothing.
func TestCasesAreGood(t *testing.T) {
	cases, err := load([]string{"testdata/choice.json"}, regexp.MustCompile(""))
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	for _, c := range cases {
		if names[c.name] {
			t.Errorf("%s: the name is there twice", c.name)
		}
		names[c.name] = true
		fill := filler{account: states.Account, mark: "c"}
		_, found := asl.Parse(mustJSON(t, fill.fill(c.definition, "")), c.kind == "EXPRESS")
		if got, want := found != nil, strings.HasPrefix(c.name, "refused/"); got != want {
			t.Errorf("%s: refused: got %v (%v), want %v", c.name, got, found, want)
		}
	}
}

func TestDeviationsAreUsedByName(t *testing.T) {
	late := &result{events: []string{"TaskTimedOut", "ExecutionFailed"}}
	for _, tc := range []struct {
		name string
		moto []string
		want bool
	}{
		{"a late success", []string{"TaskTimedOut", "TaskSucceeded", "ExecutionFailed"}, true},
		{"another event", []string{"TaskTimedOut", "TaskFailed", "ExecutionFailed"}, false},
		{"less", []string{"TaskTimedOut"}, false},
	} {
		if got := lateAnswers(testCase{}, "events", &result{events: tc.moto}, late); got != tc.want {
			t.Errorf("%s: got %v, want %v", tc.name, got, tc.want)
		}
	}
}

func TestCompare(t *testing.T) {
	moto := &result{status: "SUCCEEDED", events: []string{"A", "B"}, output: map[string]any{
		"at": "2026-01-01T00:00:00.123456+00:00", "arn": "arn:aws:lambda:us-east-1:123456789012:function:f", "SdkHttpMetadata": 1.0,
	}}
	ours := &result{status: "SUCCEEDED", events: []string{"B", "A"}, output: map[string]any{
		"at": "2026-02-02T00:00:00Z", "arn": "arn:aws:lambda:us-east-1:000000000000:function:f",
	}}
	free := testCase{name: "x", run: play{Free: true}}
	if got, _ := compare(free, moto, ours); got != nil {
		t.Errorf("free order: got %q, want nothing", got)
	}
	got, _ := compare(testCase{name: "x"}, moto, ours)
	want := []string{`events: moto ["A","B"], ours ["B","A"]`}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func mustJSON(t *testing.T, v any) []byte {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// What the compiler makes of await: "status" is among what is compared, called
// back and not.
func TestGoldenMachinesWait(t *testing.T) {
	cases, err := load([]string{"../../../shared/journey/testdata/compile/await_status.asl.json"}, regexp.MustCompile("await_status"))
	if err != nil {
		t.Fatal(err)
	}
	got := map[bool]int{}
	for _, c := range cases {
		got[strings.HasSuffix(c.name, "called back")]++
	}
	if got[true] != 1 || got[false] < 10 {
		t.Errorf("got %d runs with a callback and %d without, want 1 and some", got[true], got[false])
	}
}
