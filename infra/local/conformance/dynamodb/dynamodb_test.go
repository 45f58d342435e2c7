package main

import (
	"bytes"
	"encoding/json"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/waypost/waypost/infra/local/dynamo"
)

func loaded(t *testing.T) []file {
	t.Helper()
	files, err := load()
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// TestRequests holds the local runtime to what DynamoDB Local answered.
func TestRequests(t *testing.T) {
	server := httptest.NewServer(dynamo.New(dynamo.Options{}))
	t.Cleanup(server.Close)
	ours := &stage{url: server.URL}
	for _, f := range loaded(t) {
		for _, sc := range f.scenarios {
			t.Run(f.name+"/"+sc.About, func(t *testing.T) {
				wrong, err := differences(t.Context(), ours, sc, "ours", expected)
				if err != nil {
					t.Fatal(err)
				}
				for _, w := range wrong {
					t.Error(w)
				}
			})
		}
	}
}

// A scenario has a name of its own, an answer to every call, and a reason for
// each answer of ours that is another.
func TestScenariosAreGood(t *testing.T) {
	seen := map[string]bool{}
	for _, f := range loaded(t) {
		for _, sc := range f.scenarios {
			name := f.name + "/" + sc.About
			if seen[name] {
				t.Errorf("%s: the name is there twice", name)
			}
			seen[name] = true
			differs := false
			for i, c := range sc.Calls {
				if c.Answer == nil {
					t.Errorf("%s: call %d has no answer; record it with -update", name, i+1)
				}
				differs = differs || c.Ours != nil
			}
			if differs != (sc.Why != "") {
				t.Errorf("%s: calls with ours: %t, why: %q", name, differs, sc.Why)
			}
		}
		got, err := f.encode()
		if err != nil {
			t.Fatal(err)
		}
		want, err := os.ReadFile(filepath.Join("testdata", f.name+".json"))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), string(got)); diff != "" {
			t.Errorf("testdata/%s.json is not as -update writes it (-have +want):\n%s", f.name, diff)
		}
	}
	if len(seen) < 50 {
		t.Errorf("only %d scenarios: testdata is not all there", len(seen))
	}
}

func TestSkippedWithoutJava(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	var out bytes.Buffer
	if err := run(t.Context(), nil, &out); err != nil {
		t.Fatal(err)
	}
	if got, want := out.String(), "conformance: skipped: java not found\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if err := run(t.Context(), []string{"-require"}, &out); err == nil {
		t.Error("with -require: got no error")
	}
}

func TestJudge(t *testing.T) {
	lines := []event{
		{"run", "TestAdapters", ""}, {"run", "TestAdapters/claim", ""}, {"run", "TestAdapters/claim/settled", ""},
		{"output", "TestAdapters/claim/settled", "=== RUN   TestAdapters/claim/settled\n"},
		{"output", "TestAdapters/claim/settled", "    claim.go:9: ours: got true\n"},
		{"output", "TestAdapters/claim/settled", "    --- FAIL: TestAdapters/claim/settled (0.00s)\n"},
		{"fail", "TestAdapters/claim/settled", ""}, {"fail", "TestAdapters/claim", ""},
		{"pass", "TestAdapters/events", ""}, {"fail", "TestAdapters", ""}, {"fail", "", ""},
	}
	var out strings.Builder
	for _, e := range lines {
		b, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		out.Write(append(b, '\n'))
	}
	got, failed := judge([]byte(out.String()))
	want := []verdict{
		{name: "TestAdapters/claim/settled", wrong: []string{"failed", "claim.go:9: ours: got true"}},
		{name: "TestAdapters/events"},
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(verdict{})); diff != "" || !failed {
		t.Errorf("failed %t; verdicts (-want +got):\n%s", failed, diff)
	}
}

func TestRequestAndAnswer(t *testing.T) {
	for _, tc := range []struct{ do, in, want string }{
		{"GetItem", `{"Key":{"pk":{"S":"$x:3"}}}`, `{"Key":{"pk":{"S":"xxx"}},"TableName":"tab"}`},
		{"GetItem", `{"TableName":"other"}`, `{"TableName":"other"}`},
		{"TransactWriteItems", `{"TransactItems":[{"Put":{}},{}]}`, `{"TransactItems":[{"Put":{"TableName":"tab"}},{}]}`},
		{"BatchGetItem", `{"RequestItems":{"$T":{}}}`, `{"RequestItems":{"tab":{}}}`},
	} {
		got, err := request("tab", tc.do, []byte(tc.in))
		if err != nil || string(got) != tc.want {
			t.Errorf("%s: got %s, %v, want %s", tc.in, got, err, tc.want)
		}
	}
	answer := map[string]any{"Item": map[string]any{"s": map[string]any{"SS": []any{"b", "a"}}, "x": strings.Repeat("x", 300), "t": "in tab"}}
	want := map[string]any{"Item": map[string]any{"s": map[string]any{"SS": []any{"a", "b"}}, "x": "$x:300", "t": "in $T"}}
	if diff := cmp.Diff(any(want), plain(answer, "tab")); diff != "" {
		t.Error(diff)
	}
}
