// Package decide evaluates the branches of a condition step: it reads the
// profile at that moment, asking only for the attributes that the branches
// name, and gives the first branch that is true.
package decide

import (
	"context"
	"time"

	"github.com/waypost/waypost/shared/delivery"
	"github.com/waypost/waypost/shared/fault"
	"github.com/waypost/waypost/shared/mapping"
)

// Profiles reads profiles; delivery.Profiles has the contract.
type Profiles interface {
	Read(ctx context.Context, id string, paths mapping.Paths) (map[string]any, error)
}

// A Task is what a state machine hands over for one condition step.
type Task struct {
	Format    int            `json:"format"`
	Step      string         `json:"step"`
	Branches  []string       `json:"branches"` // expressions, in order
	Execution string         `json:"execution"`
	State     delivery.State `json:"state"`
}

// A Decision is the branch to take: its number from 0, or -1 for none.
type Decision struct {
	Branch int `json:"branch"`
}

// Handler decides. All fields must be set.
type Handler struct {
	Profiles Profiles
	Now      func() time.Time
}

// Decide evaluates a condition. A profile that does not exist has no
// attributes: each is nil, so that a condition on it is false.
func (h *Handler) Decide(ctx context.Context, t Task) (Decision, error) {
	if t.Format != delivery.Format {
		return Decision{}, fault.New(fault.Invalid, "the step's input has format %d; this function reads format %d", t.Format, delivery.Format)
	}
	env, err := t.State.Env(t.Execution, h.Now())
	if err != nil {
		return Decision{}, err
	}
	branches := make([]*mapping.Expression, len(t.Branches))
	var reads mapping.References
	for i, src := range t.Branches {
		if branches[i], err = mapping.ParseExpression(src); err != nil {
			return Decision{}, err
		}
		reads = reads.Merge(branches[i].References())
	}
	if !reads.Profile.Empty() {
		env.Profile, err = h.Profiles.Read(ctx, t.State.Profile, reads.Profile)
		if err != nil && !fault.Is(err, fault.NotFound) {
			return Decision{}, err
		}
	}
	for i, b := range branches {
		yes, err := b.True(env)
		if err != nil {
			return Decision{}, err
		}
		if yes {
			return Decision{i}, nil
		}
	}
	return Decision{-1}, nil
}
