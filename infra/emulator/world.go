package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/waypost/waypost/infra/bundle"
	"github.com/waypost/waypost/infra/foreign"
	"github.com/waypost/waypost/infra/providers"
	"github.com/waypost/waypost/infra/providers/callbacks"
	"github.com/waypost/waypost/statemachines"
)

// Of the example.
const (
	stackName = "waypost-dev"
	example   = "statemachines/examples/order_ready"
)

// A world is one run: an emulated AWS, and what stands around it.
type world struct {
	dir         string // of logs, certificates and the CDK's output
	report      *report
	certificate *certificate
	emulator    *ministack
	standIns    *providers.StandIns
	routes      string // to the stand-ins
	proxy       *url.URL
	servers     []*http.Server
	waypost     string // the command line, built
	bundle      *bundle.Bundle

	operator aws.Config        // of the user who deploys and operates
	outputs  map[string]string // of the stack
	physical map[string]string // the stack's resources' names, by logical id
}

// run runs everything, and is an error where a check failed.
func (w *world) run(ctx context.Context) error {
	if err := w.prepare(ctx); err != nil {
		return err
	}
	for _, part := range []func(context.Context) error{w.deploy, w.deliver, w.trigger, w.permit, w.look, w.destroy} {
		err := part(ctx)
		if ctx.Err() != nil {
			return errors.New("interrupted")
		}
		if err == nil {
			continue
		}
		if w.report.failed == 0 { // no check: this program's own
			return err
		}
		return w.report.end() // what comes after makes no sense without
	}
	if err := printBounds(w.report.out); err != nil {
		return err
	}
	return w.report.end()
}

// prepare starts all that is needed.
func (w *world) prepare(ctx context.Context) error {
	w.report.step("Starting %s %s", emulator.Name, emulator.Version)
	python, err := foreign.Install(ctx, w.report.out, emulator)
	if err != nil {
		return err
	}
	folder, err := fs.Sub(statemachines.Examples, "examples/order_ready")
	if err != nil {
		return err
	}
	if w.bundle, err = bundle.Read(folder); err != nil {
		return fmt.Errorf("%s: %w", example, err)
	}
	if w.certificate, err = newCertificate(w.dir); err != nil {
		return err
	}
	if w.emulator, err = startMinistack(ctx, python, w.dir, w.certificate); err != nil {
		return err
	}
	at, err := w.serve(&proxy{emulator: w.emulator.address})
	if err != nil {
		return err
	}
	if w.proxy, err = url.Parse(at); err != nil {
		return err
	}
	w.standIns = providers.Reporting(callbacks.New(callbacks.Options{Client: reporter(w.certificate, w.proxy)}))
	standIns, err := w.serve(w.standIns)
	if err != nil {
		return err
	}
	w.routes = w.standIns.Routes(standIns)
	w.report.say("AWS at %s, the stand-ins for the providers at %s", w.emulator.url, standIns)
	if w.operator, err = w.newUser(ctx, "operator", `{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}`); err != nil {
		return fmt.Errorf("making the user who deploys: %w", err)
	}
	w.waypost = filepath.Join(w.dir, "waypost")
	_, err = w.command(ctx, os.Environ(), noLine, "go", "build", "-o", w.waypost, "./infra/waypost")
	return err
}

// serve serves on a free port of the loopback.
func (w *world) serve(h http.Handler) (base string, _ error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	s := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second}
	w.servers = append(w.servers, s)
	go func() { _ = s.Serve(l) }() // ends with close
	return "http://" + l.Addr().String(), nil
}

// close ends what prepare started.
func (w *world) close() {
	if w.standIns != nil {
		w.standIns.Close()
	}
	if w.emulator != nil {
		w.emulator.server.Stop()
	}
	for _, s := range w.servers {
		_ = s.Close()
	}
}

// product runs the product's command line as the operator, and shows what it says.
func (w *world) product(ctx context.Context, show func(string) (string, bool), args ...string) (string, error) {
	env, err := w.environment(ctx, w.operator)
	if err != nil {
		return "", err
	}
	switch args[0] {
	case "apply", "send":
		env = w.reachingURLs(env)
	}
	return w.command(ctx, env, show, w.waypost, args...)
}
