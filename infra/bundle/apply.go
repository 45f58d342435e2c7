package bundle

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"

	"github.com/waypost/waypost/shared/schema"
)

// API is the admin URL and the entry URL.
type API interface {
	// Do sends a document, and decodes the answer into out. Its error says
	// what the answer's problem says.
	Do(ctx context.Context, method, path string, body json.RawMessage, out any) error
}

// Secrets keeps secrets.
type Secrets interface {
	// Put sets a secret, unless it is there and must not be replaced: then it is kept.
	Put(ctx context.Context, name, value string) (kept bool, _ error)
}

// Report hears, line by line, of what was put in place.
type Report func(format string, args ...any)

// Apply puts a bundle in place: secrets, schemas, profiles and sources, then
// actions and journeys, which it publishes. Its error names the file that was refused;
// what came before it stays in place.
func (b *Bundle) Apply(ctx context.Context, api API, secrets Secrets, say Report) error {
	for _, s := range b.Secrets {
		kept, err := secrets.Put(ctx, s.Name, string(s.JSON))
		if err != nil {
			return fmt.Errorf("secrets.json: %w", err)
		}
		if kept {
			say("secret    %s is there already, and was left as it is: --replace-secrets replaces it", s.Name)
			continue
		}
		say("secret    %s", s.Name)
	}
	if b.ProfileSchema != nil {
		if err := applySchema(ctx, api, "/admin/v1/profile-schema", b.ProfileSchema, say); err != nil {
			return fmt.Errorf("profile-schema.json: %w", err)
		}
		say("schema    of profiles")
	}
	for _, d := range b.Events {
		if err := applySchema(ctx, api, "/admin/v1/events/"+url.PathEscape(d.Name), d.JSON, say); err != nil {
			return fmt.Errorf("events/%s.json: %w", d.Name, err)
		}
		say("event     %s", d.Name)
	}
	for _, d := range b.Profiles {
		if err := api.Do(ctx, "PUT", "/admin/v1/profiles/"+url.PathEscape(d.Name), d.JSON, nil); err != nil {
			return fmt.Errorf("profiles/%s.json: %w", d.Name, err)
		}
		say("profile   %s", d.Name)
	}
	for _, d := range b.Sources {
		if err := api.Do(ctx, "PUT", "/admin/v1/sources/"+url.PathEscape(d.Name), d.JSON, nil); err != nil {
			return fmt.Errorf("sources/%s.json: %w", d.Name, err)
		}
		say("source    %s", d.Name)
	}
	for _, a := range b.Actions {
		p, err := applyAction(ctx, api, a)
		if err != nil {
			return fmt.Errorf("actions/%s.json: %w", a.Name, err)
		}
		say("action    %s version %d%s", a.Name, p.Version, p.revised())
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

// applySchema saves a schema, and tells of the example journeys that it closed.
func applySchema(ctx context.Context, api API, at string, doc json.RawMessage, say Report) error {
	var saved struct {
		Closed []string `json:"closed"`
	}
	if err := api.Do(ctx, "PUT", at, doc, &saved); err != nil {
		return err
	}
	for _, name := range saved.Closed {
		say("closed    %s: an example, which this schema breaks; events enter it no more", name)
	}
	return nil
}

// A published action, as far as Apply looks at it.
type published struct {
	Version  int             `json:"version"`
	Revision int             `json:"revision"`
	Settings json.RawMessage `json:"settings"`
}

// revised tells of settings that were changed after the version was published.
func (p published) revised() string {
	if p.Revision < 2 {
		return ""
	}
	return fmt.Sprintf(", revision %d of its settings", p.Revision)
}

// applyAction saves and publishes an action. Where a version had the contract
// already, its settings become the document's.
func applyAction(ctx context.Context, api API, a Document) (published, error) {
	var p published
	at := "/admin/v1/actions/" + url.PathEscape(a.Name)
	if err := api.Do(ctx, "PUT", at, a.JSON, nil); err != nil {
		return p, err
	}
	if err := api.Do(ctx, "POST", at+"/publish", nil, &p); err != nil {
		return p, err
	}
	var doc struct {
		Settings json.RawMessage `json:"settings"`
	}
	if err := json.Unmarshal(a.JSON, &doc); err != nil {
		return p, err
	}
	patch, err := mergePatch(p.Settings, doc.Settings)
	if err != nil {
		return p, err
	}
	return p, api.Do(ctx, "PATCH", fmt.Sprintf("%s/versions/%d/settings", at, p.Version), patch, &p)
}

// mergePatch makes the patch (RFC 7396) that turns one document into another:
// all of the other, and null for each key that only the first has. Null for a
// setting that has a default gives the default.
func mergePatch(from, to json.RawMessage) (json.RawMessage, error) {
	before, err := schema.Decode(from)
	if err != nil {
		return nil, err
	}
	after, err := schema.Decode(to)
	if err != nil {
		return nil, err
	}
	return json.Marshal(difference(before, after))
}

// difference is the value of a merge patch: objects meet key by key, and
// anything else is replaced as a whole.
func difference(before, after any) any {
	b, ok := before.(map[string]any)
	a, both := after.(map[string]any)
	if !ok || !both {
		return after
	}
	patch := make(map[string]any, len(a))
	for key, v := range a {
		patch[key] = difference(b[key], v)
	}
	for key := range b {
		if _, stays := a[key]; !stays {
			patch[key] = nil
		}
	}
	return patch
}
