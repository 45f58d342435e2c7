package delivery

import (
	"context"
	"slices"

	"github.com/waypost/waypost/shared/action"
	"github.com/waypost/waypost/shared/mapping"
	"github.com/waypost/waypost/shared/source"
)

// paths lists the profile attributes that are read, those of the sources'
// requests among them.
func (a *attempt) paths(reads mapping.References, sources []string) mapping.Paths {
	if len(sources) == 0 {
		return reads.Profile
	}
	return reads.Profile.Merge(a.Sources.Paths(sources))
}

// profileRead gives the read of the profile, which is made once where sources
// wait for it too.
func (a *attempt) profileRead(ctx context.Context, paths mapping.Paths, sources []string) func() (map[string]any, error) {
	read := func() (map[string]any, error) { return a.profileAt(ctx, paths) }
	if len(sources) == 0 {
		return read
	}
	return source.Once(read)
}

func (a *attempt) profileAt(ctx context.Context, paths mapping.Paths) (map[string]any, error) {
	return a.Profiles.Read(ctx, a.task.State.Profile, paths)
}

// unanswered lists the sources that are read and were not asked yet.
func (a *attempt) unanswered(reads mapping.References) []string {
	return slices.DeleteFunc(slices.Clone(reads.Sources), a.answers.Has)
}

// ask asks sources, on behalf of an action, which may not be known yet. Those that need the profile wait for a read that asks for
// paths, and read it again where memory did not know of attributes that they need.
func (a *attempt) ask(ctx context.Context, sources []string, act *action.Action, paths mapping.Paths, read func() (map[string]any, error)) (source.Answers, error) {
	env, err := a.task.State.Env(a.task.Execution, a.began)
	if err != nil {
		return source.Answers{}, err
	}
	// The endpoint's time and the last writes' are not theirs.
	endpoint := action.MaxTimeout
	if act != nil {
		endpoint = act.Settings.RoundTimeout()
	}
	return a.Sources.Resolve(ctx, sources, source.Inputs{Env: env, Until: a.deadline.Add(-endpoint - settleTime),
		Profile: source.Shared(read, paths, a.profileAt)})
}

// because adds to a reason which sources had nothing to give.
func (a *attempt) because(reason string) string {
	return joined(reason, a.answers.Why())
}
