package runtimeapi_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/waypost/waypost/infra/local/lambda"
)

// A lifeline is a connection that a process holds for as long as it lives.
type lifeline struct {
	listener net.Listener
	conn     net.Conn
}

func newLifeline(t *testing.T) *lifeline {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return &lifeline{listener: l}
}

// payload has the function hang hold the line.
func (l *lifeline) payload() []byte { return fmt.Appendf(nil, `{"tell": %q}`, l.listener.Addr()) }

func (l *lifeline) taken(t *testing.T) {
	t.Helper()
	var err error
	if l.conn, err = l.listener.Accept(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.conn.Close() })
}

// ends waits until the process that took the line is gone.
func (l *lifeline) ends(t *testing.T, within time.Duration) {
	t.Helper()
	if err := l.conn.SetReadDeadline(time.Now().Add(within)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadAll(l.conn); err != nil && os.IsTimeout(err) {
		t.Errorf("the process still lives after %v", within)
	}
}

func TestCloseEndsWhatRuns(t *testing.T) {
	_, h, err := newFunction("hang", lambda.Config{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	line := newLifeline(t)
	got := make(chan lambda.Outcome, 1)
	go func() { got <- h.Invoke(context.Background(), "hang", line.payload()) }()
	line.taken(t)
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	if err := h.Close(ctx); err != nil {
		t.Fatal(err)
	}
	line.ends(t, time.Second)
	if out := <-got; !strings.Contains(string(out.Payload), "Runtime.ExitError") {
		t.Errorf("the caller got %s, want Runtime.ExitError", out.Payload)
	}
}

// beARuntime is a process that hosts a function and waits for it. Its standard
// input names the lifeline.
func beARuntime() {
	_, h, err := newFunction("hang", lambda.Config{}, nil)
	if err != nil {
		os.Exit(1)
	}
	payload, err := io.ReadAll(os.Stdin)
	if err != nil {
		os.Exit(1)
	}
	h.Invoke(context.Background(), "hang", payload)
}

func TestAKilledRuntimeLeavesNoOrphan(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skipf("on %s a function that is at work ends only when it asks for more", runtime.GOOS)
	}
	file, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	line := newLifeline(t)
	middle := exec.Command(file)
	middle.Env = append(os.Environ(), varFunction+"=runtime")
	middle.Stdin = bytes.NewReader(line.payload())
	if err := middle.Start(); err != nil {
		t.Fatal(err)
	}
	line.taken(t)
	if err := middle.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = middle.Wait() // killed
	line.ends(t, 5*time.Second)
}
