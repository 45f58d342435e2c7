package assemble_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"

	"github.com/waypost/waypost/shared/assemble"
)

// environment is that of a function.
func environment(t *testing.T) {
	for name, value := range map[string]string{assemble.VarProfiles: "p", assemble.VarCatalog: "c", assemble.VarLedger: "l", assemble.VarLimits: "m",
		assemble.VarDeadLetters: "http://127.0.0.1:1/q", assemble.VarJourneyRole: "arn:aws:iam::000000000000:role/r", assemble.VarPrefix: "w-",
		assemble.VarNames: "", assemble.VarAllow: "", assemble.VarRoutes: "", "AWS_REGION": "us-east-1", "AWS_CONFIG_FILE": "/dev/null", "AWS_SHARED_CREDENTIALS_FILE": "/dev/null"} {
		t.Setenv(name, value)
	}
}

// A call of AWS that nobody answers ends while the function has time for others.
func TestAHungCallEnds(t *testing.T) {
	environment(t)
	synctest.Test(t, func(t *testing.T) {
		p, err := assemble.Load(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		client, ok := p.AWS.HTTPClient.(*awshttp.BuildableClient)
		if !ok {
			t.Fatalf("the HTTP client is a %T", p.AWS.HTTPClient)
		}
		if got, most := client.GetDialer().Timeout, time.Second; got <= 0 || got > most {
			t.Errorf("connecting takes up to %v, want %v", got, most)
		}
		transport := client.GetTransport()
		if got, most := transport.TLSHandshakeTimeout, 2*time.Second; got <= 0 || got > most {
			t.Errorf("a TLS handshake takes up to %v, want %v", got, most)
		}
		if got, most := transport.IdleConnTimeout, 30*time.Second; got <= 0 || got >= most {
			t.Errorf("a connection is kept for %v, want less than %v", got, most)
		}
		silent := client.WithTransportOptions(func(tr *http.Transport) {
			tr.DialContext = func(context.Context, string, string) (net.Conn, error) {
				ours, theirs := net.Pipe()
				go func() { _, _ = io.Copy(io.Discard, theirs) }() // it ends with the connection
				return ours, nil
			}
		})
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://dynamodb.test/", nil)
		if err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		res, err := silent.Do(r)
		if err == nil {
			_ = res.Body.Close()
			t.Error("nobody answered, and the call succeeded")
		}
		if took := time.Since(began); took > 4*time.Second {
			t.Errorf("it took %v", took)
		}
	})
}
