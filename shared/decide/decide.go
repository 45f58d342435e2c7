// Package decide evaluates the branches of a condition step: it reads the
// profile and the sources at that moment, asking only for what the branches
// name, and gives the first branch that is true.
package decide

import (
	"context"
	"log/slog"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/waypost/waypost/shared/delivery"
	"github.com/waypost/waypost/shared/fault"
	"github.com/waypost/waypost/shared/mapping"
	"github.com/waypost/waypost/shared/source"
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
	Sources  delivery.Sources
	Log      *slog.Logger
	Now      func() time.Time
}

// sourcesTime is what sources are given where the context has no deadline, and
// reserve is what is kept of one that it has.
const (
	sourcesTime = source.MaxTimeout
	reserve     = 3 * time.Second
)

// Decide evaluates a condition. A profile that does not exist has no
// attributes, and a source that fails no answer: each is nil, so that a
// condition on it is false.
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
	if err := h.read(ctx, t, reads, &env); err != nil {
		return Decision{}, err
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

// read reads the profile and the sources, at once, into what expressions see.
func (h *Handler) read(ctx context.Context, t Task, reads mapping.References, env *mapping.Env) error {
	profileAt := func(ctx context.Context, paths mapping.Paths) (map[string]any, error) {
		attributes, err := h.Profiles.Read(ctx, t.State.Profile, paths)
		if fault.Is(err, fault.NotFound) {
			return nil, nil
		}
		return attributes, err
	}
	if len(reads.Sources) == 0 {
		if reads.Profile.Empty() {
			return nil
		}
		var err error
		env.Profile, err = profileAt(ctx, reads.Profile)
		return err
	}
	in := source.Inputs{Env: *env, Until: h.Now().Add(sourcesTime)}
	if deadline, ok := ctx.Deadline(); ok {
		in.Until = deadline.Add(-reserve)
	}
	paths := reads.Profile.Merge(h.Sources.Paths(reads.Sources))
	profile := source.Once(func() (map[string]any, error) { return profileAt(ctx, paths) })
	in.Profile = source.Shared(profile, paths, profileAt)
	var trip errgroup.Group
	if !paths.Empty() {
		trip.Go(func() (err error) {
			env.Profile, err = profile()
			return err
		})
	}
	var answers source.Answers
	trip.Go(func() (err error) {
		answers, err = h.Sources.Resolve(ctx, reads.Sources, in)
		return err
	})
	if err := trip.Wait(); err != nil {
		return err
	}
	env.Data = answers.Data
	if why := answers.Why(); why != "" {
		h.Log.LogAttrs(ctx, slog.LevelWarn, "condition without its sources", slog.String("execution", t.Execution), slog.String("step", t.Step), slog.String("reason", why))
	}
	return nil
}
