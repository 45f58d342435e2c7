package local

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/waypost/waypost/infra/bundle"
	"github.com/waypost/waypost/shared/assemble"
	"github.com/waypost/waypost/shared/egress"
)

// processes lists the function's processes that serve a runtime, by their
// environment; every function's where none is named. It needs Linux's /proc.
func processes(rt *Runtime, function string) []int {
	var pids []int
	files, _ := filepath.Glob("/proc/[0-9]*/environ")
	for _, f := range files {
		environ, err := os.ReadFile(f)
		if err != nil { // it ended meanwhile, or is not ours
			continue
		}
		vars := "\x00" + string(environ)
		if !strings.Contains(vars, "\x00AWS_ENDPOINT_URL="+rt.AWSURL+"\x00") ||
			function != "" && !strings.Contains(vars, "\x00AWS_LAMBDA_FUNCTION_NAME="+function+"\x00") {
			continue
		}
		if pid, err := strconv.Atoi(filepath.Base(filepath.Dir(f))); err == nil {
			pids = append(pids, pid)
		}
	}
	return pids
}

func TestMainJob(t *testing.T) {
	for name, dir := range map[string]func(*testing.T) string{
		"handlers": func(*testing.T) string { return "" },
		"binaries": binaries,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := start(t, Config{Binaries: dir(t)})
			b := w.apply()
			var executions []string
			for _, e := range b.Send {
				executions = append(executions, w.send(string(e.JSON)))
			}
			var found []bundle.Expectation
			for _, x := range executions {
				for _, d := range w.ended(x, 20*time.Second).Deliveries {
					found = append(found, bundle.Expectation{Profile: d.Profile, Step: d.Step, Outcome: d.Outcome, Status: d.Status})
				}
			}
			if err := b.Check(found); err != nil {
				t.Error(err)
			}
			if got, want := len(processes(w.Runtime, "")) > 0, name == "binaries"; got != want {
				t.Errorf("there are child processes: got %t, want %t", got, want)
			}
		})
	}
}

func TestMissingBinaries(t *testing.T) {
	dir := t.TempDir()
	rt, err := Start(t.Context(), Config{Binaries: dir})
	if err == nil {
		t.Fatal("a folder without files was taken", rt.Close(t.Context()))
	}
	for _, want := range []string{dir, "bootstrap is not there: "} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want it to say %s", err, want)
		}
	}
}

// TestVariablesGiveTheSameEnv holds that a process is given what a handler here is.
func TestVariablesGiveTheSameEnv(t *testing.T) {
	const routes = "api.twilio.com=http://127.0.0.1:1/twilio"
	policy, err := egress.ParsePolicy(allowLoopback, routes)
	if err != nil {
		t.Fatal(err)
	}
	want := assemble.Env{
		ProfilesTable: "p", ProfileKey: "k", ProfilePath: "a.b", CatalogTable: "c", LedgerTable: "l", LimitsTable: "m",
		DeadLetterQueue: "http://q", JourneyRole: "arn:role", Names: map[string]string{"sms": "arn:sms"}, Prefix: "x-", Egress: policy, CallbackURL: "https://c.example/callback",
	}
	for _, field := range reflect.VisibleFields(reflect.TypeOf(want)) {
		if reflect.ValueOf(want).FieldByIndex(field.Index).IsZero() {
			t.Errorf("this test gives %s no value", field.Name)
		}
	}
	for name, value := range variables(want, allowLoopback, routes) {
		t.Setenv(name, value)
	}
	got, err := assemble.ReadEnv()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got, cmp.Exporter(func(reflect.Type) bool { return true })); diff != "" {
		t.Error(diff)
	}
}

// indent makes JSON comparable.
func indent(t *testing.T, v any) string {
	t.Helper()
	text, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
