package egress

import (
	"crypto/sha256"
	"crypto/tls"
	"net/http"
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
