// Package bundle puts a folder of documents in place: schemas, sources, actions,
// journeys, and for a demo profiles, secrets and events. What is so already is
// not changed.
//
//	profile-schema.json  events/TYPE.json  sources/NAME.json  actions/NAME.json
//	journeys/NAME.json   profiles/ID.json  secrets.json       send/*.json
//	expect.json
package bundle

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/waypost/waypost/shared/fault"
	"github.com/waypost/waypost/shared/schema"
)

// A Bundle is a folder's documents, read and known to be JSON.
type Bundle struct {
	ProfileSchema json.RawMessage
	Events        []Document // by event type
	Profiles      []Document // by id
	Sources       []Document
	Actions       []Document
	Journeys      []Document
	Secrets       []Document // by the secret's name
	Send          []Document // CloudEvents, in the order of their files' names
	Expect        []Expectation
}

// A Document is one file.
type Document struct {
	Name string
	JSON json.RawMessage
}

// An Expectation is how a delivery of the bundle's events must end, and where
// it has a status, what its provider must have reported by then: of a step that
// awaits its status that is certain.
type Expectation struct {
	Profile string `json:"profile"`
	Step    string `json:"step"`
	Outcome string `json:"outcome"`
	Status  string `json:"status,omitempty"`
}

// end says how it ended, in a word or two.
func (e Expectation) end() string {
	if e.Status == "" {
		return e.Outcome
	}
	return e.Outcome + " and " + e.Status
}

// Read reads a bundle's folder. Its error names the file, and for broken JSON
// the line and column.
func Read(dir fs.FS) (*Bundle, error) {
	b := &Bundle{}
	var err error
	if b.ProfileSchema, err = file(dir, "profile-schema.json"); err != nil {
		return nil, err
	}
	for _, f := range []struct {
		name string
		into *[]Document
	}{{"events", &b.Events}, {"profiles", &b.Profiles}, {"sources", &b.Sources}, {"actions", &b.Actions}, {"journeys", &b.Journeys}, {"send", &b.Send}} {
		if *f.into, err = folderOf(dir, f.name); err != nil {
			return nil, err
		}
	}
	secrets, err := file(dir, "secrets.json")
	if err != nil {
		return nil, err
	}
	if b.Secrets, err = members(secrets); err != nil {
		return nil, fmt.Errorf("secrets.json: %w", err)
	}
	expect, err := file(dir, "expect.json")
	if err != nil {
		return nil, err
	}
	if expect != nil {
		var e struct {
			Deliveries []Expectation `json:"deliveries"`
		}
		if err := schema.Into(expect, &e); err != nil {
			return nil, fmt.Errorf("expect.json: %s", explain(err))
		}
		b.Expect = e.Deliveries
	}
	if len(b.Sources)+len(b.Actions)+len(b.Journeys)+len(b.Events)+len(b.Profiles)+len(b.Send) == 0 && b.ProfileSchema == nil {
		return nil, errors.New("the folder is no bundle: it has none of profile-schema.json, events/, sources/, actions/, journeys/, profiles/, send/")
	}
	return b, nil
}

// file reads a JSON file, or nil where there is none.
func file(dir fs.FS, name string) (json.RawMessage, error) {
	data, err := fs.ReadFile(dir, name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if _, err := schema.Decode(data); err != nil {
		return nil, fmt.Errorf("%s: %s", name, explain(err))
	}
	return data, nil
}

// explain puts a fault into one line for a terminal: what is wrong, and where.
func explain(err error) string {
	var parts []string
	for _, d := range fault.Details(err) {
		if d.Line > 0 {
			return fmt.Sprintf("line %d, column %d: %s", d.Line, d.Column, d.Message)
		}
		parts = append(parts, d.String())
	}
	return strings.Join(parts, "; ")
}

// folderOf reads a folder's JSON files, sorted by name.
func folderOf(dir fs.FS, folder string) ([]Document, error) {
	entries, err := fs.ReadDir(dir, folder)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var docs []Document
	for _, e := range entries {
		name, ok := strings.CutSuffix(e.Name(), ".json")
		if !ok || e.IsDir() {
			continue
		}
		data, err := file(dir, path.Join(folder, e.Name()))
		if err != nil {
			return nil, err
		}
		docs = append(docs, Document{name, data})
	}
	return docs, nil
}

// members splits an object of secrets, and sorts them by name. Its error names
// no value: it may be a secret.
func members(data json.RawMessage) ([]Document, error) {
	if data == nil {
		return nil, nil
	}
	var m map[string]json.RawMessage
	if err := json.Unmarshal(data, &m); err != nil {
		return nil, errSecrets
	}
	var docs []Document
	for _, name := range slices.Sorted(maps.Keys(m)) {
		var keys map[string]json.RawMessage
		if json.Unmarshal(m[name], &keys) != nil || keys == nil {
			return nil, fmt.Errorf("%s: %w", name, errSecrets)
		}
		docs = append(docs, Document{name, m[name]})
	}
	return docs, nil
}

var errSecrets = errors.New(`must be an object of secret names to objects, as in {"waypost/shop": {"token": "…"}}`)
