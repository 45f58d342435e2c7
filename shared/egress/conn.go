package egress

import (
	"crypto/tls"
	"errors"
	"net"
	"net/http/httptrace"
	"sync"
	"sync/atomic"
	"time"
)

// errStale is a pooled connection that its peer had closed before anything
// was written; errSealed one on which nothing may be written any more.
var (
	errStale  = errors.New("egress: the pooled connection was closed by its peer")
	errSealed = errors.New("egress: the request was given up")
)

// A conn counts writes, so that a failed call can tell for certain whether
// anything of it left.
//
// It also looks, before the first write of a reused connection, whether the
// peer has closed it meanwhile. That happens to every connection that rests in
// a Lambda instance: while the instance is frozen nobody reads the close, and a
// request written into it would be lost with nobody knowing whether it was read.
type conn struct {
	net.Conn
	writes atomic.Int64 // begun, and not certain to have written nothing
	reused atomic.Bool  // the next write is the first of a reused connection
	sealed atomic.Bool
	h2     atomic.Bool
}

func (c *conn) Write(b []byte) (int, error) {
	if c.reused.Load() && c.reused.CompareAndSwap(true, false) && closedByPeer(c.Conn, c.h2.Load()) {
		return 0, errStale
	}
	// The count goes up before the seal is looked at, and seal does it the other
	// way round: so either the write sees the seal, or seal sees the write.
	c.writes.Add(1)
	if c.sealed.Load() {
		c.writes.Add(-1)
		return 0, errSealed
	}
	n, err := c.Conn.Write(b)
	if n == 0 && err != nil {
		c.writes.Add(-1)
	}
	return n, err
}

// seal stops all further writes, and gives the count of those before.
func (c *conn) seal() int64 {
	c.sealed.Store(true)
	return c.writes.Load()
}

// A stage is how far a request came.
type stage int

const (
	stageNone   stage = iota // no connection was asked for
	stageDial                // being connected
	stageTLS                 // being secured
	stageSend                // has a connection
	stageAnswer              // the answer's first byte came
)

// An attempt follows one request through net/http/httptrace. The transport
// calls its hooks from several goroutines, even after the request has ended.
type attempt struct {
	start time.Time

	mu      sync.Mutex
	at      stage
	dns     span
	connect span
	secure  span
	got     time.Time
	first   time.Time
	reused  bool
	conn    *conn
	before  int64 // the connection's count of writes when it was handed over
}

type span struct{ from, to time.Time }

func (s span) length() time.Duration {
	if s.to.IsZero() {
		return 0
	}
	return s.to.Sub(s.from)
}

func (a *attempt) hooks() *httptrace.ClientTrace {
	return &httptrace.ClientTrace{
		GetConn:              func(string) { a.mark(stageDial, nil) },
		DNSStart:             func(httptrace.DNSStartInfo) { a.mark(stageDial, &a.dns.from) },
		DNSDone:              func(httptrace.DNSDoneInfo) { a.mark(stageDial, &a.dns.to) },
		ConnectStart:         func(_, _ string) { a.mark(stageDial, &a.connect.from) },
		ConnectDone:          func(_, _ string, _ error) { a.mark(stageDial, &a.connect.to) },
		TLSHandshakeStart:    func() { a.mark(stageTLS, &a.secure.from) },
		TLSHandshakeDone:     func(tls.ConnectionState, error) { a.mark(stageTLS, &a.secure.to) },
		GotConn:              a.gotConn,
		GotFirstResponseByte: func() { a.mark(stageAnswer, &a.first) },
	}
}

func (a *attempt) mark(at stage, when *time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	// A dial that began for this request may go on beside a connection that
	// became free: what it does no longer concerns the request.
	if a.at >= stageSend && at < stageSend {
		return
	}
	a.at = max(a.at, at)
	if when != nil {
		*when = time.Now()
	}
}

func (a *attempt) gotConn(info httptrace.GotConnInfo) {
	c, secure := unwrap(info.Conn)
	if c != nil && !info.Reused && secure != nil {
		c.h2.Store(secure.ConnectionState().NegotiatedProtocol == "h2")
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.at, a.got, a.reused, a.conn = stageSend, time.Now(), info.Reused, c
	if c != nil {
		a.before = c.writes.Load()
		c.reused.Store(info.Reused)
	}
}

func unwrap(c net.Conn) (*conn, *tls.Conn) {
	secure, _ := c.(*tls.Conn)
	if secure != nil {
		c = secure.NetConn()
	}
	plain, _ := c.(*conn)
	return plain, secure
}

// end says how far a failed request came, and whether any of it may have been
// written. Nothing more of it is, after that. (HTTP/2 frames its answers, so
// one that began can be lost but not garbled: it counts as not begun.)
func (a *attempt) end(gaveUp bool) (at stage, written, reused bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case a.at < stageSend:
		return a.at, false, false
	case a.conn == nil:
		return a.at, true, a.reused
	case a.conn.h2.Load():
		// Others share the connection, so it can't be sealed, and a request
		// that was given up may still be on its way into it.
		return stageSend, gaveUp || a.conn.writes.Load() != a.before, a.reused
	default:
		return a.at, a.conn.seal() != a.before, a.reused
	}
}

func (a *attempt) timings() Timings {
	a.mu.Lock()
	defer a.mu.Unlock()
	t := Timings{Reused: a.reused, DNS: a.dns.length(), Connect: a.connect.length(), TLS: a.secure.length(), Total: time.Since(a.start)}
	if !a.got.IsZero() {
		t.Sent = a.got
	}
	if !a.first.IsZero() {
		t.FirstByte = a.first.Sub(a.start)
	}
	return t
}
