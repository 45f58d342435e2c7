package main

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/waypost/waypost/infra/bundle"
	"github.com/waypost/waypost/shared/admin"
)

// rowsOf lists the deliveries of executions.
func rowsOf(traces []admin.Execution) []admin.Delivery {
	var rows []admin.Delivery
	for _, x := range traces {
		rows = append(rows, x.Deliveries...)
	}
	return rows
}

// found is what a bundle's expectations are held against.
func found(rows []admin.Delivery) []bundle.Expectation {
	out := make([]bundle.Expectation, len(rows))
	for i, d := range rows {
		out[i] = bundle.Expectation{Profile: d.Profile, Step: d.Step, Outcome: d.Outcome, Status: d.Status}
	}
	return out
}

// A table is rows of cells that print in aligned columns. Its first row is the head.
type table [][]string

func (t *table) add(cells ...string) { *t = append(*t, cells) }

// print writes the rows; no line ends with spaces.
func (t *table) print(out io.Writer) error {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	for _, cells := range *t {
		fmt.Fprintln(w, strings.Join(cells, "\t"))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	for line := range strings.Lines(b.String()) {
		if _, err := fmt.Fprintln(out, strings.TrimRight(line, " \n")); err != nil {
			return err
		}
	}
	return nil
}

// printDeliveries prints an aligned table. The time is from the event's
// acceptance to the request, so a wait before the step is in it.
func printDeliveries(out io.Writer, rows []admin.Delivery) error {
	t := table{{"JOURNEY", "STEP", "PROFILE", "CHANNEL", "OUTCOME", "EVENT TO REQUEST", "REASON"}}
	for _, d := range rows {
		channel := d.Channel
		if d.Provider != "" {
			channel += "/" + d.Provider
		}
		t.add(d.Journey, d.Step, d.Profile, channel, endOf(d), sinceEvent(d), d.Reason)
	}
	return t.print(out)
}

// endOf is a delivery's outcome, and what its provider reported of it since:
// "sent, delivered". That a sent one is sent is no news.
func endOf(d admin.Delivery) string {
	if d.Status == "" || d.Status == d.Outcome {
		return d.Outcome
	}
	return d.Outcome + ", " + d.Status
}

func sinceEvent(d admin.Delivery) string {
	if d.RequestedAt.IsZero() {
		return "-"
	}
	return ms(d.RequestedAt.Sub(d.EventAt))
}

func ms(d time.Duration) string { return fmt.Sprintf("%.1f ms", float64(d.Microseconds())/1000) }

type traceCommand struct {
	Execution string `arg:"" help:"The execution's name, as entry's answer and a delivery give it."`
	target
}

// Run prints an execution's steps in order, each with its delivery.
func (c *traceCommand) Run(ctx context.Context, out io.Writer) error {
	at, err := c.find(ctx)
	if err != nil {
		return err
	}
	x, err := traceOf(ctx, at.api, c.Execution)
	if err != nil {
		return err
	}
	return printTrace(out, x)
}

func printTrace(out io.Writer, x admin.Execution) error {
	fmt.Fprintf(out, "execution  %s\njourney    %s version %d\nprofile    %s\nevent      %s %s from %s\nentered    %s\nstatus     %s",
		x.Execution, x.Journey, x.Version, x.Profile, x.Event.Type, x.Event.ID, x.Event.Source, x.EnteredAt.Format(time.RFC3339Nano), x.Status)
	if !x.StoppedAt.IsZero() {
		fmt.Fprintf(out, " after %s", ms(x.StoppedAt.Sub(x.EnteredAt)))
	}
	if x.Error != "" {
		fmt.Fprintf(out, ": %s", x.Error)
	}
	fmt.Fprintln(out)
	deliveries := map[string]admin.Delivery{}
	for _, d := range x.Deliveries {
		deliveries[d.Step] = d
	}
	t := table{{"STEP", "AT", "TOOK", "OUTCOME", "CODE", "ATTEMPTS", "RESOLVE", "OWN", "ENDPOINT", "REASON"}}
	for _, s := range x.Steps {
		took := "so far"
		if !s.Exited.IsZero() {
			took = ms(s.Exited.Sub(s.Entered))
		}
		at := "+" + ms(s.Entered.Sub(x.EnteredAt))
		if d, ok := deliveries[s.Step]; ok {
			t.add(append([]string{s.Step, at, took}, cells(d)...)...)
			delete(deliveries, s.Step)
		} else {
			t.add(s.Step, at, took, "-", "-", "-", "-", "-", "-")
		}
	}
	for _, d := range x.Deliveries {
		if _, left := deliveries[d.Step]; left { // of an express journey, or a step that was not waited for
			t.add(append([]string{d.Step, "+" + ms(d.EnteredAt.Sub(x.EnteredAt)), "-"}, cells(d)...)...)
		}
	}
	if len(t) == 1 {
		return nil // it came to no step yet
	}
	fmt.Fprintln(out)
	if err := t.print(out); err != nil {
		return err
	}
	return printReplays(out, x.Deliveries)
}

// cells are what a trace's row says of a delivery.
func cells(d admin.Delivery) []string {
	endpoint := "-"
	if !d.RequestedAt.IsZero() {
		endpoint = fmtMs(d.Timings.EndpointMs)
	}
	return []string{endOf(d), dash(d.Code), strconv.Itoa(len(d.Attempts)), fmtMs(d.Timings.ResolveMs), fmtMs(d.Timings.OwnMs), endpoint, d.Reason}
}

func dash(code int) string {
	if code == 0 {
		return "-"
	}
	return fmt.Sprint(code)
}

func fmtMs(v float64) string { return fmt.Sprintf("%.2f ms", v) }
