package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"

	"github.com/waypost/waypost/infra/bundle"
	"github.com/waypost/waypost/shared/fault"
	"github.com/waypost/waypost/shared/secretsmanager"
)

type applyCommand struct {
	Folder         string `arg:"" help:"The bundle's folder."`
	ReplaceSecrets bool   `help:"On AWS, replace secrets that are there already by those of secrets.json. A local runtime's always are."`
	target
}

// Run applies a bundle to a running Waypost.
func (c *applyCommand) Run(ctx context.Context, out io.Writer) error {
	b, err := readBundle(c.Folder)
	if err != nil {
		return err
	}
	at, err := c.find(ctx)
	if err != nil {
		return err
	}
	return b.Apply(ctx, at.api, at.secrets(c.ReplaceSecrets || !at.onAWS), lines(out))
}

// readBundle reads a folder of this machine.
func readBundle(name string) (*bundle.Bundle, error) {
	if info, err := os.Stat(name); err != nil || !info.IsDir() {
		return nil, fmt.Errorf("there is no folder %s; statemachines/examples/order_ready is a bundle to begin with", name)
	}
	b, err := bundle.Read(os.DirFS(name))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return b, nil
}

// A keeper puts secrets, and says what a person can do where it can't. Those
// that are there already it replaces where it is told to: a bundle's may be a
// demo's, and a stack's real.
type keeper struct {
	source  secretsmanager.Source
	url     string
	replace bool
}

func (k keeper) Put(ctx context.Context, name, value string) (kept bool, _ error) {
	var err error
	if k.replace {
		_, err = k.source.Put(ctx, name, value)
	} else {
		var created bool
		created, err = k.source.Create(ctx, name, value)
		kept = !created
	}
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return false, fmt.Errorf("no AWS API serves at %s: start it with make run, or name another with --aws-url", k.url)
	case err != nil:
		return false, errors.New(fault.Public(err))
	}
	return kept, nil
}
