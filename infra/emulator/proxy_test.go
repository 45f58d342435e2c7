package main

import (
	"crypto/tls"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

// A client that takes the proxy reaches the emulator under a function URL's own
// name, with a certificate for it, and no other host.
func TestProxy(t *testing.T) {
	c, err := newCertificate(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	pair, err := tls.LoadX509KeyPair(c.certFile, c.keyFile)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, r.Host)
	}))
	server.TLS = &tls.Config{Certificates: []tls.Certificate{pair}}
	server.StartTLS()
	defer server.Close()
	front := httptest.NewServer(&proxy{emulator: server.Listener.Addr().String()})
	defer front.Close()
	at, err := url.Parse(front.URL)
	if err != nil {
		t.Fatal(err)
	}
	client := clientOf(c, at)

	const host = "abcdefghijklmnopqrstuvwxyz012345.lambda-url.us-east-1.on.aws"
	res, err := client.Get("https://" + host + "/entry/")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := string(body), host; got != want {
		t.Errorf("the emulator was asked as %s, want %s", got, want)
	}
	for _, elsewhere := range []string{"https://example.com/", "https://" + host + ".example.com/", "https://" + host + ":8443/"} {
		if res, err := client.Get(elsewhere); err == nil {
			_ = res.Body.Close()
			t.Errorf("%s: the proxy let it through", elsewhere)
		} else if !strings.Contains(err.Error(), "Forbidden") {
			t.Errorf("%s: got %v, want a refusal", elsewhere, err)
		}
	}
}
