package catalog

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/waypost/waypost/shared/action"
	"github.com/waypost/waypost/shared/fault"
	"github.com/waypost/waypost/shared/journey"
	"github.com/waypost/waypost/shared/schema"
)

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

// SaveEventSchema saves an event type's schema, unless it would break a live
// journey. Examples give way: it says which journeys were closed.
func (c *Catalog) SaveEventSchema(ctx context.Context, eventType string, doc []byte) (closed []string, _ error) {
	key := keyOf(KindEvent, eventType, theSchema)
	return c.saveSchema(ctx, key, doc, &Key{"list#" + KindEvent, eventType},
		func(t schema.Type) override { return override{event: eventType, data: &t} })
}

// SaveProfileSchema saves the profile schema, unless it would break a live
// journey. Examples give way: it says which journeys were closed.
func (c *Catalog) SaveProfileSchema(ctx context.Context, doc []byte) (closed []string, _ error) {
	return c.saveSchema(ctx, Key{profileKey, theSchema}, doc, nil, func(t schema.Type) override { return override{profile: &t} })
}

func (c *Catalog) saveSchema(ctx context.Context, key Key, doc []byte, listed *Key, as func(schema.Type) override) (closed []string, _ error) {
	decoded, err := schema.Decode(doc)
	if err != nil {
		return nil, err
	}
	if _, ok := decoded.(map[string]any); !ok {
		return nil, fault.New(fault.Invalid, "a schema must be a JSON object (JSON Schema, draft 2020-12)")
	}
	compiled, err := schema.Compile(decoded)
	if err != nil {
		return nil, err
	}
	with := as(compiled.Type())
	return repeated(func() ([]string, error) { return c.changeSchema(ctx, key, doc, listed, with) })
}

// changeSchema saves a schema that compiles, unless it is there already.
func (c *Catalog) changeSchema(ctx context.Context, key Key, doc []byte, listed *Key, with override) (closed []string, _ error) {
	ch, err := c.turn(ctx)
	if err != nil {
		return nil, err
	}
	var before json.RawMessage
	stamp, err := get(ctx, c.Store, key, &before, "")
	if err != nil || stamp > 0 && same(before, doc) {
		return nil, err
	}
	way, err := c.recompile(ctx, &with, "the schema is not saved: it would break", nil)
	if err != nil {
		return nil, err
	}
	ch.put(key, json.RawMessage(doc), stamp)
	if stamp == 0 && listed != nil {
		ch.put(*listed, struct{}{}, 0)
	}
	if with.event != "" {
		if _, err := c.listenable(ctx, ch, with.event); err != nil {
			return nil, err
		}
	}
	return ch.closes(way), c.commit(ctx, ch)
}

// closes closes examples, as part of the change, and gives their names.
func (c *change) closes(way []giver) (closed []string) {
	for _, l := range way {
		c.put(l.key, Listener{Journey: l.journey}, l.stamp)
		c.heard = true
		closed = append(closed, l.journey)
	}
	return closed
}

// ExampleTag marks a journey that gives way: a schema that would break it is
// saved all the same, and closes it. A demonstration must not stand in the way
// of somebody's first own bundle.
const ExampleTag = "example"

// A giver is a live example that a change closes.
type giver struct {
	journey string
	key     Key // of its listener
	stamp   int
}

// stillFits refuses settings that a live journey can't honour.
func (c *Catalog) stillFits(ctx context.Context, a *action.Action, version int) error {
	with := override{action: a, version: version}
	uses := func(j *journey.Journey) bool { return mentions(j.Steps, a.Name, version) }
	way, err := c.recompile(ctx, &with, "the settings are not changed: they would break", uses)
	if err == nil && len(way) > 0 { // settings can be put right; closing is for schemas alone
		return fault.New(fault.Conflict, "the settings are not changed: they would break the live journey %s", way[0].journey)
	}
	return err
}

// recompile compiles every live journey that uses picks, as if with were saved
// already. It gives the examples among those that break; any other is refused.
func (c *Catalog) recompile(ctx context.Context, with *override, refusal string, uses func(*journey.Journey) bool) (way []giver, _ error) {
	seen := c.snapshot()
	names, err := seen.List(ctx, KindJourney)
	if err != nil {
		return nil, err
	}
	verdicts := make([]verdict, len(names))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(atOnce)
	for i, name := range names {
		g.Go(func() (err error) {
			verdicts[i], err = seen.verdict(ctx, name, with, uses)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	var broken []fault.Detail
	var breaks []string
	for i, v := range verdicts {
		switch {
		case len(v.broken) == 0:
		case v.example:
			way = append(way, v.giver)
		default:
			breaks = append(breaks, fmt.Sprintf("%s (version %d)", names[i], v.version))
			broken = append(broken, fault.Under(KindJourney+"."+names[i], v.broken)...)
		}
	}
	if len(broken) == 0 {
		return way, nil
	}
	plural := ""
	if len(breaks) > 1 {
		plural = "s"
	}
	return nil, &fault.Error{Code: fault.Conflict, Message: fmt.Sprintf("%s the live journey%s %s", refusal, plural, strings.Join(breaks, ", ")), Details: broken}
}

// A verdict says what a change would break of one journey.
type verdict struct {
	giver
	version int
	example bool
	broken  []fault.Detail // none where it is not live, or compiles
}

// verdict compiles one journey, if it is live and uses picks it.
func (c *Catalog) verdict(ctx context.Context, name string, with *override, uses func(*journey.Journey) bool) (verdict, error) {
	j, l, live, err := c.live(ctx, name)
	if err != nil || !live || uses != nil && !uses(j) || with.event != "" && j.Entry.Event != with.event {
		return verdict{}, err
	}
	_, err = journey.Compile(j, c.view(ctx, with), c.Names)
	if with.source != nil && fault.Is(err, fault.Invalid) {
		if _, before := journey.Compile(j, c.view(ctx, nil), c.Names); fault.Is(before, fault.Invalid) {
			return verdict{}, nil // whether or not it reads the source, it is not this change that breaks it
		}
	}
	if err == nil || !fault.Is(err, fault.Invalid) {
		return verdict{}, err
	}
	version, latestErr := c.Latest(ctx, KindJourney, name)
	return verdict{giver: l, version: version, example: slices.Contains(j.Tags, ExampleTag), broken: fault.Details(err)}, latestErr
}

// live reads a journey's latest version, and whether events still enter it.
func (c *Catalog) live(ctx context.Context, name string) (*journey.Journey, giver, bool, error) {
	version, err := c.Latest(ctx, KindJourney, name)
	if err != nil || version == 0 {
		return nil, giver{}, false, err
	}
	p, err := c.JourneyVersion(ctx, name, version)
	if err != nil {
		return nil, giver{}, false, err
	}
	j, err := journey.Parse(p.Document)
	if err != nil {
		return nil, giver{}, false, err
	}
	var l Listener
	key := Key{listenName(j.Entry.Event), name}
	stamp, err := get(ctx, c.Store, key, &l, "")
	return j, giver{name, key, stamp}, l.Version > 0, err
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
