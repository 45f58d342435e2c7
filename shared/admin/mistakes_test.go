package admin_test

import (
	"encoding/json"
	"flag"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write what the API answers into testdata/mistakes")

// What a newcomer is told. Each file of testdata/mistakes holds cases: a name
// after ===, then requests with their answers, a blank line after each. A
// request's body is text, or changes to a document of the bundle ("shop:
// settings.url = …"; without a value the key goes away). An answer is a
// problem in short: its status and detail, then a line for each error; of a
// request that succeeds, which only prepares the mistake, it is "200".
func TestMistakes(t *testing.T) {
	files, err := filepath.Glob("testdata/mistakes/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			var all strings.Builder
			w := placed(t)
			for _, c := range strings.Split(string(data), "=== ")[1:] {
				name, rest, _ := strings.Cut(c, "\n")
				got := "=== " + name + "\n"
				t.Run(name, func(t *testing.T) {
					answers, clean := played(t, w, rest)
					got += answers
					if !clean {
						w = placed(t)
					}
					if want := "=== " + c; !*update && got != want {
						t.Error(cmp.Diff(strings.Split(want, "\n"), strings.Split(got, "\n")))
					}
				})
				all.WriteString(got)
			}
			if *update {
				if err := os.WriteFile(file, []byte(all.String()), 0o644); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

// played makes the requests of a case, and gives it with their answers; it
// says too whether the world is as it was.
func played(t *testing.T, w *world, text string) (_ string, clean bool) {
	t.Helper()
	clean = true
	w.t = t
	var out strings.Builder
	before := w.everything()
	for block := range strings.SplitSeq(strings.TrimSpace(text), "\n\n") {
		head, rest, _ := strings.Cut(block, "\n")
		method, path, isRequest := strings.Cut(head, " ")
		if !isRequest || !strings.HasPrefix(path, "/") {
			continue // the answer of before
		}
		res, _ := w.send(method, path, bodyOf(t, rest))
		answer := "200"
		if res.StatusCode == http.StatusOK {
			clean = false
			before = w.everything()
		} else {
			answer = w.refused(method, path, bodyOf(t, rest))
		}
		out.WriteString(block + "\n\n" + answer + "\n\n")
	}
	if diff := cmp.Diff(before, w.everything()); diff != "" {
		t.Errorf("a request that was refused changed something: %s", diff)
	}
	return out.String(), clean
}

// bodyOf gives the text, or the document that it describes by changes.
func bodyOf(t *testing.T, text string) string {
	t.Helper()
	documents := map[string]string{"shop": shopAction, "ready": readyJourney, "stores": storesSource}
	body := ""
	for line := range strings.Lines(text) {
		name, change, _ := strings.Cut(line, ":")
		if documents[name] == "" {
			return text
		}
		if body == "" {
			body = documents[name]
		}
		path, value, given := strings.Cut(strings.TrimSpace(change), " = ")
		if path == "" {
			continue
		}
		var v any
		if given {
			if err := json.Unmarshal([]byte(value), &v); err != nil {
				t.Fatalf("%v in %s", err, line)
			}
		}
		body = with(t, body, path, v)
	}
	return body
}

// everything gives what the API shows of the bundle.
func (w *world) everything() map[string]string {
	all := map[string]string{}
	for _, path := range []string{"profile-schema", "events/order.ready", "actions", "actions/shop", "journeys", "journeys/ready", "profiles/c-1",
		"sources", "sources/stores"} {
		_, all[path] = w.send(http.MethodGet, "/admin/v1/"+path, "")
	}
	return all
}
