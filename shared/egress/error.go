package egress

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"syscall"

	"github.com/waypost/waypost/shared/fault"
)

// A Kind says how a call failed.
type Kind string

const (
	// Blocked is a URL or an address that the guard refused.
	Blocked Kind = "blocked"
	// Unsendable is a request that HTTP cannot carry, such as one with a line
	// break in a header.
	Unsendable Kind = "unsendable"
	// DNS is a host name that could not be resolved.
	DNS Kind = "dns"
	// Connect is a connection that could not be made.
	Connect Kind = "connect"
	// TLS is a connection that could not be secured.
	TLS Kind = "tls"
	// Certificate is a connection that the endpoint ended for the certificate of
	// who calls, or for want of one; it has seen nothing of the request.
	Certificate Kind = "certificate"
	// Timeout is a call that took longer than it may.
	Timeout Kind = "timeout"
	// Canceled is a call that the caller gave up on.
	Canceled Kind = "canceled"
	// Lost is a connection that ended before the whole answer had come.
	Lost Kind = "lost"
	// TooLarge is an answer over the limit.
	TooLarge Kind = "too_large"
	// Garbled is an answer that is not HTTP, or whose header is too large.
	Garbled Kind = "garbled"
)

// An Error is a call that brought no whole answer. It wraps a fault.Error,
// whose message may be shown: it names the host as the request had it, and
// no address, query or header.
type Error struct {
	Kind Kind
	// Written says whether any byte of the request may have left. Where it is
	// false the endpoint has seen nothing, and the call can safely be repeated.
	Written bool
	fault   *fault.Error
}

// Error gives the public message and the private cause, for a log.
func (e *Error) Error() string { return e.fault.Error() }

// Unwrap gives the fault.Error.
func (e *Error) Unwrap() error { return e.fault }

// fail makes the Error of a call to host that failed with err.
func fail(kind Kind, written bool, host string, err error) *Error {
	code, text := fault.Unavailable, ""
	switch kind {
	case Blocked:
		code, text = fault.Forbidden, "%s resolves to an address that may not be called: private, local or reserved"
	case Unsendable:
		code, text = fault.Invalid, "the request to %s cannot be sent: a header has a character that HTTP does not allow"
	case DNS:
		text = "the host name %s could not be resolved"
	case Connect:
		text = "no connection to %s could be made"
	case TLS:
		text = "no secure connection to %s could be made: TLS failed"
	case Certificate:
		text = "%s refused the client certificate, or wants one"
	case Timeout:
		text = "%s did not answer within the timeout"
	case Canceled:
		text = "the call to %s was given up"
	case Lost:
		text = "the connection to %s was lost before its answer was complete"
	case TooLarge:
		code, text = fault.TooLarge, "the answer of %s is too large"
	default:
		text = "the answer of %s is not HTTP, or its header is too large"
	}
	return &Error{Kind: kind, Written: written, fault: fault.Wrap(err, code, text, host)}
}

// kindOf classifies a transport's error by the stage at which it came.
func kindOf(ctx context.Context, err error, at stage) Kind {
	if _, blocked := errors.AsType[errBlocked](err); blocked {
		return Blocked
	}
	// The context speaks first: once it is done, whatever failed did so
	// because of it.
	switch ctx.Err() {
	case context.DeadlineExceeded:
		return Timeout
	case context.Canceled:
		return Canceled
	}
	if at == stageNone {
		return Unsendable
	}
	if at == stageDial || at == stageTLS {
		if _, ok := errors.AsType[*net.DNSError](err); ok {
			return DNS
		}
		if at == stageTLS || isTLS(err) {
			return TLS
		}
		return Connect
	}
	if at == stageAnswer && !isLost(err) {
		return Garbled
	}
	return Lost
}

func isTLS(err error) bool {
	_, verify := errors.AsType[*tls.CertificateVerificationError](err)
	_, record := errors.AsType[tls.RecordHeaderError](err)
	_, alert := errors.AsType[tls.AlertError](err)
	_, host := errors.AsType[x509.HostnameError](err)
	return verify || record || alert || host
}

func isLost(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) ||
		errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}

// NewError makes the Error that Do gives of a call to host: for stand-ins of a
// Client.
func NewError(kind Kind, written bool, host string) *Error { return fail(kind, written, host, nil) }
