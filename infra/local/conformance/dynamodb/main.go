// Command dynamodb holds the DynamoDB adapters and the local DynamoDB against
// Amazon's own DynamoDB Local.
//
// It runs the adapters' conformance suite (shared/dynamo/dynamotest) on it,
// and the requests of testdata on it and on the embedded runtime's DynamoDB,
// which must both give the answers that are recorded there. Where one of the
// two is known to differ from AWS, the scenario says so, with its reason; that
// is printed, and fails nothing.
//
//	go run ./infra/local/conformance/dynamodb [-require] [-run REGEXP] [-update]
//
// DynamoDB Local needs a Java Development Kit, 17 or later, and Maven to fetch it:
// where one is missing nothing is run, and the command says so and ends well,
// unless -require was given. It is put in the user's cache folder at the first
// run, keeps everything in memory, and listens on the loopback alone. -update
// records what it answers.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"regexp"
	"syscall"
	"time"
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

func run(ctx context.Context, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("dynamodb", flag.ContinueOnError)
	require := flags.Bool("require", false, "fail where Java or Maven is missing, instead of skipping")
	only := flags.String("run", "", "run the tests and scenarios whose name matches this regular expression alone")
	update := flags.Bool("update", false, "record what DynamoDB Local answers in testdata")
	if err := flags.Parse(args); err != nil {
		return err
	}
	match, err := regexp.Compile(*only)
	if err != nil {
		return fmt.Errorf("-run: %w", err)
	}
	files, err := load()
	if err != nil {
		return err
	}
	folder, err := install(ctx, out)
	if missing, ok := errors.AsType[*missingTool](err); ok && !*require {
		fmt.Fprintf(out, "conformance: skipped: %v\n", missing)
		return nil
	}
	if err != nil {
		return err
	}
	theirs, err := start(ctx, folder)
	if err != nil {
		return err
	}
	defer theirs.stop()
	if *update {
		return record(ctx, files, theirs.url)
	}

	began := time.Now()
	verdicts, err := adapters(ctx, theirs.url, *only)
	if err != nil {
		return err
	}
	scenarios, err := compare(ctx, files, match, theirs.url)
	if err != nil {
		return err
	}
	if ctx.Err() != nil {
		return errors.New("interrupted")
	}
	return report(out, append(verdicts, scenarios...), time.Since(began))
}
