package local

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"github.com/waypost/waypost/infra/bundle"
	"github.com/waypost/waypost/shared/admin"
	"github.com/waypost/waypost/shared/entry"
	waypostsecrets "github.com/waypost/waypost/shared/secretsmanager"
	"github.com/waypost/waypost/statemachines"
)

// built is the folder of the functions' files, made once where a test asks for it.
var built = sync.OnceValues(build)

func TestMain(m *testing.M) {
	code := m.Run()
	if made != "" {
		_ = os.RemoveAll(made)
	}
	os.Exit(code)
}

// made is the folder that build made, if it did.
var made string

// build builds every function for this machine, as make build does but for
// what only makes the files smaller or alike.
func build() (string, error) {
	dir, err := os.MkdirTemp("", "waypost-functions-")
	if err != nil {
		return "", err
	}
	made = dir
	cmd := exec.Command("go", "build", "-tags", "lambda.norpc", "-ldflags=-s -w", "-o", dir+"/files/", "./functions/...")
	cmd.Dir = "../.."
	cmd.Env = append(os.Environ(), "GOOS=linux", "CGO_ENABLED=0", "GOFLAGS=")
	if text, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building the functions: %w\n%s", err, text)
	}
	for name := range Functions() {
		if err := os.Mkdir(filepath.Join(dir, name), 0o700); err != nil {
			return "", err
		}
		if err := os.Rename(filepath.Join(dir, "files", name), filepath.Join(dir, name, "bootstrap")); err != nil {
			return "", err
		}
	}
	return dir, nil
}

// binaries gives the folder of the functions' files.
func binaries(t *testing.T) string {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skipf("the functions' files run on Linux alone, and this is %s", runtime.GOOS)
	}
	dir, err := built()
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// A world is a runtime with a client of its URLs.
type world struct {
	*Runtime
	t *testing.T
}

// start starts a runtime that ends with the test.
func start(t *testing.T, c Config) *world {
	t.Helper()
	rt, err := Start(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		began := time.Now()
		if err := rt.Close(context.Background()); err != nil {
			t.Errorf("ending was not clean: %v", err)
		}
		if took := time.Since(began); took > 5*time.Second {
			t.Errorf("ending took %v, want 5 s at most", took)
		}
		if left := processes(rt, ""); len(left) > 0 {
			t.Errorf("processes are left: %v", left)
		}
	})
	return &world{rt, t}
}

// Do calls a function URL; it is bundle.API.
func (w *world) Do(ctx context.Context, method, path string, body json.RawMessage, out any) error {
	r, err := http.NewRequestWithContext(ctx, method, w.URL+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	data, err := io.ReadAll(res.Body)
	if err != nil {
		return err
	}
	if res.StatusCode >= 300 {
		return fmt.Errorf("%s %s: %d %s", method, path, res.StatusCode, data)
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(data, out)
}

func (w *world) must(method, path, body string, out any) {
	w.t.Helper()
	if err := w.Do(w.t.Context(), method, path, json.RawMessage(body), out); err != nil {
		w.t.Fatal(err)
	}
}

// apply puts the example in place.
func (w *world) apply() *bundle.Bundle {
	w.t.Helper()
	folder, err := fs.Sub(statemachines.Examples, "examples/order_ready")
	if err != nil {
		w.t.Fatal(err)
	}
	b, err := bundle.Read(folder)
	if err != nil {
		w.t.Fatal(err)
	}
	secrets := &waypostsecrets.Source{Client: secretsmanager.NewFromConfig(w.AWS)}
	if err := b.Apply(w.t.Context(), w, secrets, func(string, ...any) {}); err != nil {
		w.t.Fatal(err)
	}
	return b
}

// send sends an event, and gives the name of the one execution that it starts.
func (w *world) send(event string) string {
	w.t.Helper()
	var a entry.Answer
	w.must("POST", "/entry/", event, &a)
	if len(a.Executions) != 1 {
		w.t.Fatalf("got the executions %v, want one", a.Executions)
	}
	return a.Executions[0].Execution
}

// ended waits until an execution has ended and its deliveries are settled.
func (w *world) ended(execution string, within time.Duration) admin.Execution {
	w.t.Helper()
	var x admin.Execution
	w.until("the execution "+execution+" has ended", within, func() bool {
		x = admin.Execution{}
		w.must("GET", "/admin/v1/executions/"+execution, "", &x)
		for _, d := range x.Deliveries {
			if d.SettledAt.IsZero() {
				return false
			}
		}
		return !x.StoppedAt.IsZero()
	})
	return x
}

// until waits for a condition.
func (w *world) until(what string, within time.Duration, holds func() bool) {
	w.t.Helper()
	deadline := time.After(within)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-tick.C:
		case <-deadline:
			w.t.Fatalf("%s: not within %v", what, within)
		}
	}
}
