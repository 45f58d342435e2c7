package source_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/waypost/waypost/shared/action"
	"github.com/waypost/waypost/shared/fault"
	"github.com/waypost/waypost/shared/mapping"
	"github.com/waypost/waypost/shared/schema"
	"github.com/waypost/waypost/shared/source"
)

// What is wrong with a document is told by the cases of package admin
// (testdata/mistakes); these tests hold what a document means.

func TestDefaults(t *testing.T) {
	for settings, want := range map[string][2]time.Duration{
		`{"url": "https://a.example.com"}`:                                         {2 * time.Second, time.Minute},
		`{"url": "https://a.example.com", "timeout": "1.5s", "cache": "1h"}`:       {1500 * time.Millisecond, time.Hour},
		`{"url": "https://a.example.com", "timeout": "0s", "cache": "0s"}`:         {2 * time.Second, 0},
		`{"url": "https://a.example.com", "timeout": "10s", "cache": "24h0m0.0s"}`: {10 * time.Second, 24 * time.Hour},
	} {
		s := parse(t, `{"name": "a", "response": {"x": {}}, "settings": `+settings+`}`)
		if got := [2]time.Duration{s.Settings.CallTimeout(), s.Settings.CacheTime()}; got != want {
			t.Errorf("%s: got %v, want %v", settings, got, want)
		}
	}
}

// The type of an answer is closed: a name that nobody described is a slip.
func TestResponseType(t *testing.T) {
	for response, want := range map[string]string{
		`{"city": {"type": "string"}}`: "a string or null",
		`{"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}`: "a string",
		`{"type": "object", "additionalProperties": {"type": "integer"}}`:                      "an integer or null",
		`{"name": {"type": "string"}}`:                                                         "",
	} {
		s := parse(t, `{"name": "a", "response": `+response+`, "settings": {"url": "https://a.example.com"}}`)
		got := ""
		if p, has := s.ResponseType().Property("city"); has {
			got = p.String()
		}
		if got != want {
			t.Errorf("%s: city is %q, want %q", response, got, want)
		}
	}
}

// A request may read more than one event has: each is checked.
func TestCheck(t *testing.T) {
	s := parse(t, stores)
	profile := schema.Object(map[string]schema.Type{"language": schema.String()})
	for _, tc := range []struct {
		event schema.Type
		want  string
	}{
		{schema.Object(map[string]schema.Type{"storeId": schema.String()}), ""},
		{schema.Object(map[string]schema.Type{"storeID": schema.String()}), "request.pathParams.id: event.storeId: the event's schema has no storeId; did you mean storeID?"},
		{schema.Object(map[string]schema.Type{"storeId": schema.OpenObject()}), "request.pathParams.id: must be text, a number, or true or false; it gives an object"},
	} {
		got := ""
		for _, d := range s.Check(tc.event, profile) {
			got += d.String()
		}
		if got != tc.want {
			t.Errorf("got %q, want %q", got, tc.want)
		}
	}
}

// Whatever is parsed can be written and parsed again, and composes or says why
// not; nothing panics.
func FuzzParse(f *testing.F) {
	for _, document := range []string{stores,
		`{"name": "a", "request": {"method": "POST", "body": {"ids": ["{{ event.id }}", null, 1.5]}}, "response": {"type": "array"}, "settings": {"url": "https://a.example.com", "cache": "0s"}}`,
		`{"name": "a", "request": {"headers": {"X-A": "{{ now() }}"}, "path": "/{a}", "pathParams": {"a": 1}}, "response": {"x": {"$ref": "#"}}, "settings": {"url": "https://a.example.com"}}`,
	} {
		f.Add([]byte(document))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := source.Parse(data, anyURL{}, schema.OpenObject())
		if err != nil {
			if code := fault.CodeOf(err); code != fault.Invalid && code != fault.Malformed {
				t.Fatalf("%s: %v", code, err)
			}
			return
		}
		text, err := json.Marshal(s.Definition)
		if err != nil {
			t.Fatal(err)
		}
		again, err := source.Parse(text, anyURL{}, schema.OpenObject())
		if err != nil {
			t.Fatalf("%v in %s", err, text)
		}
		if diff := cmp.Diff(s.ResponseType(), again.ResponseType()); diff != "" {
			t.Fatal(diff)
		}
		w := newWorld(t, string(text))
		a, err := w.Resolve(t.Context(), []string{s.Name}, inputs("s-1", []any{mapping.Text(1.5)}))
		if err != nil || !a.Has(s.Name) {
			t.Fatal(a, err)
		}
		if len(w.calls) > 0 && len(w.calls[0].Body) > action.MaxBody {
			t.Fatal("a body over the limit was sent")
		}
	})
}
