package catalog_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/waypost/waypost/shared/catalog"
	"github.com/waypost/waypost/shared/channel"
	"github.com/waypost/waypost/shared/channel/webhook"
	"github.com/waypost/waypost/shared/fault"
	"github.com/waypost/waypost/shared/journey"
)

// store is a catalog.Store in memory.
type store struct {
	mu     sync.Mutex
	items  map[catalog.Key]catalog.Item
	reads  int
	writes int
	// conflicts is how many writes are yet refused, as if another was quicker.
	conflicts int
	err       error  // what every call answers, if it is set
	unlisted  string // a name that can't be listed, if it is set
}

var _ catalog.Store = (*store)(nil)

func (s *store) Get(_ context.Context, key catalog.Key) (catalog.Item, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reads++
	if s.err != nil {
		return catalog.Item{}, s.err
	}
	it, ok := s.items[key]
	if !ok {
		return catalog.Item{}, fault.New(fault.NotFound, "no item %v", key)
	}
	return it, nil
}

func (s *store) List(_ context.Context, name string) ([]catalog.Item, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reads++
	if s.err != nil {
		return nil, s.err
	}
	if name == s.unlisted {
		return nil, fault.New(fault.Unavailable, "the catalog table did not answer")
	}
	var found []catalog.Item
	for key, it := range s.items {
		if key.Name == name {
			found = append(found, it)
		}
	}
	slices.SortFunc(found, func(a, b catalog.Item) int { return strings.Compare(a.Version, b.Version) })
	return found, nil
}

func (s *store) Write(_ context.Context, items []catalog.Item) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		return s.err
	}
	if s.conflicts > 0 {
		s.conflicts--
		return fault.New(fault.Conflict, "changed meanwhile")
	}
	for _, it := range items {
		if s.items[it.Key].Stamp != it.Stamp-1 {
			return fault.New(fault.Conflict, "%v has changed meanwhile", it.Key)
		}
	}
	s.writes++
	for _, it := range items {
		s.items[it.Key] = it
	}
	return nil
}

// keys lists what is in the store, with each item's stamp.
func (s *store) keys() []string {
	var out []string
	for key, it := range s.items {
		out = append(out, fmt.Sprintf("%s %s %d", key.Name, key.Version, it.Stamp))
	}
	slices.Sort(out)
	return out
}

type machines struct {
	made   map[string]bool // by the machine's name
	err    error
	before func() // runs before a machine is made, if it is set
}

var _ catalog.Machines = (*machines)(nil)

func (m *machines) Create(_ context.Context, name string, _ *journey.Machine) (string, error) {
	if m.before != nil {
		m.before()
	}
	if m.err != nil {
		return "", m.err
	}
	m.made[name] = true
	return "arn:" + name, nil
}

type anyURL struct{}

func (anyURL) Check(string) error { return nil }

const (
	shop = `{"name": "shop", "channel": "webhook",
		"contract": {"method": "POST", "body": {"name": {"toBeMapped": true, "type": "string"}}, "response": {"id": {"type": "string"}}},
		"settings": {"url": "https://shop.example.com"}}`
	ready = `{"name": "ready", "entry": {"event": "order.ready", "profile": "event.customerId"},
		"steps": [{"id": "tell", "action": {"name": "shop", "version": 1, "with": {"name": "{{ profile.name }}"}}}]}`
	order    = `{"type": "object", "properties": {"customerId": {"type": "string"}}}`
	customer = `{"type": "object", "properties": {"name": {"type": "string"}}}`
)

type world struct {
	*catalog.Catalog
	t        *testing.T
	store    *store
	machines *machines
	now      time.Time
	slept    []time.Duration // how long changes waited for entry's memory
}

func newWorld(t *testing.T) *world {
	w := &world{t: t, store: &store{items: map[catalog.Key]catalog.Item{}}, machines: &machines{made: map[string]bool{}},
		now: time.Date(2026, 1, 31, 9, 30, 0, 0, time.UTC)}
	w.Catalog = &catalog.Catalog{Store: w.store, Machines: w.machines, Guard: anyURL{}, Channels: []channel.Traits{webhook.Traits()},
		Names: journey.Placeholder, Prefix: "w-", Now: func() time.Time { return w.now },
		Sleep: func(ctx context.Context, d time.Duration) error { w.slept = append(w.slept, d); return ctx.Err() }}
	return w
}

// live is a world with one journey that is live.
func live(t *testing.T) *world {
	t.Helper()
	w := newWorld(t)
	ctx := t.Context()
	w.must(failure(w.SaveProfileSchema(ctx, []byte(customer))))
	w.must(failure(w.SaveEventSchema(ctx, "order.ready", []byte(order))))
	w.must(w.SaveAction(ctx, "shop", []byte(shop)))
	_, err := w.PublishAction(ctx, "shop")
	w.must(err)
	w.must(w.SaveJourney(ctx, "ready", []byte(ready)))
	_, err = w.PublishJourney(ctx, "ready")
	w.must(err)
	return w
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// failure is a call's error without its value.
func failure[T any](_ T, err error) error { return err }

func (w *world) listeners() []string {
	w.t.Helper()
	var out []string
	for _, event := range []string{"order.ready", "order.late"} {
		found, err := catalog.NewListeners(w.store, w.Now).Read(w.t.Context(), event)
		w.must(err)
		for _, l := range found.Journeys {
			out = append(out, fmt.Sprintf("%s: %s %d %s", event, l.Journey, l.Version, l.Entry.Profile))
		}
	}
	return out
}

func TestWhatThereIs(t *testing.T) {
	w := live(t)
	want := []string{
		"action#shop draft 1", "action#shop latest 1", "action#shop v00001 1", "action#shop v00001.r00001 1", "checked# turn 3",
		"event#order.ready schema 1", "journey#ready draft 1", "journey#ready latest 1", "journey#ready v00001 1",
		"list#action shop 1", "list#event order.ready 1", "list#journey ready 1", "listen#order.ready ready 1", "profile# schema 1",
	}
	if diff := cmp.Diff(want, w.store.keys()); diff != "" {
		t.Error(diff)
	}
}

// Saving and publishing what is so already writes nothing.
func TestRepeatsWriteNothing(t *testing.T) {
	w := live(t)
	before := w.store.writes
	ctx := t.Context()
	w.must(failure(w.SaveProfileSchema(ctx, []byte("  "+customer))))
	w.must(failure(w.SaveEventSchema(ctx, "order.ready", []byte(order))))
	w.must(w.SaveAction(ctx, "shop", []byte(shop)))
	w.must(w.SaveJourney(ctx, "ready", []byte(ready)))
	_, err := w.PublishAction(ctx, "shop")
	w.must(err)
	_, err = w.PublishJourney(ctx, "ready")
	w.must(err)
	_, err = w.PatchSettings(ctx, "shop", 1, []byte(`{"url": "https://shop.example.com"}`))
	w.must(err)
	if w.store.writes != before || len(w.machines.made) != 1 {
		t.Errorf("%d more writes, %d machines", w.store.writes-before, len(w.machines.made))
	}
}

// A change that another overtook is made again; one that is overtaken time and
// again is a Conflict, and nothing else is.
func TestOvertaken(t *testing.T) {
	for conflicts, want := range map[int]fault.Code{0: "", 1: "", 4: "", 5: fault.Conflict} {
		w := live(t)
		w.store.conflicts = conflicts
		p, err := w.PatchSettings(t.Context(), "shop", 1, []byte(`{"timeout": "5s"}`))
		switch {
		case want == "" && (err != nil || p.Revision != 2):
			t.Errorf("after %d conflicts: revision %d, %v", conflicts, p.Revision, err)
		case want != "" && !fault.Is(err, want):
			t.Errorf("after %d conflicts: %v", conflicts, err)
		}
		if w.store.conflicts != 0 {
			t.Errorf("%d conflicts are left: it gave up early", w.store.conflicts)
		}
	}
	// A refusal is not repeated.
	w := live(t)
	reads := w.store.reads
	if _, err := w.PatchSettings(t.Context(), "shop", 1, []byte(`{"requires": "profile.nobody == 1"}`)); !fault.Is(err, fault.Conflict) {
		t.Errorf("%v, want a Conflict", err)
	}
	if once := w.store.reads - reads; once > 10 {
		t.Errorf("%d reads: the refusal was tried again", once)
	}
}

// A schema that is changed while a journey is being published, and fits only
// the journeys before it, does not slip past: the publish is checked again.
func TestAPublishMeetsASchemaChange(t *testing.T) {
	w := live(t)
	ctx := t.Context()
	w.must(failure(w.SaveProfileSchema(ctx, []byte(`{"type": "object", "properties": {"name": {"type": "string"}, "city": {"type": "string"}}}`))))
	w.must(w.SaveJourney(ctx, "ready", []byte(strings.Replace(ready, "profile.name", "profile.city", 1))))
	w.machines.before = func() {
		w.machines.before = nil
		w.must(failure(w.SaveProfileSchema(ctx, []byte(customer))))
	}
	_, err := w.PublishJourney(ctx, "ready")
	if !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), "the profile schema has no city") {
		t.Errorf("%v, want that the city is gone", err)
	}
}

// Where the engine fails, nothing is published, and a later publish makes the
// same version.
func TestPublishAfterAFailure(t *testing.T) {
	w := live(t)
	changed := strings.Replace(ready, "profile.name", "profile.name ?? 'you'", 1)
	w.must(w.SaveJourney(t.Context(), "ready", []byte(changed)))
	before := w.store.keys()
	w.machines.err = fault.New(fault.Unavailable, "the engine does not answer")
	if _, err := w.PublishJourney(t.Context(), "ready"); !fault.Is(err, fault.Unavailable) {
		t.Errorf("%v", err)
	}
	if diff := cmp.Diff(before, w.store.keys()); diff != "" {
		t.Error(diff)
	}
	w.machines.err = nil
	p, err := w.PublishJourney(t.Context(), "ready")
	if err != nil || p.Version != 2 {
		t.Errorf("version %d, %v", p.Version, err)
	}
}

// Events enter the live version; a journey that turns to another event leaves
// the one that it listened to.
func TestListeners(t *testing.T) {
	w := live(t)
	publish := func(doc string) {
		t.Helper()
		w.must(w.SaveJourney(t.Context(), "ready", []byte(doc)))
		_, err := w.PublishJourney(t.Context(), "ready")
		w.must(err)
	}
	check := func(want ...string) {
		t.Helper()
		if diff := cmp.Diff(want, w.listeners()); diff != "" {
			t.Error(diff)
		}
	}
	check("order.ready: ready 1 event.customerId")
	publish(strings.Replace(ready, `"profile": "event.customerId"`, `"profile": "event.customerId ?? 'x'"`, 1))
	check("order.ready: ready 2 event.customerId ?? 'x'")
	w.must(failure(w.SaveEventSchema(t.Context(), "order.late", []byte(order))))
	late := strings.Replace(ready, "order.ready", "order.late", 1)
	publish(late)
	check("order.late: ready 3 event.customerId")
	publish(ready)
	check("order.ready: ready 4 event.customerId")
	publish(late)
	check("order.late: ready 5 event.customerId")
}

// Memory holds what was read, and for a second only: an event that a journey
// misses does not come again.
func TestListenersMemory(t *testing.T) {
	w := live(t)
	l := catalog.NewListeners(w.store, w.Now)
	if l.Known("order.ready") != nil {
		t.Error("something is known already")
	}
	read, err := l.Read(t.Context(), "order.ready")
	w.must(err)
	if len(read.Journeys) != 1 || read.Schema == nil || l.Known("order.ready") != read {
		t.Errorf("%+v was read, and %+v is known", read, l.Known("order.ready"))
	}
	w.now = w.now.Add(time.Second + 1)
	if l.Known("order.ready") != nil {
		t.Error("memory outlived its age")
	}
	nobody, err := l.Read(t.Context(), "order.late")
	if err != nil || len(nobody.Journeys) != 0 || nobody.Schema != nil {
		t.Errorf("nobody listens: %+v, %v", nobody, err)
	}
	w.store.err = errors.New("down")
	if _, err := l.Read(t.Context(), "order.ready"); err == nil {
		t.Error("a store that is down gave listeners")
	}
}

func TestActionsMemory(t *testing.T) {
	w := live(t)
	actions := catalog.NewActions(w.store, w.Now)
	if a, fresh := actions.Cached("shop", 1); a != nil || fresh {
		t.Error("something is known already")
	}
	first, err := actions.Read(t.Context(), "shop", 1)
	w.must(err)
	if a, fresh := actions.Cached("shop", 1); a != first || !fresh {
		t.Error("what was read is not known")
	}
	w.now = w.now.Add(catalog.MaxAge)
	if a, fresh := actions.Cached("shop", 1); a != first || fresh {
		t.Error("an old memory must be given, and said to be old")
	}
	again, err := actions.Read(t.Context(), "shop", 1)
	w.must(err)
	if again != first {
		t.Error("an unchanged action was compiled again")
	}
	_, err = w.PatchSettings(t.Context(), "shop", 1, []byte(`{"url": "https://other.example.com"}`))
	w.must(err)
	changed, err := actions.Read(t.Context(), "shop", 1)
	w.must(err)
	if got, want := changed.Settings.URL, "https://other.example.com"; got != want {
		t.Errorf("URL = %s, want %s", got, want)
	}
	_, err = actions.Read(t.Context(), "shop", 2)
	if !fault.Is(err, fault.NotFound) || fault.Public(err) != "the action shop version 2 is not published" {
		t.Errorf("%v", err)
	}
}

// Every revision of the settings stays, for the audit.
func TestRevisionsStay(t *testing.T) {
	w := live(t)
	for i, patch := range []string{`{"timeout": "5s"}`, `{"timeout": null}`} {
		w.now = w.now.Add(time.Minute)
		p, err := w.PatchSettings(t.Context(), "shop", 1, []byte(patch))
		if err != nil || p.Revision != i+2 || !p.ChangedAt.Equal(w.now) || p.PublishedAt.Equal(w.now) {
			t.Errorf("%+v, %v", p, err)
		}
	}
	var got []string
	items, err := w.store.List(t.Context(), "action#shop")
	w.must(err)
	for _, it := range items {
		if strings.Contains(it.Version, ".r") {
			got = append(got, it.Version+" "+it.At.Format("15:04")+" "+string(it.Document))
		}
	}
	want := []string{
		`v00001.r00001 09:30 {"url":"https://shop.example.com","guarantee":"atLeastOnce"}`,
		`v00001.r00002 09:31 {"url":"https://shop.example.com","timeout":"5s","guarantee":"atLeastOnce"}`,
		`v00001.r00003 09:32 {"url":"https://shop.example.com","guarantee":"atLeastOnce"}`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// A store that fails makes every change fail, with its own error.
func TestAFailingStore(t *testing.T) {
	w := live(t)
	w.store.err = fault.New(fault.Unavailable, "the catalog table did not answer")
	ctx := t.Context()
	_, publishAction := w.PublishAction(ctx, "shop")
	_, publishJourney := w.PublishJourney(ctx, "ready")
	_, patch := w.PatchSettings(ctx, "shop", 1, []byte(`{"timeout": "5s"}`))
	_, latest := w.Latest(ctx, catalog.KindAction, "shop")
	for name, err := range map[string]error{
		"SaveAction": w.SaveAction(ctx, "shop", []byte(shop)), "SaveJourney": w.SaveJourney(ctx, "ready", []byte(ready)),
		"SaveProfileSchema": failure(w.SaveProfileSchema(ctx, []byte(`{}`))), "SaveEventSchema": failure(w.SaveEventSchema(ctx, "x", []byte(`{}`))),
		"SaveSource": w.saveSource(stores), "PublishAction": publishAction, "PublishJourney": publishJourney, "PatchSettings": patch, "Latest": latest,
	} {
		if !fault.Is(err, fault.Unavailable) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestExamplesGiveWay: a schema that breaks an example closes it, and a publish
// opens it again once it fits.
func TestExamplesGiveWay(t *testing.T) {
	w, ctx := live(t), t.Context()
	w.must(w.SaveJourney(ctx, "ready", []byte(strings.Replace(ready, `{"name"`, `{"tags": ["example"], "name"`, 1))))
	if _, err := w.PublishJourney(ctx, "ready"); err != nil {
		t.Fatal(err)
	}
	closed, err := w.SaveProfileSchema(ctx, []byte(`{"type": "object", "properties": {"other": {"type": "string"}}}`))
	if diff := cmp.Diff([]string{"ready"}, closed); err != nil || diff != "" {
		t.Fatalf("closed (-want +got):\n%s%v", diff, err)
	}
	if got := w.listeners(); len(got) != 0 {
		t.Errorf("still listening: %v", got)
	}
	if _, err := w.PublishJourney(ctx, "ready"); !fault.Is(err, fault.Invalid) {
		t.Errorf("published although it does not fit: %v", err)
	}
	if closed, err := w.SaveProfileSchema(ctx, []byte(customer)); err != nil || closed != nil {
		t.Errorf("closed %v, %v", closed, err)
	}
	p, err := w.PublishJourney(ctx, "ready")
	if err != nil || p.Version != 2 {
		t.Fatalf("version %d, %v; want version 2 again", p.Version, err)
	}
	if got := w.listeners(); len(got) != 1 {
		t.Errorf("listening: %v", got)
	}
}
