package egress_test

import (
	"strings"
	"testing"

	"github.com/waypost/waypost/shared/egress"
	"github.com/waypost/waypost/shared/fault"
)

func TestCheck(t *testing.T) {
	allowed, err := egress.ParsePolicy("https://intranet:8443, *.corp.example:*, 10.1.0.0/16, http://hooks.example, https://[fd00::1]:9443", "")
	if err != nil {
		t.Fatal(err)
	}
	const ok = ""
	for _, tc := range []struct {
		name   string
		policy egress.Policy
		url    string
		want   string // in the error's message; ok is none
	}{
		{"public", egress.Policy{}, "https://api.twilio.com/2010-04-01", ok},
		{"public, its own port", egress.Policy{}, "https://api.twilio.com:443/", ok},
		{"upper case", egress.Policy{}, "HTTPS://API.Twilio.com", ok},
		{"underscore", egress.Policy{}, "https://my_host.example.com", ok},
		{"plain http", egress.Policy{}, "http://example.com/x", "let the operator allow http://example.com)"},
		{"other port", egress.Policy{}, "https://example.com:8443/x", "port 8443 is not allowed; use 443 (or let the operator allow https://example.com:8443)"},
		{"port 0", egress.Policy{}, "https://example.com:0", "1 to 65535"},
		{"port too large", egress.Policy{}, "https://example.com:65536", "1 to 65535"},
		{"other scheme", egress.Policy{}, "ftp://example.com", "begin with https://"},
		{"file", egress.Policy{}, "file:///etc/passwd", "begin with https://"},
		{"no scheme", egress.Policy{}, "example.com/x", "begin with https://"},
		{"empty", egress.Policy{}, "", "begin with https://"},
		{"opaque", egress.Policy{}, "https:example.com", "no host"},
		{"no host", egress.Policy{}, "https:///x", "no host"},
		{"credentials", egress.Policy{}, "https://planted:s3cret@example.com", "holds credentials"},
		{"user alone", egress.Policy{}, "https://planted@example.com", "holds credentials"},
		{"fragment", egress.Policy{}, "https://example.com/#planted", "fragment"},
		{"unreadable", egress.Policy{}, "https://example.com/%zz-planted", "cannot be read"},
		{"address", egress.Policy{}, "https://93.184.216.34/", "is an address"},
		{"metadata", egress.Policy{}, "https://169.254.169.254/latest", "is an address"},
		{"IPv6", egress.Policy{}, "https://[2606:4700::1]/", "is an address"},
		{"IPv6 unspecified", egress.Policy{}, "https://[::]/", "is an address"},
		{"IPv4 in IPv6", egress.Policy{}, "https://[::ffff:127.0.0.1]/", "is an address"},
		{"zone", egress.Policy{}, "https://[fe80::1%25eth0]/", "is an address"},
		{"unspecified", egress.Policy{}, "https://0.0.0.0/", "is an address"},
		{"decimal", egress.Policy{}, "https://2130706433/", "host is an address"},
		{"hex", egress.Policy{}, "https://0x7f000001/", "host is an address"},
		{"hex parts", egress.Policy{}, "https://0x7f.0x0.0x0.0x1/", "host is an address"},
		{"octal", egress.Policy{}, "https://0177.0.0.01/", "host is an address"},
		{"short", egress.Policy{}, "https://127.1/", "host is an address"},
		{"lone 0x", egress.Policy{}, "https://127.0x/", "host is an address"},
		{"full-width digits", egress.Policy{}, "https://１２７.0.0.1/", "xn--"},
		{"escaped dot", egress.Policy{}, "https://127%2e0.0.1/", ""},
		{"not ASCII", egress.Policy{}, "https://bücher.example/", "xn--"},
		{"trailing dot", egress.Policy{}, "https://example.com./", "1 to 63 characters"},
		{"localhost", egress.Policy{}, "https://localhost/", "private host"},
		{"below localhost", egress.Policy{}, "https://a.localhost/", "private host"},
		{"single label", egress.Policy{}, "https://intranet/", "private host"},
		{"cloud metadata name", egress.Policy{}, "https://metadata.google.internal/", "private host"},
		{"mdns", egress.Policy{}, "https://printer.local/", "private host"},

		{"local: loopback", egress.Local(), "http://127.0.0.1:8480/x", ok},
		{"local: all of it", egress.Local(), "http://127.9.9.9/x", ok},
		{"local: localhost", egress.Local(), "http://localhost:8480/x", ok},
		{"local: public https", egress.Local(), "https://example.com/x", ok},
		{"local: https to loopback", egress.Local(), "https://127.0.0.1/x", "is an address"},
		{"local: IPv6 loopback", egress.Local(), "http://[::1]:8480/x", "is an address"},
		{"local: plain http", egress.Local(), "http://example.com/x", "plain http"},
		{"local: private", egress.Local(), "http://10.0.0.1/x", "is an address"},
		{"local: metadata", egress.Local(), "http://169.254.169.254/x", "is an address"},

		{"allowed host", allowed, "https://intranet:8443/x", ok},
		{"allowed host, other port", allowed, "https://intranet:8444/x", "port 8444"},
		{"allowed host, plain http", allowed, "http://intranet:8443/x", "plain http"},
		{"wildcard", allowed, "https://a.b.corp.example:99/x", ok},
		{"wildcard's own domain", allowed, "https://corp.example:99/x", "port 99"},
		{"wildcard, lookalike", allowed, "https://evilcorp.example:99/x", "port 99"},
		{"network", allowed, "https://10.1.2.3/x", ok},
		{"network, other port", allowed, "https://10.1.2.3:444/x", "is an address"},
		{"network, outside", allowed, "https://10.2.2.3/x", "is an address"},
		{"plain http to a host", allowed, "http://hooks.example/x", ok},
		{"one IPv6 address", allowed, "https://[fd00::1]:9443/x", ok},
	} {
		t.Run(tc.name, func(t *testing.T) {
			err := egress.NewGuard(tc.policy).Check(tc.url)
			if tc.name == "escaped dot" {
				// net/url refuses an escaped dot in a host, or decodes it to an address.
				if err == nil {
					t.Fatal("an escaped address passed")
				}
				return
			}
			if tc.want == ok {
				if err != nil {
					t.Fatalf("Check(%s): %v", tc.url, err)
				}
				return
			}
			if !fault.Is(err, fault.Invalid) || !strings.Contains(fault.Public(err), tc.want) {
				t.Fatalf("Check(%s) = %v, want Invalid with %q", tc.url, err, tc.want)
			}
			if strings.Contains(err.Error(), "planted") || strings.Contains(err.Error(), "s3cret") {
				t.Errorf("the error repeats what may be secret: %v", err)
			}
		})
	}
}

func TestParsePolicyRefuses(t *testing.T) {
	for _, tc := range []struct{ allow, routes, want string }{
		{"ftp://example.com", "", "https or http"},
		{"example.com:x", "", "from 1 to 65535, or *"},
		{"example.com:0", "", "from 1 to 65535, or *"},
		{"10.1.2.3/16", "", "write 10.1.0.0/16"},
		{"example.com/path", "", "has no path"},
		{"exämple.com", "", "xn--"},
		{"2130706433", "", "an address"},
		{"*", "", "letters"},
		{"", "api.twilio.com", "host=URL"},
		{"", "api.twilio.com=127.0.0.1", "http or https URL"},
		{"", "api.twilio.com=http://u:p@127.0.0.1", "no credentials"},
		{"", "api.twilio.com:443=http://127.0.0.1", "letters"},
	} {
		_, err := egress.ParsePolicy(tc.allow, tc.routes)
		if !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("ParsePolicy(%q, %q) = %v, want Invalid with %q", tc.allow, tc.routes, err, tc.want)
		}
	}
	if p, err := egress.ParsePolicy("", " , "); err != nil || len(p.Allow)+len(p.Routes) != 0 {
		t.Errorf("ParsePolicy of nothing = %v, %v", p, err)
	}
}

func FuzzCheck(f *testing.F) {
	for _, s := range []string{"https://example.com", "https://0x7f.1", "https://[::ffff:1.2.3.4%25a]:1/", "http://localhost."} {
		f.Add(s)
	}
	guard := egress.NewGuard(egress.Policy{})
	f.Fuzz(func(t *testing.T, s string) {
		if err := guard.Check(s); err == nil && !strings.HasPrefix(strings.ToLower(s), "https://") {
			t.Errorf("%q passed", s)
		}
	})
}
