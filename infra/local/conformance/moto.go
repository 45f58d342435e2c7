package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

// motoVersion is the moto that the list of deviations is about.
const motoVersion = "5.2.5"

// errNoPython says that this machine has no Python.
var errNoPython = errors.New("python3 not found")

// install makes a virtual environment with moto in the user's cache folder,
// unless it is there, and gives the path of its Python.
func install(ctx context.Context, out io.Writer) (string, error) {
	python, err := exec.LookPath("python3")
	if err != nil {
		return "", errNoPython
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	dir := filepath.Join(cache, "waypost", "moto-"+motoVersion)
	inside := filepath.Join(dir, "bin", "python")
	done := filepath.Join(dir, "installed")
	if _, err := os.Stat(done); err == nil {
		return inside, nil
	}
	fmt.Fprintf(out, "conformance: installing moto %s in %s\n", motoVersion, dir)
	for _, args := range [][]string{
		{python, "-m", "venv", dir},
		{inside, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "moto[server]==" + motoVersion},
	} {
		cmd := exec.CommandContext(ctx, args[0], args[1:]...)
		if said, err := cmd.CombinedOutput(); err != nil {
			return "", fmt.Errorf("installing moto: %v: %w\n%s", args, err, said)
		}
	}
	return inside, os.WriteFile(done, nil, 0o644) // only now: an interrupted install is made again
}

// launcher starts moto's server with one repair. moto hands the parameters of
// states:startExecution to boto3 under Step Functions' names (StateMachineArn),
// where boto3 takes the API's (stateMachineArn), so that none is ever started;
// and the answer the other way round.
const launcher = `
import sys
from moto.server import main
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service_sfn import StateTaskServiceSfn
broken = StateTaskServiceSfn._eval_service_task
def repaired(self, env, normalised_parameters, **rest):
    broken(self, env=env, normalised_parameters={k[0].lower() + k[1:]: v for k, v in normalised_parameters.items()}, **rest)
    env.stack.append({k[0].upper() + k[1:]: v if isinstance(v, str) else v.isoformat() for k, v in env.stack.pop().items()})
StateTaskServiceSfn._eval_service_task = repaired
main(sys.argv[1:])
`

// moto is a running moto server behind a proxy of ours.
//
// moto's Step Functions calls Lambda at http://localhost:$MOTO_PORT, which it
// takes for its own port. It names the proxy's: that answers invocations from
// the case's script, and hands everything else on to moto.
type moto struct {
	url   string // of the proxy
	cmd   *exec.Cmd
	proxy *http.Server
}

// startMoto starts moto and the proxy, and waits until both answer.
func startMoto(ctx context.Context, python string, lambda http.Handler) (*moto, error) {
	behind, err := freePort()
	if err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	target := &url.URL{Scheme: "http", Host: "127.0.0.1:" + strconv.Itoa(behind)}
	mux := http.NewServeMux()
	mux.Handle("/2015-03-31/functions/", lambda)
	mux.Handle("/", &httputil.ReverseProxy{
		Rewrite:  func(r *httputil.ProxyRequest) { r.SetURL(target) },
		ErrorLog: log.New(io.Discard, "", 0), // until moto answers, there are many
	})
	m := &moto{
		url:   "http://" + listener.Addr().String(),
		proxy: &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second},
	}
	go func() { _ = m.proxy.Serve(listener) }() // ends with Close

	_, port, _ := net.SplitHostPort(listener.Addr().String())
	m.cmd = exec.Command(python, "-c", launcher, "-H", "127.0.0.1", "-p", strconv.Itoa(behind))
	m.cmd.Env = append(os.Environ(), "MOTO_PORT="+port, "NO_PROXY=localhost,127.0.0.1", "AWS_DEFAULT_REGION=us-east-1")
	said := &bytes.Buffer{}
	m.cmd.Stdout, m.cmd.Stderr = io.Discard, said
	if err := m.cmd.Start(); err != nil {
		_ = m.proxy.Close()
		return nil, fmt.Errorf("starting moto: %w", err)
	}
	if err := m.ready(ctx); err != nil {
		m.stop()
		return nil, fmt.Errorf("%w\n%s", err, said)
	}
	return m, nil
}

// ready waits for moto, and turns on the execution of state machines, without
// which moto only pretends.
func (m *moto) ready(ctx context.Context) error {
	config := `{"stepfunctions": {"execute_state_machine": true}}`
	deadline := time.After(60 * time.Second)
	for {
		r, err := http.NewRequestWithContext(ctx, http.MethodPost, m.url+"/moto-api/config", bytes.NewBufferString(config))
		if err != nil {
			return err
		}
		if res, err := http.DefaultClient.Do(r); err == nil {
			_ = res.Body.Close()
			if res.StatusCode < 300 {
				return nil
			}
		}
		select {
		case <-deadline:
			return errors.New("moto did not answer within a minute")
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// stop ends moto, the process that startMoto started, and the proxy.
func (m *moto) stop() {
	_ = m.proxy.Close()
	_ = m.cmd.Process.Signal(syscall.SIGTERM)
	ended := make(chan struct{})
	go func() {
		_ = m.cmd.Wait()
		close(ended)
	}()
	select {
	case <-ended:
	case <-time.After(5 * time.Second):
		_ = m.cmd.Process.Kill()
		<-ended
	}
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer func() { _ = l.Close() }()
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(port)
}
