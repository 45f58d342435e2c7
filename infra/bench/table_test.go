package main

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestSectionPrints(t *testing.T) {
	s := section{title: "Things", notes: []string{"a note"}, rows: []row{
		{what: "a", measured: "1.0 ms", baseline: "2.0 ms", ratio: "0.50 ×", bar: "≤ 2 ×"},
		{what: "longer", measured: "9 MB", bar: "< 8 MB", over: true},
		{what: "no bar", measured: "3", over: true},
	}}
	var out strings.Builder
	if err := s.print(&out); err != nil {
		t.Fatal(err)
	}
	want := `
Things
          MEASURED  BASELINE  RATIO   BAR     VERDICT
  a       1.0 ms    2.0 ms    0.50 ×  ≤ 2 ×   within
  longer  9 MB      -         -       < 8 MB  over
  no bar  3         -         -       -       -
  a note
`
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Error(diff)
	}
}

func TestQuantile(t *testing.T) {
	var hundred []time.Duration
	for i := 100; i > 0; i-- {
		hundred = append(hundred, time.Duration(i))
	}
	for _, tc := range []struct {
		of   []time.Duration
		p    float64
		want time.Duration
	}{
		{nil, 0.5, 0},
		{[]time.Duration{7}, 0.99, 7},
		{[]time.Duration{3, 1, 2}, 0.5, 2},
		{[]time.Duration{3, 1, 2}, 1, 3},
		{[]time.Duration{4, 3, 2, 1}, 0.5, 2},
		{hundred, 0.5, 50},
		{hundred, 0.99, 99},
		{hundred, 0, 1},
	} {
		if got := quantile(tc.of, tc.p); got != tc.want {
			t.Errorf("quantile %v of %v: got %d, want %d", tc.p, tc.of, got, tc.want)
		}
	}
}

func TestRatio(t *testing.T) {
	for want, of := range map[string][2]float64{"": {1, 0}, "0.02 ×": {2, 100}, "1.50 ×": {3, 2}, "12 ×": {36, 3}} {
		if got := ratio(of[0], of[1]); got != want {
			t.Errorf("%v: got %q, want %q", of, got, want)
		}
	}
}
