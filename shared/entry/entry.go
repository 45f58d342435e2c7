// Package entry takes events in: it validates one, finds the live journeys
// that listen, records an execution for each, starts them, and answers.
//
// Nothing that got its answer is lost, and nothing starts twice. Before the
// answer, the ledger has the event's record, which lists its executions, and a
// record of each, pending; a start that fails leaves it pending, and a repeat
// of the event or the sweep starts it under the same name. Only what an
// event's record lists is ever started: a record that was written beside one
// that lost the race for the event is not.
package entry

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/waypost/waypost/shared/catalog"
	"github.com/waypost/waypost/shared/delivery"
	"github.com/waypost/waypost/shared/fault"
	"github.com/waypost/waypost/shared/ledger"
	"github.com/waypost/waypost/shared/mapping"
	"github.com/waypost/waypost/shared/profile"
	"github.com/waypost/waypost/shared/schema"
)

// Listeners finds the live journeys of an event type.
type Listeners interface {
	// Known gives what memory has of an event type, or nil.
	Known(eventType string) *catalog.Listening
	// Read reads it.
	Read(ctx context.Context, eventType string) (*catalog.Listening, error)
}

// Events keeps the events' records.
type Events interface {
	// Event gives an event's record. A NotFound means it was never accepted.
	Event(ctx context.Context, source, id string) (ledger.EventRecord, error)
	// RecordEvent writes one, or gives the one that is there already, with false.
	RecordEvent(ctx context.Context, r ledger.EventRecord) (ledger.EventRecord, bool, error)
}

// Executions keeps the executions' records.
type Executions interface {
	// Create writes one as pending, where there is none of its name. refused
	// says that re-entrance forbids it.
	Create(ctx context.Context, e ledger.Execution, rule *ledger.Reentry) (created, refused bool, _ error)
	// Execution reads one. A NotFound means there is none.
	Execution(ctx context.Context, name string) (ledger.Execution, error)
}

// Handler takes events in. All fields must be set.
type Handler struct {
	Listeners  Listeners
	Events     Events
	Executions Executions
	Starter    Starter
	Log        *slog.Logger
	Now        func() time.Time
}

// An Answer says what became of an event.
type Answer struct {
	Executions []Started `json:"executions"`
	// Duplicate says that the event was accepted before: nothing new started.
	Duplicate bool `json:"duplicate,omitempty"`
}

// Started names one execution.
type Started struct {
	Execution string `json:"execution"`
	Journey   string `json:"journey"`
	Version   int    `json:"version"`
}

// Enter takes one event in.
func (h *Handler) Enter(ctx context.Context, e Event) (Answer, error) {
	now := h.Now()
	wanted, err := h.find(ctx, e, now)
	if err != nil {
		// What was accepted stays so, whatever has become of its schema.
		before, readErr := h.Events.Event(ctx, e.Source, e.ID)
		switch {
		case readErr == nil:
			return h.repeat(ctx, e, before)
		case fault.Is(readErr, fault.NotFound):
			return Answer{}, err
		}
		return Answer{}, readErr
	}
	if slices.ContainsFunc(wanted, func(w entrant) bool { return w.rule != nil }) {
		// Re-entrance is claimed for good: not for a repeat of an event.
		before, err := h.Events.Event(ctx, e.Source, e.ID)
		if err == nil {
			return h.repeat(ctx, e, before)
		}
		if !fault.Is(err, fault.NotFound) {
			return Answer{}, err
		}
	}
	entered, record, first, err := h.record(ctx, e, wanted, now)
	if err != nil {
		return Answer{}, err
	}
	if !first {
		return h.repeat(ctx, e, record)
	}
	h.start(ctx, entered)
	return answerOf(record, false), nil
}

// find gives the executions that an event asks for. Memory is trusted only
// with those that it knows of: that a journey listens to no such event, or that
// the event breaks its schema, is never taken from it. Where another journey is
// known to listen already, a publish is answered only once the memories from
// before it are no longer trusted (catalog.Catalog). So a journey that has been
// published hears the next event.
func (h *Handler) find(ctx context.Context, e Event, now time.Time) ([]entrant, error) {
	if known := h.Listeners.Known(e.Type); known != nil {
		if wanted, nobody, err := h.wanted(e, known, now); err == nil && len(wanted) > 0 {
			h.without(ctx, e, nobody)
			return wanted, nil
		}
	}
	listening, err := h.Listeners.Read(ctx, e.Type)
	if err != nil {
		return nil, err
	}
	wanted, nobody, err := h.wanted(e, listening, now)
	h.without(ctx, e, nobody)
	return wanted, err
}

// without notes the journeys that an event does not enter for want of a profile.
func (h *Handler) without(ctx context.Context, e Event, nobody []catalog.Listener) {
	for _, l := range nobody {
		h.Log.LogAttrs(ctx, slog.LevelInfo, "not entered: its entry.profile is nil for this event",
			slog.String("journey", l.Journey), slog.Int("version", l.Version), slog.String("type", e.Type))
	}
}

// An entrant is an execution that an event asks for.
type entrant struct {
	ledger.Execution
	rule *ledger.Reentry // nil where a profile may always enter again
}

// wanted holds the event against its schema, and evaluates each journey's
// entry: which profile enters, if any. nobody are the journeys that would be
// entered, had the event a profile for them.
func (h *Handler) wanted(e Event, listening *catalog.Listening, now time.Time) (out []entrant, nobody []catalog.Listener, _ error) {
	if listening.Schema != nil {
		if err := fault.Document("the event does not fit the schema of "+e.Type, fault.Under("data", listening.Schema.Validate(e.Data))); err != nil {
			return nil, nil, err
		}
	}
	env := mapping.Env{Event: e.Data, Now: now,
		Entry: mapping.Entry{ID: e.ID, Source: e.Source, Type: e.Type, Time: e.Time, Subject: e.Subject}}
	var details []fault.Detail
	for _, l := range listening.Journeys {
		id, enters, err := evaluate(l, env)
		if err != nil {
			details = append(details, fault.Under("journey "+l.Journey, fault.Details(err))...)
			continue
		}
		if !enters {
			continue
		}
		if id == "" {
			nobody = append(nobody, l)
			continue
		}
		input, err := input(e, l, id, now)
		if err != nil {
			return nil, nil, err
		}
		if len(input) > MaxInput {
			return nil, nil, fault.New(fault.TooLarge, "the event is too large for the journey %s: written out as JSON, with every number in full, it makes an execution's "+
				"input of %d bytes, and %d are allowed", l.Journey, len(input), MaxInput)
		}
		w := entrant{Execution: ledger.Execution{
			Execution: ledger.ExecutionName(l.Journey, e.Source, e.ID, id), Journey: l.Journey, Version: l.Version, Profile: id,
			StateMachine: l.Machine, Express: l.Express, Input: input, State: ledger.Pending,
			EventSource: e.Source, EventID: e.ID, EventType: e.Type, EnteredAt: now,
		}}
		if r := l.Entry.Reentry; r != nil && (!r.Allowed || r.After > 0) {
			w.rule = &ledger.Reentry{Allowed: r.Allowed, After: time.Duration(r.After)}
		}
		out = append(out, w)
	}
	return out, nobody, fault.Document("the event cannot enter every journey that listens to it", details)
}

// evaluate gives the id of the profile that enters a journey, and whether one
// does. It is "" where the event has none: an event may be about nobody for one
// journey, and about a customer for another.
func evaluate(l catalog.Listener, env mapping.Env) (id string, enters bool, _ error) {
	if l.Entry.When != "" {
		when, err := mapping.ParseExpression(l.Entry.When)
		if err != nil {
			return "", false, err
		}
		if enters, err = when.True(env); err != nil || !enters {
			return "", false, err
		}
	}
	expression, err := mapping.ParseExpression(l.Entry.Profile)
	if err != nil {
		return "", false, err
	}
	v, err := expression.Eval(env)
	if err != nil {
		return "", false, err
	}
	if v == nil {
		return "", true, nil
	}
	id, ok := v.(string)
	if !ok || profile.CheckID(id) != nil {
		return "", false, fault.New(fault.Invalid, "its entry.profile, %s, must give a profile's id: text of 1 to %d bytes", l.Entry.Profile, profile.MaxID)
	}
	return id, true, nil
}

// input is what an execution is started with: delivery.State as JSON.
func input(e Event, l catalog.Listener, id string, now time.Time) (string, error) {
	data, err := schema.Encode(e.Data)
	if err != nil {
		return "", fmt.Errorf("encoding the event's data: %w", err)
	}
	out, err := schema.Encode(delivery.State{
		Format: delivery.Format, Journey: delivery.Journey{Name: l.Journey, Version: l.Version},
		Entry: delivery.Entry{ID: e.ID, Source: e.Source, Type: e.Type, Time: e.Time, Subject: e.Subject, Accepted: now},
		Event: data, Profile: id, Steps: json.RawMessage(`{}`),
	})
	if err != nil {
		return "", fmt.Errorf("encoding the execution's input: %w", err)
	}
	return string(out), nil
}

// record writes the event's record and each execution's, all at once. Where a
// re-entrance must be claimed, that comes first: only who may enter is listed.
func (h *Handler) record(ctx context.Context, e Event, wanted []entrant, now time.Time) (entered []ledger.Execution, _ ledger.EventRecord, first bool, _ error) {
	created, refused := make([]bool, len(wanted)), make([]bool, len(wanted))
	claims, claimCtx := errgroup.WithContext(ctx)
	for i, w := range wanted {
		if w.rule == nil {
			continue
		}
		claims.Go(func() (err error) {
			created[i], refused[i], err = h.Executions.Create(claimCtx, w.Execution, w.rule)
			return err
		})
	}
	if err := claims.Wait(); err != nil {
		return nil, ledger.EventRecord{}, false, err
	}
	record := ledger.EventRecord{Source: e.Source, ID: e.ID, Type: e.Type, At: now, Executions: []ledger.ExecutedAs{}}
	var writes errgroup.Group
	for i, w := range wanted {
		if refused[i] {
			continue
		}
		entered = append(entered, w.Execution)
		record.Executions = append(record.Executions, ledger.ExecutedAs{Execution: w.Execution.Execution, Journey: w.Journey, Version: w.Version,
			Profile: w.Profile, StateMachine: w.StateMachine, Express: w.Express})
		if w.rule == nil {
			writes.Go(func() (err error) {
				created[i], _, err = h.Executions.Create(ctx, w.Execution, nil)
				return err
			})
		}
	}
	writes.Go(func() (err error) {
		record, first, err = h.Events.RecordEvent(ctx, record)
		return err
	})
	if err := writes.Wait(); err != nil || !first {
		return nil, record, false, err
	}
	return entered, record, true, h.renew(ctx, wanted, created, refused)
}

// renew writes again the records that were there already though the event was
// not: an earlier try that died had left them, perhaps of another version,
// and the sweep may be about to drop them.
func (h *Handler) renew(ctx context.Context, wanted []entrant, created, refused []bool) error {
	var writes errgroup.Group
	for i, w := range wanted {
		if !created[i] && !refused[i] {
			writes.Go(func() error { return h.Starter.Updates.Update(ctx, w.Execution) })
		}
	}
	return writes.Wait()
}

// repeat answers an event that was accepted before, and finishes what its
// first time may have left: records that are missing, starts that failed.
func (h *Handler) repeat(ctx context.Context, e Event, record ledger.EventRecord) (Answer, error) {
	var unstarted []ledger.Execution
	for _, x := range record.Executions {
		known, err := h.Executions.Execution(ctx, x.Execution)
		if fault.Is(err, fault.NotFound) {
			known, err = h.recreate(ctx, e, record, x)
		}
		if err != nil {
			return Answer{}, err
		}
		if known.State != ledger.Pending {
			continue
		}
		if known, err = h.Starter.Listed(ctx, known, x); err != nil {
			return Answer{}, err
		}
		unstarted = append(unstarted, known)
	}
	h.start(ctx, unstarted)
	return answerOf(record, true), nil
}

// recreate writes the record of an execution that the event's record lists.
func (h *Handler) recreate(ctx context.Context, e Event, record ledger.EventRecord, x ledger.ExecutedAs) (ledger.Execution, error) {
	in, err := input(e, catalog.Listener{Journey: x.Journey, Version: x.Version}, x.Profile, record.At)
	if err != nil {
		return ledger.Execution{}, err
	}
	missing := ledger.Execution{Execution: x.Execution, Journey: x.Journey, Version: x.Version, Profile: x.Profile,
		StateMachine: x.StateMachine, Express: x.Express, Input: in, State: ledger.Pending,
		EventSource: e.Source, EventID: e.ID, EventType: e.Type, EnteredAt: record.At}
	_, _, err = h.Executions.Create(ctx, missing, nil)
	return missing, err
}

// start starts executions at once. One that fails stays pending: the event is
// accepted all the same.
func (h *Handler) start(ctx context.Context, executions []ledger.Execution) {
	var g errgroup.Group
	for _, x := range executions {
		g.Go(func() error {
			if err := h.Starter.Start(ctx, x); err != nil {
				h.Log.LogAttrs(ctx, slog.LevelWarn, "execution not started yet; the sweep will start it",
					slog.String("execution", x.Execution), slog.String("journey", x.Journey), slog.Any("error", err))
			}
			return nil
		})
	}
	_ = g.Wait() // it has no errors
}

func answerOf(r ledger.EventRecord, duplicate bool) Answer {
	a := Answer{Executions: make([]Started, len(r.Executions)), Duplicate: duplicate}
	for i, x := range r.Executions {
		a.Executions[i] = Started{x.Execution, x.Journey, x.Version}
	}
	return a
}
