// Command waypost runs Waypost on one machine, and works with a running one:
// it puts bundles in place, sends events, and shows what became of them.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"
)

// commands are the command line.
type commands struct {
	Local localCommand `cmd:"" help:"Run all of Waypost on this machine, in memory."`
	Apply applyCommand `cmd:"" help:"Put a bundle in place and publish it. What is so already is not changed."`
	Send  sendCommand  `cmd:"" help:"Send events, and show their deliveries."`
	Trace traceCommand `cmd:"" help:"Show an execution's steps and deliveries."`

	Replay replayCommand `cmd:"" help:"Make deliveries anew that were not sent."`

	Synth   synthCommand   `cmd:"" help:"Make the CloudFormation template of an environment."`
	Diff    diffCommand    `cmd:"" help:"Show what deploying an environment would change on AWS."`
	Deploy  deployCommand  `cmd:"" help:"Deploy an environment to AWS. make deploy builds the functions first."`
	Destroy destroyCommand `cmd:"" help:"Delete an environment from AWS: its journeys' machines, then its stack."`
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run runs one command line and gives its exit status: 0, 1 where it failed, 2
// where it makes no sense.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	var c commands
	exited := -1
	parser, err := kong.New(&c, kong.Name("waypost"), kong.Writers(stdout, stderr),
		kong.Description("Waypost routes the actions of customer journeys to messaging channels."),
		kong.Exit(func(code int) { exited = code }), kong.ConfigureHelp(kong.HelpOptions{Compact: true}))
	if err != nil {
		fmt.Fprintln(stderr, "waypost:", err)
		return 2
	}
	parsed, err := parser.Parse(args)
	if exited >= 0 { // --help
		return exited
	}
	if err != nil {
		fmt.Fprintf(stderr, "waypost: %v; see %s\n", err, helpFor(err))
		return 2
	}
	parsed.BindTo(ctx, (*context.Context)(nil))
	parsed.BindTo(stdout, (*io.Writer)(nil))
	err = parsed.Run()
	if errors.Is(err, context.Canceled) {
		err = errors.New("told to end")
	}
	if err != nil {
		fmt.Fprintln(stderr, "waypost:", err)
		return 1
	}
	return 0
}

// helpFor is the command line whose help fits what was wrong with another.
func helpFor(err error) string {
	if e, ok := errors.AsType[*kong.ParseError](err); ok && e.Context.Selected() != nil {
		return "waypost " + e.Context.Selected().Name + " --help"
	}
	return "waypost --help"
}
