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
	admin, entry string // bases
	http         http.Client
	sign         sign // nil: requests are not signed
}

func newClient(base string) *client {
	base = strings.TrimSuffix(base, "/")
	return &client{admin: base, entry: base, http: http.Client{Timeout: 30 * time.Second}}
}

// Do sends a JSON document, and decodes the answer into out unless that is nil.
func (c *client) Do(ctx context.Context, method, path string, body json.RawMessage, out any) error {
	base := c.admin
	if strings.HasPrefix(path, "/entry/") {
		base = c.entry
	}
	r, err := http.NewRequestWithContext(ctx, method, base+path, bytes.NewReader(body))
	if err != nil {
		return unreachable(base, err)
	}
	if len(body) > 0 {
		r.Header.Set("Content-Type", "application/json")
	}
	if c.sign != nil {
		if err := c.sign(ctx, r, body); err != nil {
			return err
		}
	}
	res, err := c.http.Do(r)
	if errors.Is(err, syscall.ECONNREFUSED) {
		return fmt.Errorf("nothing serves at %s: start it with make run, or name another with --url or --stack", base)
	}
	if err != nil {
		return unreachable(base, err)
	}
	defer func() { _ = res.Body.Close() }()
	data, err := io.ReadAll(res.Body)
	if err != nil {
		return fmt.Errorf("reading the answer of %s: %w", base+path, err)
	}
	if res.StatusCode == http.StatusForbidden && c.sign != nil {
		return fmt.Errorf("AWS refuses these credentials at %s: they need lambda:InvokeFunctionUrl and lambda:InvokeFunction on the function", base)
	}
	if res.StatusCode >= 300 {
		return problemOf(base, res.StatusCode, data)
	}
	if out == nil {
		return nil
	}
	if err := json.Unmarshal(data, out); err != nil {
		return fmt.Errorf("the answer of %s is not what this program reads: %w", base+path, err)
	}
	return nil
}

// unreachable is the error for a base that is no URL, or that nobody answers at.
func unreachable(base string, err error) error {
	if e, ok := errors.AsType[*url.Error](err); ok {
		err = e.Err
	}
	if errors.Is(err, context.Canceled) {
		return err
	}
	return fmt.Errorf("%s cannot be reached: %w; --url takes one such as http://127.0.0.1:8480", base, err)
}

// problemOf makes an error of problem+json: its detail, then a line for each place.
func problemOf(base string, status int, data []byte) error {
	var p struct {
		Detail string         `json:"detail"`
		Errors []fault.Detail `json:"errors"`
	}
	if json.Unmarshal(data, &p) != nil || p.Detail == "" {
		return fmt.Errorf("%s answered %d %s: it is no Waypost's URL", base, status, http.StatusText(status))
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
