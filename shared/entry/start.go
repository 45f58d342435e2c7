package entry

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"time"

	"github.com/waypost/waypost/shared/delivery"
	"github.com/waypost/waypost/shared/fault"
	"github.com/waypost/waypost/shared/ledger"
	"github.com/waypost/waypost/shared/schema"
)

// Machines starts executions of state machines.
type Machines interface {
	// Start starts one under a name. One that exists already counts as
	// started. An error other than an Unavailable fault is a refusal for good.
	Start(ctx context.Context, machine, name, input string) error
}

// Updates changes executions' records.
type Updates interface {
	// Update replaces one, whatever it is.
	Update(ctx context.Context, e ledger.Execution) error
	// Decide records how a start ended: the state, when or why.
	Decide(ctx context.Context, e ledger.Execution) error
}

// A Starter starts recorded executions and records that it did. The sweep has
// one too.
type Starter struct {
	Machines Machines
	Updates  Updates
	Log      *slog.Logger
	Now      func() time.Time
}

// Listed gives an execution as its event's record lists it, which alone says
// what is started. The execution's own record may be of another version, where
// it was written beside an event's record that lost its race: it is put right.
func (s *Starter) Listed(ctx context.Context, e ledger.Execution, x ledger.ExecutedAs) (ledger.Execution, error) {
	if e.StateMachine == x.StateMachine {
		return e, nil
	}
	var state delivery.State
	if err := json.Unmarshal([]byte(e.Input), &state); err != nil {
		return e, fmt.Errorf("reading the execution's input: %w", err)
	}
	state.Journey.Version = x.Version
	input, err := schema.Encode(state)
	if err != nil {
		return e, fmt.Errorf("encoding the execution's input: %w", err)
	}
	e.Version, e.StateMachine, e.Express, e.Input = x.Version, x.StateMachine, x.Express, string(input)
	return e, s.Updates.Update(ctx, e)
}

// Start starts an execution under its recorded name. Its error means that the
// record stays pending. An execution that Step Functions refuses for good is
// recorded as failed, with the reason.
func (s *Starter) Start(ctx context.Context, e ledger.Execution) error {
	err := s.Machines.Start(ctx, e.StateMachine, e.Execution, e.Input)
	switch {
	case fault.Is(err, fault.Unavailable):
		return err
	case err != nil:
		e.State, e.Reason = ledger.Refused, fault.Public(err)
		s.Log.LogAttrs(ctx, slog.LevelError, "execution refused for good", slog.String("execution", e.Execution),
			slog.String("journey", e.Journey), slog.Int("version", e.Version), slog.Any("error", err))
	default:
		e.State, e.StartedAt = ledger.Started, s.Now()
	}
	return s.Updates.Decide(ctx, e)
}
