package main

import (
	"fmt"
	"io"
	"math"
	"slices"
	"text/tabwriter"
	"time"
)

// A row is one line of the report: what was measured, beside its baseline of
// the same run and the bar that it is held to. Empty cells print as "-".
type row struct {
	what, measured, baseline, ratio, bar string
	over                                 bool // the measured number is over its bar
}

// A section is what one part of the program measured.
type section struct {
	title string
	rows  []row
	notes []string // what a number means, below the rows
}

// print writes a section as aligned columns. The verdict is "within" or
// "over" where there is a bar.
func (s section) print(out io.Writer) error {
	fmt.Fprintf(out, "\n%s\n", s.title)
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "\tMEASURED\tBASELINE\tRATIO\tBAR\tVERDICT")
	for _, r := range s.rows {
		verdict := ""
		switch {
		case r.bar == "":
		case r.over:
			verdict = "over"
		default:
			verdict = "within"
		}
		fmt.Fprintf(w, "  %s\t%s\t%s\t%s\t%s\t%s\n", r.what, dash(r.measured), dash(r.baseline), dash(r.ratio), dash(r.bar), dash(verdict))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	for _, n := range s.notes {
		fmt.Fprintf(out, "  %s\n", n)
	}
	return nil
}

func dash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

// ratio gives a/b to two or three digits, or "" where there is no baseline.
func ratio(a, b float64) string {
	switch r := a / b; {
	case b == 0:
		return ""
	case r >= 10:
		return fmt.Sprintf("%.0f ×", r)
	default:
		return fmt.Sprintf("%.2f ×", r)
	}
}

// quantile gives the p-th part (0 to 1) of durations, the nearest rank; 0 of none.
func quantile(d []time.Duration, p float64) time.Duration {
	if len(d) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(d))
	return sorted[max(int(math.Ceil(p*float64(len(sorted))))-1, 0)]
}

func median(d []time.Duration) time.Duration { return quantile(d, 0.5) }

func millis(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
