package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"

	"github.com/waypost/waypost/shared/assemble"
	"github.com/waypost/waypost/shared/fault"
)

// A state is what the tests look at of one.
type state struct {
	Type           string
	TimeoutSeconds int
	Retry          []struct {
		ErrorEquals                  []string
		MaxAttempts, MaxDelaySeconds int
		JitterStrategy               string
	}
	Catch    []struct{ ErrorEquals []string }
	States   map[string]state
	Branches []struct{ States map[string]state }
	Iterator *struct{ States map[string]state }
}

// machines gives every definition that the project ships or compiles: by its
// file, and the one in the template.
func machines(t *testing.T) map[string]string {
	t.Helper()
	out := map[string]string{}
	for _, pattern := range []string{"../../statemachines/*.asl.json", "../../statemachines/examples/*/*.asl.json", "../../shared/journey/testdata/compile/*.asl.json"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			data, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			out[f] = string(data)
		}
	}
	for id, m := range synth(t, dev()).of("AWS::StepFunctions::StateMachine") {
		out[id], _ = m["DefinitionString"].(string)
	}
	if len(out) < 5 {
		t.Fatalf("only %d machines were found", len(out))
	}
	return out
}

// each calls f for every state of a machine, those of branches too.
func each(states map[string]state, f func(name string, s state)) {
	for name, s := range states {
		f(name, s)
		each(s.States, f)
		for _, b := range s.Branches {
			each(b.States, f)
		}
		if s.Iterator != nil {
			each(s.Iterator.States, f)
		}
	}
}

// Every Task ends in time, repeats with jitter and a cap, and names errors
// that something answers with.
func TestTasks(t *testing.T) {
	known := fault.KnownNames()
	for name, definition := range machines(t) {
		var m state
		if err := json.Unmarshal([]byte(definition), &m); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		tasks := 0
		each(m.States, func(at string, s state) {
			for _, r := range s.Retry {
				if r.MaxAttempts < 1 || r.MaxDelaySeconds < 1 || r.JitterStrategy != "FULL" {
					t.Errorf("%s: %s repeats without jitter or a cap: %+v", name, at, r)
				}
				for _, e := range r.ErrorEquals {
					if !slices.Contains(known, e) || e == "States.TaskFailed" {
						t.Errorf("%s: %s repeats after %s, which nothing answers with, or too much does", name, at, e)
					}
				}
			}
			for _, c := range s.Catch {
				for _, e := range c.ErrorEquals {
					if !slices.Contains(known, e) {
						t.Errorf("%s: %s catches %s, which nothing answers with", name, at, e)
					}
				}
			}
			if s.Type != "Task" {
				return
			}
			tasks++
			if s.TimeoutSeconds < 1 || len(s.Retry) == 0 {
				t.Errorf("%s: %s has no timeout or no retry", name, at)
			}
		})
		if tasks == 0 {
			t.Logf("%s has no Task", name)
		}
	}
}

var placeholder = regexp.MustCompile(`\$\{([^}]*)\}`)

// Every ${name} of a machine is one that the admin function can fill in.
func TestPlaceholders(t *testing.T) {
	admin := map[string]any{}
	for id, f := range synth(t, dev()).of("AWS::Lambda::Function") {
		if constructID(id) == "AdminFunction" {
			admin = dig(f, "Environment", "Variables").(map[string]any)
		}
	}
	supplied := toJSON(admin[assemble.VarNames])
	used := map[string]bool{}
	for name, definition := range machines(t) {
		for _, match := range placeholder.FindAllStringSubmatch(definition, -1) {
			used[match[1]] = true
			if !regexp.MustCompile(`\\"` + regexp.QuoteMeta(match[1]) + `\\":`).MatchString(supplied) {
				t.Errorf("%s names ${%s}, which the deployment does not supply: %s", name, match[1], supplied)
			}
		}
	}
	if len(used) == 0 {
		t.Error("no machine names anything")
	}
}
