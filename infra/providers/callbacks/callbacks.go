// Package callbacks sends what the providers' stand-ins report of messages: at
// their times, and again where the provider would. It reaches this machine
// alone, whatever URL a message names, and keeps nothing beyond the process.
package callbacks

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"syscall"
	"time"
)

// When the stand-ins report: that a message went on, and what became of it.
const (
	Soon  = 300 * time.Millisecond
	Later = time.Second
)

const (
	timeout  = 15 * time.Second // of one call; Twilio's own
	maxReply = 64 << 10         // bytes of an answer that are read
)

// A Callback is one report.
type Callback struct {
	// Make makes an attempt's request, when it is time for it, so that it can
	// be signed with that time. It gives nil where there is nothing to report
	// any more.
	Make func(ctx context.Context, last Attempt) *http.Request
	// Again says how long the provider waits after a failed attempt; false
	// means that it gives up. A nil one never tries again.
	Again func(last Attempt) (time.Duration, bool)
}

// An Attempt is one that failed.
type Attempt struct {
	Count  int // how many there were; 0 means that none failed yet
	Status int // what was answered, or 0 where there was no answer
}

// Options are a Sender's settings; their zero value is for the local runtime.
type Options struct {
	Client *http.Client                          // nil means Loopback
	After  func(wait time.Duration, then func()) // runs it later, on its own; nil means time.AfterFunc
}

// A Sender sends callbacks. Make one with New; a nil one sends none. It is safe
// for concurrent use.
type Sender struct {
	opts Options
	ctx  context.Context
	stop context.CancelFunc

	mu      sync.Mutex
	changed *sync.Cond
	planned int // to be sent, now or later
	running int // being sent
	closed  bool
}

// New makes a Sender. Close ends it.
func New(o Options) *Sender {
	if o.Client == nil {
		o.Client = Loopback()
	}
	if o.After == nil {
		o.After = func(wait time.Duration, then func()) { time.AfterFunc(wait, then) }
	}
	s := &Sender{opts: o}
	s.changed = sync.NewCond(&s.mu)
	s.ctx, s.stop = context.WithCancel(context.Background())
	return s
}

// Loopback makes a client that connects to loopback addresses only, uses no
// proxy and follows no redirect, as Twilio and Sinch don't.
func Loopback() *http.Client {
	dialer := &net.Dialer{Timeout: 5 * time.Second, Control: func(_, address string, _ syscall.RawConn) error {
		if host, _, err := net.SplitHostPort(address); err != nil || !net.ParseIP(host).IsLoopback() {
			return fmt.Errorf("%s is not this machine: stand-ins report to loopback addresses alone", address)
		}
		return nil
	}}
	return &http.Client{Transport: &http.Transport{DialContext: dialer.DialContext, DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// Send sends a callback after a while.
func (s *Sender) Send(after time.Duration, c Callback) {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return
	}
	s.planned++
	s.plan(after, c, Attempt{})
}

// Do makes one request at once, as callbacks are made: where a provider must
// know the answer.
func (s *Sender) Do(r *http.Request) (*http.Response, error) {
	if s == nil {
		return nil, errors.New("there is no sender of callbacks")
	}
	return s.opts.Client.Do(r)
}

// plan is Send's for each attempt.
func (s *Sender) plan(after time.Duration, c Callback, last Attempt) {
	s.opts.After(after, func() { s.run(c, last) })
}

func (s *Sender) run(c Callback, last Attempt) {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return
	}
	s.running++
	s.mu.Unlock()
	last, ok := s.attempt(c, last)
	var wait time.Duration
	again := false
	if !ok && c.Again != nil {
		wait, again = c.Again(last)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.running--
	if again && !s.closed {
		s.plan(wait, c, last)
	} else {
		s.planned--
	}
	s.changed.Broadcast()
}

// attempt makes one call, and says whether there is no need of another.
func (s *Sender) attempt(c Callback, last Attempt) (Attempt, bool) {
	ctx, cancel := context.WithTimeout(s.ctx, timeout)
	defer cancel()
	req := c.Make(ctx, last)
	if req == nil {
		return last, true
	}
	last = Attempt{Count: last.Count + 1}
	res, err := s.opts.Client.Do(req)
	if err != nil {
		return last, false
	}
	defer func() { _ = res.Body.Close() }()
	_, _ = io.CopyN(io.Discard, res.Body, maxReply) // whatever it is, the status says it all
	last.Status = res.StatusCode
	return last, res.StatusCode >= 200 && res.StatusCode < 300
}

// Wait waits until all is sent or given up, or the Sender is closed.
func (s *Sender) Wait() {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.planned > 0 && !s.closed {
		s.changed.Wait()
	}
}

// Close drops what is still to be sent, breaks off what is being sent, and
// returns when that has ended.
func (s *Sender) Close() {
	if s == nil {
		return
	}
	s.stop()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	s.changed.Broadcast()
	for s.running > 0 {
		s.changed.Wait()
	}
}
