package main

import (
	"encoding/json"
	"fmt"
	"io"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// compare lists what differs between moto's result and ours, and the reasons
// of those differences that deviations.go knows.
func compare(c testCase, moto, ours *result) (differences, excused []string) {
	say := func(what string, m, o any) {
		if reflect.DeepEqual(m, o) {
			return
		}
		for _, d := range deviations() {
			if d.covers(c, what, moto, ours) {
				if !slices.Contains(excused, d.reason) {
					excused = append(excused, d.reason)
				}
				return
			}
		}
		differences = append(differences, fmt.Sprintf("%s: moto %s, ours %s", what, show(m), show(o)))
	}
	say("refused", moto.refused != "", ours.refused != "")
	if moto.refused != "" || ours.refused != "" {
		return differences, excused
	}
	say("status", moto.status, ours.status)
	say("output", plain(moto.output), plain(ours.output))
	say("error", moto.error, ours.error)
	say("cause", plainText(moto.cause), plainText(ours.cause))
	say("visited", ordered(c, moto.visited), ordered(c, ours.visited))
	say("events", ordered(c, moto.events), ordered(c, ours.events))
	if c.run.Gaps {
		say("gaps", moto.gaps, ours.gaps)
	}
	return differences, excused
}

// ordered sorts a list where the order is open.
func ordered(c testCase, list []string) []string {
	list = slices.Clone(list)
	if c.run.Free {
		slices.Sort(list)
	}
	return list
}

var (
	times    = regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)`)
	requests = regexp.MustCompile(`Request ID: [^;)]+`)
	accounts = regexp.MustCompile(`\b(123456789012|000000000000)\b`)
)

// plainText takes out of a text what can't be the same on both sides.
func plainText(s string) string {
	var v any
	if err := json.Unmarshal([]byte(s), &v); err == nil {
		if b, err := json.Marshal(plain(v)); err == nil {
			return string(b)
		}
	}
	s = times.ReplaceAllString(s, "TIME")
	s = requests.ReplaceAllString(s, "Request ID: ID")
	return accounts.ReplaceAllString(s, "ACCOUNT")
}

// plain does so in a value. The metadata of an SDK's call goes too.
func plain(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := map[string]any{}
		for k, e := range v {
			if k != "SdkHttpMetadata" && k != "SdkResponseMetadata" {
				out[k] = plain(e)
			}
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = plain(e)
		}
		return out
	case string:
		return plainText(v)
	}
	return v
}

func show(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	if len(b) > 600 {
		return string(b[:600]) + "…"
	}
	return string(b)
}

// brief says in a word or two how a run ended.
func (r *result) brief() string {
	switch {
	case r.refused != "":
		return "refused"
	case r.error != "":
		return r.status + " " + r.error
	}
	return r.status
}

// report prints the table, what differed, and the counts.
func report(out io.Writer, verdicts []verdict, took time.Duration) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "CASE\tMOTO\tOURS\tAGREE")
	failed := 0
	used := map[string]int{}
	for _, v := range verdicts {
		agree := "yes"
		switch {
		case v.err != nil:
			agree = "ERROR"
			failed++
		case len(v.differences) > 0:
			agree = "NO"
			failed++
		case len(v.excused) > 0:
			agree = "moto deviates"
		}
		for _, reason := range v.excused {
			used[reason]++
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", v.name, v.moto, v.ours, agree)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	fmt.Fprintf(out, "\nWhere moto %s is known to differ from AWS:\n", motoVersion)
	for _, d := range deviations() {
		fmt.Fprintf(out, "  %3d runs  %s\n", used[d.reason], d.reason)
	}
	for _, v := range verdicts {
		if v.err != nil {
			fmt.Fprintf(out, "\n%s\n  %v\n", v.name, v.err)
		}
		for i, d := range v.differences {
			if i == 0 {
				fmt.Fprintf(out, "\n%s\n", v.name)
			}
			fmt.Fprintln(out, "  "+strings.ReplaceAll(d, "\n", " "))
		}
	}
	fmt.Fprintf(out, "\n%d passed, %d failed, in %.0fs\n", len(verdicts)-failed, failed, took.Seconds())
	if failed > 0 {
		return fmt.Errorf("%d of %d runs differ", failed, len(verdicts))
	}
	return nil
}
