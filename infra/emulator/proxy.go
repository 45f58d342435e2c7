package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
)

// functionURLs is what the hosts of function URLs end in.
const functionURLs = ".lambda-url." + region + ".on.aws:443"

// A proxy leads the hosts of function URLs to the emulator, for clients that
// take HTTPS_PROXY: the deployed URLs have AWS's names, and must not lead there.
// It tunnels, so that TLS and signatures are the client's and the emulator's,
// and it refuses every other host.
type proxy struct{ emulator string } // host:port

func (p *proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodConnect || !strings.HasSuffix(r.Host, functionURLs) {
		http.Error(w, fmt.Sprintf("this proxy leads to function URLs alone, not to %s", r.Host), http.StatusForbidden)
		return
	}
	there, err := net.DialTimeout("tcp", p.emulator, 5*time.Second)
	if err != nil {
		http.Error(w, "the emulator does not answer", http.StatusBadGateway)
		return
	}
	defer func() { _ = there.Close() }()
	here, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		http.Error(w, "this connection can't be a tunnel", http.StatusInternalServerError)
		return
	}
	defer func() { _ = here.Close() }()
	if _, err := io.WriteString(here, "HTTP/1.1 200 Connection established\r\n\r\n"); err != nil {
		return
	}
	go func() {
		_, _ = io.Copy(there, buffered) // ends when either side closes
		_ = there.Close()
	}()
	_, _ = io.Copy(here, there)
}
