package journey_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/waypost/waypost/shared/action"
	"github.com/waypost/waypost/shared/fault"
	"github.com/waypost/waypost/shared/journey"
	"github.com/waypost/waypost/shared/schema"
	"github.com/waypost/waypost/shared/source"
)

var update = flag.Bool("update", false, "write the golden files anew")

// TestCompile compiles each journey of testdata/compile, and compares the
// machine with the file beside it.
func TestCompile(t *testing.T) {
	for _, path := range documents(t, "compile") {
		t.Run(filepath.Base(path), func(t *testing.T) {
			m, err := compile(t, path)
			if err != nil {
				t.Fatal(err)
			}
			var pretty bytes.Buffer
			if err := json.Indent(&pretty, m.Definition, "", "  "); err != nil {
				t.Fatal(err)
			}
			pretty.WriteByte('\n')
			golden(t, strings.TrimSuffix(path, ".json")+".asl.json", pretty.String())
			checkMachine(t, m.Definition)
		})
	}
}

// TestRefuse compiles each journey of testdata/refuse, and compares what is
// said of it with the file beside it.
func TestRefuse(t *testing.T) {
	for _, path := range documents(t, "refuse") {
		t.Run(filepath.Base(path), func(t *testing.T) {
			_, err := compile(t, path)
			e, ok := errors.AsType[*fault.Error](err)
			if !ok {
				t.Fatalf("got %v, want a fault", err)
			}
			var said strings.Builder
			said.WriteString(e.Message + "\n")
			for _, d := range e.Details {
				said.WriteString("  " + d.String())
				if d.Suggestion != "" {
					said.WriteString(" [" + d.Suggestion + "]")
				}
				said.WriteString("\n")
			}
			golden(t, strings.TrimSuffix(path, ".json")+".txt", said.String())
		})
	}
}

func documents(t *testing.T, folder string) []string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join("testdata", folder, "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	paths = slices.DeleteFunc(paths, func(p string) bool { return strings.HasSuffix(p, ".asl.json") })
	if len(paths) == 0 {
		t.Fatalf("no documents in %s", folder)
	}
	return paths
}

func golden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}

func compile(t *testing.T, path string) (*journey.Machine, error) {
	t.Helper()
	doc, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	j, err := journey.Parse(doc)
	if err != nil {
		return nil, err
	}
	return journey.Compile(j, folder("testdata/catalog"), journey.Placeholder)
}

// A folder is a catalog of files.
type folder string

func (f folder) Types(event string) (data, profile schema.Type, _ error) {
	profile, err := f.typeOf("profile-schema.json")
	if err != nil {
		return data, profile, err
	}
	data, err = f.typeOf("events/" + event + ".json")
	if errors.Is(err, os.ErrNotExist) {
		err = fault.New(fault.NotFound, "the event type %s has no schema", event)
	}
	return data, profile, err
}

func (f folder) typeOf(name string) (schema.Type, error) {
	doc, err := os.ReadFile(filepath.Join(string(f), name))
	if err != nil {
		return schema.Type{}, err
	}
	s, err := schema.Compile(doc)
	if err != nil {
		return schema.Type{}, err
	}
	return s.Type(), nil
}

type anyURL struct{}

func (anyURL) Check(string) error { return nil }

func (f folder) Action(name string, version int) (*action.Action, journey.Server, error) {
	doc, err := os.ReadFile(filepath.Join(string(f), "actions", name+".json"))
	if err != nil || version != 1 {
		return nil, journey.Server{}, fault.New(fault.NotFound, "the action %s version %d is not published", name, version)
	}
	a, err := action.Parse(doc, anyURL{})
	if err != nil {
		return nil, journey.Server{}, err
	}
	return a, journey.Server{Function: map[string]string{"webhook": "webhook", "sms": "sms", "loyalty": "loyalty"}[a.Channel], Reports: a.Channel == "sms"}, nil
}

func (f folder) Sources() (map[string]*source.Source, error) {
	paths, err := filepath.Glob(filepath.Join(string(f), "sources", "*.json"))
	if err != nil {
		return nil, err
	}
	sources := map[string]*source.Source{}
	for _, path := range paths {
		doc, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		s, err := source.Parse(doc, anyURL{}, schema.OpenObject())
		if err != nil {
			return nil, err
		}
		sources[s.Name] = s
	}
	return sources, nil
}

// checkMachine holds what design.md promises of every machine.
func checkMachine(t *testing.T, definition []byte) {
	t.Helper()
	var m struct {
		States map[string]struct {
			Type           string
			TimeoutSeconds int
			Retry          []struct {
				ErrorEquals                  []string
				MaxAttempts, MaxDelaySeconds int
				JitterStrategy               string
			}
			Catch []struct{ ErrorEquals []string }
			Next  string
		}
	}
	if err := json.Unmarshal(definition, &m); err != nil {
		t.Fatal(err)
	}
	known := fault.KnownNames()
	for name, s := range m.States {
		if len(name) > 80 {
			t.Errorf("%s: a state's name has at most 80 characters", name)
		}
		if s.Type == "Task" && (s.TimeoutSeconds == 0 || len(s.Retry) == 0) {
			t.Errorf("%s: a Task has a timeout and a retry", name)
		}
		if s.Next != "" && m.States[s.Next].Type == "" {
			t.Errorf("%s: leads to %s, which is no state", name, s.Next)
		}
		for _, r := range s.Retry {
			if r.MaxAttempts == 0 || r.MaxDelaySeconds == 0 || r.JitterStrategy != "FULL" {
				t.Errorf("%s: a retry has a bound, a cap and jitter", name)
			}
			for _, e := range r.ErrorEquals {
				if !slices.Contains(known, e) {
					t.Errorf("%s: retries %s, which nothing returns", name, e)
				}
			}
			if slices.Contains(r.ErrorEquals, "States.TaskFailed") || slices.Contains(r.ErrorEquals, fault.NameAll) {
				t.Errorf("%s: would retry outcomes", name)
			}
		}
		for i, c := range s.Catch {
			for _, e := range c.ErrorEquals {
				if !slices.Contains(known, e) {
					t.Errorf("%s: catches %s, which nothing returns", name, e)
				}
			}
			if slices.Contains(c.ErrorEquals, fault.NameAll) && (len(c.ErrorEquals) > 1 || i != len(s.Catch)-1) {
				t.Errorf("%s: States.ALL stands alone and last", name)
			}
		}
	}
}
