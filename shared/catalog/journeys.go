package catalog

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/waypost/waypost/shared/journey"
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
// version: events after its answer enter it, and whoever is in an older version
// finishes there. Where the latest version is the same already, it answers that
// one, and makes its machine again if that is gone. The same document that makes
// another machine, since a new release or deployment compiles it otherwise, is a
// new version.
func (c *Catalog) PublishJourney(ctx context.Context, name string) (PublishedJourney, error) {
	return repeated(func() (PublishedJourney, error) { return c.publishJourney(ctx, name) })
}

func (c *Catalog) publishJourney(ctx context.Context, name string) (PublishedJourney, error) {
	ch, err := c.turn(ctx)
	if err != nil {
		return PublishedJourney{}, err
	}
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
	if v.Version > 0 && same(before.Document, doc) {
		if name := c.machineName(name, v.Version, m); strings.HasSuffix(before.Machine, ":"+name) {
			if _, err := c.Machines.Create(ctx, name, m); err != nil {
				return PublishedJourney{}, err
			}
			return before, c.reopen(ctx, ch, before, j.Entry)
		}
	}
	p := PublishedJourney{Journey: name, Version: v.Version + 1, Type: m.Type, Document: doc, PublishedAt: ch.at}
	if p.Machine, err = c.Machines.Create(ctx, c.machineName(name, p.Version, m), m); err != nil {
		return PublishedJourney{}, err
	}
	ch.put(versionKey(KindJourney, name, p.Version), p, 0)
	ch.put(keyOf(KindJourney, name, latest), Version{p.Version}, stamp)
	if err := c.listen(ctx, ch, before, p, j.Entry); err != nil {
		return PublishedJourney{}, err
	}
	return p, c.commit(ctx, ch)
}

// reopen makes a closed version live again.
func (c *Catalog) reopen(ctx context.Context, ch *change, p PublishedJourney, entry journey.Entry) error {
	_, _, live, err := c.live(ctx, p.Journey)
	if err != nil || live {
		return err
	}
	if err := c.listen(ctx, ch, p, p, entry); err != nil {
		return err
	}
	return c.commit(ctx, ch)
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
			ch.heard = true
		}
	}
	key := Key{listenName(entry.Event), p.Journey}
	others, err := c.listenable(ctx, ch, entry.Event)
	if err != nil {
		return err
	}
	stamp := 0
	if i := slices.IndexFunc(others, func(it Item) bool { return it.Key == key }); i >= 0 {
		stamp = others[i].Stamp
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
