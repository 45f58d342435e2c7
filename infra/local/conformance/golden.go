package main

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

const goldenSuffix = ".asl.json"

// goldenPlaces are where the project's own machines are.
func goldenPlaces() []string { return []string{"statemachines", "shared/journey/testdata"} }

// goldenFiles lists the machines in folders, globs and files. One of the
// default places may be missing, one that was asked for may not.
func goldenFiles(places []string) ([]string, error) {
	asked := len(places) > 0
	if !asked {
		places = goldenPlaces()
	}
	var files []string
	for _, place := range places {
		matches, err := filepath.Glob(place)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", place, err)
		}
		if len(matches) == 0 && asked {
			return nil, fmt.Errorf("%s: there is no such file or folder", place)
		}
		for _, m := range matches {
			err := filepath.WalkDir(m, func(p string, d fs.DirEntry, err error) error {
				if err == nil && !d.IsDir() && strings.HasSuffix(p, goldenSuffix) {
					files = append(files, p)
				}
				return err
			})
			if err != nil {
				return nil, err
			}
		}
	}
	slices.Sort(files)
	return slices.Compact(files), nil
}

// goldenCases derives the runs of each golden machine: all goes well, by each
// branch of its Choice states; each kind of error that its Retry and Catch
// name, once and then well; each that only Catch names, for ever; an error
// that none names; an answer that is too large; a function that is too slow.
//
// Times are shortened, on both sides alike: waits and retries to a second,
// timeouts to two, and attempts to three, so that a run takes seconds. Where a
// Task waits for its token, nobody calls back but in the run that says so.
func goldenCases(places []string) ([]testCase, error) {
	files, err := goldenFiles(places)
	if err != nil {
		return nil, err
	}
	var cases []testCase
	for _, name := range files {
		b, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		var definition any
		if err := json.Unmarshal(b, &definition); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		g := golden{functions: map[string]bool{}, sent: definition}
		g.sent = g.shorten(definition, "")
		cases = append(cases, g.cases(filepath.ToSlash(name))...)
	}
	return cases, nil
}

// A golden is what a walk through a golden machine finds.
type golden struct {
	sent      any
	functions map[string]bool // placeholders that may be functions
	retried   [][]string
	caught    [][]string
	branches  int
	starts    bool // it has a StartExecution
	waits     bool // it has a Task that waits for its token
	input     map[string]any
}

// shorten copies a definition with short times, and notes what is in it.
func (g *golden) shorten(v any, key string) any {
	switch v := v.(type) {
	case map[string]any:
		g.note(v)
		out := make(map[string]any, len(v))
		for k, e := range v {
			out[k] = g.shorten(e, k)
		}
		for k, short := range map[string]any{"Seconds": 1, "IntervalSeconds": 1, "BackoffRate": 1, "MaxDelaySeconds": 1,
			"TimeoutSeconds": 2, "JitterStrategy": "NONE"} {
			if _, ok := out[k]; ok {
				out[k] = short
			}
		}
		if n, ok := out["MaxAttempts"].(float64); ok {
			out["MaxAttempts"] = min(n, 2)
		}
		if _, machine := out["StartAt"]; machine {
			delete(out, "TimeoutSeconds") // of a whole execution: the runs' own limit is enough
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = g.shorten(e, key)
		}
		return out
	case string:
		if m := placeholder.FindStringSubmatch(v); m != nil && key != "StateMachineArn" {
			g.functions[m[1]] = true
		}
	}
	return v
}

func (g *golden) note(o map[string]any) {
	for key, lists := range map[string]*[][]string{"Retry": &g.retried, "Catch": &g.caught} {
		list, _ := o[key].([]any)
		for _, e := range list {
			handler, _ := e.(map[string]any)
			names, _ := handler["ErrorEquals"].([]any)
			var errors []string
			for _, n := range names {
				if s, ok := n.(string); ok {
					errors = append(errors, s)
				}
			}
			*lists = append(*lists, errors)
		}
	}
	if choices, ok := o["Choices"].([]any); ok {
		g.branches = max(g.branches, len(choices))
	}
	if arn, ok := o["Resource"].(string); ok {
		g.starts = g.starts || strings.Contains(arn, "startExecution")
		g.waits = g.waits || strings.HasSuffix(arn, ".waitForTaskToken")
	}
	states, _ := o["States"].(map[string]any)
	start, _ := o["StartAt"].(string)
	if first, ok := states[start].(map[string]any); ok && g.input == nil {
		// what every state of a journey has: giving up reads it
		g.input = map[string]any{"format": "1", "journey": "j", "entry": "e", "profile": "c-1", "steps": map[string]any{}}
		g.fillInput(first["Parameters"])
	}
}

// fillInput gives the input what the first state's parameters read of it.
func (g *golden) fillInput(v any) {
	o, _ := v.(map[string]any)
	for k, e := range o {
		text, isText := e.(string)
		keys := strings.Split(strings.TrimPrefix(text, "$."), ".")
		if !isText || !strings.HasSuffix(k, ".$") || !strings.HasPrefix(text, "$.") {
			g.fillInput(e)
			continue
		}
		at := g.input
		for _, key := range keys[:len(keys)-1] {
			next, ok := at[key].(map[string]any)
			if !ok {
				next = map[string]any{}
				at[key] = next
			}
			at = next
		}
		at[keys[len(keys)-1]] = "a value"
		if k == "FunctionName.$" {
			at[keys[len(keys)-1]] = "${function}"
			g.functions["function"] = true
		}
	}
}

func (g *golden) cases(name string) []testCase {
	input, _ := json.Marshal(g.input) // maps and strings alone: it can't fail
	var cases []testCase
	add := func(what string, targets bool, steps ...step) {
		sc := script{}
		for f := range g.functions {
			sc[f] = steps
		}
		cases = append(cases, testCase{name: name + ": " + what, kind: "STANDARD", definition: g.sent,
			run: play{Input: input, Script: sc}, targets: targets})
	}
	well := step{Payload: json.RawMessage(`{"outcome":"sent","branch":-1}`)}
	add("all sent", true, well)
	for b := range g.branches {
		add(fmt.Sprintf("all sent, branch %d", b), true, step{Payload: fmt.Appendf(nil, `{"outcome":"sent","branch":%d}`, b)})
	}
	if g.waits {
		add("all sent, and called back", true, step{Payload: well.Payload,
			Callback: &callback{Success: json.RawMessage(`{"result":{"outcome":"sent","status":"delivered"}}`)}})
	}
	if g.starts {
		add("nothing to start", false, well)
	}
	if len(g.functions) == 0 {
		return cases
	}
	for _, e := range ends(g.retried) {
		add(e+" once", true, failing(e), well)
		add(e+" for ever", true, failing(e))
	}
	for _, e := range ends(g.caught) {
		add(e+" once", true, failing(e), well)
		if e != "Waypost.Deferred" { // which comes back for as long as it is told to
			add(e+" for ever", true, failing(e))
		}
	}
	add("an error nobody names, once", true, failing("Some.Error"), well)
	add("an error nobody names, for ever", true, failing("Some.Error"))
	add("Deferred twice, then an outcome", true, failing("Waypost.Deferred"), failing("Waypost.Deferred"), failing("Waypost.Failed"))
	return cases
}

// ends gives the first and the last error of each list, each once: those
// between are handled alike.
func ends(lists [][]string) []string {
	var out []string
	for _, l := range lists {
		for _, e := range []string{l[0], l[len(l)-1]} {
			if !slices.Contains(out, e) && e != "States.ALL" && e != "States.TaskFailed" &&
				!strings.HasPrefix(e, "StepFunctions.") { // those are not a function's to give
				out = append(out, e)
			}
		}
	}
	return out
}

// failing gives the step that makes an error of this name.
func failing(name string) step {
	switch {
	case name == "States.DataLimitExceeded":
		return step{Large: 300_000}
	case name == "States.Timeout":
		return step{Sleep: "3s"}
	case name == "Waypost.Deferred":
		return step{Error: name, Defer: "1s"}
	case strings.HasPrefix(name, "Lambda."):
		return step{Service: strings.TrimPrefix(name, "Lambda."), Status: 429, Message: "no"}
	}
	return step{Error: name, Message: `{"outcome":"failed","reason":"so it was told","branch":-1}`}
}
