package main

import (
	"archive/zip"
	"compress/flate"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/waypost/waypost/shared/assemble"
)

const module = "github.com/waypost/waypost"

// baselines name, for each function, the empty handler with the same AWS clients.
var baselines = []struct{ function, empty string }{
	{"webhook", "action"}, {"sms", "action"}, {"slack", "action"}, {"loyalty", "action"}, {"signage", "action"}, {"private", "action"},
	{"decide", "decide"}, {"entry", "entry"}, {"sweep", "sweep"}, {"admin", "entry"}, {"callback", "callback"},
}

const (
	coldRuns  = 21
	coldBar   = 2.0             // times the empty handler
	zipBar    = 8 << 20         // bytes
	zipArch   = "arm64"         // what make build makes, unless it is told otherwise
	coldLimit = 5 * time.Second // of one start
)

// coldStart measures each function from exec to its first poll of the runtime
// API, run by run in turn with its empty handler, and the size of its zip.
func coldStart(ctx context.Context, progress func(string)) (section, error) {
	s := section{title: fmt.Sprintf("Cold start: exec to the first poll of the runtime API, median of %d runs (linux/%s); zip for linux/%s", coldRuns, runtime.GOARCH, zipArch)}
	if runtime.GOOS != "linux" {
		s.notes = append(s.notes, "skipped: the functions are built for linux, and this is "+runtime.GOOS)
		return s, nil
	}
	dir, err := os.MkdirTemp("", "waypost-bench-")
	if err != nil {
		return s, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	polls, err := listenForPolls()
	if err != nil {
		return s, err
	}
	defer polls.close()
	progress("building the functions and their baselines for " + runtime.GOARCH)
	functions, err := build(ctx, dir, "functions", runtime.GOARCH)
	if err != nil {
		return s, err
	}
	empties, err := build(ctx, dir, "infra/bench/empty", runtime.GOARCH)
	if err != nil {
		return s, err
	}
	for _, b := range baselines {
		progress("starting " + b.function)
		function, empty := filepath.Join(functions, b.function), filepath.Join(empties, b.empty)
		var took, base []time.Duration
		for i := range coldRuns + 1 {
			for _, run := range []struct {
				file string
				into *[]time.Duration
			}{{function, &took}, {empty, &base}} {
				d, err := polls.start(ctx, run.file)
				if err != nil {
					return s, err
				}
				if i > 0 { // the first run warms the disk's cache
					*run.into = append(*run.into, d)
				}
			}
		}
		got, want := median(took), median(base)
		s.rows = append(s.rows, row{
			what: b.function, measured: fmt.Sprintf("%.1f ms", millis(got)), baseline: fmt.Sprintf("%.1f ms", millis(want)),
			ratio: ratio(float64(got), float64(want)), bar: "≤ 2 ×", over: float64(got) > coldBar*float64(want),
		})
	}
	progress("building the functions for " + zipArch + ", and zipping them")
	if functions, err = build(ctx, dir, "functions", zipArch); err != nil {
		return s, err
	}
	for _, b := range baselines {
		size, err := zipSize(filepath.Join(functions, b.function))
		if err != nil {
			return s, err
		}
		s.rows = append(s.rows, row{what: b.function + ", zip", measured: fmt.Sprintf("%.2f MB", float64(size)/(1<<20)),
			bar: "< 8 MB", over: size >= zipBar})
	}
	return s, nil
}

// build makes all programs in a folder of the repository as make build does,
// and gives the folder that they are in, each under its name.
func build(ctx context.Context, dir, folder, arch string) (string, error) {
	out := filepath.Join(dir, arch, filepath.Base(folder))
	cmd := exec.CommandContext(ctx, "go", "build", "-tags", "lambda.norpc", "-trimpath", "-ldflags=-s -w",
		"-o", out+string(filepath.Separator), module+"/"+folder+"/...")
	cmd.Env = append(os.Environ(), "GOOS=linux", "GOARCH="+arch, "CGO_ENABLED=0")
	if text, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building %s for %s: %w\n%s", folder, arch, err, text)
	}
	return out, nil
}

// zipSize gives the size of a function's deployment package, which holds the
// one file bootstrap.
func zipSize(file string) (int64, error) {
	in, err := os.Open(file)
	if err != nil {
		return 0, err
	}
	defer func() { _ = in.Close() }()
	var size counter
	archive := zip.NewWriter(&size)
	archive.RegisterCompressor(zip.Deflate, func(w io.Writer) (io.WriteCloser, error) { return flate.NewWriter(w, flate.DefaultCompression) })
	entry, err := archive.Create("bootstrap")
	if err != nil {
		return 0, err
	}
	if _, err := io.Copy(entry, in); err != nil {
		return 0, err
	}
	return int64(size), archive.Close()
}

// A counter counts what is written to it.
type counter int64

func (c *counter) Write(b []byte) (int, error) {
	*c += counter(len(b))
	return len(b), nil
}

// polls is a runtime API that never has an invocation: it notes when a function asks.
type polls struct {
	address string
	asked   chan time.Time
	server  *http.Server
}

func listenForPolls() (*polls, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &polls{address: l.Addr().String(), asked: make(chan time.Time, 1)}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /2018-06-01/runtime/invocation/next", func(_ http.ResponseWriter, r *http.Request) {
		select {
		case p.asked <- time.Now():
		default:
		}
		<-r.Context().Done() // as Lambda does while there is nothing to do
	})
	p.server = &http.Server{Handler: mux, ReadHeaderTimeout: coldLimit}
	go func() { _ = p.server.Serve(l) }() // it ends with close
	return p, nil
}

func (p *polls) close() { _ = p.server.Close() }

// start runs a function until it polls, and gives how long that took.
func (p *polls) start(ctx context.Context, file string) (time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, coldLimit)
	defer cancel()
	cmd := exec.CommandContext(ctx, file)
	var said strings.Builder
	cmd.Stderr = &said
	cmd.Env = []string{
		"AWS_LAMBDA_RUNTIME_API=" + p.address, "AWS_REGION=us-east-1", "AWS_ACCESS_KEY_ID=AKIAFAKEFAKEFAKEFAKE", "AWS_SECRET_ACCESS_KEY=fake",
		"AWS_LAMBDA_FUNCTION_NAME=bench", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE=256",
		assemble.VarProfiles + "=p", assemble.VarCatalog + "=c", assemble.VarLedger + "=l", assemble.VarLimits + "=m",
		assemble.VarDeadLetters + "=http://127.0.0.1:1/q", assemble.VarJourneyRole + "=arn:aws:iam::000000000000:role/r", assemble.VarNames + "={}", assemble.VarPrefix + "=bench-",
	}
	select {
	case <-p.asked: // a late one of the run before
	default:
	}
	began := time.Now()
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	defer func() {
		cancel()
		_ = cmd.Wait() // it was told to end
	}()
	select {
	case at := <-p.asked:
		return at.Sub(began), nil
	case <-ctx.Done():
		return 0, fmt.Errorf("%s did not poll within %v: %s", filepath.Base(file), coldLimit, said.String())
	}
}
