package main

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
)

// output is what go test prints of all benchmarks that the report needs.
func output(deliver, signed float64) string {
	suffix := ""
	if n := runtime.GOMAXPROCS(0); n > 1 {
		suffix = fmt.Sprintf("-%d", n)
	}
	var b strings.Builder
	b.WriteString("goos: linux\npkg: x\n")
	for name, ns := range map[string]float64{"Eval/template": 400, "Eval/expression": 200, "Eval/list": 900, "Eval/baseline=sprintf": 200,
		"Eval/baseline=text-template": 800, "Parse": 12000, "Do/bare": 50000, "Do/egress": 60000, "BarePost": 50000, "Deliver": deliver, "DeliverSigned": signed} {
		for _, factor := range []float64{3, 1, 0.5} { // the median is the middle one, whatever the order
			fmt.Fprintf(&b, "Benchmark%s%s   \t 1000\t %.1f ns/op\t 64 B/op\t 3 allocs/op\n", name, suffix, ns*factor)
		}
	}
	b.WriteString("PASS\nok  \tx\t1.0s\n")
	return b.String()
}

func TestBenchSection(t *testing.T) {
	type own struct {
		measured string
		over     bool
	}
	for _, tc := range []struct {
		deliver, signed float64
		want            [2]own
	}{
		{120_000, 149_000, [2]own{{"70.0 µs more than net/http", false}, {"99.0 µs more than net/http", false}}},
		{150_000, 149_000, [2]own{{"100.0 µs more than net/http", true}, {"99.0 µs more than net/http", false}}},
		{140_000, 160_000, [2]own{{"90.0 µs more than net/http", false}, {"110.0 µs more than net/http", true}}},
	} {
		found := measured{}
		if err := found.add([]byte(output(tc.deliver, tc.signed))); err != nil {
			t.Fatal(err)
		}
		s, err := benchSection(found)
		if err != nil {
			t.Fatal(err)
		}
		if got, want := s.rows[0], (row{what: "mapping: a text with two values", measured: "400 ns, 3 allocs",
			baseline: "fmt.Sprintf 200 ns, 3 allocs", ratio: "2.00 ×"}); got != want {
			t.Errorf("got %+v, want %+v", got, want)
		}
		for i, got := range s.rows[len(s.rows)-2:] {
			if want := tc.want[i]; (own{got.measured, got.over}) != want || got.bar != "< 100 µs" {
				t.Errorf("%s of %v and %v: got %+v, want %+v", got.what, tc.deliver, tc.signed, got, want)
			}
		}
	}
}

// A benchmark that is not there must not be left out in silence.
func TestBenchSectionMissesOne(t *testing.T) {
	found := measured{}
	if err := found.add([]byte(strings.ReplaceAll(output(1, 1), "BenchmarkDo/bare", "BenchmarkDo/other"))); err != nil {
		t.Fatal(err)
	}
	if _, err := benchSection(found); err == nil || !strings.Contains(err.Error(), "BenchmarkDo/bare") {
		t.Errorf("got %v, want an error that names it", err)
	}
}
