package egress

import (
	"crypto/sha256"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"

	lru "github.com/hashicorp/golang-lru/v2"
)

// certificates is how many client certificates have connections of their own.
const certificates = 64

// A pool keeps the connections that were made with each client certificate
// apart: one that was made as somebody must never serve somebody else.
type pool struct {
	plain *http.Transport // with no certificate

	mu   sync.Mutex
	held *lru.Cache[[sha256.Size]byte, *http.Transport]
}

func newPool(plain *http.Transport) *pool {
	held, _ := lru.NewWithEvict(certificates, func(_ [sha256.Size]byte, t *http.Transport) { t.CloseIdleConnections() }) // fails only for a size below 1
	return &pool{plain: plain, held: held}
}

// transport gives the one whose connections are made with this certificate, or
// with none. A certificate that is read again is the same one.
func (p *pool) transport(c *tls.Certificate) *http.Transport {
	if c == nil {
		return p.plain
	}
	h := sha256.New()
	for _, part := range c.Certificate {
		h.Write(part)
	}
	key := [sha256.Size]byte(h.Sum(nil))
	p.mu.Lock()
	defer p.mu.Unlock()
	if t, found := p.held.Get(key); found {
		return t
	}
	t := p.plain.Clone()
	t.TLSClientConfig.Certificates = []tls.Certificate{*c} // Clone has copied the configuration
	p.held.Add(key, t)
	return t
}

func (p *pool) close() {
	p.plain.CloseIdleConnections()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.held.Purge()
}

// refusals are the alerts by which a server refuses who calls, for the
// certificate or for want of one (RFC 8446, section 6.2), as crypto/tls words them.
var refusals = []string{"bad certificate", "unsupported certificate", "revoked certificate", "expired certificate", "unknown certificate",
	"unknown certificate authority", "access denied", withheld}

// withheld is the alert of a server that was shown none: crypto/tls keeps one
// back that is of none of the authorities which the server says it accepts.
const withheld = "certificate required"

// refusal gives the alert by which a server refused the certificate, or "".
// TLS 1.3 has it come after the handshake, as far as the client sees, and thus
// after the request: but a server takes that up only once it knows who calls.
// Where a write fails before the alert is read, the connection was just lost.
func refusal(err error) string {
	op, ok := errors.AsType[*net.OpError](err)
	if !ok || op.Op != "remote error" {
		return ""
	}
	alert := strings.TrimPrefix(op.Err.Error(), "tls: ")
	if !slices.Contains(refusals, alert) {
		return ""
	}
	return alert
}

// unidentified makes the Error of a call that was refused by such an alert.
func unidentified(host string, shown *tls.Certificate, alert string, cause error) *Error {
	refused := fail(Certificate, false, host, cause)
	switch {
	case shown == nil:
		refused.fault.Message = host + " wants a client certificate"
	case alert == withheld:
		refused.fault.Message = host + " refused the client certificate: it accepts those of other authorities"
	default:
		refused.fault.Message = host + " refused the client certificate: " + alert
	}
	return refused
}
