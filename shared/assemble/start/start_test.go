package start

import (
	"encoding/json"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/waypost/waypost/shared/assemble"
)

// startsHere tells this test's binary to be the function.
const startsHere = "WAYPOST_TEST_STARTS_HERE"

// A function that cannot start says so in one line that the metric of errors
// counts, with what is missing.
func TestCannotStart(t *testing.T) {
	if os.Getenv(startsHere) != "" {
		Function(nil, assemble.VarLedger)
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestCannotStart$")
	cmd.Env = []string{startsHere + "=1", "AWS_LAMBDA_LOG_FORMAT=JSON", "AWS_LAMBDA_LOG_LEVEL=INFO"}
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if cmd.ProcessState == nil || cmd.ProcessState.ExitCode() != 1 {
		t.Errorf("it ended with %v, want status 1", err)
	}
	text := strings.TrimSpace(string(out) + stderr.String())
	var line struct{ Level, Message, Error string }
	if err := json.Unmarshal([]byte(text), &line); err != nil {
		t.Fatalf("%v: it logged %q, want one line of JSON", err, text)
	}
	if line.Level != "ERROR" || line.Message == "" || !strings.Contains(line.Error, assemble.VarLedger) {
		t.Errorf("it logged %s, want an error that names %s", text, assemble.VarLedger)
	}
}
