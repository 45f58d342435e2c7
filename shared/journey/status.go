package journey

import (
	"time"

	"github.com/waypost/waypost/shared/action"
	"github.com/waypost/waypost/shared/fault"
)

// A step with await: "status" is made by the ordinary Task, and then waits:
//
//	text ── sent, suppressed, unknown ──> text.status ── woken ──────────────> next
//	 │                                     │ └─ undelivered, an outcome ─────> onError
//	 │                                     └─ the deadline, anything else ──> text.late
//	 └─ any other outcome ──> onError
//
// text.status is a Task whose function notes the Task's token in the delivery's
// record. Whoever hears the final status ends the Task by that token: the
// function itself, where the status is there already, or a delivery has nothing
// to wait for. text.late gives the last word once the deadline has passed: what
// woken would have given, where the status came in the end, or that there is none.

// Bounds of a deadline.
const (
	minDeadline = time.Second
	maxDeadline = 30 * 24 * time.Hour
)

// statusShape checks what only the document tells of await and deadline.
func (c *checker) statusShape(a *Action, at string) {
	deadline := time.Duration(a.Deadline)
	switch {
	case a.Await != AwaitStatus:
		if deadline != 0 {
			c.say(at+".deadline", "is only for await: \"status\"")
		}
	case c.journey.Express():
		c.say(at+".await", "can't be \"status\" in an express journey, which has no callbacks; leave out mode, or use \"response\" or \"none\"")
	case deadline < minDeadline || deadline > maxDeadline:
		c.say(at+".deadline", "must say how long the step waits for the final status, from %s to %s, such as PT1H", Duration(minDeadline), Duration(maxDeadline))
	}
}

// reports checks that somebody will report the status which a step awaits.
func (c *checker) reports(act *action.Action, by Server, a *Action, at string) {
	switch {
	case !by.Reports:
		c.say(at, "\"status\" needs an action whose provider reports a status by callback, and that of %s does not; use \"response\" or \"none\"", a.Name)
	case act.Settings.Callback == nil:
		c.say(at, "\"status\" needs an action whose settings have callback, with the secret that its provider's callbacks are signed with, and those of %s version %d have none; set it, or use \"response\" or \"none\"",
			a.Name, a.Version)
	case act.Settings.Failover != nil && act.Settings.Failover.Callback == nil:
		c.say(at, "\"status\" needs an action of which both providers report, and settings.failover of %s version %d has no callback; set it, or use \"response\" or \"none\"",
			a.Name, a.Version)
	}
}

// registering retries the Task that waits. While it fails nobody waits, so
// that an outage makes the waiting begin later, not end earlier.
var registering = retrier{fault.WaitingNames(), 5, 2, 150, 300, "FULL"}

// awaitStatus adds the states that follow the delivery.
func (c *compiler) awaitStatus(s *Step, caught, next string) {
	function, name := c.names(c.functions[s.Action]), s.ID+".status"
	waits := c.small(s)
	waits["await"], waits["token.$"] = true, "$$.Task.Token"
	c.out.add(name, then(&state{
		Type: "Task", Resource: lambdaInvoke + ".waitForTaskToken",
		Parameters: map[string]any{"FunctionName": function, "Payload": waits},
		ResultPath: "$.steps." + s.ID, TimeoutSeconds: int(time.Duration(s.Action.Deadline) / time.Second), Retry: []retrier{registering},
		Catch: []catcher{
			{append([]string{fault.NameUndelivered}, fault.OutcomeNames()...), "$.caught", caught},
			{[]string{fault.NameDataLimit}, "$.caught", s.ID + ".late"},
			{[]string{fault.NameAll}, "$.caught", s.ID + ".late"}, // States.Timeout among them
		},
	}, next))
	late := c.small(s)
	late["late"] = true
	c.out.add(s.ID+".late", then(&state{
		Type: "Task", Resource: lambdaInvoke,
		Parameters:     map[string]any{"FunctionName": function, "Payload": late},
		ResultSelector: map[string]any{"result.$": "$.Payload"},
		ResultPath:     "$.steps." + s.ID, TimeoutSeconds: taskTimeout, Retry: []retrier{patiently},
		Catch: []catcher{{append(fault.StatusNames(), fault.OutcomeNames()...), "$.caught", caught}},
	}, next))
}
