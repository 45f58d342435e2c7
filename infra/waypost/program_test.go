package main

import (
	"bufio"
	"bytes"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A running program, started as a person does.
type program struct {
	t      *testing.T
	cmd    *exec.Cmd
	lines  chan string
	errors bytes.Buffer
	ended  chan error
}

func start(t *testing.T, dir string, args ...string) *program {
	t.Helper()
	p := &program{t: t, cmd: exec.Command("waypost", args...), lines: make(chan string, 1000), ended: make(chan error, 1)}
	p.cmd.Dir, p.cmd.Stderr = dir, &p.errors
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.cmd.Process.Kill() })
	go func() {
		for s := bufio.NewScanner(out); s.Scan(); {
			p.lines <- s.Text()
		}
		close(p.lines)
		p.ended <- p.cmd.Wait()
	}()
	return p
}

// until reads what the program prints up to a line that holds a text.
func (p *program) until(text string) string {
	p.t.Helper()
	var printed strings.Builder
	for {
		select {
		case line, ok := <-p.lines:
			if !ok {
				p.t.Fatalf("it ended before it printed %q: %v\n%s%s", text, <-p.ended, &printed, &p.errors)
			}
			printed.WriteString(line + "\n")
			if strings.Contains(line, text) {
				return printed.String()
			}
		case <-time.After(30 * time.Second):
			p.t.Fatalf("it did not print %q in 30 s:\n%s", text, &printed)
		}
	}
}

// signal sends a signal, and gives the exit status, how long the end took, and
// what standard error got.
func (p *program) signal(s os.Signal) (int, time.Duration, string) {
	p.t.Helper()
	began := time.Now()
	if err := p.cmd.Process.Signal(s); err != nil {
		p.t.Fatal(err)
	}
	go func() {
		for range p.lines { // what it prints while it ends
		}
	}()
	select {
	case <-p.ended:
	case <-time.After(10 * time.Second):
		p.t.Fatal("it did not end in 10 s")
	}
	return p.cmd.ProcessState.ExitCode(), time.Since(began), p.errors.String()
}

// A journey that waits for an hour does not keep the program from ending.
func TestSignalsEndLocal(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name   string
		signal os.Signal
		args   []string
		status int
		stderr string
	}{
		{"SIGTERM", syscall.SIGTERM, nil, 0, ""},
		{"Ctrl-C", os.Interrupt, nil, 0, ""},
		{"Ctrl-C before --once is done", os.Interrupt, []string{"--once"}, 1, "waypost: told to end before every delivery was settled\n"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			p := start(t, "", append([]string{"local", "--port=0", "--aws-port=0", "--bundle=testdata/waiting"}, tc.args...)...)
			p.until("waiting until every delivery is settled")
			status, took, stderr := p.signal(tc.signal)
			if status != tc.status || stderr != tc.stderr {
				t.Errorf("got status %d and %q, want %d and %q", status, stderr, tc.status, tc.stderr)
			}
			if took > 5*time.Second {
				t.Errorf("it ended after %v", took)
			}
		})
	}
}
