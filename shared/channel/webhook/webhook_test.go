package webhook_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/waypost/waypost/shared/action"
	"github.com/waypost/waypost/shared/channel/webhook"
	"github.com/waypost/waypost/shared/secret"
)

type anyURL struct{}

func (anyURL) Check(string) error { return nil }

func parsed(t *testing.T, url, contract string) *action.Action {
	t.Helper()
	a, err := action.Parse([]byte(`{"name": "hook", "channel": "webhook", "contract": `+contract+`, "settings": {"url": "`+url+`"}}`), anyURL{})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// The values that the fields of the contracts below are mapped to.
var values = map[string]any{"name": "Zoë & Co", "tags": []any{"a b", "c"}, "note": nil, "query.q": "x y", "path.id": "7/8", "body": "Hi <Zoë>, 3 ≥ 2"}

// A server on loopback sees what each contract makes of the same values.
func TestOverHTTP(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%s %s [%s] %s", r.Method, r.RequestURI, r.Header.Get("Content-Type"), body)
	}))
	defer server.Close()
	const (
		object = `"body": {"name": {"toBeMapped": true, "type": "string"}, "tags": {"toBeMapped": true, "type": "array", "items": {"type": "string"}},
			"note": {"toBeMapped": true, "type": "string", "nullable": true}, "n": 1.5, "ok": true}`
		query = `"path": "/v/{id}", "pathParams": {"id": {"toBeMapped": true, "type": "string"}}, "query": {"q": {"toBeMapped": true, "type": "string"}}`
		form  = `"headers": {"Content-Type": "application/x-www-form-urlencoded"}`
		text  = `"body": {"toBeMapped": true, "type": "string"}`
		json  = `{"n":1.5,"name":"Zoë & Co","note":null,"ok":true,"tags":["a b","c"]}`
	)
	for _, tc := range []struct{ contract, want string }{
		{`"method": "GET", ` + query, "GET /v/7%2F8?q=x+y [] "},
		{`"method": "DELETE", ` + query, "DELETE /v/7%2F8?q=x+y [] "},
		{`"method": "DELETE", ` + object, "DELETE / [application/json] " + json},
		{`"method": "POST", ` + object, "POST / [application/json] " + json},
		{`"method": "PUT", ` + object, "PUT / [application/json] " + json},
		{`"method": "PATCH", "headers": {"content-type": "application/merge-patch+json"}, ` + object, "PATCH / [application/merge-patch+json] " + json},
		{`"method": "POST", ` + form + `, ` + object, "POST / [application/x-www-form-urlencoded] n=1.5&name=Zo%C3%AB+%26+Co&note=&ok=true&tags=a+b&tags=c"},
		{`"method": "PUT", "headers": {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}, "body": {"to": ["+1", "+2"]}`,
			"PUT / [application/x-www-form-urlencoded; charset=utf-8] to=%2B1&to=%2B2"},
		{`"method": "POST", "headers": {"Content-Type": "text/plain; charset=utf-8"}, ` + text, "POST / [text/plain; charset=utf-8] Hi <Zoë>, 3 ≥ 2"},
		{`"method": "POST", "headers": {"Content-Type": "application/xml"}, "body": "<ping/>"`, "POST / [application/xml] <ping/>"},
		{`"method": "POST", ` + text, `POST / [application/json] "Hi <Zoë>, 3 ≥ 2"`},
		{`"method": "POST"`, "POST / [] "},
	} {
		a := parsed(t, server.URL, "{"+tc.contract+"}")
		if wrong := webhook.Check(a); len(wrong) > 0 {
			t.Fatalf("%s: %v", tc.contract, wrong)
		}
		given := map[string]any{}
		for _, name := range a.FieldNames() {
			given[name] = values[name]
		}
		m, err := a.Compose(given)
		if err != nil {
			t.Fatal(err)
		}
		r, err := webhook.Channel{}.Encode(m, secret.Credential{})
		if err != nil {
			t.Fatal(err)
		}
		req, err := r.HTTP(t.Context(), nil, secret.Credential{}, nil)
		if err != nil {
			t.Fatal(err)
		}
		res, err := server.Client().Do(req)
		if err != nil {
			t.Fatal(err)
		}
		var got bytes.Buffer
		if _, err := got.ReadFrom(res.Body); err != nil || res.Body.Close() != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(tc.want, got.String()); diff != "" {
			t.Errorf("%s: %s", tc.contract, diff)
		}
	}
}

// Each row is a contract that can't be sent, and what its author is told.
func TestCheck(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ contract, want string }{
		{`{}`, "contract.method: is missing; give GET, POST, PUT, PATCH or DELETE"},
		{`{"method": "GET", "body": {}}`, "contract.body: a GET has no body; use contract.query"},
		{`{"method": "POST", "headers": {"Content-Type": {"toBeMapped": true, "type": "string"}}, "body": {}}`,
			"contract.headers.Content-Type: must be constant text: it says how the body is written"},
		{`{"method": "POST", "headers": {"Content-Type": "multipart/form-data"}, "body": {}}`, `contract.headers.Content-Type: "multipart/form-data" is not a type ` +
			"that a body can be written in; give application/json, application/x-www-form-urlencoded, or a type of text"},
		{`{"method": "POST", "headers": {"Content-Type": "json"}, "body": {}}`, `contract.headers.Content-Type: "json" is not a type ` +
			"that a body can be written in; give application/json, application/x-www-form-urlencoded, or a type of text"},
		{`{"method": "POST", "headers": {"Content-Type": "application/xml"}, "body": {}}`, "contract.body: must be text, or one field of type string: the Content-Type is not JSON's"},
		{`{"method": "POST", "headers": {"Content-Type": "text/plain"}, "body": {"toBeMapped": true, "type": "integer"}}`,
			"contract.body: must be text, or one field of type string: the Content-Type is not JSON's"},
		{`{"method": "POST", "headers": {"Content-Type": "application/x-www-form-urlencoded"}, "body": "a=b"}`, "contract.body: must be an object of the form's parameters"},
		{`{"method": "POST", "headers": {"Content-Type": "application/x-www-form-urlencoded"}, "body": {"ok": [1], "a": {"b": 1}, "l": [[1]]}}`,
			"contract.body.a: must be text, a number, true or false, or an array of these: a form has nothing else\n" +
				"contract.body.l: must be text, a number, true or false, or an array of these: a form has nothing else"},
	} {
		var got []string
		for _, d := range webhook.Check(parsed(t, "https://hooks.example", tc.contract)) {
			got = append(got, d.Path+": "+d.Message)
		}
		if diff := cmp.Diff(tc.want, strings.Join(got, "\n")); diff != "" {
			t.Errorf("%s: %s", tc.contract, diff)
		}
	}
}

// A field without items may come out nested, which only the message shows.
func TestFormThatCameOutNested(t *testing.T) {
	t.Parallel()
	a := parsed(t, "https://hooks.example", `{"method": "POST", "headers": {"Content-Type": "application/x-www-form-urlencoded"}, "body": {"l": {"toBeMapped": true, "type": "array"}}}`)
	m, err := a.Compose(map[string]any{"l": []any{[]any{1}}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := (webhook.Channel{}).Encode(m, secret.Credential{}); err == nil || err.Error() != "l came out as an object or nested, which a form can't have" {
		t.Errorf("got %v", err)
	}
}
