package awsport

import (
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
)

// Foreign says why a request may not be served by a server that trusts
// loopback, or gives "" where it may. A web page elsewhere can make a browser
// on this machine send requests here, under its own name (DNS rebinding) or
// across origins; so Host, and Origin where there is one, must name loopback.
func Foreign(r *http.Request) string {
	if !loopbackHost(r.Host) {
		return "the Host header must name this machine's loopback, such as localhost or 127.0.0.1"
	}
	for _, origin := range r.Header.Values("Origin") {
		u, err := url.Parse(origin)
		if err != nil || !loopbackHost(u.Host) { // "null" has no host
			return "requests from a web page of another origin are not served"
		}
	}
	return ""
}

// loopbackHost says whether a host, with or without a port, is a name or an
// address of loopback: localhost and names below it (RFC 6761), 127.0.0.0/8, ::1.
func loopbackHost(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.ToLower(strings.TrimSuffix(strings.Trim(host, "[]"), "."))
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.IsLoopback()
}
