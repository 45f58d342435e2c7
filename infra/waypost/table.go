package main

import (
	"context"
	"fmt"
	"io"
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
		out[i] = bundle.Expectation{Profile: d.Profile, Step: d.Step, Outcome: d.Outcome}
	}
	return out
}

// printDeliveries prints an aligned table. The time is from the event's
// acceptance to the request, so a wait before the step is in it.
func printDeliveries(out io.Writer, rows []admin.Delivery) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "JOURNEY\tSTEP\tPROFILE\tCHANNEL\tOUTCOME\tEVENT TO REQUEST\tREASON")
	for _, d := range rows {
		channel := d.Channel
		if d.Provider != "" {
			channel += "/" + d.Provider
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", d.Journey, d.Step, d.Profile, channel, d.Outcome, sinceEvent(d), d.Reason)
	}
	return w.Flush()
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
	x, err := traceOf(ctx, newClient(c.URL), c.Execution)
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
	fmt.Fprint(out, "\n\n")
	deliveries := map[string]admin.Delivery{}
	for _, d := range x.Deliveries {
		deliveries[d.Step] = d
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "STEP\tAT\tTOOK\tOUTCOME\tCODE\tATTEMPTS\tRESOLVE\tOWN\tENDPOINT\tREASON")
	for _, s := range x.Steps {
		took := "so far"
		if !s.Exited.IsZero() {
			took = ms(s.Exited.Sub(s.Entered))
		}
		fmt.Fprintf(w, "%s\t+%s\t%s", s.Step, ms(s.Entered.Sub(x.EnteredAt)), took)
		if d, ok := deliveries[s.Step]; ok {
			fmt.Fprintf(w, "\t%s\t%s\t%d\t%s\t%s\t%s\t%s", d.Outcome, dash(d.Code), len(d.Attempts),
				fmtMs(d.Timings.ResolveMs), fmtMs(d.Timings.OwnMs), fmtMs(d.Timings.EndpointMs), d.Reason)
			delete(deliveries, s.Step)
		}
		fmt.Fprintln(w)
	}
	for _, d := range x.Deliveries {
		if _, left := deliveries[d.Step]; left { // of an express journey, or a step that was not waited for
			fmt.Fprintf(w, "%s\t+%s\t-\t%s\t%s\t%d\t%s\t%s\t%s\t%s\n", d.Step, ms(d.EnteredAt.Sub(x.EnteredAt)), d.Outcome, dash(d.Code), len(d.Attempts),
				fmtMs(d.Timings.ResolveMs), fmtMs(d.Timings.OwnMs), fmtMs(d.Timings.EndpointMs), d.Reason)
		}
	}
	return w.Flush()
}

func dash(code int) string {
	if code == 0 {
		return "-"
	}
	return fmt.Sprint(code)
}

func fmtMs(v float64) string { return strings.TrimSuffix(fmt.Sprintf("%.2f", v), ".00") + " ms" }
