package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strings"
)

// A verdict is what came of one test or scenario.
type verdict struct {
	name   string
	wrong  []string // what failed or differs
	excuse string   // why a difference that was met is none of ours, or is known
}

// An event is a line of `go test -json`.
type event struct {
	Action, Test, Output string
}

// adapters runs the adapters' suite on the DynamoDB at url, by the Go command,
// and gives a verdict for each test that has no tests below it.
func adapters(ctx context.Context, url, only string) ([]verdict, error) {
	run := "^TestAdapters$"
	if only != "" {
		run += "/" + only
	}
	cmd := exec.CommandContext(ctx, "go", "test", "-count=1", "-json", "-run", run, "github.com/waypost/waypost/shared/dynamo")
	cmd.Env = append(os.Environ(), "WAYPOST_DYNAMODB_URL="+url)
	said := &bytes.Buffer{}
	cmd.Stderr = said
	out, err := cmd.Output()
	verdicts, failed := judge(out)
	if err != nil && !failed {
		return nil, fmt.Errorf("running the adapters' tests: %w\n%s%s", err, said, out)
	}
	return verdicts, nil
}

// judge reads what go test said. Where a parent failed by itself, it counts too.
func judge(out []byte) (verdicts []verdict, failed bool) {
	output := map[string][]string{}
	parents := map[string]bool{}
	lines := bufio.NewScanner(bytes.NewReader(out))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var e event
		if json.Unmarshal(lines.Bytes(), &e) != nil || e.Test == "" {
			continue
		}
		if i := strings.LastIndex(e.Test, "/"); i > 0 {
			parents[e.Test[:i]] = true
		}
		switch e.Action {
		case "output":
			if text := strings.TrimSpace(e.Output); !strings.HasPrefix(text, "=== ") && !strings.HasPrefix(text, "--- ") {
				output[e.Test] = append(output[e.Test], text)
			}
		case "pass":
			if !parents[e.Test] {
				verdicts = append(verdicts, verdict{name: e.Test})
			}
		case "fail":
			failed = true
			if !parents[e.Test] || len(output[e.Test]) > 0 {
				verdicts = append(verdicts, verdict{name: e.Test, wrong: append([]string{"failed"}, output[e.Test]...)})
			}
		}
	}
	return verdicts, failed
}
