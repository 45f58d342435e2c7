package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"time"

	"github.com/waypost/waypost/shared/fault"
)

// A client speaks to the admin and entry URLs.
type client struct {
	base string
	http http.Client
}

func newClient(base string) *client {
	return &client{base: strings.TrimSuffix(base, "/"), http: http.Client{Timeout: 30 * time.Second}}
}

// Do sends a JSON document, and decodes the answer into out unless that is nil.
func (c *client) Do(ctx context.Context, method, path string, body json.RawMessage, out any) error {
	r, err := http.NewRequestWithContext(ctx, method, c.base+path, bytes.NewReader(body))
	if err != nil {
		return c.unreachable(err)
	}
	if len(body) > 0 {
		r.Header.Set("Content-Type", "application/json")
	}
	res, err := c.http.Do(r)
	if errors.Is(err, syscall.ECONNREFUSED) {
		return fmt.Errorf("nothing serves at %s: start it with make run, or name another with --url", c.base)
	}
	if err != nil {
		return c.unreachable(err)
	}
	defer func() { _ = res.Body.Close() }()
	data, err := io.ReadAll(res.Body)
	if err != nil {
		return fmt.Errorf("reading the answer of %s: %w", c.base+path, err)
	}
	if res.StatusCode >= 300 {
		return c.problemOf(res.StatusCode, data)
	}
	if out == nil {
		return nil
	}
	if err := json.Unmarshal(data, out); err != nil {
		return fmt.Errorf("the answer of %s is not what this program reads: %w", c.base+path, err)
	}
	return nil
}

// unreachable is the error for a base that is no URL, or that nobody answers at.
func (c *client) unreachable(err error) error {
	if e, ok := errors.AsType[*url.Error](err); ok {
		err = e.Err
	}
	if errors.Is(err, context.Canceled) {
		return err
	}
	return fmt.Errorf("%s cannot be reached: %w; --url takes one such as http://127.0.0.1:8480", c.base, err)
}

// problemOf makes an error of problem+json: its detail, then a line for each place.
func (c *client) problemOf(status int, data []byte) error {
	var p struct {
		Detail string         `json:"detail"`
		Errors []fault.Detail `json:"errors"`
	}
	if json.Unmarshal(data, &p) != nil || p.Detail == "" {
		return fmt.Errorf("%s answered %d %s: it is no Waypost's URL", c.base, status, http.StatusText(status))
	}
	if len(p.Errors) == 1 && p.Errors[0].Line > 0 { // broken JSON: the detail names the place
		return fmt.Errorf("%s: %s", p.Detail, p.Errors[0].Message)
	}
	var b strings.Builder
	b.WriteString(p.Detail)
	for _, d := range p.Errors {
		b.WriteString("\n  " + d.String())
	}
	return errors.New(b.String())
}
