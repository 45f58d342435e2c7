package runtimeapi_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/waypost/waypost/infra/local/lambda"
	"github.com/waypost/waypost/infra/local/runtimeapi"
)

// TestMain runs this binary as a function where it was started as one.
func TestMain(m *testing.M) {
	if name := os.Getenv(varFunction); name != "" {
		functions()[name]()
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// function makes one of functions, and a host that it is registered with.
func function(t testing.TB, name string, cfg lambda.Config, log *slog.Logger) (*runtimeapi.Function, *lambda.Host) {
	t.Helper()
	f, h, err := newFunction(name, cfg, log)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if err := h.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	return f, h
}

func newFunction(name string, cfg lambda.Config, log *slog.Logger) (*runtimeapi.Function, *lambda.Host, error) {
	file, err := os.Executable()
	if err != nil {
		return nil, nil, err
	}
	f := runtimeapi.New(runtimeapi.Config{Name: name, File: file, Log: log, Env: map[string]string{
		varFunction: name, "AWS_LAMBDA_FUNCTION_NAME": name, "AWS_LAMBDA_LOG_FORMAT": "JSON"}})
	h := lambda.New(lambda.Options{Log: log})
	h.RegisterExecutor(name, f, cfg)
	return f, h, nil
}

// quick is a deadline for a function that is to miss it, once it has started.
const quick = 300 * time.Millisecond

func TestWhatAnInvocationComesTo(t *testing.T) {
	for _, tc := range []struct {
		function, payload string
		timeout           time.Duration
		start             bool // before the invocation, so that its time is its own
		failed            string
		want              string // ID stands for the request's id; … for any end
	}{
		{"echo", `{"a": 1}`, 0, false, "", `{"a":1}`},
		{"text", `{}`, 0, false, "", `Hello, this is no JSON`},
		{"named", `{}`, 0, false, "Unhandled", `{"errorMessage":"no","errorType":"Waypost.Failed"}`},
		{"panic", `{}`, 0, false, "Unhandled", `{"errorMessage":"broken","errorType":"string","stackTrace":[…`},
		{"exit", `{}`, 0, false, "Unhandled", `{"errorMessage":"RequestId: ID Error: Runtime exited with error: exit status 3","errorType":"Runtime.ExitError"}`},
		{"exit 0", `{}`, 0, false, "Unhandled", `{"errorMessage":"RequestId: ID Error: Runtime exited without providing a reason","errorType":"Runtime.ExitError"}`},
		{"hang", `{}`, quick, true, "Unhandled", `{"errorMessage":"RequestId: ID Error: Task timed out after 0.30 seconds","errorType":"Sandbox.Timedout"}`},
		{"big", `{}`, 0, false, "Unhandled", `{"errorMessage":"Response payload size exceeded maximum allowed payload size (6291556 bytes).","errorType":"Function.ResponseSizeTooLarge"}`},
		{"init", `{}`, 0, false, "Unhandled", `{"errorMessage":"no such table","errorType":"Waypost.Start"}`},
		{"init exit", `{}`, 0, false, "Unhandled", `{"errorMessage":"RequestId: ID Error: Runtime exited with error: exit status 1","errorType":"Runtime.ExitError"}`},
		{"init hang", `{}`, quick, false, "Unhandled", `{"errorMessage":"RequestId: ID Error: Task timed out after 0.30 seconds","errorType":"Sandbox.Timedout"}`},
	} {
		t.Run(tc.function, func(t *testing.T) {
			t.Parallel()
			f, h := function(t, tc.function, lambda.Config{Timeout: tc.timeout}, nil)
			if tc.start {
				if err := f.Start(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			for range 2 { // whatever happened, the next invocation finds the function as the first did
				out := h.Invoke(t.Context(), tc.function, []byte(tc.payload))
				want, open := strings.CutSuffix(strings.ReplaceAll(tc.want, "ID", out.RequestID), "…")
				got := string(out.Payload)
				if out.Error != tc.failed || got != want && !(open && strings.HasPrefix(got, want)) {
					t.Errorf("got %q %.300s, want %q %s", out.Error, got, tc.failed, want)
				}
			}
		})
	}
}

func TestAFunctionSeesItsInvocation(t *testing.T) {
	t.Setenv("AWS_SESSION_TOKEN", "of-this-machine's-user")
	_, h := function(t, "context", lambda.Config{Timeout: 30 * time.Second}, nil)
	out := h.Invoke(t.Context(), "context", nil)
	var got view
	if err := json.Unmarshal(out.Payload, &got); err != nil {
		t.Fatalf("%v: %s", err, out.Payload)
	}
	if got.Left < 15*time.Second || got.Left > 30*time.Second {
		t.Errorf("the deadline is %v away, want nearly 30 s", got.Left)
	}
	got.Left = 0
	slices.Sort(got.Environ)
	want := view{RequestID: out.RequestID, ARN: h.ARN("context"), Name: "context", Traced: true,
		Environ: []string{"AWS_LAMBDA_FUNCTION_NAME", "AWS_LAMBDA_LOG_FORMAT", "AWS_LAMBDA_RUNTIME_API", varFunction, "_X_AMZN_TRACE_ID"}}
	slices.Sort(want.Environ)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestEnvironments holds that one environment serves one invocation at a time,
// that idle ones are used again, and that the host's bound holds.
func TestEnvironments(t *testing.T) {
	const atOnce = 5
	_, h := function(t, "pid", lambda.Config{Concurrency: atOnce}, nil)
	pid := func(payload string) string {
		out := h.Invoke(t.Context(), "pid", []byte(payload))
		if out.Refused != nil {
			return out.Refused.Code
		}
		return string(out.Payload)
	}
	first := pid(`{}`)
	for range 3 {
		if got := pid(`{}`); got != first {
			t.Errorf("one after the other: got process %s, want %s again", got, first)
		}
	}

	var arrived sync.WaitGroup
	arrived.Add(atOnce)
	release := make(chan struct{})
	meeting := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { arrived.Done(); <-release }))
	defer meeting.Close()
	pids := make(chan string, atOnce)
	for range atOnce {
		go func() { pids <- pid(fmt.Sprintf(`{"at": %q}`, meeting.URL)) }()
	}
	arrived.Wait()
	if got, want := pid(`{}`), "TooManyRequestsException"; got != want {
		t.Errorf("beyond the bound: got %s, want %s", got, want)
	}
	close(release)
	seen := map[string]bool{}
	for range atOnce {
		seen[<-pids] = true
	}
	if len(seen) != atOnce || !seen[first] {
		t.Errorf("at once: got the processes %v, want %d, the first one %s among them", seen, atOnce, first)
	}
	if got := pid(`{}`); !seen[got] {
		t.Errorf("afterwards: got process %s, want one of %v", got, seen)
	}
}

func TestAnIdleProcessThatDiesIsReplaced(t *testing.T) {
	_, h := function(t, "pid", lambda.Config{}, nil)
	before := h.Invoke(t.Context(), "pid", nil)
	var pid int
	if err := json.Unmarshal(before.Payload, &pid); err != nil {
		t.Fatal(err)
	}
	p, err := os.FindProcess(pid)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Kill(); err != nil {
		t.Fatal(err)
	}
	// Until its death is seen, an invocation may still be handed to it: that
	// one fails, as on Lambda.
	until(t, "the function answers again", func() bool {
		out := h.Invoke(t.Context(), "pid", nil)
		return out.Error == "" && string(out.Payload) != string(before.Payload)
	})
}

func TestTheRulesOfTheAPI(t *testing.T) {
	_, h := function(t, "protocol", lambda.Config{}, nil)
	var got [2][]string
	for i := range got {
		out := h.Invoke(t.Context(), "protocol", nil)
		if err := json.Unmarshal(out.Payload, &got[i]); err != nil {
			t.Fatalf("%v: %s", err, out.Payload)
		}
	}
	invalid := `400 {"errorMessage":"Invalid request ID","errorType":"InvalidRequestID"}`
	want := [2][]string{
		{invalid, `403 {"errorMessage":"the function has started","errorType":"InvalidStateTransition"}`, "403", "403"},
		{`202 {"status":"OK"}`, invalid},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// A buffer is a log that many write.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

func TestWhatAFunctionWritesReachesTheLog(t *testing.T) {
	var log buffer
	f, h := function(t, "log", lambda.Config{}, slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{
		ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey {
				return slog.Attr{}
			}
			return a
		}})))
	out := h.Invoke(t.Context(), "log", nil)
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	want := `{"level":"WARN","msg":"a record","function":"log","n":1,"o":{"b":2},"requestId":"` + out.RequestID + `"}
{"level":"INFO","msg":"a function wrote","function":"log","line":"a plain line"}
{"level":"INFO","msg":"a function wrote","function":"log","line":"yyyy`
	got := log.String()
	if !strings.HasPrefix(got, want) {
		t.Errorf("got  %.600s\nwant %s", got, want)
	}
	if got, want := strings.Count(got, "y"), 70<<10; got != want {
		t.Errorf("of the long line %d bytes are there, want %d", got, want)
	}
}

func TestAFileThatCannotBeStarted(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string, mode os.FileMode) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	other, machine := "arm64", "\xb7"
	if runtime.GOARCH == other {
		other, machine = "amd64", "\x3e"
	}
	// The header of an ELF file, little-endian and of 64 bits, for the other architecture.
	elf := "\x7fELF\x02\x01\x01" + strings.Repeat("\x00", 9) + "\x02\x00" + machine + "\x00\x01" + strings.Repeat("\x00", 31) + "\x40\x00" + strings.Repeat("\x00", 10)
	remedy := "build the functions for this machine with make build ARCH=" + runtime.GOARCH
	if runtime.GOOS != "linux" {
		remedy = "make build's files run on Linux alone"
	}
	for _, tc := range []struct{ name, file, want string }{
		{"nothing there", filepath.Join(dir, "sms", "bootstrap"), "is not there: " + remedy},
		{"no permission", file("plain", "", 0o600), "can't be executed, for it is no file with the permission for that: " + remedy},
		{"a folder", dir, "can't be executed, for it is no file with the permission for that: " + remedy},
		{"no program", file("text", "Hello", 0o700), "can't be executed here, for it is no program: " + remedy},
		{"another machine's", file("elf", elf, 0o700),
			fmt.Sprintf("can't be executed here, for it is built for %s, and this machine is %s/%s: %s", other, runtime.GOOS, runtime.GOARCH, remedy)},
	} {
		t.Run(tc.name, func(t *testing.T) {
			err := runtimeapi.New(runtimeapi.Config{Name: "sms", File: tc.file}).Start(t.Context())
			if want := tc.file + " " + tc.want; err == nil || !strings.HasPrefix(err.Error(), want) {
				t.Errorf("got %v, want %s", err, want)
			}
		})
	}
}

func TestAStartThatFails(t *testing.T) {
	for function, want := range map[string]string{
		"init":      `ended before it asked for work: its start failed with {"errorMessage":"no such table","errorType":"Waypost.Start"}`,
		"init exit": "ended before it asked for work: the environment has no WAYPOST_X",
	} {
		t.Run(function, func(t *testing.T) {
			f, _, err := newFunction(function, lambda.Config{}, nil)
			if err != nil {
				t.Fatal(err)
			}
			if err := f.Start(t.Context()); err == nil || !strings.HasSuffix(err.Error(), want) {
				t.Errorf("got %v, want … %s", err, want)
			}
		})
	}
}

// until waits for a condition.
func until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	deadline := time.After(10 * time.Second)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("%s: not within 10 s", what)
		}
	}
}
