package admin

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/waypost/waypost/shared/fault"
	"github.com/waypost/waypost/shared/ledger"
)

// An Execution is one profile's run through one journey version, as its trace shows it.
type Execution struct {
	Execution string    `json:"execution"`
	Journey   string    `json:"journey"`
	Version   int       `json:"version"`
	Profile   string    `json:"profile"`
	Event     Event     `json:"event"`
	EnteredAt time.Time `json:"enteredAt" doc:"when the event was accepted"`
	StartedAt time.Time `json:"startedAt,omitzero" doc:"when the engine started it"`
	StoppedAt time.Time `json:"stoppedAt,omitzero"`
	// Status is the engine's, or what the ledger says of one that the engine does not know.
	Status     string     `json:"status" doc:"RUNNING, SUCCEEDED, FAILED, TIMED_OUT or ABORTED; of one that the engine does not know: pending, started or failed"`
	Error      string     `json:"error,omitempty"`
	Cause      string     `json:"cause,omitempty" doc:"of an outcome: the outcome, the HTTP status where there is one, and the reason"`
	Steps      []Visited  `json:"steps" doc:"the journey's steps that it came to, in order"`
	Deliveries []Delivery `json:"deliveries"`
}

// An Event names the event that an execution began with.
type Event struct {
	Type   string `json:"type"`
	Source string `json:"source"`
	ID     string `json:"id"`
}

// Visited is one stay in a step: from its first state to its last.
type Visited struct {
	Step    string    `json:"step"`
	Entered time.Time `json:"enteredAt"`
	Exited  time.Time `json:"exitedAt,omitzero" doc:"absent while it is there"`
}

func (h *Handler) getExecution(ctx context.Context, in *struct {
	Execution string `path:"execution" doc:"the execution's name"`
}) (Execution, error) {
	own, deliveries, err := h.Ledger.Trace(ctx, in.Execution)
	if err != nil {
		return Execution{}, err
	}
	if own == nil || own.Journey == "" { // the ledger's other items lie under keys that no execution has
		return Execution{}, fault.New(fault.NotFound, "there is no execution %s", in.Execution)
	}
	x := Execution{
		Execution: own.Execution, Journey: own.Journey, Version: own.Version, Profile: own.Profile,
		Event:     Event{own.EventType, own.EventSource, own.EventID},
		EnteredAt: own.EnteredAt, StartedAt: own.StartedAt, Status: own.State, Error: own.Reason,
		Steps: []Visited{}, Deliveries: showAll(deliveries),
	}
	if own.Express || own.State != ledger.Started {
		return x, nil // nobody can ask about an Express one
	}
	return x, h.engine(ctx, own.RunnerARN(), &x)
}

// engine adds what the engine tells of an execution, if it knows it. Its steps
// and its deliveries are read once its status is known, so that one that is said
// to have ended has them all.
func (h *Handler) engine(ctx context.Context, arn string, x *Execution) error {
	run, err := h.Executions.Describe(ctx, arn)
	if fault.Is(err, fault.NotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	var visits []ledger.Visit
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() (err error) {
		visits, err = h.Executions.Visits(gctx, arn)
		return err
	})
	g.Go(func() error {
		_, deliveries, err := h.Ledger.Trace(gctx, x.Execution)
		x.Deliveries = showAll(deliveries)
		return err
	})
	if err := g.Wait(); err != nil {
		return err
	}
	x.Status, x.StartedAt, x.StoppedAt, x.Error, x.Cause = run.Status, run.Started, run.Stopped, run.Error, causeOf(run)
	x.Steps = steps(visits)
	return nil
}

// causeOf says why a run ended, without what an endpoint answered or an event
// held: an outcome's cause has the answer's fields, and the engine's own may
// repeat any of a state's data.
func causeOf(run ledger.Run) string {
	if run.Cause == "" {
		return ""
	}
	var cause struct{ ErrorMessage string }
	if !strings.HasPrefix(run.Error, "Waypost.") || json.Unmarshal([]byte(run.Cause), &cause) != nil || cause.ErrorMessage == "" {
		return "Step Functions has it in the execution's history: it may hold the event's data"
	}
	var ended struct {
		Outcome ledger.Outcome
		Code    int
		Reason  string
	}
	switch err := json.Unmarshal([]byte(cause.ErrorMessage), &ended); {
	case err != nil:
		return cause.ErrorMessage // a function's own words on what it could not do
	case ended.Code == 0:
		return fmt.Sprintf("%s: %s", ended.Outcome, ended.Reason)
	}
	return fmt.Sprintf("%s, %d: %s", ended.Outcome, ended.Code, ended.Reason)
}

// steps makes the journey's steps of a machine's states. A step's states are
// its id alone, and its id with a dot and more; two ends are no step's.
func steps(visits []ledger.Visit) []Visited {
	out := []Visited{}
	for _, v := range visits {
		if v.State == "journey.done" || v.State == "journey.stopped" {
			continue
		}
		step, _, _ := strings.Cut(v.State, ".")
		if n := len(out); n > 0 && out[n-1].Step == step {
			out[n-1].Exited = v.Exited
			continue
		}
		out = append(out, Visited{step, v.Entered, v.Exited})
	}
	return out
}
