// Package egress is the one way out: the HTTP client that calls customers'
// endpoints, and the guard that decides which addresses it may call.
//
// The same Guard judges a URL when a definition is saved, when it is tested
// and when a delivery is sent. What a name resolves to is judged once more on
// the very address that is dialled, so a name that changes its answer between
// the two gains nothing. Policy is the operator's list of exemptions; its zero
// value has none, which is right on AWS: https to public hosts by name, on
// port 443.
//
// Client sends a request once. It follows no redirect, keeps no cookie, uses
// no proxy, and sends again only what certainly never left; where it fails, its
// Error says whether any byte of the request may have left. It does not judge
// answers, retry, or sign: that is for the delivery pipeline.
package egress

import (
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"

	"github.com/waypost/waypost/shared/fault"
)

// A Policy is what the operator exempts from the guard's rules, and where
// calls to certain hosts really go. Its zero value exempts nothing.
type Policy struct {
	Allow  []Rule
	Routes []Route
}

// A Rule permits one kind of address beyond those that are always permitted.
// Either Host or Network is set. A rule for a host trusts whatever its name
// resolves to; a rule for a network permits its addresses, both written in a
// URL and as what a permitted name resolves to.
type Rule struct {
	Scheme  string       // "https" or "http"
	Host    string       // a lower-case name; "*.example.com" is any name below example.com
	Network netip.Prefix // masked
	Port    uint16       // 0 is any port
}

// A Route sends the calls for one host elsewhere, such as to a stand-in. The
// guard judges the URL as it was defined; the request keeps its Host header,
// and its path is put behind the target's.
type Route struct {
	Host   string   // a lower-case name, on the scheme's own port
	Target *url.URL // scheme, host and perhaps a path, without a slash at its end
}

// Local is the policy of the local runtime: plain http to 127.0.0.0/8 (and to
// localhost, where it means that), on any port, and no other exemption.
func Local() Policy {
	return Policy{Allow: []Rule{{Scheme: "http", Network: netip.PrefixFrom(netip.AddrFrom4([4]byte{127}), 8)}}}
}

// ParsePolicy reads a policy from the two settings of the environment.
//
// allow (WAYPOST_EGRESS_ALLOW) is a list of exemptions with commas between
// them, each [scheme://]host[:port] or [scheme://]network[:port]:
//
//	https://intranet.example:8443    one host, one port
//	*.corp.example                   any host below it: https, port 443
//	10.1.0.0/16                      a network: https, port 443
//	http://127.0.0.0/8:*             plain http, any port
//	https://[fd00::1]:8443, fd00::/8 IPv6
//
// Without a scheme a rule is for https; without a port, for its scheme's own.
//
// routes (WAYPOST_EGRESS_ROUTES) is a list of host=URL with commas between them:
//
//	api.twilio.com=http://127.0.0.1:8480/providers/twilio
//
// Both may be empty. An error is Invalid and names the entry that is wrong.
func ParsePolicy(allow, routes string) (Policy, error) {
	var p Policy
	for entry := range entries(allow) {
		rule, err := parseRule(entry)
		if err != nil {
			return Policy{}, fault.New(fault.Invalid, "WAYPOST_EGRESS_ALLOW: %q: %s", entry, err)
		}
		p.Allow = append(p.Allow, rule)
	}
	for entry := range entries(routes) {
		route, err := parseRoute(entry)
		if err != nil {
			return Policy{}, fault.New(fault.Invalid, "WAYPOST_EGRESS_ROUTES: %q: %s", entry, err)
		}
		p.Routes = append(p.Routes, route)
	}
	return p, nil
}

// entries yields what stands between a list's commas, without empty ones.
func entries(list string) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for entry := range strings.SplitSeq(list, ",") {
			if entry = strings.TrimSpace(entry); entry != "" && !yield(entry) {
				return
			}
		}
	}
}

func parseRule(entry string) (Rule, error) {
	scheme, rest, found := strings.Cut(entry, "://")
	if !found {
		scheme, rest = "https", entry
	}
	scheme = strings.ToLower(scheme)
	rule := Rule{Scheme: scheme}
	switch scheme {
	case "https":
		rule.Port = 443
	case "http":
		rule.Port = 80
	default:
		return Rule{}, fmt.Errorf("the scheme must be https or http, not %q", scheme)
	}

	// The port begins at the first colon that is no part of an IPv6 address:
	// after its bracket, or after the slash of its prefix.
	address, tail := rest, ""
	from := max(strings.IndexByte(rest, ']'), strings.IndexByte(rest, '/'), 0)
	if i := strings.IndexByte(rest[from:], ':'); i >= 0 {
		address, tail = rest[:from+i], rest[from+i+1:]
		switch port, err := strconv.ParseUint(tail, 10, 16); {
		case tail == "*":
			rule.Port = 0
		case err != nil || port == 0:
			return Rule{}, fmt.Errorf("the port must be a number from 1 to 65535, or *, not %q", tail)
		default:
			rule.Port = uint16(port)
		}
	}
	address = strings.ToLower(strings.TrimSuffix(strings.TrimPrefix(address, "["), "]"))

	if strings.Contains(address, "/") {
		network, err := netip.ParsePrefix(address)
		if err != nil {
			return Rule{}, fmt.Errorf("%q is not a network such as 10.1.0.0/16 (a rule has no path)", address)
		}
		if network != network.Masked() {
			return Rule{}, fmt.Errorf("the network has bits beyond its length: write %s", network.Masked())
		}
		rule.Network = network
		return rule, nil
	}
	if addr, err := netip.ParseAddr(address); err == nil {
		rule.Network = netip.PrefixFrom(addr.Unmap(), addr.Unmap().BitLen())
		return rule, nil
	}
	if reason := nameFault(strings.TrimPrefix(address, "*.")); reason != "" {
		return Rule{}, fmt.Errorf("%s", reason)
	}
	rule.Host = address
	return rule, nil
}

func parseRoute(entry string) (Route, error) {
	host, target, found := strings.Cut(entry, "=")
	host = strings.ToLower(strings.TrimSpace(host))
	if !found {
		return Route{}, fmt.Errorf("write host=URL")
	}
	if reason := nameFault(host); reason != "" {
		return Route{}, fmt.Errorf("%s", reason)
	}
	u, err := url.Parse(strings.TrimSpace(target))
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" {
		return Route{}, fmt.Errorf("the target must be an http or https URL")
	}
	if u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return Route{}, fmt.Errorf("the target may have a path, but no credentials, query or fragment")
	}
	// Keeping the path escaped in both forms lets it be joined as it stands.
	u.RawPath = strings.TrimSuffix(u.EscapedPath(), "/")
	u.Path = strings.TrimSuffix(u.Path, "/")
	return Route{Host: host, Target: u}, nil
}

// permits says whether the rule covers a call of this scheme and port. An
// empty scheme is one that is not known, as it is when an address is dialled.
func (r Rule) permits(scheme string, port uint16) bool {
	return (scheme == "" || r.Scheme == scheme) && (r.Port == 0 || r.Port == port)
}

// permitsName says whether a rule for a host covers this call.
func (p Policy) permitsName(scheme, name string, port uint16) bool {
	for _, r := range p.Allow {
		if r.Host == "" || !r.permits(scheme, port) {
			continue
		}
		below, wild := strings.CutPrefix(r.Host, "*")
		if name == r.Host || wild && strings.HasSuffix(name, below) && name != below {
			return true
		}
	}
	return false
}

// permitsAddr says whether a rule for a network covers this call.
func (p Policy) permitsAddr(scheme string, addr netip.Addr, port uint16) bool {
	addr = addr.Unmap()
	for _, r := range p.Allow {
		if r.Network.IsValid() && r.Network.Contains(addr) && r.permits(scheme, port) {
			return true
		}
	}
	return false
}

// route gives where calls to this URL go instead, or nil.
func (p Policy) route(u *url.URL) *url.URL {
	if len(p.Routes) == 0 || portOf(u) != portOf(&url.URL{Scheme: u.Scheme}) {
		return nil
	}
	name := strings.ToLower(u.Hostname())
	for _, r := range p.Routes {
		if r.Host == name {
			return r.Target
		}
	}
	return nil
}

// routesTo says whether addr (host:port) is the target of a route.
func (p Policy) routesTo(addr string) bool {
	for _, r := range p.Routes {
		if net.JoinHostPort(r.Target.Hostname(), strconv.Itoa(int(portOf(r.Target)))) == addr {
			return true
		}
	}
	return false
}

// portOf gives the port that a URL means, or 0 where it is no port.
func portOf(u *url.URL) uint16 {
	switch s := u.Port(); {
	case s != "":
		n, err := strconv.ParseUint(s, 10, 16)
		if err != nil {
			return 0
		}
		return uint16(n)
	case u.Scheme == "http":
		return 80
	default:
		return 443
	}
}
