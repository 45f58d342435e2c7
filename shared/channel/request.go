package channel

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"

	"github.com/waypost/waypost/shared/fault"
	"github.com/waypost/waypost/shared/secret"
)

// A Request is an encoded message: a whole HTTP call but for its credential.
type Request struct {
	Method string
	URL    string
	Header http.Header
	Body   []byte
	// Lookup asks what became of the message, where an answer was ambiguous;
	// nil where nobody can be asked.
	Lookup *Lookup
	// Turn orders the message among those to the same target; nil where none replaces another.
	Turn *Turn
}

// HTTP makes the call that is sent: the request with its credential, which
// goes only to hosts that it may be sent to. implied are those that need not be
// listed in the secret; see secret.Credential.MaySendTo. auth may be nil.
func (r *Request) HTTP(ctx context.Context, auth *secret.Auth, cred secret.Credential, implied []string) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, r.Method, r.URL, bytes.NewReader(r.Body))
	if err != nil {
		return nil, fault.Wrap(err, fault.Invalid, "the endpoint's URL is not valid")
	}
	if r.Header != nil {
		req.Header = r.Header.Clone()
	}
	if auth == nil {
		return req, nil
	}
	if auth.Needs() {
		if err := cred.MaySendTo(req.URL.Host, implied); err != nil {
			return nil, err
		}
	}
	return req, secret.Apply(*auth, cred, req)
}

// Digest identifies a request by all that the endpoint sees of it but the
// credential and the delivery's identity.
func (r *Request) Digest() string {
	h := sha256.New()
	fmt.Fprintf(h, "%s %s\n", r.Method, r.URL)
	_ = r.Header.Write(h) // sorted by name; a hash takes every write
	h.Write([]byte("\n"))
	h.Write(r.Body)
	return hex.EncodeToString(h.Sum(nil)[:16])
}
