package assemble

import (
	"net"
	"net/http"
	"time"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
)

// How long one attempt of a call of AWS may take in each of its parts. The
// services answer within milliseconds, and the SDK tries again: a call that
// hangs must not take the time of the writes that come after it. A function
// has 40 s at most.
const (
	connectTimeout   = time.Second
	handshakeTimeout = 2 * time.Second
	answerTimeout    = 3 * time.Second // from the request's end to the answer's headers
	// idleTimeout is shorter than what a service or a NAT gateway keeps: a
	// function that was frozen meanwhile begins with a connection that lives.
	idleTimeout = 20 * time.Second
)

// httpClient makes the client of every call of AWS.
func httpClient() *awshttp.BuildableClient {
	return awshttp.NewBuildableClient().WithDialerOptions(func(d *net.Dialer) {
		d.Timeout = connectTimeout
	}).WithTransportOptions(func(t *http.Transport) {
		t.TLSHandshakeTimeout, t.ResponseHeaderTimeout, t.IdleConnTimeout = handshakeTimeout, answerTimeout, idleTimeout
	})
}
