package bundle_test

import (
	"io/fs"
	"os"
	"path"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/waypost/waypost/infra/bundle"
	"github.com/waypost/waypost/statemachines"
)

// folder makes a bundle's folder of file names and texts.
func folder(files map[string]string) fs.FS {
	out := fstest.MapFS{}
	for name, text := range files {
		out[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return out
}

func read(t testing.TB, files map[string]string) *bundle.Bundle {
	t.Helper()
	b, err := bundle.Read(folder(files))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func names(docs []bundle.Document) string {
	var out []string
	for _, d := range docs {
		out = append(out, d.Name)
	}
	return strings.Join(out, " ")
}

func TestReadTakesEachFolder(t *testing.T) {
	b := read(t, map[string]string{
		"profile-schema.json": `{"type":"object"}`, "events/b.c.json": `{}`, "events/a.json": `{}`, "events/README.md": "no document",
		"profiles/c-1.json": `{"name":"Ada"}`, "actions/text.json": `{}`, "journeys/j.json": `{}`, "journeys/old/j.json": `broken`,
		"send/2.json": `{}`, "send/10.json": `{}`, "secrets.json": `{"waypost/z":{"token":"t"},"waypost/a":{}}`,
		"expect.json": `{"deliveries":[{"profile":"c-1","step":"text","outcome":"sent"}]}`,
	})
	got := map[string]string{"schema": string(b.ProfileSchema), "events": names(b.Events), "profiles": names(b.Profiles), "actions": names(b.Actions),
		"journeys": names(b.Journeys), "send": names(b.Send), "secrets": names(b.Secrets), "a profile": string(b.Profiles[0].JSON)}
	want := map[string]string{"schema": `{"type":"object"}`, "events": "a b.c", "profiles": "c-1", "actions": "text",
		"journeys": "j", "send": "10 2", "secrets": "waypost/a waypost/z", "a profile": `{"name":"Ada"}`}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]bundle.Expectation{{Profile: "c-1", Step: "text", Outcome: "sent"}}, b.Expect); diff != "" {
		t.Error(diff)
	}
}

func TestReadRefuses(t *testing.T) {
	for _, tc := range []struct {
		name  string
		files map[string]string
		want  string
	}{
		{"a folder that is no bundle", map[string]string{"README.md": "hello"},
			"the folder is no bundle: it has none of profile-schema.json, events/, sources/, actions/, journeys/, profiles/, send/"},
		{"broken JSON", map[string]string{"actions/text.json": "{\n  \"name\": \"text\",\n  \"channel\" \"sms\"\n}"},
			`actions/text.json: line 3, column 13: expected : after the key, found "`},
		{"an empty file", map[string]string{"profile-schema.json": ""},
			"profile-schema.json: line 1, column 1: expected a JSON value, found nothing"},
		{"a key that occurs twice", map[string]string{"send/a.json": `{"id":"1","id":"2"}`},
			`send/a.json: line 1, column 11: the key "id" is already in this object`},
		{"secrets in a list", map[string]string{"actions/a.json": `{}`, "secrets.json": `["s3cret"]`},
			`secrets.json: must be an object of secret names to objects, as in {"waypost/shop": {"token": "…"}}`},
		{"a secret that is a string", map[string]string{"actions/a.json": `{}`, "secrets.json": `{"waypost/shop": "s3cret"}`},
			`secrets.json: waypost/shop: must be an object of secret names to objects, as in {"waypost/shop": {"token": "…"}}`},
		{"an expectation with a key misspelt", map[string]string{"actions/a.json": `{}`, "expect.json": `{"deliveries":[{"profile":"p","steps":"s","outcome":"sent"}]}`},
			"expect.json: deliveries.0.steps: is not a known property; did you mean step?"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := bundle.Read(folder(tc.files))
			if err == nil {
				t.Fatal("it was read")
			}
			if diff := cmp.Diff(tc.want, err.Error()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// Every bundle in statemachines/examples can be read, and says how its events end.
func TestExamples(t *testing.T) {
	examples, err := fs.ReadDir(statemachines.Examples, "examples")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range examples {
		b, err := bundle.Read(os.DirFS(path.Join("../../statemachines/examples", e.Name())))
		if err != nil {
			t.Errorf("%s: %v", e.Name(), err)
			continue
		}
		if len(b.Send) == 0 || len(b.Expect) == 0 {
			t.Errorf("%s: sends %d events and expects %d deliveries", e.Name(), len(b.Send), len(b.Expect))
		}
	}
}

func TestCheck(t *testing.T) {
	expected := []bundle.Expectation{{Profile: "c-1", Step: "text", Outcome: "sent"}, {Profile: "c-1", Step: "text", Outcome: "sent"}, {Profile: "c-2", Step: "text", Outcome: "failed"}}
	reported := func(status string) []bundle.Expectation {
		return []bundle.Expectation{{Profile: "c-1", Step: "text", Outcome: "sent", Status: status}, {Profile: "c-1", Step: "text", Outcome: "sent"}}
	}
	for _, tc := range []struct {
		name            string
		expected, found []bundle.Expectation
		want            string
	}{
		{"in any order", expected, []bundle.Expectation{expected[2], expected[0], expected[1]}, ""},
		{"one is missing", expected, expected[1:], "c-1 text did not end sent"},
		{"another outcome", expected, []bundle.Expectation{expected[0], expected[1], {Profile: "c-2", Step: "text", Outcome: "sent"}},
			"c-2 text did not end failed\nc-2 text ended sent, which was not expected"},
		{"one too many", expected, append([]bundle.Expectation{expected[0]}, expected...), "c-1 text ended sent, which was not expected"},
		{"a status that was not asked for", expected[2:], []bundle.Expectation{{Profile: "c-2", Step: "text", Outcome: "failed", Status: "accepted"}}, ""},
		{"a status as expected", reported("delivered"), []bundle.Expectation{{Profile: "c-1", Step: "text", Outcome: "sent"}, reported("delivered")[0]}, ""},
		{"another status", reported("delivered"), reported("undelivered"),
			"c-1 text did not end sent and delivered\nc-1 text ended sent, which was not expected"},
		{"none is expected", []bundle.Expectation{}, expected[:1], "c-1 text ended sent, which was not expected"},
		{"nothing is said, and all is well", nil, []bundle.Expectation{{Profile: "c-1", Step: "text", Outcome: "sent"}, {Profile: "c-2", Step: "text", Outcome: "suppressed"}}, ""},
		{"nothing is said", nil, []bundle.Expectation{{Profile: "c-1", Step: "text", Outcome: "unknown"}, {Profile: "c-2", Step: "text", Outcome: "sent"}}, "c-1 text ended unknown"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			want := tc.want
			if want != "" {
				want = "the bundle's events did not end as it says:\n  " + strings.ReplaceAll(want, "\n", "\n  ")
			}
			got := ""
			if err := (&bundle.Bundle{Expect: tc.expected}).Check(tc.found); err != nil {
				got = err.Error()
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}
