// Package catalog keeps what authors define: actions, sources, journeys, schemas. It
// saves drafts, publishes them as versions that never change, keeps every
// revision of an action's settings, and refuses a change that would break a
// live journey. Functions read it through memory.
//
// The catalog is small. Its items, by name and version:
//
//	action#NAME    draft; latest; v00001 (contract and present settings); v00001.r00002 (a revision, for audit)
//	journey#NAME   draft; latest; v00001 (document, machine)
//	source#NAME    current (document, revision); r00002 (a revision, for audit)
//	event#TYPE     schema          profile#  schema
//	listen#TYPE    JOURNEY: the live version that the event enters
//	list#KIND      NAME: what there is of a kind
//	checked#       turn: counts the changes that were checked against each other
package catalog

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/waypost/waypost/shared/fault"
	"github.com/waypost/waypost/shared/schema"
)

// A Key names an item.
type Key struct {
	Name    string // kind and name
	Version string // version, revision or role
}

// An Item is one document of the catalog.
type Item struct {
	Key
	Document json.RawMessage
	// Stamp counts the item's writes: a write can be conditional on it.
	Stamp int
	At    time.Time
}

// Store is where the items lie.
type Store interface {
	// Get reads one item, strongly consistently. A NotFound means there is none.
	Get(ctx context.Context, key Key) (Item, error)
	// List reads all items of a name, sorted by version.
	List(ctx context.Context, name string) ([]Item, error)
	// Write puts all of the items or none. Each is written only where the
	// store's has one Stamp less (none, for Stamp 1); else it is a Conflict.
	Write(ctx context.Context, items []Item) error
}

// The catalog's kinds.
const (
	KindAction  = "action"
	KindSource  = "source"
	KindJourney = "journey"
	KindEvent   = "event"
)

// Versions that are roles.
const (
	draft      = "draft"
	latest     = "latest"
	current    = "current"
	theSchema  = "schema"
	profileKey = "profile#"
)

func keyOf(kind, name, version string) Key { return Key{kind + "#" + name, version} }

func versionKey(kind, name string, version int) Key {
	return keyOf(kind, name, fmt.Sprintf("v%05d", version))
}

// get reads an item's document into v. A missing item is (0, nil) where
// missing names nothing, and else a NotFound with that message.
func get(ctx context.Context, s Store, key Key, v any, missing string) (stamp int, _ error) {
	item, err := s.Get(ctx, key)
	if fault.Is(err, fault.NotFound) {
		if missing == "" {
			return 0, nil
		}
		return 0, fault.New(fault.NotFound, "%s", missing)
	}
	if err != nil {
		return 0, err
	}
	if err := json.Unmarshal(item.Document, v); err != nil {
		return 0, fmt.Errorf("reading the catalog's %s %s: %w", key.Name, key.Version, err)
	}
	return item.Stamp, nil
}

// item makes an item to write: stamp is that of the one it replaces, or 0.
func item(key Key, v any, stamp int, at time.Time) (Item, error) {
	data, err := schema.Encode(v)
	if err != nil {
		return Item{}, fmt.Errorf("writing the catalog's %s %s: %w", key.Name, key.Version, err)
	}
	return Item{Key: key, Document: data, Stamp: stamp + 1, At: at}, nil
}

// A change gathers the items of one write.
type change struct {
	at    time.Time
	items []Item
	err   error
	// heard says that it changes what entry may remember: who listens to an
	// event type that was listened to before, or its schema.
	heard bool
}

func (c *change) put(key Key, v any, stamp int) {
	it, err := item(key, v, stamp, c.at)
	if err != nil && c.err == nil {
		c.err = err
	}
	c.items = append(c.items, it)
}

func (c *change) write(ctx context.Context, s Store) error {
	if c.err != nil {
		return c.err
	}
	err := s.Write(ctx, c.items)
	if fault.Is(err, fault.Conflict) {
		return fault.Wrap(errors.Join(errOvertaken, err), fault.Conflict, "somebody else changed it at the same moment; read it again and repeat")
	}
	return err
}

// turnKey is an item that every change writes which was checked against other
// documents: what a journey sees when it is published, and the live journeys
// when a schema or settings change. Of two such changes at once one is made,
// and the other is checked again; else both could pass that break each other.
var turnKey = Key{"checked#", "turn"}

// turn begins a change of that kind. It must come before the first read.
func (c *Catalog) turn(ctx context.Context) (*change, error) {
	stamp, err := get(ctx, c.Store, turnKey, &struct{}{}, "")
	if err != nil {
		return nil, err
	}
	ch := &change{at: c.Now()}
	ch.put(turnKey, struct{}{}, stamp)
	return ch, nil
}

// errOvertaken is the cause of a Conflict with another change of the same moment.
var errOvertaken = errors.New("overtaken by another change")
