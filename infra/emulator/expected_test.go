package main

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/waypost/waypost/infra/bundle"
)

// Each function's filters must count what the ledger has of its channel, and
// what is not there as 0.
func TestExpectedCounts(t *testing.T) {
	settled := func(channel, outcome string) delivery {
		return delivery{Channel: channel, Expectation: bundle.Expectation{Outcome: outcome}}
	}
	got := expectedCounts([]delivery{settled("sms", "sent"), settled("loyalty", "sent"), settled("sms", "sent"), settled("sms", "failed")})
	if d := cmp.Diff(functions(), slices.Sorted(maps.Keys(got))); d != "" {
		t.Error(d)
	}
	for function, want := range map[string]string{
		"sms": "1 DeliveriesFailed, 2 DeliveriesSent", "loyalty": "1 DeliveriesSent", "webhook": "nothing", "entry": "3 Errors", "callback": "1 CallbacksForged",
	} {
		if got := tally(got[function]); got != want {
			t.Errorf("%s: got %s, want %s", function, got, want)
		}
	}
	for function, want := range map[string]int{"webhook": 7, "sweep": 7, "decide": 1} {
		if got := len(got[function]); got != want {
			t.Errorf("%s: got %d metrics, want %d", function, got, want)
		}
	}
}

// Something is tried of each role, both what it needs and what would do harm.
func TestPermissions(t *testing.T) {
	w := &world{}
	roles := append(functions(), journeys, immediate)
	tried := map[string][2]int{}
	for _, p := range w.permissions() {
		n := tried[p.role]
		if p.allowed {
			n[0]++
		} else {
			n[1]++
		}
		tried[p.role] = n
	}
	if got, want := len(tried), len(roles); got != want {
		t.Errorf("permissions are of %d roles, want %d", got, want)
	}
	for _, role := range roles {
		if n := tried[construct(role)]; n[0] == 0 || n[1] == 0 {
			t.Errorf("%s: %d needs and %d harms are tried, want some of both", role, n[0], n[1])
		}
	}
}

func TestWhatMustNotShow(t *testing.T) {
	b := &bundle.Bundle{
		Secrets: []bundle.Document{
			{Name: "waypost/a", JSON: []byte(`{"token": "one", "hosts": ["a.example"]}`)},
			{Name: "waypost/b", JSON: []byte(`{"username": "two", "password": "three"}`)},
		},
		Profiles: []bundle.Document{{Name: "c-1", JSON: []byte(`{"phone": "+15550100001"}`)}, {Name: "c-2", JSON: []byte(`{"firstName": "Ada"}`)}},
	}
	credentials, err := credentialsOf(b)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]string{"one", "three", "two"}, credentials); d != "" {
		t.Error(d)
	}
	phones, err := phonesOf(b)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]string{"+15550100001"}, phones); d != "" {
		t.Error(d)
	}
	b.Secrets[1].JSON = []byte(`"text"`)
	if _, err := credentialsOf(b); err == nil || !strings.Contains(err.Error(), "waypost/b") {
		t.Errorf("got %v, want an error that names the secret", err)
	}
}
