package replay

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/waypost/waypost/shared/delivery"
	"github.com/waypost/waypost/shared/fault"
	"github.com/waypost/waypost/shared/journey"
	"github.com/waypost/waypost/shared/ledger"
	"github.com/waypost/waypost/shared/schema"
)

// A handOver is the input of the delivery machine, as a journey's own step
// makes it: the function, and the task that it gets.
type handOver struct {
	Function string `json:"function"`
	Task     task   `json:"task"`
}

// A task is a delivery.Task but for what the machine adds.
type task struct {
	Format    int             `json:"format"`
	Action    delivery.Ref    `json:"action"`
	With      json.RawMessage `json:"with"`
	Step      string          `json:"step"`
	Iteration int             `json:"iteration"`
	Execution string          `json:"execution"`
	Entered   time.Time       `json:"enteredStep"`
	State     delivery.State  `json:"state"`
}

// maxInput is the most bytes that Step Functions takes for an input
// (https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html).
const maxInput = 256 << 10

// input builds anew what the delivery's function was given. Its error is a
// Conflict where something of it is no longer there.
func (r *Replayer) input(ctx context.Context, own *ledger.Execution, d *ledger.Delivery, all []ledger.Delivery) (string, error) {
	if own == nil || own.Input == "" {
		return "", cannot(d, fault.New(fault.NotFound, "the ledger has no record of its execution, which was started by hand or is no longer kept, so the event is not known"))
	}
	var state delivery.State
	if err := json.Unmarshal([]byte(own.Input), &state); err != nil {
		return "", cannot(d, fault.Wrap(err, fault.Invalid, "what its execution was started with cannot be read"))
	}
	step, function, err := r.Steps.Step(ctx, d.Journey, d.Version, d.Step)
	if err != nil {
		return "", cannot(d, err)
	}
	arn := r.Names(function)
	if arn == "" || r.Names(journey.NameDelivery) == "" {
		return "", cannot(d, fault.New(fault.NotFound, "this deployment lacks the function %s or the delivery machine", function))
	}
	if step.With == nil {
		step.With = map[string]json.RawMessage{}
	}
	with, err := schema.Encode(step.With)
	if err != nil {
		return "", fmt.Errorf("encoding the step's mapping: %w", err)
	}
	if state.Steps, err = stepsBefore(d, all); err != nil {
		return "", err
	}
	data, err := schema.Encode(handOver{arn, task{
		Format: delivery.Format, Action: delivery.Ref{Name: d.Action, Version: d.ActionVersion}, With: with,
		Step: d.Step, Iteration: d.Iteration, Execution: d.Execution, Entered: d.EnteredAt, State: state,
	}})
	if err != nil {
		return "", fmt.Errorf("encoding the delivery machine's input: %w", err)
	}
	if len(data) > maxInput {
		return "", cannot(d, fault.New(fault.TooLarge, "its event and what the steps before it left come to %d bytes, and Step Functions takes %d", len(data), maxInput))
	}
	return string(data), nil
}

// stepsBefore is what the execution's steps left that were entered before the
// delivery's, by what the ledger has of them now. One that is not settled has
// left what a step leaves that is not waited for.
func stepsBefore(d *ledger.Delivery, all []ledger.Delivery) (json.RawMessage, error) {
	type left struct {
		Result delivery.Result `json:"result"`
	}
	steps := map[string]left{}
	for i := range all {
		other := &all[i]
		switch {
		case other.Step == d.Step || other.EnteredAt.After(d.EnteredAt):
		case other.State == ledger.Settled:
			steps[other.Step] = left{delivery.ResultOf(other)}
		default:
			steps[other.Step] = left{delivery.Result{Outcome: ledger.Pending}}
		}
	}
	data, err := schema.Encode(steps)
	if err != nil {
		return nil, fmt.Errorf("encoding what the steps before %s left: %w", d.ID(), err)
	}
	return data, nil
}

// cannot says that a delivery can't be replayed, and why. A failure that may
// pass by itself stays one.
func cannot(d *ledger.Delivery, err error) error {
	if code := fault.CodeOf(err); code == fault.Unavailable || code == fault.Internal {
		return err
	}
	return fault.Wrap(err, fault.Conflict, "the delivery %s cannot be replayed: %s", d.ID(), fault.Public(err))
}
