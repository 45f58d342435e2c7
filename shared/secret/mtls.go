package secret

import (
	"crypto/tls"
	"net/http"

	"github.com/waypost/waypost/shared/fault"
)

// mtls is a client certificate, which the endpoint asks for when the
// connection is made (RFC 8446, section 4.3.2).
func mtls() method {
	return method{name: TypeMTLS, keys: only("certificate", "privateKey"), apply: func(_ Auth, c Credential, req *http.Request) error {
		if req.URL.Scheme != "https" {
			return fault.New(fault.Invalid, "a client certificate can't be shown by plain http; settings.url must begin with https://")
		}
		return nil
	}}
}

// Certificate gives the certificate, with its chain and its key, that the
// connection of a request must show, or nil where auth needs none. It fails, as
// Invalid, where the secret has none that can be used.
func Certificate(auth *Auth, c Credential) (*tls.Certificate, error) {
	if auth == nil || auth.Type != TypeMTLS {
		return nil, nil
	}
	for _, key := range []string{"certificate", "privateKey"} {
		if _, err := c.Require(key); err != nil {
			return nil, err
		}
	}
	return c.content().certificate()
}

// readCertificate reads the certificate that a secret holds.
func (c *content) readCertificate() (*tls.Certificate, error) {
	certificate, err := tls.X509KeyPair([]byte(c.fields["certificate"]), []byte(c.fields["privateKey"]))
	if err != nil { // its text may hold a line of what was read
		return nil, fault.New(fault.Invalid, `the secret %s cannot be used: its "certificate" and "privateKey" must be PEM, without a password, and belong together`, c.name)
	}
	return &certificate, nil
}
