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
	Files  []string      `arg:"" name:"file" help:"Files of one CloudEvent each; - is standard input."`
	NoWait bool          `help:"Do not wait until the deliveries are settled."`
	Wait   time.Duration `help:"Wait for at most this long. What is not settled then goes on without send." default:"1m"`
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
	traces, err := sendAll(ctx, at.api, docs, lines(out), at.pace(c.Wait))
	if err != nil {
		return err
	}
	if rows := rowsOf(traces); len(rows) > 0 {
		fmt.Fprintln(out)
		if err := printDeliveries(out, rows); err != nil {
			return err
		}
	}
	c.unsettled(out, traces)
	return nil
}

// unsettled says what was accepted and not settled within the wait. That is no
// failure: it goes on by itself.
func (c *sendCommand) unsettled(out io.Writer, traces []admin.Execution) {
	at := ""
	switch {
	case c.Stack != "":
		at = "--stack " + c.Stack + " "
	case c.URL != localURL:
		at = "--url " + c.URL + " "
	}
	for _, x := range traces {
		if !ended(x) {
			fmt.Fprintf(out, "\n%s is not settled after %v, and goes on: go run ./infra/waypost trace %s%s shows it\n", x.Execution, c.Wait, at, x.Execution)
		}
	}
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
// delivery is settled, or the pace's limit is over for all of them.
func sendAll(ctx context.Context, api *client, events []bundle.Document, say bundle.Report, pace pacing) ([]admin.Execution, error) {
	started, err := enter(ctx, api, events, say)
	if err != nil {
		return nil, err
	}
	traces := make([]admin.Execution, len(started))
	waits := sync.OnceFunc(func() { say("waiting until every delivery is settled") })
	began := time.Now()
	for i := range started {
		look := func() (done bool, err error) {
			traces[i], err = traceOf(ctx, api, started[i].Execution)
			return ended(traces[i]), err
		}
		if err := pace.until(ctx, began, look, waits); err != nil {
			return nil, err
		}
	}
	return traces, nil
}

// localPoll is how often a local runtime is asked.
const localPoll = 50 * time.Millisecond

// A pacing says how often to look whether something is done.
type pacing struct {
	first, most time.Duration // between two looks: twice as long each time, up to most
	limit       time.Duration // when to stop, from the beginning; 0: never
}

// pace says how often the site is asked, for so long.
func (s *site) pace(limit time.Duration) pacing {
	if s.onAWS { // each look takes of the account's quotas
		return pacing{first: 500 * time.Millisecond, most: 2 * time.Second, limit: limit}
	}
	return pacing{first: localPoll, most: localPoll, limit: limit}
}

// until looks, at least once, until what it looks for is done, or the limit is
// over. It calls waits where it must look again.
func (p pacing) until(ctx context.Context, began time.Time, look func() (done bool, _ error), waits func()) error {
	for pause := p.first; ; pause = min(2*pause, p.most) {
		done, err := look()
		if err != nil || done || p.limit > 0 && time.Since(began)+pause > p.limit {
			return err
		}
		waits()
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pause):
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
