package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"strconv"
	"time"

	"github.com/waypost/waypost/infra/foreign"
)

// motoVersion is the moto that the list of deviations is about.
const motoVersion = "5.2.5"

// install makes sure of moto, and gives the path of a Python that has it.
func install(ctx context.Context, out io.Writer) (string, error) {
	return foreign.Install(ctx, out, foreign.Package{Name: "moto", Extra: "server", Version: motoVersion})
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
	url    string // of the proxy
	server *foreign.Server
	proxy  *http.Server
}

// startMoto starts moto and the proxy, and waits until both answer.
func startMoto(ctx context.Context, python string, lambda http.Handler) (*moto, error) {
	behind, err := foreign.FreePort()
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
	cmd := exec.Command(python, "-c", launcher, "-H", "127.0.0.1", "-p", strconv.Itoa(behind))
	cmd.Env = append(os.Environ(), "MOTO_PORT="+port, "NO_PROXY=localhost,127.0.0.1", "AWS_DEFAULT_REGION=us-east-1")
	said := &bytes.Buffer{}
	cmd.Stdout, cmd.Stderr = io.Discard, said
	if m.server, err = foreign.Start(cmd); err != nil {
		_ = m.proxy.Close()
		return nil, fmt.Errorf("starting moto: %w", err)
	}
	if err := m.server.Ready(ctx, m.turnOn); err != nil {
		m.stop()
		return nil, fmt.Errorf("moto: %w\n%s", err, said)
	}
	return m, nil
}

// turnOn turns on the execution of state machines, without which moto only
// pretends.
func (m *moto) turnOn(ctx context.Context) error {
	config := `{"stepfunctions": {"execute_state_machine": true}}`
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, m.url+"/moto-api/config", bytes.NewBufferString(config))
	if err != nil {
		return err
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	if err := res.Body.Close(); err != nil {
		return err
	}
	if res.StatusCode >= 300 {
		return fmt.Errorf("it answered %s", res.Status)
	}
	return nil
}

// stop ends moto, the process that startMoto started, and the proxy.
func (m *moto) stop() {
	_ = m.proxy.Close()
	m.server.Stop()
}
