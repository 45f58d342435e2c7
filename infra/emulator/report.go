package main

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// A report is what a run says: its steps, and what of them passed.
type report struct {
	out            io.Writer
	began          time.Time
	passed, failed int
}

// step begins a part of the run.
func (r *report) step(format string, args ...any) {
	fmt.Fprintf(r.out, "\n%s  (%.0f s)\n", fmt.Sprintf(format, args...), time.Since(r.began).Seconds())
}

// say adds a line to a step.
func (r *report) say(format string, args ...any) { fmt.Fprintf(r.out, "  "+format+"\n", args...) }

// check records whether something holds, and says so. It gives back err, for
// what can't go on without it.
func (r *report) check(what string, err error) error {
	if err == nil {
		r.passed++
		r.say("ok    %s", what)
		return nil
	}
	r.failed++
	r.say("FAIL  %s: %s", what, strings.ReplaceAll(strings.TrimSpace(err.Error()), "\n", "\n        "))
	return err
}

// end says how many checks passed, and is an error where one did not.
func (r *report) end() error {
	fmt.Fprintf(r.out, "\n%d passed, %d failed, in %.0f s\n", r.passed, r.failed, time.Since(r.began).Seconds())
	if r.failed > 0 {
		return fmt.Errorf("%d of %d checks failed", r.failed, r.passed+r.failed)
	}
	return nil
}

// equal is an error where what was found is not what was expected.
func equal[T comparable](got, want T) error {
	if got == want {
		return nil
	}
	return fmt.Errorf("got %v, want %v", got, want)
}
