package catalog

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/waypost/waypost/shared/fault"
	"github.com/waypost/waypost/shared/source"
)

// A StoredSource is a source as it is now. It has no versions: a change takes
// effect at once, in every journey that reads it.
type StoredSource struct {
	Name      string          `json:"name"`
	Revision  int             `json:"revision"` // counts the changes, from 1
	ChangedAt time.Time       `json:"changedAt"`
	Document  json.RawMessage `json:"document"`
}

// ready compiles the document.
func (s StoredSource) ready() (*source.Source, error) {
	var def source.Definition
	if err := json.Unmarshal(s.Document, &def); err != nil {
		return nil, fmt.Errorf("reading the source %s: %w", s.Name, err)
	}
	compiled, err := source.Compile(def)
	if err != nil {
		return nil, err
	}
	compiled.Revision = s.Revision
	return compiled, nil
}

func sourceKey(name string) Key { return keyOf(KindSource, name, current) }

func noSource(name string) string { return "there is no source " + name }

// SaveSource checks a source's document and saves it, as a new revision,
// unless it would break a live journey. Examples give way: it says which
// journeys were closed. What is saved already changes nothing.
func (c *Catalog) SaveSource(ctx context.Context, name string, doc []byte) (_ StoredSource, closed []string, _ error) {
	saved, err := repeated(func() (s StoredSource, err error) {
		s, closed, err = c.saveSource(ctx, name, doc)
		return s, err
	})
	return saved, closed, err
}

func (c *Catalog) saveSource(ctx context.Context, name string, doc []byte) (s StoredSource, closed []string, _ error) {
	ch, err := c.turn(ctx)
	if err != nil {
		return s, nil, err
	}
	sees := c.view(ctx, nil)
	profile, err := sees.profile()
	if err != nil {
		return s, nil, err
	}
	parsed, err := source.Parse(doc, c.Guard, profile)
	if err != nil {
		return s, nil, sees.explain(err)
	}
	if err := named(parsed.Name, name); err != nil {
		return s, nil, err
	}
	stamp, err := get(ctx, c.Store, sourceKey(name), &s, "")
	if err != nil || stamp > 0 && same(s.Document, doc) {
		return s, nil, err
	}
	way, err := c.recompile(ctx, &override{source: parsed}, "the source is not saved: it would break", nil)
	if err != nil {
		return s, nil, err
	}
	s = StoredSource{Name: name, Revision: s.Revision + 1, ChangedAt: ch.at, Document: doc}
	ch.put(sourceKey(name), s, stamp)
	ch.put(keyOf(KindSource, name, fmt.Sprintf("r%05d", s.Revision)), s, 0)
	if stamp == 0 {
		ch.put(Key{"list#" + KindSource, name}, struct{}{}, 0)
	}
	return s, ch.closes(way), c.commit(ctx, ch)
}

// Source gives a source as it is now.
func (c *Catalog) Source(ctx context.Context, name string) (StoredSource, error) {
	var s StoredSource
	_, err := get(ctx, c.Store, sourceKey(name), &s, noSource(name))
	return s, err
}

// Sources gives every source there is, with the one that is not saved yet.
func (v *view) Sources() (map[string]*source.Source, error) {
	names, err := v.List(v.ctx, KindSource)
	if err != nil {
		return nil, err
	}
	compiled := make([]*source.Source, len(names))
	g, ctx := errgroup.WithContext(v.ctx)
	g.SetLimit(atOnce)
	for i, name := range names {
		g.Go(func() error {
			stored, err := v.Source(ctx, name)
			if err != nil {
				return err
			}
			compiled[i], err = stored.ready()
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	sources := make(map[string]*source.Source, len(names)+1)
	for i, name := range names {
		sources[name] = compiled[i]
	}
	if o := v.with.source; o != nil {
		sources[o.Name] = o
	}
	return sources, nil
}

// Sources reads sources through memory. It is what functions use; make it with
// NewSources.
type Sources struct{ reader[*source.Source] }

// NewSources makes a reader with an empty memory.
func NewSources(store Store, now func() time.Time) *Sources {
	return &Sources{newReader(store, now, func(item Item) (*source.Source, error) {
		var s StoredSource
		if err := json.Unmarshal(item.Document, &s); err != nil {
			return nil, fmt.Errorf("reading the %s: %w", item.Name, err)
		}
		return s.ready()
	})}
}

// Cached gives what memory has of a source, or nil, and whether it is fresh.
func (s *Sources) Cached(name string) (*source.Source, bool) { return s.cached(name) }

// Read reads a source. A NotFound means that there is none.
func (s *Sources) Read(ctx context.Context, name string) (*source.Source, error) {
	v, err := s.read(ctx, name, sourceKey(name))
	if fault.Is(err, fault.NotFound) {
		return nil, fault.New(fault.NotFound, "%s", noSource(name))
	}
	return v, err
}
