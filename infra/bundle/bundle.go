// Package bundle puts a folder of documents in place: schemas, actions,
// journeys, and for a demo profiles, secrets and events. What is so already is
// not changed.
//
//	profile-schema.json  events/TYPE.json  actions/NAME.json  journeys/NAME.json
//	profiles/ID.json     secrets.json      send/*.json        expect.json
package bundle

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"path"
	"strings"

	"github.com/waypost/waypost/shared/fault"
	"github.com/waypost/waypost/shared/schema"
)

// A Bundle is a folder's documents, read and known to be JSON.
type Bundle struct {
	ProfileSchema json.RawMessage
	Events        []Document // by event type
	Profiles      []Document // by id
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

// An Expectation is how a delivery of the bundle's events must end.
type Expectation struct {
	Profile string `json:"profile"`
	Step    string `json:"step"`
	Outcome string `json:"outcome"`
}

// Read reads a bundle's folder. Its error names the file, and for broken JSON
// the line and column.
func Read(dir fs.FS) (*Bundle, error) {
	b := &Bundle{}
	var err error
	if b.ProfileSchema, err = file(dir, "profile-schema.json"); err != nil {
		return nil, err
	}
	for folder, into := range map[string]*[]Document{"events": &b.Events, "profiles": &b.Profiles, "actions": &b.Actions,
		"journeys": &b.Journeys, "send": &b.Send} {
		if *into, err = folderOf(dir, folder); err != nil {
			return nil, err
		}
	}
	secrets, err := file(dir, "secrets.json")
	if err != nil {
		return nil, err
	}
	if b.Secrets, err = members(secrets); err != nil {
		return nil, fmt.Errorf("secrets.json: must be an object of secret names to objects")
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
			return nil, fmt.Errorf("expect.json: %w", err)
		}
		b.Expect = e.Deliveries
	}
	if len(b.Actions)+len(b.Journeys)+len(b.Events)+len(b.Profiles)+len(b.Send) == 0 && b.ProfileSchema == nil {
		return nil, errors.New("the folder is no bundle: it has none of profile-schema.json, events/, actions/, journeys/, profiles/, send/")
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

// explain puts a fault into one line for a terminal.
func explain(err error) string {
	text := fault.Public(err)
	for _, d := range fault.Details(err) {
		if d.Line > 0 {
			return fmt.Sprintf("line %d, column %d: %s", d.Line, d.Column, d.Message)
		}
	}
	return text
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

// members splits a JSON object.
func members(data json.RawMessage) ([]Document, error) {
	if data == nil {
		return nil, nil
	}
	var m map[string]json.RawMessage
	if err := json.Unmarshal(data, &m); err != nil {
		return nil, err
	}
	var docs []Document
	for name, value := range m {
		docs = append(docs, Document{name, value})
	}
	return docs, nil
}

// API is the admin URL and the entry URL.
type API interface {
	// Do sends a document, and decodes the answer into out. Its error says
	// what the answer's problem says.
	Do(ctx context.Context, method, path string, body json.RawMessage, out any) error
}

// Secrets keeps secrets.
type Secrets interface {
	// Put sets a secret, and says whether that changed anything.
	Put(ctx context.Context, name, value string) (changed bool, _ error)
}

// Report hears, line by line, of what was put in place.
type Report func(format string, args ...any)

// Apply puts a bundle in place: secrets, schemas, profiles, then actions and
// journeys, which it publishes.
func (b *Bundle) Apply(ctx context.Context, api API, secrets Secrets, say Report) error {
	for _, s := range b.Secrets {
		if _, err := secrets.Put(ctx, s.Name, string(s.JSON)); err != nil {
			return fmt.Errorf("secret %s: %w", s.Name, err)
		}
		say("secret    %s", s.Name)
	}
	if b.ProfileSchema != nil {
		if err := api.Do(ctx, "PUT", "/admin/v1/profile-schema", b.ProfileSchema, nil); err != nil {
			return fmt.Errorf("profile-schema.json: %w", err)
		}
	}
	for _, kind := range []struct {
		path, label string
		docs        []Document
	}{{"/admin/v1/events/", "event", b.Events}, {"/admin/v1/profiles/", "profile", b.Profiles}} {
		for _, d := range kind.docs {
			if err := api.Do(ctx, "PUT", kind.path+url.PathEscape(d.Name), d.JSON, nil); err != nil {
				return fmt.Errorf("%ss/%s.json: %w", kind.label, d.Name, err)
			}
			say("%-9s %s", kind.label, d.Name)
		}
	}
	for _, a := range b.Actions {
		version, err := applyAction(ctx, api, a)
		if err != nil {
			return fmt.Errorf("actions/%s.json: %w", a.Name, err)
		}
		say("action    %s version %d", a.Name, version)
	}
	for _, j := range b.Journeys {
		at := "/admin/v1/journeys/" + url.PathEscape(j.Name)
		var published struct {
			Version int    `json:"version"`
			Type    string `json:"type"`
		}
		err := api.Do(ctx, "PUT", at, j.JSON, nil)
		if err == nil {
			err = api.Do(ctx, "POST", at+"/publish", nil, &published)
		}
		if err != nil {
			return fmt.Errorf("journeys/%s.json: %w", j.Name, err)
		}
		say("journey   %s version %d, %s", j.Name, published.Version, strings.ToLower(published.Type))
	}
	return nil
}

// applyAction saves and publishes an action, and patches the settings of a
// version that has the contract already.
func applyAction(ctx context.Context, api API, a Document) (int, error) {
	at := "/admin/v1/actions/" + url.PathEscape(a.Name)
	if err := api.Do(ctx, "PUT", at, a.JSON, nil); err != nil {
		return 0, err
	}
	var published struct {
		Version  int             `json:"version"`
		Settings json.RawMessage `json:"settings"`
	}
	if err := api.Do(ctx, "POST", at+"/publish", nil, &published); err != nil {
		return 0, err
	}
	var doc struct {
		Settings json.RawMessage `json:"settings"`
	}
	if err := json.Unmarshal(a.JSON, &doc); err != nil {
		return 0, err
	}
	return published.Version, api.Do(ctx, "PATCH", fmt.Sprintf("%s/versions/%d/settings", at, published.Version), doc.Settings, nil)
}
