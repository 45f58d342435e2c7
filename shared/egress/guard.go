package egress

import (
	"net/netip"
	"net/url"
	"strings"
	"syscall"

	"code.dny.dev/ssrf"

	"github.com/waypost/waypost/shared/fault"
)

// A Guard decides which URLs may be called. NewGuard makes one; it is safe
// for concurrent use.
type Guard struct {
	policy Policy
	public *ssrf.Guardian
}

// NewGuard makes the guard of a policy.
func NewGuard(p Policy) *Guard {
	return &Guard{policy: p, public: ssrf.New(ssrf.WithAnyPort(), ssrf.WithAnyNetwork())}
}

// Check judges a URL as it is written; it asks no DNS. An error is Invalid,
// and its message says what would be right. It repeats nothing of the URL but
// its scheme, host and port, since the rest may hold what should be secret.
func (g *Guard) Check(rawURL string) error {
	u, err := url.Parse(rawURL)
	if err != nil {
		// net/url's own text repeats the URL.
		return fault.New(fault.Invalid, "the URL cannot be read; write it as https://host/path, with special characters escaped")
	}
	return g.check(u)
}

func (g *Guard) check(u *url.URL) error {
	switch {
	case u.Scheme != "https" && u.Scheme != "http":
		return fault.New(fault.Invalid, "the URL must begin with https://")
	case u.Hostname() == "":
		return fault.New(fault.Invalid, "the URL has no host; write it as https://host/path")
	case u.User != nil:
		return fault.New(fault.Invalid, "the URL holds credentials; put them in a secret, and name it in auth")
	case u.Fragment != "" || u.RawFragment != "":
		return fault.New(fault.Invalid, "the URL has a fragment (#…), which is never sent; leave it out")
	}
	port := portOf(u)
	if port == 0 {
		return fault.New(fault.Invalid, "the URL's port must be a number from 1 to 65535")
	}
	name := strings.ToLower(u.Hostname())
	if addr, err := netip.ParseAddr(name); err == nil {
		if g.policy.permitsAddr(u.Scheme, addr, port) {
			return nil
		}
		return fault.New(fault.Invalid, "%s is an address; write the host's name (or let the operator allow %s)", name, origin(u, port))
	}
	if reason := nameFault(name); reason != "" {
		return fault.New(fault.Invalid, "%s", reason)
	}
	if g.policy.permitsName(u.Scheme, name, port) || isLocalhost(name) && g.permitsLoopback(u.Scheme, port) {
		return nil
	}
	switch {
	case u.Scheme == "http":
		return fault.New(fault.Invalid, "plain http is not allowed; write https:// (or let the operator allow %s)", origin(u, port))
	case port != 443:
		return fault.New(fault.Invalid, "port %d is not allowed; use 443 (or let the operator allow %s)", port, origin(u, port))
	case isPrivateName(name):
		return fault.New(fault.Invalid, "%s is the name of a private host; write a public one (or let the operator allow %s)", name, origin(u, port))
	}
	return nil
}

// origin is how the operator would write the rule that allows a URL.
func origin(u *url.URL, port uint16) string {
	host := strings.ToLower(u.Hostname())
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	o := url.URL{Scheme: u.Scheme, Host: host}
	if u.Port() != "" && port != portOf(&o) {
		o.Host += ":" + u.Port()
	}
	return o.Scheme + "://" + o.Host
}

func isLocalhost(name string) bool {
	return name == "localhost" || strings.HasSuffix(name, ".localhost")
}

// permitsLoopback says whether localhost may be called by name. What it
// resolves to is judged when it is dialled.
func (g *Guard) permitsLoopback(scheme string, port uint16) bool {
	return g.policy.permitsAddr(scheme, netip.AddrFrom4([4]byte{127, 0, 0, 1}), port) ||
		g.policy.permitsAddr(scheme, netip.IPv6Loopback(), port)
}

// isPrivateName says whether a name can only mean a host that is not on the
// Internet: one without a dot, or below a name that is reserved for private
// use (RFC 6761, RFC 6762, RFC 8375, and .internal, where clouds keep their
// metadata hosts).
func isPrivateName(name string) bool {
	if !strings.Contains(name, ".") {
		return true
	}
	for _, suffix := range []string{".localhost", ".local", ".localdomain", ".internal", ".home.arpa", ".in-addr.arpa", ".ip6.arpa"} {
		if strings.HasSuffix(name, suffix) {
			return true
		}
	}
	return false
}

// nameFault says what is wrong with a host name, or "". A name whose last
// label is a number is refused: it is an IPv4 address in one of the forms that
// resolvers accept (2130706433, 0x7f.1, 0177.0.0.1), and no public name has one
// (URL Standard, "ends in a number").
func nameFault(name string) string {
	if len(name) == 0 || len(name) > 253 {
		return "a host name has 1 to 253 characters"
	}
	label := ""
	for label = range strings.SplitSeq(name, ".") {
		if len(label) == 0 || len(label) > 63 {
			return "each part of a host name, between the dots, has 1 to 63 characters"
		}
		for _, c := range []byte(label) {
			if !(c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '-' || c == '_') {
				return "a host name has only letters of a to z, digits, hyphens and dots (others in their xn-- form)"
			}
		}
	}
	digits := strings.TrimLeft(label, "0123456789") == ""
	if hex, found := strings.CutPrefix(label, "0x"); digits || found && strings.Trim(hex, "0123456789abcdef") == "" {
		return "the host is an address; write the host's name"
	}
	return ""
}

// errBlocked is why a dial was refused; its text is for the log.
type errBlocked struct{ cause error }

func (e errBlocked) Error() string { return "blocked: " + e.cause.Error() }

// control judges the address that is about to be dialled, after DNS. It is a
// net.Dialer's Control.
func (g *Guard) control(_, address string, _ syscall.RawConn) error {
	ap, err := netip.ParseAddrPort(address)
	if err != nil {
		return errBlocked{err}
	}
	addr := ap.Addr().Unmap()
	if g.policy.permitsAddr("", addr, ap.Port()) {
		return nil
	}
	if err := g.public.SafeAddr(addr); err != nil {
		return errBlocked{err}
	}
	return nil
}
