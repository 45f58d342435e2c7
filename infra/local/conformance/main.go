// Command conformance holds the local Step Functions against an independent
// interpreter: moto's.
//
// It runs the cases of testdata and every golden state machine of the project
// on both, with scripted Lambda functions and an execution and a machine for
// each run, and compares the states visited, the status, the output, the
// error and its cause, and the types of the history's events in their order.
// Where moto is known to differ from AWS, deviations.go says so, with the
// reason; these differences are printed, and fail nothing.
//
//	go run ./infra/local/conformance [-require] [-run REGEXP] [FOLDER | GLOB | FILE.asl.json …]
//
// The arguments say where golden machines are; without any, they are those of
// statemachines and shared/journey/testdata. moto needs Python: where that is
// missing nothing is compared, and the command says so and ends well, unless
// -require was given. It installs moto in the user's cache folder at its first
// run, and listens and calls on the loopback alone.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"regexp"
	"sync"
	"syscall"
	"time"

	"github.com/waypost/waypost/infra/foreign"
	"github.com/waypost/waypost/infra/local/states"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "conformance:", err)
		os.Exit(1)
	}
}

// atOnce is how many runs go on at the same time: they mostly wait.
const atOnce = 12

func run(ctx context.Context, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("conformance", flag.ContinueOnError)
	require := flags.Bool("require", false, "fail where Python is missing, instead of skipping")
	only := flags.String("run", "", "run the cases whose name matches this regular expression alone")
	if err := flags.Parse(args); err != nil {
		return err
	}
	match, err := regexp.Compile(*only)
	if err != nil {
		return fmt.Errorf("-run: %w", err)
	}
	cases, err := load(flags.Args(), match)
	if err != nil {
		return err
	}
	python, err := install(ctx, out)
	if errors.Is(err, foreign.ErrNoPython) && !*require {
		fmt.Fprintln(out, "conformance: skipped:", err)
		return nil
	}
	if err != nil {
		return err
	}
	theirs, ours := newTheatre(), newTheatre()
	m, err := startMoto(ctx, python, theirs)
	if err != nil {
		return err
	}
	defer m.stop()
	local, stop, err := startOurs(ours)
	if err != nil {
		return err
	}
	defer stop()

	began := time.Now()
	pair := &pair{
		moto: side{api: &client{url: m.url, account: "123456789012"}, theatre: theirs},
		ours: side{api: &client{url: local, account: states.Account}, theatre: ours},
	}
	verdicts := make([]verdict, len(cases))
	slots := make(chan struct{}, atOnce)
	var all sync.WaitGroup
	for i, c := range cases {
		slots <- struct{}{}
		all.Go(func() {
			defer func() { <-slots }()
			verdicts[i] = pair.judge(ctx, c, i)
		})
	}
	all.Wait()
	if ctx.Err() != nil {
		return errors.New("interrupted")
	}
	return report(out, verdicts, time.Since(began))
}

// startOurs serves our engine on the loopback.
func startOurs(lambda states.Invoker) (url string, stop func(), err error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	engine := states.New(states.Options{Invoker: lambda})
	server := &http.Server{Handler: engine, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = server.Serve(listener) }() // ends with Close
	return "http://" + listener.Addr().String(), func() {
		_ = server.Close()
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		_ = engine.Close(ctx)
	}, nil
}
