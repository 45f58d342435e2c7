package egress

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/waypost/waypost/shared/fault"
)

const (
	// DefaultTimeout is for a whole call where its Options name none.
	DefaultTimeout = 10 * time.Second
	// DefaultMaxResponse is the bytes of an answer's body where Options name none.
	DefaultMaxResponse = 256 << 10
	// UserAgent is sent where a request has none of its own.
	UserAgent = "Waypost/1.0"

	maxHeader = 64 << 10
	// A connection rests this long at most. It is well under the minute that
	// load balancers usually allow, for a rest that a frozen Lambda instance
	// slept through is measured only when it wakes.
	maxRest = 30 * time.Second
)

// Options are what one call may take.
type Options struct {
	Timeout     time.Duration // for everything, from DNS to the body's last byte; 0 is DefaultTimeout
	MaxResponse int64         // bytes of the answer's body; 0 is DefaultMaxResponse
	// Certificate is what the connection shows of who calls; nil shows none.
	Certificate *tls.Certificate
}

// A Response is an answer, whole and read.
type Response struct {
	Status  int
	Header  http.Header
	Body    []byte
	Timings Timings
}

// Timings are where a call's time went. A stage that was not needed is 0.
type Timings struct {
	Sent      time.Time     // when the request was handed to a connection
	DNS       time.Duration // resolving the name
	Connect   time.Duration // connecting
	TLS       time.Duration // the handshake
	FirstByte time.Duration // from the call's start to the answer's first byte
	Total     time.Duration // from the call's start to the body's end
	Reused    bool          // an earlier call's connection was used
}

// A Client calls endpoints. It keeps connections for the next call to the
// same host, so a process needs just one. NewClient makes one; it is safe for
// concurrent use.
type Client struct {
	guard *Guard
	pool  *pool
}

// A Config is what a Client may be given besides its guard; the zero value is right.
type Config struct {
	Resolver *net.Resolver  // nil is Go's own
	RootCAs  *x509.CertPool // nil is the system's
}

// NewClient makes a client that calls only what the guard permits.
func NewClient(guard *Guard, config Config) *Client {
	trusted := &net.Dialer{Timeout: 10 * time.Second, KeepAlive: 15 * time.Second, Resolver: config.Resolver}
	guarded := *trusted
	guarded.Control = guard.control
	dial := func(ctx context.Context, network, address string) (net.Conn, error) {
		host, p, err := net.SplitHostPort(address)
		if err != nil {
			return nil, err
		}
		port, err := strconv.ParseUint(p, 10, 16)
		if err != nil {
			return nil, err
		}
		dialer := &guarded
		switch {
		case guard.policy.routesTo(address) || guard.policy.permitsName("", strings.ToLower(host), uint16(port)):
			dialer = trusted
		case isLocalhost(host) && !guard.policy.permitsAddr("", netip.IPv6Loopback(), uint16(port)):
			network = "tcp4" // else the refused ::1 would hide why 127.0.0.1 failed
		}
		c, err := dialer.DialContext(ctx, network, address)
		if err != nil {
			return nil, err
		}
		return &conn{Conn: c}, nil
	}
	return &Client{guard: guard, pool: newPool(&http.Transport{
		DialContext:       dial,
		ForceAttemptHTTP2: true,
		TLSClientConfig:   &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: config.RootCAs},
		// An answer's size is limited as it arrives; one that unpacks itself
		// would have to be limited twice.
		DisableCompression:     true,
		TLSHandshakeTimeout:    10 * time.Second,
		MaxIdleConns:           256,
		MaxIdleConnsPerHost:    64,
		IdleConnTimeout:        maxRest,
		MaxResponseHeaderBytes: maxHeader,
	})}
}

// Close ends the connections that rest in the pool.
func (c *Client) Close() { c.pool.close() }

// Check judges a URL as the guard does.
func (c *Client) Check(rawURL string) error { return c.guard.Check(rawURL) }

// Do sends a request and reads its answer. Any status is an answer, a
// redirect's too. The request is left as it was, but its body is read.
//
// A failure is an *Error. Where the answer had begun to come, a Response with
// its status, header and what was read of its body comes with the error.
//
// Nothing is sent twice: what a reused connection lost is sent again only
// where not a byte of it had left.
func (c *Client) Do(ctx context.Context, req *http.Request, opts Options) (*Response, error) {
	host := req.URL.Hostname()
	if err := c.guard.check(req.URL); err != nil {
		refused := fail(Blocked, false, host, err)
		refused.fault.Message = fault.Public(err)
		return nil, refused
	}
	out, body, err := c.outgoing(req)
	if err != nil {
		return nil, fail(Unsendable, false, host, err)
	}
	if opts.Timeout <= 0 {
		opts.Timeout = DefaultTimeout
	}
	if opts.MaxResponse <= 0 {
		opts.MaxResponse = DefaultMaxResponse
	}
	ctx, cancel := context.WithTimeout(ctx, opts.Timeout)
	defer cancel()

	start, transport := time.Now(), c.pool.transport(opts.Certificate)
	for {
		a := &attempt{start: start}
		out = out.WithContext(httptrace.WithClientTrace(ctx, a.hooks()))
		out.Body = body()
		res, err := transport.RoundTrip(out)
		if err == nil {
			return c.read(ctx, a, res, host, opts)
		}
		at, written, reused := a.end(ctx.Err() != nil)
		if alert := refusal(err); alert != "" && !reused {
			return nil, unidentified(host, opts.Certificate, alert, err)
		}
		kind := kindOf(ctx, err, at)
		// A stale connection leaves the pool as it fails, so this comes to an
		// end: with a new connection at the latest.
		if kind == Lost && reused && !written {
			continue
		}
		return nil, fail(kind, written, host, err)
	}
}

// outgoing makes the request that is really sent, and a function that gives
// its body afresh.
//
// It keeps net/http from sending again by itself. The transport repeats, on a
// new connection, what a reused one lost, even after it was written, where it
// holds a request for replayable: one with no body or with GetBody, that is a
// GET, HEAD, OPTIONS or TRACE or has an Idempotency-Key header (Request's
// isReplayable). So GetBody is taken away, a request without a body gets an
// empty one where net/http sends that as none, and the header goes by a
// spelling that net/http does not look for and HTTP does not tell apart.
func (c *Client) outgoing(req *http.Request) (*http.Request, func() io.ReadCloser, error) {
	out := *req
	out.GetBody, out.Close = nil, false
	out.Header = make(http.Header, len(req.Header)+1)
	for name, values := range req.Header {
		switch name {
		case "Idempotency-Key", "X-Idempotency-Key":
			name = strings.ToLower(name)
		}
		out.Header[name] = values
	}
	if _, set := req.Header["User-Agent"]; !set {
		out.Header["User-Agent"] = []string{UserAgent}
	}
	if target := c.guard.policy.route(req.URL); target != nil {
		if out.Host == "" {
			out.Host = req.URL.Host
		}
		out.URL = routed(req.URL, target)
	}

	var content []byte
	if req.Body != nil && req.Body != http.NoBody {
		var err error
		content, err = io.ReadAll(req.Body)
		req.Body.Close()
		if err != nil {
			return nil, nil, fmt.Errorf("reading the request's body: %w", err)
		}
	}
	out.ContentLength, out.TransferEncoding = int64(len(content)), nil
	switch {
	case len(content) > 0:
		return &out, func() io.ReadCloser { return io.NopCloser(bytes.NewReader(content)) }, nil
	case out.Method == "" || out.Method == "GET" || out.Method == "HEAD" || out.Method == "OPTIONS":
		return &out, func() io.ReadCloser { return io.NopCloser(bytes.NewReader(nil)) }, nil
	default:
		return &out, func() io.ReadCloser { return http.NoBody }, nil
	}
}

// routed puts a URL behind a route's target.
func routed(u, target *url.URL) *url.URL {
	v := *u
	v.Scheme, v.Host = target.Scheme, target.Host
	v.RawPath = target.EscapedPath() + u.EscapedPath()
	v.Path = target.Path + u.Path
	return &v
}

// read takes the answer's body, within its limit.
func (c *Client) read(ctx context.Context, a *attempt, res *http.Response, host string, opts Options) (*Response, error) {
	defer res.Body.Close()
	answer := &Response{Status: res.StatusCode, Header: res.Header}
	var body bytes.Buffer
	if n := min(res.ContentLength, opts.MaxResponse); n > 0 {
		body.Grow(int(n) + bytes.MinRead) // with room to see the end without growing again
	}
	_, err := body.ReadFrom(io.LimitReader(res.Body, opts.MaxResponse+1))
	answer.Timings = a.timings()
	answer.Body = body.Bytes()
	if int64(len(answer.Body)) > opts.MaxResponse {
		answer.Body = answer.Body[:opts.MaxResponse]
		return answer, fail(TooLarge, true, host, errors.New("limit of "+strconv.FormatInt(opts.MaxResponse, 10)+" bytes"))
	}
	if err != nil {
		at, _, _ := a.end(true)
		return answer, fail(kindOf(ctx, err, at), true, host, err)
	}
	return answer, nil
}
