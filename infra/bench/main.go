// Command bench measures Waypost and prints each number beside a baseline of
// the same run, with the bar that it is held to.
//
//	go run ./infra/bench            everything
//	go run ./infra/bench -only=cold one part: cold starts and zip sizes
//
// It ends with status 0 when it could measure, whatever the verdicts: a busy
// machine is no defect. Ratios carry from machine to machine; times do not.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
)

// A part measures one thing. It says on the way what it is about.
type part struct {
	name string
	run  func(ctx context.Context, progress func(string)) (section, error)
}

func parts() []part {
	return []part{{"cold", coldStart}}
}

func main() {
	only := flag.String("only", "", "measure these parts alone, separated by commas")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *only, os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, only string, out, errOut io.Writer) error {
	chosen := strings.FieldsFunc(only, func(r rune) bool { return r == ',' })
	all := parts()
	for _, name := range chosen {
		if !slices.ContainsFunc(all, func(p part) bool { return p.name == name }) {
			return fmt.Errorf("there is no part %q", name)
		}
	}
	for _, p := range all {
		if len(chosen) > 0 && !slices.Contains(chosen, p.name) {
			continue
		}
		s, err := p.run(ctx, func(what string) { fmt.Fprintf(errOut, "%s: %s\n", p.name, what) })
		if err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
		if err := s.print(out); err != nil {
			return err
		}
	}
	return nil
}
