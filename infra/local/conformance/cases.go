package main

import (
	"bytes"
	"context"
	"embed"
	"encoding/json"
	"fmt"
	"path"
	"regexp"
	"sort"
	"strings"
	"time"
)

//go:embed testdata/*.json
var testdata embed.FS

// A file is a hand-written machine, and the runs it is put through.
type file struct {
	About      string          `json:"about"`
	Type       string          `json:"type,omitempty"`
	Definition json.RawMessage `json:"definition"`
	Runs       []play          `json:"runs"`
}

// play is one run of a machine.
type play struct {
	Name   string          `json:"name"`
	Input  json.RawMessage `json:"input,omitempty"` // {} unless told
	Script script          `json:"script,omitempty"`
	// Free says that states run at once, so that their events' order is open.
	Free bool `json:"free,omitempty"`
	// Gaps compares the seconds between a function's calls too.
	Gaps bool   `json:"gaps,omitempty"`
	Stop string `json:"stop,omitempty"` // StopExecution, this long after the start
}

// A testCase is one run, ready to be made on both sides.
type testCase struct {
	name       string
	kind       string // STANDARD or EXPRESS
	definition any
	run        play
	targets    bool // make the machines that StartExecution names
}

// load gives the hand-written cases and those of the golden machines.
func load(golden []string, match *regexp.Regexp) ([]testCase, error) {
	entries, err := testdata.ReadDir("testdata")
	if err != nil {
		return nil, err
	}
	var cases []testCase
	for _, e := range entries {
		b, err := testdata.ReadFile(path.Join("testdata", e.Name()))
		if err != nil {
			return nil, err
		}
		var files []file
		if err := strictly(b, &files); err != nil {
			return nil, fmt.Errorf("testdata/%s: %w", e.Name(), err)
		}
		for _, f := range files {
			name := strings.TrimSuffix(e.Name(), ".json") + "/" + f.About
			more, err := f.cases(name)
			if err != nil {
				return nil, err
			}
			cases = append(cases, more...)
		}
	}
	more, err := goldenCases(golden)
	if err != nil {
		return nil, err
	}
	cases = append(cases, more...)
	kept := cases[:0]
	for _, c := range cases {
		if match.MatchString(c.name) {
			kept = append(kept, c)
		}
	}
	return kept, nil
}

func (f file) cases(name string) ([]testCase, error) {
	var definition any
	if err := json.Unmarshal(f.Definition, &definition); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	runs := f.Runs
	if len(runs) == 0 {
		runs = []play{{}}
	}
	var cases []testCase
	for _, r := range runs {
		c := testCase{name: name, kind: f.Type, definition: definition, run: r, targets: true}
		if c.kind == "" {
			c.kind = "STANDARD"
		}
		if r.Name != "" {
			c.name += ": " + r.Name
		}
		cases = append(cases, c)
	}
	return cases, nil
}

// A pair is the two interpreters.
type pair struct{ moto, ours side }

type side struct {
	api     *client
	theatre *theatre
}

// A verdict is what came of a case.
type verdict struct {
	name        string
	moto, ours  string
	differences []string
	excused     []string // the reasons of deviations.go
	err         error
}

// judge makes a case's run on both sides, at once, and compares.
func (p *pair) judge(parent context.Context, c testCase, n int) verdict {
	v := verdict{name: c.name}
	mark := fmt.Sprintf("c%d", n)
	var results [2]*result
	var errs [2]error
	done := make(chan struct{}, 2)
	for i, s := range []side{p.moto, p.ours} {
		go func() {
			results[i], errs[i] = s.perform(parent, c, mark)
			done <- struct{}{}
		}()
	}
	<-done
	<-done
	for i, which := range []string{"moto", "ours"} {
		if errs[i] != nil {
			v.err = fmt.Errorf("%s: %w", which, errs[i])
			return v
		}
	}
	v.moto, v.ours = results[0].brief(), results[1].brief()
	v.differences, v.excused = compare(c, results[0], results[1])
	return v
}

// perform makes a case's run on one side.
func (s side) perform(ctx context.Context, c testCase, mark string) (*result, error) {
	fill := filler{account: s.api.account, mark: mark}
	definition := fill.fill(c.definition, "")
	text, err := json.Marshal(definition)
	if err != nil {
		return nil, err
	}
	if c.targets {
		for _, name := range fill.sortedMachines() {
			_, err := s.api.call(ctx, "CreateStateMachine", object{
				"name": name, "roleArn": "arn:aws:iam::" + s.api.account + ":role/conformance",
				"definition": `{"StartAt":"Only","States":{"Only":{"Type":"Pass","End":true}}}`,
			})
			if err != nil {
				return nil, fmt.Errorf("making the machine to start: %w", err)
			}
		}
	}
	input := "{}"
	if c.run.Input != nil {
		var v any
		if err := json.Unmarshal(c.run.Input, &v); err != nil {
			return nil, err
		}
		b, err := json.Marshal(fill.fill(v, ""))
		if err != nil {
			return nil, err
		}
		input = string(b)
	}
	stage := s.theatre.open(mark, c.run.Script, s.api)
	var stop time.Duration
	if c.run.Stop != "" {
		stop = duration(c.run.Stop)
	}
	r, err := s.api.run(ctx, "case-"+mark, string(text), c.kind, input, stop)
	if err != nil {
		return nil, err
	}
	r.gaps = stage.gaps()
	return r, nil
}

// A filler puts ARNs where definitions and inputs have ${names}.
type filler struct {
	account, mark string
	machines      map[string]bool // that StartExecution names
}

var placeholder = regexp.MustCompile(`\$\{([A-Za-z0-9_-]+)\}`)

func (f *filler) fill(v any, key string) any {
	switch v := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, e := range v {
			out[k] = f.fill(e, k)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = f.fill(e, key)
		}
		return out
	case string:
		return placeholder.ReplaceAllStringFunc(v, func(s string) string {
			name := s[2:len(s)-1] + "--" + f.mark
			if key != "StateMachineArn" {
				return "arn:aws:lambda:us-east-1:" + f.account + ":function:" + name
			}
			if f.machines == nil {
				f.machines = map[string]bool{}
			}
			f.machines[name] = true
			return "arn:aws:states:us-east-1:" + f.account + ":stateMachine:" + name
		})
	}
	return v
}

func (f *filler) sortedMachines() []string {
	names := make([]string, 0, len(f.machines))
	for n := range f.machines {
		names = append(names, n)
	}
	sort.Strings(names)
	return names
}

// strictly decodes JSON, and refuses what it does not know.
func strictly(b []byte, v any) error {
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields()
	return dec.Decode(v)
}
