package catalog

import (
	"context"

	"github.com/waypost/waypost/shared/fault"
	"github.com/waypost/waypost/shared/journey"
)

// Step gives an action step of a published journey version, and the name of
// the function that serves its action. A NotFound says what of that is not there.
func (c *Catalog) Step(ctx context.Context, name string, version int, step string) (_ journey.Action, function string, _ error) {
	p, err := c.JourneyVersion(ctx, name, version)
	if err != nil {
		return journey.Action{}, "", err
	}
	j, err := journey.Parse(p.Document)
	if err != nil {
		return journey.Action{}, "", err
	}
	s := j.Find(step)
	if s == nil || s.Action == nil {
		return journey.Action{}, "", fault.New(fault.NotFound, "the journey %s version %d has no action step %s", name, version, step)
	}
	_, server, err := c.view(ctx, nil).Action(s.Action.Name, s.Action.Version)
	return *s.Action, server.Function, err
}
