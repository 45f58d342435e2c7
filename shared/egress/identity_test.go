package egress_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log/slog"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/waypost/waypost/shared/egress"
	"github.com/waypost/waypost/shared/egress/egresstest"
)

// A server that refuses who calls, by the certificate, has seen nothing of the
// request, and its refusal is told of as what it is: in TLS 1.2, where it comes
// while the connection is made, and in 1.3, where it comes after.
func TestACertificateIsRefused(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	stranger := &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
	policy, err := egress.ParsePolicy("https://127.0.0.0/8:*", "")
	if err != nil {
		t.Fatal(err)
	}
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		seen := 0
		server := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { seen++ }))
		server.TLS = &tls.Config{ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: x509.NewCertPool(), MaxVersion: version}
		server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
		server.Listener = egresstest.Lingering{Listener: server.Listener}
		server.StartTLS()
		roots := x509.NewCertPool()
		roots.AddCert(server.Certificate())
		c := egress.NewClient(egress.NewGuard(policy), egress.Config{RootCAs: roots})
		none := "certificate written=false: 127.0.0.1 wants a client certificate ("
		if version == tls.VersionTLS12 { // whose alert for that says nothing of certificates
			none = "tls written=false: no secure connection to 127.0.0.1"
		}
		for certificate, want := range map[*tls.Certificate]string{nil: none, stranger: "certificate written=false: 127.0.0.1 refused the client certificate: unknown certificate authority ("} {
			var err error
			for again := true; again; { // where the alert comes before the request is written, it may be lost
				_, err = c.Do(t.Context(), request(t, "POST", server.URL, "x"), egress.Options{Certificate: certificate})
				again = failure(err) == "lost written=false"
			}
			if got := failure(err) + ": " + fmt.Sprint(err); !strings.HasPrefix(got, want) {
				t.Errorf("%s: got %s, want %s", tls.VersionName(version), got, want)
			}
		}
		c.Close()
		server.Close()
		if seen > 0 {
			t.Errorf("%s: the server served %d requests", tls.VersionName(version), seen)
		}
	}
}
