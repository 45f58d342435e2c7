package journey

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/waypost/waypost/shared/fault"
)

// A Machine is what a journey compiles to.
type Machine struct {
	Type string // STANDARD or EXPRESS
	// Definition is in Amazon States Language.
	Definition []byte
}

// Types of machines, as Step Functions names them.
const (
	Standard = "STANDARD"
	Express  = "EXPRESS"
)

// Names gives the ARN that a name stands for: a channel's function, or one of
// the names below. It gives "" for a name that a deployment does not have.
type Names func(name string) string

// Placeholder is Names for definitions in files: they hold ${names}, never ARNs.
func Placeholder(name string) string { return "${" + name + "}" }

const (
	NameDecide   = "decide"   // the function that evaluates conditions
	NameDelivery = "delivery" // the platform's machine that await: none starts
)

// Names of states that no step owns: a step's id has no dot.
const (
	stateDone    = "journey.done"
	stateStopped = "journey.stopped"
)

// maxDefinition is the most bytes that Step Functions takes for a definition.
const maxDefinition = 1 << 20

// Times of a Task, in seconds. A function's deadline is 40 s and its lease
// outlasts that by 5 s: a Task that is timed out does not stop its function.
const (
	taskTimeout    = 60
	expressTimeout = 300
)

// compiler builds the states of one journey.
type compiler struct {
	journey   *Journey
	names     Names
	functions map[*Action]string // each action step's function, by name
	out       states
}

// build makes the machine of a journey that check has passed.
func (c *compiler) build() (*Machine, error) {
	m := machine{Comment: c.journey.Description, StartAt: c.journey.Steps[0].ID}
	kind := Standard
	if c.journey.Express() {
		kind, m.TimeoutSeconds = Express, expressTimeout
	}
	c.sequence(c.journey.Steps, "")
	m.States = c.out
	if c.uses(stateDone) {
		m.States.add(stateDone, &state{Type: "Succeed"})
	}
	if c.uses(stateStopped) {
		m.States.add(stateStopped, &state{Type: "Fail", ErrorPath: "$.caught.Error", CausePath: "$.caught.Cause"})
	}
	data, err := marshal(m)
	if err != nil {
		return nil, fmt.Errorf("writing the state machine: %w", err)
	}
	if len(data) > maxDefinition {
		return nil, fault.Document("the journey "+c.journey.Name+" is not valid", []fault.Detail{{Path: "steps", Rule: "size", Message: fmt.Sprintf(
			"compile to a state machine of %d bytes, and Step Functions takes %d: leave some to a journey of their own", len(data), maxDefinition)}})
	}
	return &Machine{Type: kind, Definition: data}, nil
}

// uses says whether any state leads to name.
func (c *compiler) uses(name string) bool {
	for _, st := range c.out.byID {
		if st.Next == name || st.Default == name {
			return true
		}
		for _, choice := range st.Choices {
			if choice.Next == name {
				return true
			}
		}
		for _, catch := range st.Catch {
			if catch.Next == name {
				return true
			}
		}
	}
	return false
}

// sequence adds steps of which the last leads to next, or ends the machine
// where next is empty.
func (c *compiler) sequence(steps []Step, next string) {
	for i := range steps {
		after := next
		if i+1 < len(steps) {
			after = steps[i+1].ID
		}
		switch s := &steps[i]; {
		case s.Wait != nil:
			c.out.add(s.ID, then(&state{Type: "Wait", Comment: s.Description, Seconds: int(time.Duration(s.Wait.For) / time.Second)}, after))
		case s.Condition != nil:
			c.condition(s, after)
		case s.Action != nil && s.Action.Await == AwaitNone:
			c.handOver(s, after)
		default:
			c.action(s, after)
		}
	}
}

// then makes a state lead to next, or end the machine.
func then(st *state, next string) *state {
	st.Next, st.End = next, next == ""
	return st
}

// condition adds the Task that evaluates the branches, and the Choice among them.
func (c *compiler) condition(s *Step, next string) {
	whens := make([]string, len(s.Condition.Branches))
	for i, b := range s.Condition.Branches {
		whens[i] = b.When
	}
	c.out.add(s.ID, &state{
		Type: "Task", Comment: s.Description, Resource: lambdaInvoke,
		Parameters: map[string]any{"FunctionName": c.names(NameDecide), "Payload": map[string]any{
			"format": format, "step": s.ID, "branches": whens, "execution.$": "$$.Execution.Name", "state.$": "$",
		}},
		ResultSelector: map[string]any{"branch.$": "$.Payload.branch"}, ResultPath: "$.steps." + s.ID,
		TimeoutSeconds: taskTimeout, Retry: []retrier{patiently}, Next: s.ID + ".choice", // it only reads: repeating it does no harm
	})
	end := next
	if end == "" {
		end = stateDone // a Choice can't end a machine
	}
	pick := &state{Type: "Choice", Default: end}
	if len(s.Condition.Otherwise) > 0 {
		pick.Default = s.Condition.Otherwise[0].ID
	}
	for i, b := range s.Condition.Branches {
		pick.Choices = append(pick.Choices, choice{Variable: "$.steps." + s.ID + ".branch", NumericEquals: &i, Next: b.Steps[0].ID})
	}
	c.out.add(s.ID+".choice", pick)
	for _, b := range s.Condition.Branches {
		c.sequence(b.Steps, next)
	}
	c.sequence(s.Condition.Otherwise, next)
}

// format is the newest format of a step's input; package delivery reads it.
const format = 1

const (
	lambdaInvoke   = "arn:aws:states:::lambda:invoke"
	startExecution = "arn:aws:states:::states:startExecution"
)

// quickly retries failures of Lambda's and AWS's own for about half a minute,
// after which a delivery is given up on; patiently for hours, where giving up
// would leave no trace, or end a journey over a condition.
var (
	quickly   = retrier{fault.TransientNames(), 1, 2, 6, 20, "FULL"}
	patiently = retrier{fault.TransientNames(), 5, 2, 150, 300, "FULL"}
)

// action adds the states of an action step:
//
//	text ── Deferred ──> text.deferred ──> text.until ──> text
//	 │ └─── an outcome ──> (stop: journey.stopped) or text.caught ──> text.outcome ──> onError
//	 └───── anything else ──> text.giveup, which defers and ends the same way
//
// One that awaits the status goes on from there (see awaitStatus).
func (c *compiler) action(s *Step, next string) {
	function := c.names(c.functions[s.Action])
	caught := stateStopped
	if s.OnError != nil && (s.OnError.Continue || len(s.OnError.Steps) > 0) {
		caught = s.ID + ".caught"
	}
	made, unknown := next, caught
	if s.Action.Await == AwaitStatus {
		made, unknown = s.ID+".status", s.ID+".status"
	}
	payload := c.payload(s)
	c.out.add(s.ID, then(task(s.ID, function, payload, quickly, caught, unknown,
		catcher{[]string{fault.NameDataLimit}, "$.caught", s.ID + ".giveup"},
		catcher{[]string{fault.NameAll}, "$.caught", s.ID + ".giveup"}), made))
	c.out.byID[s.ID].Comment = s.Description
	c.waiting(s.ID)

	c.out.add(s.ID+".giveup", then(task(s.ID, function, c.givingUp(s), patiently, caught, unknown), made))
	c.out.byID[s.ID+".giveup"].Catch[0].Next = s.ID + ".giveup.deferred"
	c.waiting(s.ID + ".giveup")

	if s.Action.Await == AwaitStatus {
		c.awaitStatus(s, caught, next)
	}

	if caught == stateStopped {
		return
	}
	after := next
	if len(s.OnError.Steps) > 0 {
		after = s.OnError.Steps[0].ID
	}
	c.out.add(caught, &state{Type: "Pass", Parameters: map[string]any{"cause.$": "States.StringToJson($.caught.Cause)"},
		ResultPath: "$.caught", Next: s.ID + ".outcome"})
	c.out.add(s.ID+".outcome", then(&state{Type: "Pass",
		Parameters: map[string]any{"result.$": "States.StringToJson($.caught.cause.errorMessage)"},
		ResultPath: "$.steps." + s.ID}, after))
	c.sequence(s.OnError.Steps, next)
}

// task makes an action function's Task. Its catchers stand in the order that
// design.md gives: Deferred, the outcomes, then the rest. An unknown one may
// lead elsewhere than the others.
func task(id, function string, payload map[string]any, retry retrier, caught, unknown string, rest ...catcher) *state {
	outcomes := []catcher{{fault.OutcomeNames(), "$.caught", caught}}
	if unknown != caught {
		others := slices.DeleteFunc(fault.OutcomeNames(), func(name string) bool { return name == fault.NameUnknown })
		outcomes = []catcher{{[]string{fault.NameUnknown}, "$.caught", unknown}, {others, "$.caught", caught}}
	}
	return &state{
		Type: "Task", Resource: lambdaInvoke,
		Parameters:     map[string]any{"FunctionName": function, "Payload": payload},
		ResultSelector: map[string]any{"result.$": "$.Payload"},
		ResultPath:     "$.steps." + id, TimeoutSeconds: taskTimeout, Retry: []retrier{retry},
		Catch: slices.Concat([]catcher{{[]string{fault.NameDeferred}, "$.caught", id + ".deferred"}}, outcomes, rest),
	}
}

// waiting adds the way back to a Task that was deferred: the cause's JSON, and
// in it the time.
func (c *compiler) waiting(name string) {
	c.out.add(name+".deferred", &state{Type: "Pass", Parameters: map[string]any{"cause.$": "States.StringToJson($.caught.Cause)"},
		ResultPath: "$.caught", Next: name + ".until"})
	c.out.add(name+".until", &state{Type: "Wait", TimestampPath: "$.caught.cause.errorMessage", Next: name})
}

// payload is an action function's task. Mappings stand in it as they were
// written: they are evaluated by the function, with the profile at hand.
func (c *compiler) payload(s *Step) map[string]any {
	with := s.Action.With
	if with == nil {
		with = map[string]json.RawMessage{}
	}
	return map[string]any{
		"format": format, "action": map[string]any{"name": s.Action.Name, "version": s.Action.Version},
		"with": with, "step": s.ID, "iteration": 0,
		"execution.$": "$$.Execution.Name", "runner.$": "$$.Execution.Id", "entered.$": "$$.State.EnteredTime", "state.$": "$",
	}
}

// givingUp is the task of giving up.
func (c *compiler) givingUp(s *Step) map[string]any {
	p := c.small(s)
	p["giveUp"] = true
	return p
}

// small is a task that calls no endpoint: without the mapping and most of the
// state, so that it reaches the function also where the state is too large for
// the step's own.
func (c *compiler) small(s *Step) map[string]any {
	p := c.payload(s)
	delete(p, "state.$")
	p["with"] = map[string]any{}
	p["state"] = map[string]any{"format.$": "$.format", "journey.$": "$.journey", "entry.$": "$.entry", "profile.$": "$.profile"}
	return p
}

// handOver adds the state of an action step that the journey does not wait
// for: the platform's machine makes the delivery.
func (c *compiler) handOver(s *Step, next string) {
	payload := c.payload(s)
	delete(payload, "runner.$")  // the delivery machine runs it,
	delete(payload, "entered.$") // and fills both in itself
	payload["enteredStep.$"] = "$$.State.EnteredTime"
	name := fmt.Sprintf("States.Hash(States.Format('{}.%s.0', $$.Execution.Name), 'SHA-256')", s.ID)
	c.out.add(s.ID, then(&state{
		Type: "Task", Comment: s.Description, Resource: startExecution,
		Parameters: map[string]any{
			"StateMachineArn": c.names(NameDelivery), "Name.$": name,
			"Input": map[string]any{"function": c.names(c.functions[s.Action]), "task": payload},
		},
		ResultSelector: map[string]any{"result": pending},
		ResultPath:     "$.steps." + s.ID, TimeoutSeconds: taskTimeout, Retry: []retrier{handingOver},
		Catch: []catcher{
			{[]string{fault.NameExecutionExists}, "$.caught", s.ID + ".begun"},
			{[]string{fault.NameDataLimit}, "$.steps." + s.ID, s.ID + ".large"}, // it gives way to the result
		},
	}, next))
	c.out.add(s.ID+".begun", then(&state{Type: "Pass", Comment: "an earlier try started it",
		Parameters: map[string]any{"result": pending}, ResultPath: "$.steps." + s.ID}, next))
	c.out.add(s.ID+".large", then(&state{Type: "Pass", Comment: "the state is too large to be handed over",
		Parameters: map[string]any{"result": tooLarge}, ResultPath: "$.steps." + s.ID}, next))
}

// pending is what a step that is not waited for leaves.
var pending = map[string]any{"outcome": "pending", "code": 0, "response": nil, "error": nil}

// tooLarge is what one leaves that could not be handed over.
var tooLarge = map[string]any{"outcome": "dead", "code": 0, "response": nil, "error": nil,
	"reason": "not handed over: the execution's state is too large"}

// handingOver retries what Step Functions itself may answer.
var handingOver = retrier{fault.HandOverNames(), 2, 2, 30, 300, "FULL"}
