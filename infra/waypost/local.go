package main

import (
	"context"
	"errors"
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
	Port     int    `help:"Port of the function URLs, the stand-ins and the inbox." default:"8480"`
	AWSPort  int    `name:"aws-port" help:"Port of the AWS APIs." default:"4566"`
	Example  bool   `help:"Begin with the example: apply it, send its events, show their deliveries." xor:"bundle"`
	Bundle   string `help:"Begin with the bundle in this folder." placeholder:"FOLDER" xor:"bundle"`
	Once     bool   `help:"Begin with the example or the bundle, and end when every delivery is settled: with status 0 only if all ended as it says."`
	Live     bool   `help:"Let calls to the providers' own hosts out. Without it they go to stand-ins."`
	Binaries string `help:"Run the functions' files DIR/FUNCTION/bootstrap, as make build leaves them in build/, as processes of their own." type:"existingdir" placeholder:"DIR"`
	Verbose  bool   `short:"v" help:"Log what the functions log, as JSON on standard error."`
}

// Run starts the runtime, shows it a bundle, and serves until it is told to end.
func (c *localCommand) Run(ctx context.Context, out io.Writer) error {
	log := slog.New(slog.DiscardHandler)
	if c.Verbose {
		log = slog.New(slog.NewJSONHandler(os.Stderr, nil))
	}
	rt, err := local.Start(ctx, local.Config{Port: c.Port, AWSPort: c.AWSPort, Live: c.Live, Binaries: c.Binaries, Log: log})
	if err != nil {
		return err
	}
	ended := c.serve(ctx, out, rt)
	if err := rt.Close(context.WithoutCancel(ctx)); err != nil {
		log.Warn("ending was not clean", "error", err)
	}
	if ended != nil && ctx.Err() != nil { // told to end while it was at work
		if c.Once {
			return errors.New("told to end before every delivery was settled")
		}
		return nil
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
	c.hint(out, rt)
	<-ctx.Done()
	fmt.Fprintln(out, "\nending")
	return nil
}

// hint says where to look, and what to do next.
func (c *localCommand) hint(out io.Writer, rt *local.Runtime) {
	const file = "go run ./infra/waypost send FILE"
	next := table{{"Send", file}}
	switch {
	case c.Example:
		next = table{{"Send", fmt.Sprintf("curl %s/entry/ -d '%s'", rt.URL,
			`{"id":"1","source":"/me","type":"order.ready","data":{"orderId":"A-1","customerId":"c-ada","total":42}}`)}, {"", "or: " + file}}
	case c.Bundle == "":
		next = table{{"Publish", "go run ./infra/waypost apply statemachines/examples/order_ready"}, {"Send", file}}
	}
	t := append(table{
		{"Inbox", rt.URL + "/inbox", "what each channel received"},
		{"Admin", rt.URL + "/admin/", "actions, journeys, deliveries"},
	}, next...)
	t.add("Trace", "go run ./infra/waypost trace EXECUTION")
	t.add("AWS", "aws --endpoint-url "+rt.AWSURL+" stepfunctions list-state-machines", "# any region, any credentials")
	fmt.Fprintln(out)
	_ = t.print(out) // a terminal that is gone will not read this either
	fmt.Fprintln(out, "\nCtrl-C ends it; everything is in memory.")
}

// begin applies the bundle, sends its events, and shows how they ended.
func (c *localCommand) begin(ctx context.Context, out io.Writer, rt *local.Runtime) error {
	b, name, err := c.bundle()
	if err != nil {
		return err
	}
	api := newClient(rt.URL)
	fmt.Fprintf(out, "\napplying %s\n", name)
	secrets := keeper{secretsmanager.Source{Client: awssecrets.NewFromConfig(rt.AWS)}, rt.AWSURL, true}
	if err := b.Apply(ctx, api, secrets, lines(out)); err != nil {
		return err
	}
	if !c.Live {
		if err := subscribe(ctx, rt, b); err != nil { // its messages are posted all the same
			lines(out)("%v", err)
		}
	}
	fmt.Fprintf(out, "\nsending %d events\n", len(b.Send))
	traces, err := sendAll(ctx, api, b.Send, lines(out), pacing{first: localPoll, most: localPoll})
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

// bundle reads the bundle to begin with, and says what its folder is called.
func (c *localCommand) bundle() (*bundle.Bundle, string, error) {
	if c.Bundle != "" {
		b, err := readBundle(c.Bundle)
		return b, c.Bundle, err
	}
	name := path.Join("statemachines", example)
	folder, err := fs.Sub(statemachines.Examples, example)
	if err != nil {
		return nil, name, err
	}
	b, err := bundle.Read(folder)
	return b, name, err
}

// lines reports to a terminal, indented.
func lines(out io.Writer) bundle.Report {
	return func(format string, args ...any) { fmt.Fprintf(out, "  "+format+"\n", args...) }
}
