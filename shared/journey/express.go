package journey

import (
	"fmt"
	"slices"
	"time"

	"github.com/waypost/waypost/shared/action"
	"github.com/waypost/waypost/shared/limit"
	"github.com/waypost/waypost/shared/mapping"
)

const (
	// expressStep is the longest that a step of an Express machine may last.
	expressStep = 4 * time.Minute
	// expressLimit is when Step Functions ends the machine, wherever it is.
	expressLimit = expressTimeout * time.Second
	// quickTask is what a Task takes that calls no endpoint, with a cold start.
	quickTask = 2 * time.Second
)

// express checks that the action's settings fit an Express machine's five minutes.
func (c *checker) express(act *action.Action, a *Action, at string) {
	if problem := expressProblem(act.Settings); problem != "" {
		c.say(at, "an express journey can't use %s version %d: %s", a.Name, a.Version, problem)
	}
}

// expressProblem says why settings don't fit an Express machine, or "". A
// change of settings is held to it too, where a live express journey uses them.
func expressProblem(s action.Settings) string {
	if s.Within() > expressStep {
		return fmt.Sprintf("its settings.retry.within is %s, and a step may last %s at most", action.Duration(s.Within()), action.Duration(expressStep))
	}
	if slices.ContainsFunc(s.Limits, func(l limit.Limit) bool { return l.Kind == limit.Throttle }) {
		return "its settings.limits has a throttle, which can hold a delivery back for hours"
	}
	return ""
}

// lasts gives how long an execution may have lasted after steps that are
// entered so late, by the longest way through them. The step at which that is
// too long for Express is reported, once on each way.
func (c *checker) lasts(steps []Step, at string, entered time.Duration) time.Duration {
	for i := range steps {
		s, at := &steps[i], fmt.Sprintf("%s.%d", at, i)
		left := entered
		switch {
		case s.Wait != nil:
			left += time.Duration(s.Wait.For)
		case s.Condition != nil:
			left += c.deciding(s.Condition)
		case s.Action.Await == AwaitNone:
			left += quickTask
		default: // the last attempt begins within settings.retry.within
			settings := c.actions[s.Action].Settings
			left += settings.Within() + settings.RoundTimeout()
		}
		if entered <= expressLimit && left > expressLimit {
			c.say(at, "may end %s after the journey began, and an express journey has %s: shorten the waits and settings.retry.within on the way to it, or leave out mode",
				action.Duration(left), action.Duration(expressLimit))
		}
		entered = left
		switch {
		case s.Condition != nil:
			for k, b := range s.Condition.Branches {
				entered = max(entered, c.lasts(b.Steps, fmt.Sprintf("%s.condition.branches.%d.steps", at, k), left))
			}
			entered = max(entered, c.lasts(s.Condition.Otherwise, at+".condition.otherwise", left))
		case s.OnError != nil:
			entered = c.lasts(s.OnError.Steps, at+".onError", left)
		}
	}
	return entered
}

// deciding is how long evaluating a condition takes, with the sources that it reads.
func (c *checker) deciding(d *Condition) time.Duration {
	var sources time.Duration
	for _, b := range d.Branches {
		e, err := mapping.ParseExpression(b.When)
		if err != nil {
			continue // shape has said so
		}
		for _, name := range e.References().Sources {
			if s := c.sources[name]; s != nil {
				sources = max(sources, s.Settings.CallTimeout())
			}
		}
	}
	return quickTask + sources
}
