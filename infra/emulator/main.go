// Command emulator deploys Waypost into an emulator of AWS that others wrote,
// and holds what stands there to what Waypost promises.
//
// It runs the product's own commands, as one does on AWS: it bootstraps the
// CDK, deploys the stack as cdk.json has it, applies the example bundle, sends
// its events through the deployed entry function, and verifies each delivery at
// a sink; then it tries what nobody may do, and destroys it all. The functions
// are the files that `make build` leaves, as child processes of the emulator;
// Step Functions, DynamoDB, Secrets Manager, SQS, IAM, EventBridge and
// CloudFormation are the emulator's. Of this project are the stand-ins for the
// providers, and a proxy that leads function URLs' names to the emulator.
//
//	go run ./infra/emulator [-require] [-keep]
//
// It needs Linux (the functions are Linux programs), Python and Node. Where one
// is missing nothing is run, and the command says so and ends well, unless
// -require was given. At its first run it installs the emulator in the user's
// cache folder, and npx fetches the CDK's command line. Everything listens on
// the loopback alone, and the credentials are made up.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"syscall"
	"time"

	"github.com/waypost/waypost/infra/foreign"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "emulator:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("emulator", flag.ContinueOnError)
	require := flags.Bool("require", false, "fail where Python or Node is missing, instead of skipping")
	keep := flags.Bool("keep", false, "keep the folder with the logs")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if err := missing(); err != nil {
		if *require {
			return err
		}
		fmt.Fprintln(out, "emulator: skipped:", err)
		return nil
	}
	dir, err := os.MkdirTemp("", "waypost-emulator-")
	if err != nil {
		return err
	}
	w := &world{dir: dir, report: &report{out: out, began: time.Now()}}
	err = w.run(ctx)
	w.close()
	if err != nil || *keep {
		fmt.Fprintf(out, "\nlogs are in %s\n", dir)
		return err
	}
	return os.RemoveAll(dir)
}

// missing says what this machine lacks, and how to get it.
func missing() error {
	if runtime.GOOS != "linux" {
		return errors.New("the functions are Linux programs, and the emulator runs them as they are: use Linux, or a Linux machine such as WSL or a container")
	}
	if _, err := exec.LookPath("python3"); err != nil {
		return foreign.ErrNoPython
	}
	for _, name := range []string{"node", "npx"} {
		if _, err := exec.LookPath(name); err != nil {
			return fmt.Errorf("%s not found: install Node 20 or later, with npm, from https://nodejs.org or your system's packages", name)
		}
	}
	return nil
}
