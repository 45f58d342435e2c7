package main

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path"

	"github.com/waypost/waypost/infra/bundle"
	"github.com/waypost/waypost/infra/local"
	"github.com/waypost/waypost/shared/secretsmanager"
	"github.com/waypost/waypost/statemachines"

	awssecrets "github.com/aws/aws-sdk-go-v2/service/secretsmanager"
)

// example is the bundle that shows what Waypost does.
const example = "examples/order_ready"

type localCommand struct {
	Port    int    `help:"Port of the function URLs, the stand-ins and the inbox." default:"8480"`
	AWSPort int    `name:"aws-port" help:"Port of the AWS APIs." default:"4566"`
	Example bool   `help:"Begin with the example: apply it, send its events, show their deliveries." xor:"bundle"`
	Bundle  string `help:"Begin with the bundle in this folder." type:"existingdir" xor:"bundle"`
	Once    bool   `help:"Begin with the example or the bundle, and end when every delivery is settled: with status 0 only if all ended as it says."`
	Live    bool   `help:"Let calls to the providers' own hosts out. Without it they go to stand-ins."`
	Verbose bool   `short:"v" help:"Log what the functions log, as JSON on standard error."`
}

// Run starts the runtime, shows it a bundle, and serves until it is told to end.
func (c *localCommand) Run(ctx context.Context, out io.Writer) error {
	log := slog.New(slog.DiscardHandler)
	if c.Verbose {
		log = slog.New(slog.NewJSONHandler(os.Stderr, nil))
	}
	rt, err := local.Start(ctx, local.Config{Port: c.Port, AWSPort: c.AWSPort, Live: c.Live, Log: log})
	if err != nil {
		return err
	}
	ended := c.serve(ctx, out, rt)
	if err := rt.Close(context.WithoutCancel(ctx)); err != nil {
		log.Warn("ending was not clean", "error", err)
	}
	if ended != nil && ctx.Err() != nil {
		return nil // told to end while it was at work
	}
	return ended
}

func (c *localCommand) serve(ctx context.Context, out io.Writer, rt *local.Runtime) error {
	fmt.Fprintf(out, "waypost is running: AWS APIs at %s, everything else at %s\n", rt.AWSURL, rt.URL)
	if c.Example || c.Once || c.Bundle != "" {
		if err := c.begin(ctx, out, rt); err != nil {
			return err
		}
	}
	if c.Once {
		return nil
	}
	fmt.Fprintf(out, `
Inbox      %[1]s/inbox        what each channel received
Admin      %[1]s/admin/       actions, journeys, deliveries
Send       curl %[1]s/entry/ -d '%[2]s'
           or: go run ./infra/waypost send FILE
Trace      go run ./infra/waypost trace EXECUTION
AWS        AWS_ENDPOINT_URL=%[3]s aws stepfunctions list-state-machines

Ctrl-C ends it; everything is in memory.
`, rt.URL, `{"id":"1","source":"/me","type":"order.ready","data":{"orderId":"A-1","customerId":"c-ada","total":42}}`, rt.AWSURL)
	<-ctx.Done()
	fmt.Fprintln(out, "\nending")
	return nil
}

// begin applies the bundle, sends its events, and shows how they ended.
func (c *localCommand) begin(ctx context.Context, out io.Writer, rt *local.Runtime) error {
	var folder fs.FS
	name := c.Bundle
	if name == "" {
		name = path.Join("statemachines", example)
		sub, err := fs.Sub(statemachines.Examples, example)
		if err != nil {
			return err
		}
		folder = sub
	} else {
		folder = os.DirFS(name)
	}
	b, err := bundle.Read(folder)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	api := newClient(rt.URL)
	fmt.Fprintf(out, "\napplying %s\n", name)
	secrets := &secretsmanager.Source{Client: awssecrets.NewFromConfig(rt.AWS)}
	if err := b.Apply(ctx, api, secrets, lines(out)); err != nil {
		return err
	}
	fmt.Fprintf(out, "\nsending %d events\n", len(b.Send))
	traces, err := sendAll(ctx, api, b.Send, lines(out))
	if err != nil {
		return err
	}
	rows := rowsOf(traces)
	fmt.Fprintln(out)
	if err := printDeliveries(out, rows); err != nil {
		return err
	}
	return b.Check(found(rows))
}

// lines reports to a terminal, indented.
func lines(out io.Writer) bundle.Report {
	return func(format string, args ...any) { fmt.Fprintf(out, "  "+format+"\n", args...) }
}
