package loyalty_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/waypost/waypost/shared/action"
	"github.com/waypost/waypost/shared/channel/loyalty"
	"github.com/waypost/waypost/shared/fault"
	"github.com/waypost/waypost/shared/secret"
)

type anyURL struct{}

func (anyURL) Check(string) error { return nil }

// parsed reads an action with this award, and gives what is wrong with it.
func parsed(t *testing.T, contract string) (*action.Action, []string) {
	t.Helper()
	a, err := action.Parse([]byte(`{"name": "award", "channel": "loyalty", "contract": `+contract+`, "settings": {"url": "https://loyalty.example"}}`), anyURL{})
	if err != nil {
		t.Fatal(err)
	}
	var wrong []string
	for _, d := range loyalty.Traits().Faults(a) {
		line := d.Path + ": " + d.Message
		if d.Suggestion != "" {
			line += "; did you mean " + d.Suggestion + "?"
		}
		wrong = append(wrong, line)
	}
	return a, wrong
}

const award = `{"method": "POST", "path": "/awards", "headers": {"X-Program": "P"}, "query": {"src": "waypost"},
	"body": {"reference": {"toBeMapped": true, "type": "string"}, "meta": {"kind": "points"}}, "award": %s}`

// The delivery's id goes where the contract wants it, and the lookup asks for it.
func TestEncode(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ award, url, header, body, lookup string }{
		{`{"key": "headers.Idempotency-Key", "reference": "reference"}`, "/awards?src=waypost", "x.award.0", `{"meta":{"kind":"points"},"reference":"A/1"}`, ""},
		{`{"key": "query.id", "reference": "reference"}`, "/awards?id=x.award.0&src=waypost", "", `{"meta":{"kind":"points"},"reference":"A/1"}`, ""},
		{`{"key": "meta.id", "reference": "reference", "lookup": {"path": "/awards/{key}"}}`, "/awards?src=waypost", "",
			`{"meta":{"id":"x.award.0","kind":"points"},"reference":"A/1"}`, "GET https://loyalty.example/awards/x.award.0"},
		{`{"key": "body.query.id", "reference": "reference", "lookup": {"path": "/orders/{reference}/awards", "query": {"q": "id:{key}", "all": "1"}}}`, "/awards?src=waypost", "",
			`{"meta":{"kind":"points"},"query":{"id":"x.award.0"},"reference":"A/1"}`, "GET https://loyalty.example/orders/A%2F1/awards?all=1&q=id%3Ax.award.0"},
	} {
		a, wrong := parsed(t, fmt.Sprintf(award, tc.award))
		if len(wrong) > 0 {
			t.Fatalf("%s: %v", tc.award, wrong)
		}
		for range 2 { // as after a renewed credential
			m, err := a.Compose(map[string]any{"reference": "A/1"})
			if err != nil {
				t.Fatal(err)
			}
			m.Delivery = "x.award.0"
			r, err := loyalty.Channel{}.Encode(m, secret.Credential{})
			if err != nil {
				t.Fatal(err)
			}
			lookup := ""
			if r.Lookup != nil {
				lookup = r.Lookup.Request.Method + " " + r.Lookup.Request.URL
				if diff := cmp.Diff([]string{"x.award.0", "A/1"}, r.Lookup.Names); diff != "" {
					t.Error(diff)
				}
			}
			got := []string{strings.TrimPrefix(r.URL, "https://loyalty.example"), r.Header.Get("Idempotency-Key"), string(r.Body), lookup}
			if diff := cmp.Diff([]string{tc.url, tc.header, tc.body, tc.lookup}, got); diff != "" {
				t.Errorf("%s: %s", tc.award, diff)
			}
		}
	}
}

// An award without a reference is not made: a lookup could tell it from no other.
func TestEncodeRefuses(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ reference, lookup, want string }{
		{"", "", "reference: the business reference came out empty"},
		{" ", "", "reference: the business reference came out empty"},
		{"", `, "lookup": {"path": "/awards/{key}"}`, "reference: the business reference came out empty"},
		{"..", `, "lookup": {"path": "/orders/{reference}/awards"}`, "reference: came out as dots, which would change the path of the lookup"},
	} {
		a, wrong := parsed(t, fmt.Sprintf(award, `{"key": "meta.id", "reference": "reference"`+tc.lookup+`}`))
		if len(wrong) > 0 {
			t.Fatal(wrong)
		}
		m, err := a.Compose(map[string]any{"reference": tc.reference})
		if err != nil {
			t.Fatal(err)
		}
		m.Delivery = "x.award.0"
		if _, err := (loyalty.Channel{}).Encode(m, secret.Credential{}); !fault.Is(err, fault.Invalid) || err.Error() != tc.want {
			t.Errorf("%q%s: got %v, want %s", tc.reference, tc.lookup, err, tc.want)
		}
	}
}

// Each row is a mistake in contract.award, and what its author is told.
func TestCheck(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ award, want string }{
		{`{"key": "headers.X-Program", "reference": "reference"}`, "award.key: must name a header that contract.headers does not give"},
		{`{"key": "headers.x program", "reference": "reference"}`, `award.key: "x program" is not a header name: use letters, digits and - (RFC 9110)`},
		{`{"key": "headers.Authorization", "reference": "reference"}`, "award.key: the header Authorization may not be set here"},
		{`{"key": "path.id", "reference": "reference"}`, "award.key: must be in the headers, the query or the body: headers.NAME, query.NAME, or a path in the body"},
		{`{"key": "query.src", "reference": "reference"}`, "award.key: must name a query parameter that the contract does not give"},
		{`{"key": "reference", "reference": "reference"}`, "award.key: must be a path that the body does not give: Waypost puts the value there"},
		{`{"key": "reference.id", "reference": "reference"}`, "award.key: reference is no object of the body"},
		{`{"key": "meta..id", "reference": "reference"}`, "award.key: must be a path of keys with dots between them"},
		{`{"key": "id", "reference": "referense"}`, "award.reference: must name a field that journeys map: an order's number, a claim's; did you mean reference?"},
		{`{"key": "id", "reference": "body.reference"}`, "award.reference: write reference"},
		{`{"key": "id", "reference": "reference", "lookup": {"path": "/awards/{kei}"}}`, "award.lookup.path: {kei} is neither {key} nor {reference}; did you mean key?"},
		{`{"key": "id", "reference": "reference", "lookup": {"path": "/awards"}}`, "award.lookup: must ask for the award: have {key} or {reference} in the path or the query"},
		{`{"key": "id", "reference": "reference", "lookup": {"path": "/awards?id={key}"}}`, "award.lookup.path: must be a plain path with {parameters}; a query goes in contract.award.lookup.query"},
	} {
		_, got := parsed(t, fmt.Sprintf(award, tc.award))
		if diff := cmp.Diff([]string{"contract." + tc.want}, got); diff != "" {
			t.Errorf("%s: %s", tc.award, diff)
		}
	}
	for _, tc := range []struct{ contract, want string }{
		{`{"method": "DELETE", "path": "/awards/1", "query": {"ref": {"toBeMapped": true, "type": "integer"}}, "award": {"key": "id", "reference": "query.ref"}}`,
			"contract.method: must be POST, PUT or PATCH: an award moves value"},
		{`{"method": "POST", "body": {"ref": {"toBeMapped": true, "type": "string", "optional": true}}, "award": {"key": "id", "reference": "ref"}}`,
			"contract.award.reference: names ref, which must be neither optional nor nullable, and have no default: each award has its own reference"},
		{`{"method": "POST", "body": {"ref": {"toBeMapped": true, "type": "boolean"}}, "award": {"key": "id", "reference": "ref"}}`,
			"contract.award.reference: names ref, which must be of type string or integer"},
		{`{"method": "POST", "body": {"toBeMapped": true, "type": "object"}, "query": {"ref": {"toBeMapped": true, "type": "string"}}, "award": {"key": "id", "reference": "query.ref"}}`,
			"contract.award.key: the body is no object: name a header or a query parameter"},
		{`{"method": "POST", "headers": {"content-type": "application/x-www-form-urlencoded"}, "body": {"ref": {"toBeMapped": true, "type": "string"}}, "award": {"key": "meta.id", "reference": "ref"}}`,
			"contract.award.key: must be a key of the form, or a header or a query parameter: a form has no objects"},
		{`{"method": "POST", "headers": {"Content-Type": "text/plain"}, "query": {"ref": {"toBeMapped": true, "type": "string"}}, "award": {"key": "id", "reference": "query.ref"}}`,
			"contract.award.key: the body is text: name a header or a query parameter"},
	} {
		if _, got := parsed(t, tc.contract); cmp.Diff([]string{tc.want}, got) != "" {
			t.Errorf("%s: got %q, want %q", tc.contract, got, tc.want)
		}
	}
}
