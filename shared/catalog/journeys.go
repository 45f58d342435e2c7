package catalog

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/waypost/waypost/shared/action"
	"github.com/waypost/waypost/shared/fault"
	"github.com/waypost/waypost/shared/journey"
	"github.com/waypost/waypost/shared/schema"
)

// A PublishedJourney is a journey's version. It never changes.
type PublishedJourney struct {
	Journey     string          `json:"journey"`
	Version     int             `json:"version"`
	Type        string          `json:"type"` // STANDARD or EXPRESS
	Machine     string          `json:"stateMachine"`
	Document    json.RawMessage `json:"document"`
	PublishedAt time.Time       `json:"publishedAt"`
}

// SaveJourney checks a journey's document and saves it as the draft. What it
// refers to is checked when it is published.
func (c *Catalog) SaveJourney(ctx context.Context, name string, doc []byte) error {
	j, err := journey.Parse(doc)
	if err != nil {
		return err
	}
	if err := named(j.Name, name); err != nil {
		return err
	}
	return c.save(ctx, KindJourney, name, doc)
}

// PublishJourney compiles the draft, makes its machine, and makes it the live
// version: new events enter it, and whoever is in an older version finishes
// there. Where the live version is the same already it answers that one.
func (c *Catalog) PublishJourney(ctx context.Context, name string) (PublishedJourney, error) {
	return repeated(func() (PublishedJourney, error) { return c.publishJourney(ctx, name) })
}

func (c *Catalog) publishJourney(ctx context.Context, name string) (PublishedJourney, error) {
	doc, err := c.Draft(ctx, KindJourney, name)
	if err != nil {
		return PublishedJourney{}, err
	}
	var v Version
	stamp, err := get(ctx, c.Store, keyOf(KindJourney, name, latest), &v, "")
	if err != nil {
		return PublishedJourney{}, err
	}
	var before PublishedJourney
	if v.Version > 0 {
		if before, err = c.JourneyVersion(ctx, name, v.Version); err != nil {
			return PublishedJourney{}, err
		}
		if same(before.Document, doc) {
			return before, nil
		}
	}
	j, err := journey.Parse(doc)
	if err != nil {
		return PublishedJourney{}, err
	}
	sees := c.view(ctx, nil)
	m, err := journey.Compile(j, sees, c.Names)
	if err != nil {
		return PublishedJourney{}, sees.explain(err)
	}
	p := PublishedJourney{Journey: name, Version: v.Version + 1, Type: m.Type, Document: doc, PublishedAt: c.Now()}
	if p.Machine, err = c.Machines.Create(ctx, c.machineName(name, p.Version, m), m); err != nil {
		return PublishedJourney{}, err
	}
	ch := change{at: p.PublishedAt}
	ch.put(versionKey(KindJourney, name, p.Version), p, 0)
	ch.put(keyOf(KindJourney, name, latest), Version{p.Version}, stamp)
	if err := c.listen(ctx, &ch, before, p, j.Entry); err != nil {
		return PublishedJourney{}, err
	}
	return p, ch.write(ctx, c.Store)
}

// machineName names a machine after its journey, its version and what is in
// it: two publishes that race for a version with different drafts each make a
// machine of their own, and the one that is recorded is the winner's.
func (c *Catalog) machineName(name string, version int, m *journey.Machine) string {
	digest := sha256.Sum256(m.Definition)
	return fmt.Sprintf("%s%s-v%d-%x", c.Prefix, name, version, digest[:4])
}

// listen puts the version into its event type's listeners, and takes the
// journey out of those of the event type that it listened to before.
func (c *Catalog) listen(ctx context.Context, ch *change, before, p PublishedJourney, entry journey.Entry) error {
	if before.Version > 0 {
		old, err := journey.Parse(before.Document)
		if err != nil {
			return err
		}
		if old.Entry.Event != entry.Event {
			key := Key{listenName(old.Entry.Event), p.Journey}
			stamp, err := get(ctx, c.Store, key, &Listener{}, "")
			if err != nil {
				return err
			}
			ch.put(key, Listener{Journey: p.Journey}, stamp) // version 0: listens no more
		}
	}
	key := Key{listenName(entry.Event), p.Journey}
	var l Listener
	stamp, err := get(ctx, c.Store, key, &l, "")
	if err != nil {
		return err
	}
	ch.put(key, Listener{Journey: p.Journey, Version: p.Version, Machine: p.Machine, Express: p.Type == journey.Express, Entry: entry}, stamp)
	return nil
}

// JourneyVersion gives a published version.
func (c *Catalog) JourneyVersion(ctx context.Context, name string, version int) (PublishedJourney, error) {
	var p PublishedJourney
	_, err := get(ctx, c.Store, versionKey(KindJourney, name, version), &p, fmt.Sprintf("the journey %s version %d is not published", name, version))
	return p, err
}

// A Schema is a stored JSON Schema.
func (c *Catalog) schema(ctx context.Context, key Key, missing string) (json.RawMessage, error) {
	var doc json.RawMessage
	_, err := get(ctx, c.Store, key, &doc, missing)
	return doc, err
}

// EventSchema gives an event type's schema.
func (c *Catalog) EventSchema(ctx context.Context, eventType string) (json.RawMessage, error) {
	return c.schema(ctx, keyOf(KindEvent, eventType, theSchema), fmt.Sprintf("the event type %s has no schema", eventType))
}

// ProfileSchema gives the profile schema.
func (c *Catalog) ProfileSchema(ctx context.Context) (json.RawMessage, error) {
	return c.schema(ctx, Key{profileKey, theSchema}, "there is no profile schema yet")
}

// SaveEventSchema saves an event type's schema, unless it would break a live journey.
func (c *Catalog) SaveEventSchema(ctx context.Context, eventType string, doc []byte) error {
	key := keyOf(KindEvent, eventType, theSchema)
	return c.saveSchema(ctx, key, doc, &Key{"list#" + KindEvent, eventType},
		func(t schema.Type) override { return override{event: eventType, data: &t} })
}

// SaveProfileSchema saves the profile schema, unless it would break a live journey.
func (c *Catalog) SaveProfileSchema(ctx context.Context, doc []byte) error {
	return c.saveSchema(ctx, Key{profileKey, theSchema}, doc, nil, func(t schema.Type) override { return override{profile: &t} })
}

func (c *Catalog) saveSchema(ctx context.Context, key Key, doc []byte, listed *Key, as func(schema.Type) override) error {
	decoded, err := schema.Decode(doc)
	if err != nil {
		return err
	}
	if _, ok := decoded.(map[string]any); !ok {
		return fault.New(fault.Invalid, "a schema must be a JSON object (JSON Schema, draft 2020-12)")
	}
	compiled, err := schema.Compile(decoded)
	if err != nil {
		return err
	}
	var before json.RawMessage
	stamp, err := get(ctx, c.Store, key, &before, "")
	if err != nil || stamp > 0 && same(before, doc) {
		return err
	}
	with := as(compiled.Type())
	if err := c.recompile(ctx, &with, "the schema is not saved: it would break", nil); err != nil {
		return err
	}
	ch := change{at: c.Now()}
	ch.put(key, json.RawMessage(doc), stamp)
	if stamp == 0 && listed != nil {
		ch.put(*listed, struct{}{}, 0)
	}
	return ch.write(ctx, c.Store)
}

// stillFits refuses settings that a live journey can't honour.
func (c *Catalog) stillFits(ctx context.Context, a *action.Action, version int) error {
	with := override{action: a, version: version}
	uses := func(j *journey.Journey) bool { return mentions(j.Steps, a.Name, version) }
	return c.recompile(ctx, &with, "the settings are not changed: they would break", uses)
}

// recompile compiles every live journey that uses picks, as if with were saved
// already. Its Conflict is the refusal, with the names of those that no longer compile.
func (c *Catalog) recompile(ctx context.Context, with *override, refusal string, uses func(*journey.Journey) bool) error {
	names, err := c.List(ctx, KindJourney)
	if err != nil {
		return err
	}
	var broken []fault.Detail
	var breaks []string
	for _, name := range names {
		version, err := c.Latest(ctx, KindJourney, name)
		if err != nil {
			return err
		}
		if version == 0 {
			continue
		}
		p, err := c.JourneyVersion(ctx, name, version)
		if err != nil {
			return err
		}
		j, err := journey.Parse(p.Document)
		if err != nil {
			return err
		}
		if uses != nil && !uses(j) || with.event != "" && j.Entry.Event != with.event {
			continue
		}
		_, err = journey.Compile(j, c.view(ctx, with), c.Names)
		if err != nil && !fault.Is(err, fault.Invalid) {
			return err
		}
		if err != nil {
			breaks = append(breaks, fmt.Sprintf("%s (version %d)", name, version))
			broken = append(broken, fault.Under(KindJourney+"."+name, fault.Details(err))...)
		}
	}
	if len(broken) == 0 {
		return nil
	}
	plural := ""
	if len(breaks) > 1 {
		plural = "s"
	}
	return &fault.Error{Code: fault.Conflict, Message: fmt.Sprintf("%s the live journey%s %s", refusal, plural, strings.Join(breaks, ", ")), Details: broken}
}

// mentions says whether steps use an action's version.
func mentions(steps []journey.Step, name string, version int) bool {
	for _, s := range steps {
		switch {
		case s.Action != nil:
			if s.Action.Name == name && s.Action.Version == version || s.OnError != nil && mentions(s.OnError.Steps, name, version) {
				return true
			}
		case s.Condition != nil:
			for _, b := range s.Condition.Branches {
				if mentions(b.Steps, name, version) {
					return true
				}
			}
			if mentions(s.Condition.Otherwise, name, version) {
				return true
			}
		}
	}
	return false
}

// An override is a change that is not saved yet.
type override struct {
	event   string
	data    *schema.Type
	profile *schema.Type
	action  *action.Action
	version int
}

// view is what a journey can see, with a change that is not saved yet.
func (c *Catalog) view(ctx context.Context, with *override) *view {
	if with == nil {
		with = &override{}
	}
	return &view{Catalog: c, ctx: ctx, with: with}
}

// A view reads the catalog for one publish. It keeps its context, since it
// lives for one call only.
type view struct {
	*Catalog
	ctx  context.Context
	with *override
	// noProfiles says that there is no profile schema, so that no attribute can be named.
	noProfiles bool
}

// explain adds to what is wrong with a journey that there is no profile schema
// to name attributes of, where it names some.
func (v *view) explain(err error) error {
	e, ok := errors.AsType[*fault.Error](err)
	if !ok || !v.noProfiles || !slices.ContainsFunc(e.Details, func(d fault.Detail) bool { return strings.Contains(d.Message, "the profile schema has no") }) {
		return err
	}
	explained := *e
	explained.Details = append(slices.Clone(e.Details), fault.Detail{Message: "there is no profile schema yet: PUT one to /admin/v1/profile-schema"})
	return &explained
}

func (v *view) Types(event string) (data, profile schema.Type, _ error) {
	profile, err := v.typeOf(v.with.profile, v.ProfileSchema)
	if fault.Is(err, fault.NotFound) {
		profile, err, v.noProfiles = schema.Object(nil), nil, true
	}
	if err != nil {
		return data, profile, err
	}
	saved := v.with.data
	if v.with.event != event {
		saved = nil
	}
	data, err = v.typeOf(saved, func(ctx context.Context) (json.RawMessage, error) {
		doc, err := v.EventSchema(ctx, event)
		if fault.Is(err, fault.NotFound) {
			known, listErr := v.List(ctx, KindEvent)
			if listErr != nil {
				return nil, listErr
			}
			return nil, &fault.Error{Code: fault.NotFound, Message: fault.Public(err), Details: []fault.Detail{{
				Message: "has no schema: PUT one to /admin/v1/events/" + event, Suggestion: fault.Nearest(event, known)}}}
		}
		return doc, err
	})
	return data, profile, err
}

func (v *view) typeOf(saved *schema.Type, read func(context.Context) (json.RawMessage, error)) (schema.Type, error) {
	if saved != nil {
		return *saved, nil
	}
	doc, err := read(v.ctx)
	if err != nil {
		return schema.Type{}, err
	}
	s, err := schema.Compile([]byte(doc))
	if err != nil {
		return schema.Type{}, err
	}
	return s.Type(), nil
}

func (v *view) Action(name string, version int) (*action.Action, string, error) {
	var a *action.Action
	if o := v.with.action; o != nil && o.Name == name && v.with.version == version {
		a = o
	} else {
		p, err := v.Published(v.ctx, name, version)
		if fault.Is(err, fault.NotFound) {
			return nil, "", v.noSuchAction(name, version)
		}
		if err != nil {
			return nil, "", err
		}
		if a, err = action.Compile(p.Definition); err != nil {
			return nil, "", err
		}
	}
	traits, err := v.traits(a.Channel, a.Provider)
	return a, traits.Function, err
}

// noSuchAction says which versions or names there are instead.
func (v *view) noSuchAction(name string, version int) error {
	detail := fault.Detail{Message: fmt.Sprintf("the action %s is not published", versionName(name, version))}
	newest, err := v.Latest(v.ctx, KindAction, name)
	if err != nil {
		return err
	}
	known, err := v.List(v.ctx, KindAction)
	if err != nil {
		return err
	}
	switch {
	case newest > 0:
		detail.Message += fmt.Sprintf("; its latest version is %d", newest)
	case slices.Contains(known, name):
		detail.Message += "; it is only a draft: POST /admin/v1/actions/" + name + "/publish"
	default:
		detail.Message = fmt.Sprintf("there is no action %s", name)
		detail.Suggestion = fault.Nearest(name, known)
	}
	return &fault.Error{Code: fault.NotFound, Message: detail.Message, Details: []fault.Detail{detail}}
}
