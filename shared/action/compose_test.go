package action_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/waypost/waypost/shared/action"
	"github.com/waypost/waypost/shared/fault"
	"github.com/waypost/waypost/shared/schema"
)

// anyURL lets every URL through: package egress has the real guard.
type anyURL struct{}

func (anyURL) Check(string) error { return nil }

// parse reads an action with this contract.
func parse(t testing.TB, contract string) *action.Action {
	t.Helper()
	a, err := action.Parse([]byte(`{"name": "shop", "channel": "webhook", "contract": `+contract+`, "settings": {"url": "https://shop.example.com/api"}}`), anyURL{})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// details gives what a fault says, a line each.
func details(err error) string {
	if err == nil {
		return ""
	}
	var lines []string
	for _, d := range fault.Details(err) {
		lines = append(lines, d.String())
	}
	return strings.Join(lines, "\n")
}

const bookings = `{
  "method": "PUT", "path": "/v2/bookings/{bookingId}/nights/{night}",
  "pathParams": {"bookingId": {"toBeMapped": true, "type": "string"}, "night": {"toBeMapped": true, "type": "integer", "default": 1}},
  "query": {"lang": {"toBeMapped": true, "type": "string", "optional": true}, "src": "waypost", "dry": false},
  "headers": {"X-Property": "P-9", "X-City": {"toBeMapped": true, "type": "string", "optional": true}, "X-Count": 3},
  "body": {
    "guest": {"name": {"toBeMapped": true, "type": "string", "label": "Guest"}, "vip": {"toBeMapped": true, "type": "boolean", "nullable": true}},
    "items": [{"sku": {"toBeMapped": true, "type": "string"}, "n": {"toBeMapped": true, "type": "integer", "optional": true}}, "breakfast"],
    "path": {"to": {"toBeMapped": true, "type": "string", "optional": true}},
    "rate": 1.50, "extras": null, "note": {}
  }
}`

func TestFields(t *testing.T) {
	a := parse(t, bookings)
	type field struct {
		Name, Label, Type            string
		Required, Optional, Nullable bool
	}
	var got []field
	for _, f := range a.Fields {
		got = append(got, field{f.Name, f.Label, f.Type.String(), f.Required(), f.Optional, f.Nullable})
	}
	want := []field{
		{Name: "body.path.to", Type: "a string", Optional: true},
		{Name: "guest.name", Label: "Guest", Type: "a string", Required: true},
		{Name: "guest.vip", Type: "a boolean", Nullable: true},
		{Name: "headers.X-City", Type: "a string", Optional: true},
		{Name: "items.0.n", Type: "an integer", Optional: true},
		{Name: "items.0.sku", Type: "a string", Required: true},
		{Name: "path.bookingId", Type: "a string", Required: true},
		{Name: "path.night", Type: "an integer"},
		{Name: "query.lang", Type: "a string", Optional: true},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	for name, want := range map[string]string{
		"guest.name": "guest.name", "body.guest.name": "guest.name", "body.path.to": "body.path.to", "path.bookingId": "path.bookingId",
		"headers.X-City": "headers.X-City", "path.to": "", "headers.x-city": "", "body.query.lang": "", "guest": "", "rate": "",
	} {
		got := ""
		if f := a.Field(name); f != nil {
			got = f.Name
		}
		if got != want {
			t.Errorf("Field(%q) = %q, want %q", name, got, want)
		}
	}
}

func TestCompose(t *testing.T) {
	a := parse(t, bookings)
	m, err := a.Compose(map[string]any{
		"path.bookingId": "a/b ?#%ü", "guest.name": "Ada <ada@example.com> & Co", "body.items.0.sku": "s-1", "items.0.n": 2.0, "query.lang": "de",
		"headers.X-City": "Graz", "guest.vip": true,
	})
	if err != nil {
		t.Fatal(err)
	}
	body, err := m.JSON()
	if err != nil {
		t.Fatal(err)
	}
	if got, want := m.Path, "/v2/bookings/a%2Fb%20%3F%23%25%C3%BC/nights/1"; got != want {
		t.Errorf("Path = %s, want %s", got, want)
	}
	if diff := cmp.Diff(url.Values{"lang": {"de"}, "src": {"waypost"}, "dry": {"false"}}, m.Query); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(http.Header{"X-Property": {"P-9"}, "X-City": {"Graz"}, "X-Count": {"3"}}, m.Header); diff != "" {
		t.Error(diff)
	}
	const want = `{"extras":null,"guest":{"name":"Ada <ada@example.com> & Co","vip":true},"items":[{"n":2,"sku":"s-1"},"breakfast"],"note":{},"path":{},"rate":1.5}`
	if got := string(body); got != want {
		t.Errorf("body = %s, want %s", got, want)
	}
	if m.BaseURL != "https://shop.example.com/api" || m.Method != "PUT" {
		t.Errorf("%s %s", m.Method, m.BaseURL)
	}
}

// A contract is composed anew each time: nothing of one message is in the next.
func TestComposeKeepsTheContract(t *testing.T) {
	a := parse(t, bookings)
	full := map[string]any{"path.bookingId": "b", "guest.name": "Ada", "items.0.sku": "s", "items.0.n": 1, "query.lang": "de", "headers.X-City": "Graz", "guest.vip": true, "body.path.to": "x"}
	bare := map[string]any{"path.bookingId": "b", "guest.name": "Bea", "items.0.sku": "t"}
	for range 2 {
		if _, err := a.Compose(full); err != nil {
			t.Fatal(err)
		}
		m, err := a.Compose(bare)
		if err != nil {
			t.Fatal(err)
		}
		body, err := m.JSON()
		if err != nil {
			t.Fatal(err)
		}
		const want = `{"extras":null,"guest":{"name":"Bea","vip":null},"items":[{"sku":"t"},"breakfast"],"note":{},"path":{},"rate":1.5}`
		if got := string(body); got != want {
			t.Errorf("body = %s, want %s", got, want)
		}
		if m.Query.Has("lang") || m.Header.Get("X-City") != "" {
			t.Errorf("left from before: %v %v", m.Query, m.Header)
		}
	}
}

func TestWhatAFieldIsSentAs(t *testing.T) {
	for _, tc := range []struct {
		name, field string
		value       any
		want, wrong string
	}{
		{"text", `"type": "string"`, "a", `{"f":"a"}`, ""},
		{"empty text", `"type": "string"`, "", `{"f":""}`, ""},
		{"nothing", `"type": "string"`, nil, "", "f: is required, and came out empty: what it is mapped from is absent"},
		{"nothing, optional", `"type": "string", "optional": true`, nil, `{}`, ""},
		{"nothing, nullable", `"type": "string", "nullable": true`, nil, `{"f":null}`, ""},
		{"nothing, both", `"type": "string", "nullable": true, "optional": true`, nil, `{"f":null}`, ""},
		{"nothing, a default", `"type": "string", "default": "d"`, nil, `{"f":"d"}`, ""},
		{"a value, and a default", `"type": "string", "default": "d"`, "a", `{"f":"a"}`, ""},
		{"false is a value", `"type": "boolean", "default": true`, false, `{"f":false}`, ""},
		{"zero is a value", `"type": "integer", "optional": true`, 0.0, `{"f":0}`, ""},
		{"a whole number", `"type": "integer"`, 3.0, `{"f":3}`, ""},
		{"a large whole number", `"type": "integer"`, 9007199254740991.0, `{"f":9007199254740991}`, ""},
		{"no whole number", `"type": "integer"`, 3.5, "", "f: must be an integer, is a number"},
		{"a number", `"type": "number"`, 3.5, `{"f":3.5}`, ""},
		{"a whole number for a number", `"type": "number"`, 3.0, `{"f":3}`, ""},
		{"whole numbers in a list", `"type": "array", "items": {"type": "integer"}`, []any{1.0, 2.0}, `{"f":[1,2]}`, ""},
		{"text for an integer", `"type": "integer"`, "3", "", "f: must be an integer, is a string"},
		{"text too long", `"type": "string", "maxLength": 3`, "secret", "", "f: must have at most 3 characters, has 6"},
		{"no phone", `"type": "string", "format": "e164"`, "0664 123", "", "f: must be a phone number in E.164 form, such as +15005550006"},
		{"none of the enum", `"type": "string", "enum": ["a", "b"]`, "secret", "", `f: must be one of "a" or "b"`},
		{"an object", `"type": "object", "required": ["a"], "properties": {"a": {"type": "integer"}}`, map[string]any{"a": "secret"}, "", "f.a: must be an integer, is a string"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			a := parse(t, `{"body": {"f": {"toBeMapped": true, `+tc.field+`}}}`)
			m, err := a.Compose(map[string]any{"f": tc.value})
			if got := details(err); got != tc.wrong {
				t.Errorf("error %q, want %q", got, tc.wrong)
			}
			if err != nil {
				if !fault.Is(err, fault.Invalid) || strings.Contains(err.Error(), "secret") {
					t.Errorf("%v", err)
				}
				return
			}
			body, err := m.JSON()
			if err != nil || string(body) != tc.want {
				t.Errorf("body = %s, %v, want %s", body, err, tc.want)
			}
		})
	}
}

// Whatever a profile holds, it stays where the contract put it.
func TestNothingBreaksOut(t *testing.T) {
	a := parse(t, `{"method": "POST", "path": "/u/{id}/x", "pathParams": {"id": {"toBeMapped": true, "type": "string"}},
		"headers": {"X-Name": {"toBeMapped": true, "type": "string", "optional": true}}, "query": {"q": {"toBeMapped": true, "type": "string", "optional": true}}}`)
	for _, tc := range []struct{ field, value, wrong string }{
		{"path.id", "..", "path.id: came out empty or as dots, which would change the path"},
		{"path.id", ".", "path.id: came out empty or as dots, which would change the path"},
		{"path.id", "", "path.id: came out empty or as dots, which would change the path"},
		{"headers.X-Name", "a\r\nX-Admin: 1", "headers.X-Name: came out with a character that a header may not have"},
		{"headers.X-Name", "a\nb", "headers.X-Name: came out with a character that a header may not have"},
		{"headers.X-Name", "a\x00b", "headers.X-Name: came out with a character that a header may not have"},
	} {
		values := map[string]any{"path.id": "1", tc.field: tc.value}
		_, err := a.Compose(values)
		if got := details(err); got != tc.wrong {
			t.Errorf("%s = %q: %q, want %q", tc.field, tc.value, got, tc.wrong)
		}
	}
	for value, want := range map[string]string{"a/../b": "/u/a%2F..%2Fb/x", "...": "/u/.../x", "%2e%2e": "/u/%252e%252e/x", "a?b#c": "/u/a%3Fb%23c/x", "{id}": "/u/%7Bid%7D/x", "a\r\nb": "/u/a%0D%0Ab/x"} {
		m, err := a.Compose(map[string]any{"path.id": value, "query.q": value, "headers.X-Name": "Zoë"})
		if err != nil {
			t.Fatal(err)
		}
		if m.Path != want {
			t.Errorf("Path = %s, want %s", m.Path, want)
		}
		if u, err := url.Parse("https://h" + m.Path + "?" + m.Query.Encode()); err != nil || u.Path != "/u/"+value+"/x" || u.Query().Get("q") != value {
			t.Errorf("%q: reads as %q, %v", value, u, err)
		}
	}
}

func TestComposeSaysEverything(t *testing.T) {
	a := parse(t, bookings)
	_, err := a.Compose(map[string]any{"guest.name": 7, "nobody": "x", "guest.vip": "yes"})
	want := "nobody: is not a field of the action shop\n" +
		"guest.name: must be a string, is a number\n" +
		"guest.vip: must be a boolean, is a string\n" +
		"items.0.sku: is required, and came out empty: what it is mapped from is absent\n" +
		"path.bookingId: is required, and came out empty: what it is mapped from is absent"
	if diff := cmp.Diff(want, details(err)); diff != "" {
		t.Error(diff)
	}
}

func TestBodies(t *testing.T) {
	for _, tc := range []struct {
		contract, want string
		values         map[string]any
	}{
		{`{}`, "none", nil},
		{`{"body": {}}`, `{}`, nil},
		{`{"body": "ping"}`, `"ping"`, nil},
		{`{"body": [1, 2.5, true]}`, `[1,2.5,true]`, nil},
		{`{"body": {"toBeMapped": true, "type": "array", "items": {"type": "string"}}}`, `["a"]`, map[string]any{"body": []any{"a"}}},
		{`{"body": {"toBeMapped": true, "type": "object", "optional": true}}`, "none", nil},
		{`{"body": {"toBeMapped": true, "type": "object", "nullable": true}}`, "null", nil},
		{`{"body": [{"toBeMapped": true, "type": "string", "optional": true}, "b"]}`, `["b"]`, nil},
		{`{"body": {"n": 12345678901234567890}}`, `{"n":12345678901234567000}`, nil},
	} {
		m, err := parse(t, tc.contract).Compose(tc.values)
		if err != nil {
			t.Errorf("%s: %v", tc.contract, err)
			continue
		}
		got := "none"
		if m.HasBody {
			body, err := m.JSON()
			if err != nil {
				t.Fatal(err)
			}
			got = string(body)
		}
		if got != tc.want {
			t.Errorf("%s: %s, want %s", tc.contract, got, tc.want)
		}
	}
}

func TestResponse(t *testing.T) {
	for _, tc := range []struct {
		name, response, body string
		want                 any
		wrong                bool
	}{
		{"named fields", `{"sid": {"type": "string"}, "n": {"type": "integer"}}`, `{"sid": "SM1", "n": 3.0, "to": "+4312345"}`, map[string]any{"sid": "SM1", "n": int64(3)}, false},
		{"a field is missing", `{"sid": {"type": "string"}, "n": {"type": "integer"}}`, `{"sid": "SM1"}`, map[string]any{"sid": "SM1"}, false},
		{"another type", `{"sid": {"type": "string"}, "n": {"type": "integer"}}`, `{"sid": 7, "n": 1.5}`, map[string]any{}, false},
		{"null", `{"sid": {"type": "string"}}`, `{"sid": null}`, map[string]any{}, false},
		{"below", `{"a": {"type": "object", "properties": {"b": {"type": "string"}}}}`, `{"a": {"b": "x", "phone": "+4312345"}}`, map[string]any{"a": map[string]any{"b": "x"}}, false},
		{"a list", `{"l": {"type": "array", "items": {"type": "object", "properties": {"id": {"type": "string"}}}}}`, `{"l": [{"id": "1", "x": 1}, 2]}`, map[string]any{"l": []any{map[string]any{"id": "1"}}}, false},
		{"an open object", `{"a": {"type": "object"}}`, `{"a": {"b": "x"}}`, map[string]any{"a": map[string]any{"b": "x"}}, false},
		{"a whole schema", `{"type": "array", "items": {"type": "number"}}`, `[1, 2.5, "x"]`, []any{int64(1), 2.5}, false},
		{"a property called type", `{"type": {"type": "string"}}`, `{"type": "t", "x": 1}`, map[string]any{"type": "t"}, false},
		{"nothing named", `{}`, `{"phone": "+4312345"}`, map[string]any{}, false},
		{"no JSON", `{"sid": {"type": "string"}}`, `<html>`, nil, true},
		{"no body", `{"sid": {"type": "string"}}`, ``, nil, true},
		{"no object", `{"sid": {"type": "string"}}`, `"ok"`, nil, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			a := parse(t, `{"response": `+tc.response+`, "error": `+tc.response+`}`)
			got, err := a.Response([]byte(tc.body))
			if diff := cmp.Diff(tc.want, got); diff != "" || (err != nil) != tc.wrong {
				t.Errorf("%v: %s", err, diff)
			}
			if diff := cmp.Diff(tc.want, a.Failure([]byte(tc.body))); diff != "" {
				t.Errorf("Failure: %s", diff)
			}
		})
	}
	if got, err := parse(t, `{}`).Response([]byte("<html>")); got != nil || err != nil {
		t.Errorf("a contract that reads nothing: %v, %v", got, err)
	}
}

func TestMisfit(t *testing.T) {
	for _, tc := range []struct {
		field string
		got   schema.Type
		want  string
	}{
		{`"type": "string"`, schema.String(), ""},
		{`"type": "string"`, schema.String().OrNull(), ""},
		{`"type": "string"`, schema.Any(), ""},
		{`"type": "string"`, schema.Integer(), "must be a string, and the mapping gives an integer; string(…) makes text of it"},
		{`"type": "integer"`, schema.Number(), ""}, // it may be whole
		{`"type": "integer"`, schema.String(), "must be an integer, and the mapping gives a string"},
		{`"type": "boolean"`, schema.Object(nil), "must be a boolean, and the mapping gives an object"},
		{`"type": "array", "items": {"type": "string"}`, schema.Array(schema.String()), ""},
		{`"type": "array", "items": {"type": "string"}`, schema.Array(schema.Boolean()), "each item must be a string, and the mapping gives a boolean; string(…) makes text of it"},
		{`"type": "object", "properties": {"a": {"type": "string"}}`, schema.Object(map[string]schema.Type{"a": schema.Boolean()}), "a must be a string, and the mapping gives a boolean; string(…) makes text of it"},
		{`"type": "object", "properties": {"a": {"type": "string"}}`, schema.OpenObject(), ""},
	} {
		f := parse(t, `{"body": {"f": {"toBeMapped": true, `+tc.field+`}}}`).Field("f")
		if got := f.Misfit(tc.got); got != tc.want {
			t.Errorf("%s from %s: %q, want %q", tc.field, tc.got, got, tc.want)
		}
	}
}
