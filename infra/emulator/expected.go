package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/waypost/waypost/infra/bundle"
	"github.com/waypost/waypost/shared/ledger"
)

// forgedMetric is what callbacks that are not signed as they must be are
// counted as, and forged is how many the run itself sends. unheardMetric is what
// those are counted as that could not be recorded.
const (
	forgedMetric  = "CallbacksForged"
	forged        = 1
	unheardMetric = "CallbacksUnheard"
)

// errorsMetric is what a function's lines of level ERROR are counted as.
const errorsMetric = "Errors"

// provoked are the errors that the run itself leads functions to log.
var provoked = map[string]int{
	"admin": 1, // it was asked without its policy
	"entry": 3, // the event that it refused three times
}

// expectedCounts says, for each function, what each of its metric filters must
// count in its log where these are all deliveries that there were.
func expectedCounts(list []delivery) map[string]map[string]int {
	want := map[string]map[string]int{}
	for _, f := range functions() {
		want[f] = map[string]int{errorsMetric: provoked[f]}
	}
	want["callback"][forgedMetric], want["callback"][unheardMetric] = forged, 0
	for _, f := range append(channelFunctions(), "sweep") { // who settles deliveries
		for _, o := range ledger.Outcomes {
			want[f][outcomeMetric(string(o))] = 0
		}
	}
	serves := channels()
	for _, d := range list {
		want[serves[d.Channel]][outcomeMetric(d.Outcome)]++
	}
	return want
}

// outcomeMetric is what the deliveries with an outcome are counted as.
func outcomeMetric(outcome string) string { return "Deliveries" + title(outcome) }

// tally prints counts without those that are 0: "2 DeliveriesSent, 1 Errors".
func tally(counts map[string]int) string {
	var texts []string
	for _, metric := range slices.Sorted(maps.Keys(counts)) {
		if n := counts[metric]; n > 0 {
			texts = append(texts, fmt.Sprintf("%d %s", n, metric))
		}
	}
	if texts == nil {
		return "nothing"
	}
	return strings.Join(texts, ", ")
}

// credentialsOf are the values of a bundle's secrets: all their strings, but
// not the hosts that they may be sent to.
func credentialsOf(b *bundle.Bundle) ([]string, error) {
	var out []string
	for _, d := range b.Secrets {
		var values map[string]any
		if err := json.Unmarshal(d.JSON, &values); err != nil {
			return nil, fmt.Errorf("the secret %s is no JSON object: %w", d.Name, err)
		}
		for _, v := range values {
			if text, ok := v.(string); ok {
				out = append(out, text)
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out), nil
}

// phonesOf are the phone numbers of a bundle's profiles.
func phonesOf(b *bundle.Bundle) ([]string, error) {
	var out []string
	for _, d := range b.Profiles {
		var profile struct {
			Phone string `json:"phone"`
		}
		if err := json.Unmarshal(d.JSON, &profile); err != nil {
			return nil, fmt.Errorf("the profile %s: %w", d.Name, err)
		}
		if profile.Phone != "" {
			out = append(out, profile.Phone)
		}
	}
	return out, nil
}
