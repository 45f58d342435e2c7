package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	awssecrets "github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"github.com/waypost/waypost/infra/bundle"
	"github.com/waypost/waypost/infra/local"
	"github.com/waypost/waypost/shared/secretsmanager"
)

// actionFunction is the one that the journey's step calls.
const actionFunction = "webhook"

// A stage is the embedded runtime with a journey of one webhook step, which
// reads the profile and has a secret, and the sink that the step calls.
type stage struct {
	runtime *local.Runtime
	sink    *sink
	client  *http.Client
}

// open starts a stage. It must be closed.
func open(ctx context.Context, c local.Config, senders int) (*stage, error) {
	c.SweepEvery = time.Hour // what the sweep does is not measured
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost, transport.MaxIdleConns, transport.Proxy = senders, 2*senders, nil
	s := &stage{client: &http.Client{Transport: transport, Timeout: 30 * time.Second}}
	var err error
	if s.sink, err = listenSink(); err != nil {
		return nil, err
	}
	if s.runtime, err = local.Start(ctx, c); err != nil {
		s.sink.close()
		return nil, err
	}
	secrets := &secretsmanager.Source{Client: awssecrets.NewFromConfig(s.runtime.AWS)}
	if err := s.bundle().Apply(ctx, s, secrets, func(string, ...any) {}); err != nil {
		return nil, errors.Join(err, s.close(ctx))
	}
	return s, nil
}

func (s *stage) close(ctx context.Context) error {
	defer s.sink.close()
	defer s.client.CloseIdleConnections()
	return s.runtime.Close(context.WithoutCancel(ctx))
}

func (s *stage) bundle() *bundle.Bundle {
	doc := func(name, text string) []bundle.Document {
		return []bundle.Document{{Name: name, JSON: json.RawMessage(text)}}
	}
	return &bundle.Bundle{
		ProfileSchema: json.RawMessage(`{"type": "object", "properties": {"firstName": {"type": "string"}, "points": {"type": "integer"}}}`),
		Events: doc("bench.event", `{"type": "object", "required": ["customer", "total"],
			"properties": {"customer": {"type": "string"}, "total": {"type": "number"}}}`),
		Secrets: doc("waypost/bench", `{"token": "made-up"}`),
		Actions: doc("bench_hook", `{"name": "bench_hook", "channel": "webhook",
			"contract": {"method": "POST", "path": "/hook", "body": {
				"id": {"toBeMapped": true, "type": "string"}, "text": {"toBeMapped": true, "type": "string"}, "points": {"toBeMapped": true, "type": "integer"}}},
			"settings": {"url": "`+s.sink.url+`", "auth": {"type": "bearer", "secret": "waypost/bench"}}}`),
		Journeys: doc("bench", `{"name": "bench", "entry": {"event": "bench.event", "profile": "event.customer"}, "steps": [
			{"id": "tell", "action": {"name": "bench_hook", "version": 1, "with": {
				"id": "{{ entry.id }}", "text": "Hi {{ profile.firstName ?? 'there' }}, {{ event.total }} spent.", "points": "{{ profile.points }}"}}}]}`),
	}
}

// Do implements bundle.API.
func (s *stage) Do(ctx context.Context, method, path string, body json.RawMessage, out any) error {
	r, err := http.NewRequestWithContext(ctx, method, s.runtime.URL+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json")
	res, err := s.client.Do(r)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	answer, err := io.ReadAll(res.Body)
	switch {
	case err != nil:
		return fmt.Errorf("reading the answer of %s %s: %w", method, path, err)
	case res.StatusCode >= 300:
		return fmt.Errorf("%s %s was answered %d: %s", method, path, res.StatusCode, answer)
	case out == nil:
		return nil
	}
	return json.Unmarshal(answer, out)
}

// enrol writes a customer's profile.
func (s *stage) enrol(ctx context.Context, customer string) error {
	return s.Do(ctx, http.MethodPut, "/admin/v1/profiles/"+customer, json.RawMessage(`{"firstName": "Ada", "points": 7}`), nil)
}

// send sends an event, which must start one execution.
func (s *stage) send(ctx context.Context, id, customer string) error {
	event := fmt.Appendf(nil, `{"specversion": "1.0", "id": %q, "source": "/bench", "type": "bench.event", "data": {"customer": %q, "total": 42}}`, id, customer)
	var answer struct {
		Executions []json.RawMessage `json:"executions"`
		Duplicate  bool              `json:"duplicate"`
	}
	if err := s.Do(ctx, http.MethodPost, "/entry/", event, &answer); err != nil {
		return err
	}
	if len(answer.Executions) != 1 || answer.Duplicate {
		return fmt.Errorf("the event %s started %d executions (duplicate: %v), where it must start one", id, len(answer.Executions), answer.Duplicate)
	}
	return nil
}
