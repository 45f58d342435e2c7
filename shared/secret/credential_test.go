package secret_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/waypost/waypost/shared/fault"
	"github.com/waypost/waypost/shared/secret"
)

func TestACredentialPrintsNothing(t *testing.T) {
	c := parse(t, `{"token":"planted","hosts":["planted.example"]}`)
	type holder struct {
		Public  secret.Credential
		private secret.Credential
		Ptr     *secret.Credential
		Map     map[string]secret.Credential
	}
	h := holder{c, c, &c, map[string]secret.Credential{"a": c}}
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d", "%T"} {
		fmt.Fprintf(&out, verb+"\n", c)
		fmt.Fprintf(&out, verb+"\n", h)
		fmt.Fprintf(&out, verb+"\n", &h)
	}
	fmt.Fprintln(&out, c, fmt.Errorf("with %v", c))
	j, err := json.Marshal(map[string]any{"c": c, "h": h})
	if err != nil {
		t.Fatal(err)
	}
	out.Write(j)
	slog.New(slog.NewJSONHandler(&out, nil)).Info("x", "c", c, "h", h)
	slog.New(slog.NewTextHandler(&out, nil)).Info("x", "c", c, "h", h)
	for _, secret := range []string{"planted", "706c616e746564"} {
		if strings.Contains(out.String(), secret) {
			t.Errorf("a value was printed:\n%s", out.String())
		}
	}
	if !strings.Contains(string(j), "[redacted]") {
		t.Errorf("JSON is %s", j)
	}
}

func TestParseRefuses(t *testing.T) {
	for _, tc := range []struct{ value, want string }{
		{`planted`, "is not a JSON object"},
		{`"planted"`, "is not a JSON object"},
		{`["planted"]`, "is not a JSON object"},
		{`null`, "is not a JSON object"},
		{``, "is not a JSON object"},
		{`{"a":"planted"`, "is not a JSON object"},
		{`{"a":"planted"} planted`, "something after"},
		{`{"hosts":"planted"}`, "list of host names"},
		{`{"hosts":null}`, "list of host names"},
		{`{"hosts":["https://planted/"]}`, "must be names"},
		{`{"hosts":[""]}`, "must be names"},
	} {
		_, err := secret.Parse("waypost/a", []byte(tc.value))
		if !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), tc.want) || strings.Contains(err.Error(), "planted") {
			t.Errorf("Parse(%s) = %v, want Invalid with %q", tc.value, err, tc.want)
		}
	}
}

func TestMaySendTo(t *testing.T) {
	twilio := []string{"api.twilio.com", "*.twilio.com"}
	for _, tc := range []struct {
		name, value, host string
		implied           []string
		want              bool
	}{
		{"no list", `{}`, "anywhere.example", nil, true},
		{"empty list", `{"hosts":[]}`, "anywhere.example", nil, false},
		{"listed", `{"hosts":["a.example","B.example"]}`, "b.Example", nil, true},
		{"listed, any port", `{"hosts":["a.example"]}`, "a.example:8443", nil, true},
		{"not listed", `{"hosts":["a.example"]}`, "b.example", nil, false},
		{"below a listed one", `{"hosts":["a.example"]}`, "x.a.example", nil, false},
		{"lookalike", `{"hosts":["a.example"]}`, "evila.example", nil, false},
		{"port", `{"hosts":["a.example:8443"]}`, "a.example:8443", nil, true},
		{"other port", `{"hosts":["a.example:8443"]}`, "a.example:8444", nil, false},
		{"no port", `{"hosts":["a.example:8443"]}`, "a.example", nil, false},
		{"wildcard", `{"hosts":["*.a.example"]}`, "x.y.a.example:1", nil, true},
		{"wildcard's domain", `{"hosts":["*.a.example"]}`, "a.example", nil, false},
		{"wildcard lookalike", `{"hosts":["*.a.example"]}`, "evila.example", nil, false},
		{"star alone is no wildcard", `{"hosts":["*"]}`, "a.example", nil, false},
		{"IPv6", `{"hosts":["[::1]"]}`, "[::1]:80", nil, true},
		{"provider", `{}`, "api.twilio.com", twilio, true},
		{"provider, elsewhere", `{}`, "evil.example", twilio, false},
		{"provider and list: provider", `{"hosts":["proxy.example"]}`, "x.twilio.com", twilio, true},
		{"provider and list: listed", `{"hosts":["proxy.example"]}`, "proxy.example", twilio, true},
		{"provider and list: elsewhere", `{"hosts":["proxy.example"]}`, "evil.example", twilio, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			err := parse(t, tc.value).MaySendTo(tc.host, tc.implied)
			if got := err == nil; got != tc.want {
				t.Errorf("got %v, want %t", err, tc.want)
			}
			if err != nil && !fault.Is(err, fault.Forbidden) {
				t.Errorf("the error is %v, want Forbidden", fault.CodeOf(err))
			}
		})
	}
	if err := (secret.Credential{}).MaySendTo("anywhere", twilio); err != nil {
		t.Errorf("no credential: %v", err)
	}
}
