// Command bench measures Waypost and prints each number beside a baseline of
// the same run, with the bar that it is held to.
//
//	go run ./infra/bench                   everything
//	go run ./infra/bench -only=work        Go benchmarks: mapping, the hardened client, the pipeline's own work
//	go run ./infra/bench -only=latency     event to request with 5 ms on every call of AWS, and round trips
//	go run ./infra/bench -only=cold        cold starts and zip sizes
//	go run ./infra/bench -only=throughput  events per second (-events=3000 -senders=16)
//
// It ends with status 0 when it could measure, whatever the verdicts: a busy
// machine is no defect. It fails where something could not be measured, or an
// event did not arrive exactly once. Ratios carry from machine to machine;
// times do not.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"slices"
	"strings"
)

// A part measures one thing. It says on the way what it is about.
type part struct {
	name string
	run  func(ctx context.Context, progress func(string)) (section, error)
}

func parts(l load) []part {
	return []part{{"work", goBenchmarks}, {"latency", latency}, {"cold", coldStart}, {"throughput", l.throughput}}
}

func main() {
	only := flag.String("only", "", "measure these parts alone, separated by commas")
	var l load
	flag.IntVar(&l.events, "events", 3000, "how many events throughput sends")
	flag.IntVar(&l.senders, "senders", 16, "how many send at once")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, parts(l), *only, os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, all []part, only string, out, errOut io.Writer) error {
	chosen := strings.FieldsFunc(only, func(r rune) bool { return r == ',' })
	for _, name := range chosen {
		if !slices.ContainsFunc(all, func(p part) bool { return p.name == name }) {
			return fmt.Errorf("there is no part %q", name)
		}
	}
	fmt.Fprintf(out, "%s/%s, %d cores, %s\n", runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), runtime.Version())
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
