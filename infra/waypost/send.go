package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"sync"
	"time"

	"github.com/waypost/waypost/infra/bundle"
	"github.com/waypost/waypost/shared/admin"
	"github.com/waypost/waypost/shared/entry"
)

type sendCommand struct {
	Files  []string `arg:"" name:"file" help:"Files of one CloudEvent each; - is standard input."`
	NoWait bool     `help:"Do not wait until the deliveries are settled."`
	target
}

// Run sends events, one after the other, and shows what became of them.
func (c *sendCommand) Run(ctx context.Context, out io.Writer) error {
	var docs []bundle.Document
	for _, name := range c.Files {
		read := func() ([]byte, error) { return os.ReadFile(name) }
		if name == "-" {
			read = func() ([]byte, error) { return io.ReadAll(os.Stdin) }
		}
		data, err := read()
		if errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("there is no file %s; statemachines/examples/order_ready/send/ada.json is an event", name)
		}
		if err != nil {
			return err
		}
		docs = append(docs, bundle.Document{Name: name, JSON: data})
	}
	at, err := c.find(ctx)
	if err != nil {
		return err
	}
	if c.NoWait {
		_, err := enter(ctx, at.api, docs, lines(out))
		return err
	}
	traces, err := sendAll(ctx, at.api, docs, lines(out))
	if err != nil {
		return err
	}
	rows := rowsOf(traces)
	if len(rows) == 0 {
		return nil
	}
	fmt.Fprintln(out)
	return printDeliveries(out, rows)
}

// enter sends events and gives the executions that they started.
func enter(ctx context.Context, api *client, events []bundle.Document, say bundle.Report) ([]entry.Started, error) {
	var started []entry.Started
	width := 0
	for _, e := range events {
		width = max(width, len(e.Name))
	}
	for _, e := range events {
		var a entry.Answer
		if err := api.Do(ctx, "POST", "/entry/", json.RawMessage(e.JSON), &a); err != nil {
			return nil, fmt.Errorf("%s: %w", e.Name, err)
		}
		for _, x := range a.Executions {
			say("%-*s  entered %s version %d: execution %s%s", width, e.Name, x.Journey, x.Version, x.Execution, again(a))
		}
		if len(a.Executions) == 0 {
			say("%-*s  accepted; no journey takes it%s", width, e.Name, again(a))
		}
		started = append(started, a.Executions...)
	}
	return started, nil
}

func again(a entry.Answer) string {
	if a.Duplicate {
		return " (a duplicate: nothing new started)"
	}
	return ""
}

// sendAll sends events and waits until every execution has ended and every
// delivery is settled.
func sendAll(ctx context.Context, api *client, events []bundle.Document, say bundle.Report) ([]admin.Execution, error) {
	started, err := enter(ctx, api, events, say)
	if err != nil {
		return nil, err
	}
	traces := make([]admin.Execution, len(started))
	waits := sync.OnceFunc(func() { say("waiting until every delivery is settled") })
	for i := range started {
		if traces[i], err = settled(ctx, api, started[i].Execution, waits); err != nil {
			return nil, err
		}
	}
	return traces, nil
}

// settled waits until an execution has ended and its deliveries are settled. It
// calls waits where they are not yet.
func settled(ctx context.Context, api *client, execution string, waits func()) (admin.Execution, error) {
	for {
		x, err := traceOf(ctx, api, execution)
		if err != nil || ended(x) {
			return x, err
		}
		waits()
		select {
		case <-ctx.Done():
			return x, ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func traceOf(ctx context.Context, api *client, execution string) (admin.Execution, error) {
	var x admin.Execution
	err := api.Do(ctx, "GET", "/admin/v1/executions/"+url.PathEscape(execution), nil, &x)
	return x, err
}

// ended says whether nothing more will happen.
func ended(x admin.Execution) bool {
	switch x.Status {
	case "", "RUNNING", "pending":
		return false
	}
	for _, d := range x.Deliveries {
		if d.SettledAt.IsZero() {
			return false
		}
	}
	return true
}
