package catalog

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/waypost/waypost/shared/action"
	"github.com/waypost/waypost/shared/channel"
	"github.com/waypost/waypost/shared/fault"
	"github.com/waypost/waypost/shared/journey"
	"github.com/waypost/waypost/shared/schema"
)

// Machines makes state machines.
type Machines interface {
	// Create makes a machine, or finds it made already, and gives its ARN. The
	// name holds a digest of the definition, so one of that name is the same.
	Create(ctx context.Context, name string, m *journey.Machine) (arn string, _ error)
}

// A Catalog is the authors' side: it saves, checks and publishes. All fields
// must be set.
type Catalog struct {
	Store    Store
	Machines Machines
	Guard    action.Guard
	Channels []channel.Traits
	// Names gives the ARNs that machines name.
	Names journey.Names
	// Prefix begins the name of every machine.
	Prefix string
	Now    func() time.Time
	// Sleep waits until no function remembers what a change replaced; see Sleep.
	Sleep func(ctx context.Context, d time.Duration) error
}

// A Version says which version of an action or a journey is published.
type Version struct {
	Version int `json:"version"`
}

// List lists the names of what there is of a kind, sorted.
func (c *Catalog) List(ctx context.Context, kind string) ([]string, error) {
	items, err := c.Store.List(ctx, "list#"+kind)
	if err != nil {
		return nil, err
	}
	names := make([]string, len(items))
	for i, it := range items {
		names[i] = it.Version
	}
	return names, nil
}

// Draft gives a draft's document.
func (c *Catalog) Draft(ctx context.Context, kind, name string) (json.RawMessage, error) {
	var d json.RawMessage
	_, err := get(ctx, c.Store, keyOf(kind, name, draft), &d, fmt.Sprintf("there is no %s %s", kind, name))
	return d, err
}

// Latest gives the number of the latest published version, or 0.
func (c *Catalog) Latest(ctx context.Context, kind, name string) (int, error) {
	var v Version
	_, err := get(ctx, c.Store, keyOf(kind, name, latest), &v, "")
	return v.Version, err
}

// save writes a draft, where it differs from the one that is there.
func (c *Catalog) save(ctx context.Context, kind, name string, doc json.RawMessage) error {
	var before json.RawMessage
	stamp, err := get(ctx, c.Store, keyOf(kind, name, draft), &before, "")
	if err != nil || stamp > 0 && same(before, doc) {
		return err
	}
	ch := change{at: c.Now()}
	ch.put(keyOf(kind, name, draft), doc, stamp)
	if stamp == 0 {
		ch.put(Key{"list#" + kind, name}, struct{}{}, 0)
	}
	return ch.write(ctx, c.Store)
}

// same says whether two documents are the same but for spaces and the order of keys.
func same(a, b []byte) bool {
	if bytes.Equal(a, b) {
		return true
	}
	x, errX := schema.Decode(a)
	y, errY := schema.Decode(b)
	return errX == nil && errY == nil && reflect.DeepEqual(x, y)
}

// named checks that a document has its path's name.
func named(name, path string) error {
	if name != path {
		return fault.Document("the document is not of this path", []fault.Detail{{Path: "name", Message: fmt.Sprintf("is %s, and the path says %s", name, path)}})
	}
	return nil
}

// SaveAction checks an action's document and saves it as the draft.
func (c *Catalog) SaveAction(ctx context.Context, name string, doc []byte) error {
	if _, err := c.parseAction(name, doc); err != nil {
		return err
	}
	return c.save(ctx, KindAction, name, doc)
}

func (c *Catalog) parseAction(name string, doc []byte) (*action.Action, error) {
	a, err := action.Parse(doc, c.Guard)
	if err != nil {
		return nil, err
	}
	if err := named(a.Name, name); err != nil {
		return nil, err
	}
	traits, err := c.traits(a.Channel, a.Provider)
	if err != nil {
		return nil, err
	}
	if err := fault.Document(fmt.Sprintf("the action %s is not valid", name), traits.Faults(a)); err != nil {
		return nil, err
	}
	if a.Settings.Guarantee == "" {
		a.Settings.Guarantee = traits.Guarantee
	}
	return a, nil
}

// traits finds the channel that a definition names.
func (c *Catalog) traits(name, provider string) (channel.Traits, error) {
	var names, providers []string
	for _, t := range c.Channels {
		if t.Channel == name && t.Provider == provider {
			return t, nil
		}
		names = append(names, t.Channel)
		if t.Channel == name && t.Provider != "" {
			providers = append(providers, t.Provider)
		}
	}
	slices.Sort(names)
	names = slices.Compact(names)
	d := fault.Detail{Path: "channel", Message: "is not a channel of this deployment, which has " + strings.Join(names, ", "), Suggestion: fault.Nearest(name, names)}
	if slices.Contains(names, name) {
		d = fault.Detail{Path: "provider", Suggestion: fault.Nearest(provider, providers)}
		switch {
		case len(providers) == 0:
			d.Message = name + " has no providers; leave it out"
		case provider == "":
			d.Message = "is missing; " + name + " has " + strings.Join(providers, ", ")
		default:
			d.Message = "is not a provider of " + name + ", which has " + strings.Join(providers, ", ")
		}
	}
	return channel.Traits{}, fault.Document("the action is not valid", []fault.Detail{d})
}

// PublishAction makes the draft a version. Where the latest version has the
// same contract already it answers that one, and changes nothing.
func (c *Catalog) PublishAction(ctx context.Context, name string) (PublishedAction, error) {
	return repeated(func() (PublishedAction, error) { return c.publishAction(ctx, name) })
}

// repeated repeats a change that another overtook: it reads everything again,
// and so comes to what it would have come to a moment later.
func repeated[T any](change func() (T, error)) (T, error) {
	const most = 5
	for n := 1; ; n++ {
		v, err := change()
		if n == most || !errors.Is(err, errOvertaken) {
			return v, err
		}
	}
}

func (c *Catalog) publishAction(ctx context.Context, name string) (PublishedAction, error) {
	doc, err := c.Draft(ctx, KindAction, name)
	if err != nil {
		return PublishedAction{}, err
	}
	a, err := c.parseAction(name, doc)
	if err != nil {
		return PublishedAction{}, err
	}
	var v Version
	stamp, err := get(ctx, c.Store, keyOf(KindAction, name, latest), &v, "")
	if err != nil {
		return PublishedAction{}, err
	}
	if v.Version > 0 {
		before, _, err := c.published(ctx, name, v.Version)
		if err != nil {
			return PublishedAction{}, err
		}
		if sameContract(before.Definition, a.Definition) {
			return before, nil
		}
	}
	now := c.Now()
	p := PublishedAction{Definition: a.Definition, Version: v.Version + 1, Revision: 1, PublishedAt: now, ChangedAt: now}
	ch := change{at: now}
	ch.put(versionKey(KindAction, name, p.Version), p, 0)
	ch.put(revisionKey(name, p.Version, 1), p.Settings, 0)
	ch.put(keyOf(KindAction, name, latest), Version{p.Version}, stamp)
	return p, ch.write(ctx, c.Store)
}

// sameContract says whether two definitions bind a journey to the same.
func sameContract(a, b action.Definition) bool {
	x, errX := json.Marshal(a.Contract)
	y, errY := json.Marshal(b.Contract)
	return errX == nil && errY == nil && a.Channel == b.Channel && a.Provider == b.Provider && same(x, y)
}

func revisionKey(name string, version, revision int) Key {
	k := versionKey(KindAction, name, version)
	k.Version += fmt.Sprintf(".r%05d", revision)
	return k
}

// published reads a version and its item's stamp.
func (c *Catalog) published(ctx context.Context, name string, version int) (PublishedAction, int, error) {
	var p PublishedAction
	stamp, err := get(ctx, c.Store, versionKey(KindAction, name, version), &p, fault.Public(notPublished(name, version)))
	return p, stamp, err
}

// Published gives a version of an action.
func (c *Catalog) Published(ctx context.Context, name string, version int) (PublishedAction, error) {
	p, _, err := c.published(ctx, name, version)
	return p, err
}

// PatchSettings changes the settings under a published version by a merge
// patch (RFC 7396), as a new revision. A patch that changes nothing makes none.
func (c *Catalog) PatchSettings(ctx context.Context, name string, version int, patch []byte) (PublishedAction, error) {
	return repeated(func() (PublishedAction, error) { return c.patchSettings(ctx, name, version, patch) })
}

func (c *Catalog) patchSettings(ctx context.Context, name string, version int, patch []byte) (PublishedAction, error) {
	ch, err := c.turn(ctx)
	if err != nil {
		return PublishedAction{}, err
	}
	p, stamp, err := c.published(ctx, name, version)
	if err != nil {
		return PublishedAction{}, err
	}
	settings, err := merged(p.Settings, patch)
	if err != nil {
		return PublishedAction{}, err
	}
	next := p
	if next.Settings, err = action.ParseSettings(settings, c.Guard); err != nil {
		return PublishedAction{}, err
	}
	traits, err := c.traits(p.Channel, p.Provider)
	if err != nil {
		return PublishedAction{}, err
	}
	if next.Settings.Guarantee == "" {
		next.Settings.Guarantee = traits.Guarantee
	}
	a, err := action.Compile(next.Definition)
	if err != nil {
		return PublishedAction{}, ofSettings(fault.Details(err))
	}
	if wrong := traits.Faults(a); len(wrong) > 0 {
		return PublishedAction{}, ofSettings(wrong)
	}
	if sameSettings(next.Settings, p.Settings) {
		return p, nil
	}
	if err := c.stillFits(ctx, a, version); err != nil {
		return PublishedAction{}, err
	}
	next.Revision, next.ChangedAt = p.Revision+1, ch.at
	ch.put(versionKey(KindAction, name, version), next, stamp)
	ch.put(revisionKey(name, version, next.Revision), next.Settings, 0)
	return next, ch.write(ctx, c.Store)
}

// sameSettings compares settings as they are kept: an empty list is none.
func sameSettings(a, b action.Settings) bool {
	x, errX := json.Marshal(a)
	y, errY := json.Marshal(b)
	return errX == nil && errY == nil && bytes.Equal(x, y)
}

// ofSettings is the error for what is wrong with an action after a patch: paths
// begin where the patch's do.
func ofSettings(details []fault.Detail) error {
	for i := range details {
		details[i].Path = strings.TrimPrefix(details[i].Path, "settings.")
	}
	return fault.Document("the settings are not valid", details)
}

// merged applies a merge patch to settings. A key of the contract is refused
// in words of its own: it is what people try.
func merged(s action.Settings, patch []byte) ([]byte, error) {
	doc, err := schema.Decode(patch)
	if err != nil {
		return nil, err
	}
	changes, ok := doc.(map[string]any)
	if !ok {
		return nil, fault.New(fault.Invalid, "a settings patch must be a JSON object (RFC 7396)")
	}
	for _, key := range slices.Sorted(maps.Keys(changes)) {
		if slices.Contains([]string{"contract", "method", "path", "pathParams", "query", "headers", "body", "response", "error", "channel", "provider"}, key) {
			return nil, fault.Document("a published contract never changes", []fault.Detail{{Path: key,
				Message: "belongs to the contract: save a draft with the change and publish it as a new version"}})
		}
		if key == "settings" {
			return nil, fault.Document("the settings are not valid", []fault.Detail{{Path: key,
				Message: "is not a setting: send what stands in it, as in {\"timeout\": \"5s\"}"}})
		}
	}
	now, err := schema.Encode(s)
	if err != nil {
		return nil, err
	}
	base, err := schema.Decode(now)
	if err != nil {
		return nil, err
	}
	return schema.Encode(mergePatch(base, doc))
}

// mergePatch is RFC 7396, section 2.
func mergePatch(target, patch any) any {
	p, ok := patch.(map[string]any)
	if !ok {
		return patch
	}
	t, ok := target.(map[string]any)
	if !ok {
		t = map[string]any{}
	}
	for key, v := range p {
		if v == nil {
			delete(t, key)
		} else {
			t[key] = mergePatch(t[key], v)
		}
	}
	return t
}
