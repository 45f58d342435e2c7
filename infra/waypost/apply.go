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
	Folder string `arg:"" help:"The bundle's folder."`
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
	return b.Apply(ctx, at.api, at.secrets(), lines(out))
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

// A keeper puts secrets, and says what a person can do where it can't.
type keeper struct {
	source secretsmanager.Source
	url    string
}

func (k keeper) Put(ctx context.Context, name, value string) (bool, error) {
	changed, err := k.source.Put(ctx, name, value)
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return false, fmt.Errorf("no AWS API serves at %s: start it with make run, or name another with --aws-url", k.url)
	case err != nil:
		return false, errors.New(fault.Public(err))
	}
	return changed, nil
}
