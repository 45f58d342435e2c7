package catalog

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/waypost/waypost/shared/action"
	"github.com/waypost/waypost/shared/fault"
)

// A PublishedAction is an action's version: a contract that never changes, and
// its settings as they are now.
type PublishedAction struct {
	action.Definition
	Version     int       `json:"version"`
	Revision    int       `json:"revision"` // of the settings, from 1
	PublishedAt time.Time `json:"publishedAt"`
	ChangedAt   time.Time `json:"changedAt"` // when the settings last changed
}

// Actions reads published actions through memory. It is what functions use;
// make it with NewActions.
type Actions struct {
	reader[*action.Action]
	newest memory[int] // by name
}

// NewActions makes a reader with an empty memory.
func NewActions(store Store, now func() time.Time) *Actions {
	return &Actions{reader: newReader(store, now, func(item Item) (*action.Action, error) {
		var p PublishedAction
		if err := json.Unmarshal(item.Document, &p); err != nil {
			return nil, fmt.Errorf("reading the %s %s: %w", item.Name, item.Version, err)
		}
		return action.Compile(p.Definition)
	}), newest: newMemory[int](now)}
}

// Cached gives what memory has of a version, or nil, and whether it is fresh.
func (a *Actions) Cached(name string, version int) (*action.Action, bool) {
	return a.cached(versionName(name, version))
}

// Read reads a version. An unchanged one is the same pointer as before. A
// NotFound means that it is not published.
func (a *Actions) Read(ctx context.Context, name string, version int) (*action.Action, error) {
	v, err := a.read(ctx, versionName(name, version), versionKey(KindAction, name, version))
	if fault.Is(err, fault.NotFound) {
		return nil, notPublished(name, version)
	}
	return v, err
}

// Newest gives the version that was published last, through memory. A NotFound
// means that none is.
func (a *Actions) Newest(ctx context.Context, name string) (*action.Action, error) {
	n, age := a.newest.get(name)
	if n == 0 || age >= MaxAge {
		var v Version
		began := a.now()
		if _, err := get(ctx, a.store, keyOf(KindAction, name, latest), &v, "the action "+name+" is not published"); err != nil {
			return nil, err
		}
		n = v.Version
		a.newest.keep(name, n, began)
	}
	return a.Recent(ctx, name, n)
}

// Recent gives a version from memory where that is fresh, and else reads it.
func (a *Actions) Recent(ctx context.Context, name string, version int) (*action.Action, error) {
	if act, fresh := a.Cached(name, version); fresh {
		return act, nil
	}
	return a.Read(ctx, name, version)
}

func versionName(name string, version int) string { return fmt.Sprintf("%s version %d", name, version) }

func notPublished(name string, version int) error {
	return fault.New(fault.NotFound, "the action %s is not published", versionName(name, version))
}
