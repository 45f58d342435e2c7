package main

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"golang.org/x/tools/benchmark/parse"
)

// The Go benchmarks whose numbers are in the report, by package, and how they run.
var benchPackages = []string{"shared/mapping", "shared/egress", "shared/delivery"}

const (
	benchCount = 5
	benchTime  = "200ms"
	// ownBar is how much a delivery may cost beyond a bare POST, in ns, one that
	// is signed and has a token too.
	ownBar = 100_000
)

// comparisons name the benchmarks, and each one's baseline. A benchmark's name
// is as in the source, without "Benchmark".
var comparisons = []struct{ what, name, baseline, baselineIs string }{
	{"mapping: a text with two values", "Eval/template", "Eval/baseline=sprintf", "fmt.Sprintf"},
	{"mapping: the same text", "Eval/template", "Eval/baseline=text-template", "text/template"},
	{"mapping: a condition", "Eval/expression", "", ""},
	{"mapping: a sum over a filtered list", "Eval/list", "", ""},
	{"mapping: parsing a text, once when cold", "Parse", "", ""},
	{"egress: a call by the hardened client", "Do/egress", "Do/bare", "net/http"},
	{"delivery: a whole one, AWS at no cost", "Deliver", "BarePost", "net/http"},
	{"delivery: the same, signed and with an OAuth token", "DeliverSigned", "BarePost", "net/http"},
}

// owns name the benchmarks of whole deliveries, whose work beyond a bare POST
// is held to ownBar.
var owns = []struct{ what, name string }{
	{"delivery: the pipeline's own work, run by run", "Deliver"},
	{"delivery: its own work, signed and with an OAuth token", "DeliverSigned"},
}

// goBenchmarks runs the benchmarks of the domain's packages, all of a package
// in turn and that again and again, so that what slows the machine for a while
// slows a benchmark and its baseline alike.
func goBenchmarks(ctx context.Context, progress func(string)) (section, error) {
	dir, err := os.MkdirTemp("", "waypost-bench-")
	if err != nil {
		return section{}, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	found := measured{}
	for _, pkg := range benchPackages {
		progress("running the benchmarks of " + pkg)
		program := filepath.Join(dir, filepath.Base(pkg)+".test")
		if out, err := exec.CommandContext(ctx, "go", "test", "-c", "-o", program, module+"/"+pkg).CombinedOutput(); err != nil {
			return section{}, fmt.Errorf("building the benchmarks of %s: %w\n%s", pkg, err, out)
		}
		for range benchCount {
			out, err := exec.CommandContext(ctx, program, "-test.run=^$", "-test.bench=.", "-test.benchmem", "-test.benchtime="+benchTime).CombinedOutput()
			if err == nil {
				err = found.add(out)
			}
			if err != nil {
				return section{}, fmt.Errorf("the benchmarks of %s: %w\n%s", pkg, err, out)
			}
		}
	}
	return benchSection(found)
}

// measured are benchmarks' results by name, the same for every GOMAXPROCS.
type measured map[string][]*parse.Benchmark

// add reads what go test printed.
func (m measured) add(out []byte) error {
	set, err := parse.ParseSet(bytes.NewReader(out))
	for name, results := range set {
		name = strings.TrimSuffix(strings.TrimPrefix(name, "Benchmark"), fmt.Sprintf("-%d", runtime.GOMAXPROCS(0)))
		m[name] = append(m[name], results...)
	}
	return err
}

// median gives the run of a benchmark that took the median time.
func (m measured) median(name string) (*parse.Benchmark, error) {
	runs := m[name]
	if len(runs) == 0 {
		return nil, fmt.Errorf("there is no result of Benchmark%s", name)
	}
	sorted := slices.SortedFunc(slices.Values(runs), func(a, b *parse.Benchmark) int { return cmp.Compare(a.NsPerOp, b.NsPerOp) })
	return sorted[len(sorted)/2], nil
}

// difference gives the median of how much longer a benchmark took than its
// baseline in the same run, in ns.
func (m measured) difference(name, baseline string) (float64, error) {
	a, b := m[name], m[baseline]
	if len(a) == 0 || len(a) != len(b) {
		return 0, fmt.Errorf("there are %d results of Benchmark%s, and %d of Benchmark%s", len(a), name, len(b), baseline)
	}
	each := make([]float64, len(a))
	for i := range a {
		each[i] = a[i].NsPerOp - b[i].NsPerOp
	}
	slices.Sort(each)
	return each[len(each)/2], nil
}

func benchSection(m measured) (section, error) {
	s := section{title: fmt.Sprintf("Own work: Go benchmarks, median of %d runs", benchCount)}
	for _, c := range comparisons {
		got, err := m.median(c.name)
		if err != nil {
			return s, err
		}
		r := row{what: c.what, measured: cost(got)}
		if c.baseline != "" {
			base, err := m.median(c.baseline)
			if err != nil {
				return s, err
			}
			r.baseline, r.ratio = c.baselineIs+" "+cost(base), ratio(got.NsPerOp, base.NsPerOp)
		}
		s.rows = append(s.rows, r)
	}
	for _, o := range owns {
		own, err := m.difference(o.name, "BarePost")
		if err != nil {
			return s, err
		}
		s.rows = append(s.rows, row{what: o.what, measured: nanos(own) + " more than net/http", bar: "< 100 µs", over: own >= ownBar})
	}
	return s, nil
}

func cost(b *parse.Benchmark) string {
	if b.Measured&parse.AllocsPerOp == 0 {
		return nanos(b.NsPerOp)
	}
	return fmt.Sprintf("%s, %d allocs", nanos(b.NsPerOp), b.AllocsPerOp)
}

// nanos prints a time in ns or, from 10 µs on, in µs.
func nanos(ns float64) string {
	if ns >= 10_000 {
		return fmt.Sprintf("%.1f µs", ns/1000)
	}
	return fmt.Sprintf("%.0f ns", ns)
}
