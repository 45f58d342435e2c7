package rig

import (
	"context"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/waypost/waypost/shared/egress"
)

// An Endpoint stands in for the hardened client and for whoever it calls.
type Endpoint struct {
	// Answer answers the n-th try, from 1, of one delivery. Nil: 200 with an id.
	Answer func(n int, c Request) Reply
	// Source answers the n-th call of any source, from 1. Nil: 503.
	Source func(n int, c Request) Reply

	world   *World
	mu      sync.Mutex
	calls   []Request
	sources []Request
	tries   map[string]int // by the delivery's id
}

// A Request is one that reached the endpoint.
type Request struct {
	At     time.Time
	Method string
	URL    string
	Header http.Header
	Body   string
}

// Key is the call's Idempotency-Key: the delivery's id.
func (r Request) Key() string { return r.Header.Get("Idempotency-Key") }

// A Reply is what becomes of a call.
type Reply struct {
	Status int
	Header map[string]string
	Body   string
	// Takes is the endpoint's time. Beyond the call's timeout it answers nothing.
	Takes time.Duration
	// Fails has the client report a failure instead; the endpoint saw the
	// request only if Written.
	Fails   egress.Kind
	Written bool
}

// Calls are the requests that reached the endpoint for executions whose
// deliveries' ids begin so.
func (e *Endpoint) Calls(prefix string) []Request {
	e.mu.Lock()
	defer e.mu.Unlock()
	var out []Request
	for _, c := range e.calls {
		if strings.HasPrefix(c.Key(), prefix) {
			out = append(out, c)
		}
	}
	return out
}

// Do implements delivery.Endpoints.
func (e *Endpoint) Do(ctx context.Context, r *http.Request, o egress.Options) (res *egress.Response, err error) {
	name := "endpoint"
	if r.Header.Get("Idempotency-Key") == "" {
		name = "source"
	}
	dead := e.world.step(ctx, name, nil, func() { res, err = e.do(ctx, r, o) }, func() { res, err = nil, failure(egress.Lost, true, r) })
	if dead != nil {
		return nil, dead
	}
	return res, err
}

func (e *Endpoint) do(ctx context.Context, r *http.Request, o egress.Options) (*egress.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	call := Request{time.Now(), r.Method, r.URL.String(), r.Header.Clone(), string(body)}
	reply := e.reply(call)

	ctx, cancel := context.WithTimeout(ctx, o.Timeout)
	defer cancel()
	select {
	case <-time.After(reply.Takes):
	case <-ctx.Done():
		return nil, failure(egress.Timeout, true, r)
	}
	res := &egress.Response{Status: reply.Status, Header: http.Header{}, Body: []byte(reply.Body)}
	for name, value := range reply.Header {
		res.Header.Set(name, value)
	}
	if reply.Fails == "" {
		return res, nil
	}
	if reply.Status == 0 {
		res = nil
	}
	return res, failure(reply.Fails, reply.Written, r)
}

// reply notes a call and says what becomes of it.
func (e *Endpoint) reply(call Request) Reply {
	e.mu.Lock()
	defer e.mu.Unlock()
	if call.Key() == "" {
		return e.sourceReply(call)
	}
	if e.tries == nil {
		e.tries = map[string]int{}
	}
	e.tries[call.Key()]++
	reply := Reply{Status: http.StatusOK, Body: `{"id":"m-1"}`}
	if e.Answer != nil {
		reply = e.Answer(e.tries[call.Key()], call)
	}
	if reply.Fails == "" || reply.Written {
		e.calls = append(e.calls, call)
	}
	return reply
}

func failure(kind egress.Kind, written bool, r *http.Request) error {
	return egress.NewError(kind, written, r.URL.Hostname())
}
