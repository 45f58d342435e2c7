package states

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/waypost/waypost/infra/local/states/asl"
	"github.com/waypost/waypost/infra/local/states/value"
)

// maxData is the most bytes that a state's input or output may have.
const maxData = 256 * 1024

// maxWait is the longest that a Wait state waits.
const maxWait = 99_999_999 * time.Second

// A frame is one line of states in an execution: its own, or that of a branch
// or of a Map's iteration. One goroutine uses it.
type frame struct {
	x    *execution
	ctx  context.Context
	prev int64 // the event that the next one follows

	state   *asl.State // entered and not yet left
	entered time.Time
	event   int64 // of entering it
	retries int
	token   string
	item    *mapItem
}

// A mapItem is what $$.Map.Item shows in an iteration.
type mapItem struct {
	index int
	value any
}

// machine runs a definition, and gives its output. The error is a *failure,
// or the context's where the frame was interrupted.
func (f *frame) machine(m *asl.Machine, input any) (any, error) {
	name := m.StartAt
	for {
		if err := f.ctx.Err(); err != nil {
			return nil, err
		}
		output, next, err := f.run(m.States[name], input)
		if err != nil {
			return nil, err
		}
		if next == "" {
			return output, nil
		}
		input, name = output, next
	}
}

// run runs one state.
func (f *frame) run(s *asl.State, input any) (output any, next string, err error) {
	f.state, f.entered, f.retries = s, time.Now(), 0
	f.event = f.record(string(s.Type)+"StateEntered", details{name: s.Name, value: input})
	next = s.Next
	switch s.Type {
	case asl.Pass:
		output, err = f.pass(s, input)
	case asl.Wait:
		output, err = f.wait(s, input)
	case asl.Choice:
		output, next, err = f.choose(s, input)
	case asl.Succeed:
		if output, err = f.input(s, input); err == nil {
			output, err = f.output(s, output)
		}
	case asl.Fail:
		return nil, "", f.fail(s, input)
	default:
		output, next, err = f.attempt(s, input)
	}
	if err == nil && value.Size(output) > maxData {
		err = tooLarge(s.Name)
	}
	if err == nil {
		err = f.ctx.Err()
	}
	if err != nil {
		return nil, "", err
	}
	f.record(string(s.Type)+"StateExited", details{name: s.Name, value: output})
	f.state = nil
	return output, next, nil
}

func tooLarge(what string) *failure {
	return newFailure(asl.ErrDataLimit, fmt.Sprintf(
		"The state/task '%s' returned a result with a size exceeding the maximum number of bytes service limit.", what))
}

// runtimeFailure is an error that no Retry and no Catch stands for.
func (f *frame) runtimeFailure(err error) *failure { return f.named(asl.ErrRuntime, err) }

func (f *frame) named(name string, err error) *failure {
	return newFailure(name, fmt.Sprintf("An error occurred while executing the state '%s' (entered at the event id #%d). %v",
		f.state.Name, f.event, err))
}

// evalFailure gives the failure that an error of package asl stands for.
func (f *frame) evalFailure(err error) *failure {
	if _, ok := errors.AsType[*asl.FunctionError](err); ok {
		return f.named(asl.ErrIntrinsic, err)
	}
	if _, ok := errors.AsType[*asl.ApplyError](err); ok {
		return f.named(asl.ErrResultPath, err)
	}
	return f.runtimeFailure(err)
}

// input applies InputPath.
func (f *frame) input(s *asl.State, v any) (any, error) {
	return f.selected(s.InputPath, s.DiscardInput, v)
}

// output applies OutputPath.
func (f *frame) output(s *asl.State, v any) (any, error) {
	return f.selected(s.OutputPath, s.DiscardOutput, v)
}

func (f *frame) selected(p *asl.Path, discard bool, v any) (any, error) {
	switch {
	case discard:
		return &value.Object{}, nil
	case p == nil:
		return v, nil
	}
	out, err := p.Get(v, f.contextFor(p.Context()))
	if err != nil {
		return nil, f.runtimeFailure(err)
	}
	return out, nil
}

// parameters applies InputPath and Parameters.
func (f *frame) parameters(s *asl.State, input any) (any, error) {
	v, err := f.input(s, input)
	if err != nil || s.Parameters == nil {
		return v, err
	}
	return f.fill(s.Parameters, v)
}

func (f *frame) fill(t *asl.Template, v any) (any, error) {
	out, err := t.Eval(v, f.contextFor(t.Context()))
	if err != nil {
		return nil, f.evalFailure(err)
	}
	if value.Size(out) > maxData {
		return nil, tooLarge(f.state.Name)
	}
	return out, nil
}

// place applies ResultSelector and ResultPath: it puts a state's result in its input.
func (f *frame) place(s *asl.State, input, result any) (any, error) {
	if s.ResultSelector != nil {
		selected, err := f.fill(s.ResultSelector, result)
		if err != nil {
			return nil, err
		}
		result = selected
	}
	return f.put(s.ResultPath, s.DiscardResult, input, result)
}

// put applies a ResultPath: nil is "$", and discard stands for null, which
// keeps the input. It goes by the state's whole input, before InputPath.
func (f *frame) put(p *asl.Path, discard bool, input, result any) (any, error) {
	switch {
	case discard:
		return input, nil
	case p == nil:
		return result, nil
	}
	out, err := p.Set(input, result)
	if err != nil {
		return nil, f.evalFailure(err)
	}
	return out, nil
}

// pass gives Result where there is one, else what Parameters make of the input.
func (f *frame) pass(s *asl.State, input any) (any, error) {
	result, err := f.parameters(s, input)
	if err != nil {
		return nil, err
	}
	if s.HasResult {
		result = s.Result
	}
	out, err := f.place(s, input, result)
	if err != nil {
		return nil, err
	}
	return f.output(s, out)
}

func (f *frame) fail(s *asl.State, input any) error {
	name, err := f.text(s.Error, "ErrorPath", input)
	if err != nil {
		return err
	}
	cause, err := f.text(s.Cause, "CausePath", input)
	if err != nil {
		return err
	}
	return newFailure(name, cause)
}

func (f *frame) text(t asl.Text, field string, input any) (string, error) {
	if t.Expr == nil {
		return t.Constant, nil
	}
	v, err := t.Expr.Eval(field, input, f.contextFor(t.Expr.Context()))
	if err != nil {
		return "", f.evalFailure(err)
	}
	s, ok := v.(string)
	if !ok {
		return "", f.runtimeFailure(fmt.Errorf("The value of the field '%s' must be a string", field))
	}
	return s, nil
}

// choose finds the first rule that holds, and where it leads.
func (f *frame) choose(s *asl.State, input any) (any, string, error) {
	in, err := f.input(s, input)
	if err != nil {
		return nil, "", err
	}
	next := s.Default
	for i := range s.Choices {
		rule := &s.Choices[i]
		ok, err := rule.Test(in, f.contextFor(rule.Context()))
		if err != nil {
			return nil, "", f.runtimeFailure(err)
		}
		if ok {
			next = rule.Next
			break
		}
	}
	if next == "" {
		return nil, "", f.named(asl.ErrNoChoiceMatched, errors.New("No choice rule matched, and there is no Default."))
	}
	out, err := f.output(s, in)
	return out, next, err
}

func (f *frame) wait(s *asl.State, input any) (any, error) {
	in, err := f.input(s, input)
	if err != nil {
		return nil, err
	}
	d, err := f.delay(s.Wait, in)
	if err != nil {
		return nil, err
	}
	if d > maxWait {
		return nil, f.runtimeFailure(errors.New("Wait state delay is too long."))
	}
	if err := f.sleep(d); err != nil {
		return nil, err
	}
	return f.output(s, in)
}

// delay gives how long a Wait state waits; a time that has passed is no wait.
// What a path selects may be wrong, and the causes are then in AWS's words.
func (f *frame) delay(w asl.Delay, in any) (time.Duration, error) {
	switch {
	case w.Seconds != nil:
		return time.Duration(*w.Seconds) * time.Second, nil
	case w.Timestamp != nil:
		return time.Until(*w.Timestamp), nil
	case w.SecondsPath != nil:
		v, err := w.SecondsPath.Get(in, f.contextFor(w.SecondsPath.Context()))
		if err != nil {
			return 0, f.runtimeFailure(fmt.Errorf("The SecondsPath parameter does not reference an input value: %s", w.SecondsPath))
		}
		n, ok := value.Whole(v)
		switch {
		case !ok:
			return 0, f.runtimeFailure(fmt.Errorf("The SecondsPath parameter cannot be parsed as a long value: %s == %s", w.SecondsPath, value.Encode(v)))
		case n < 0:
			return 0, f.runtimeFailure(fmt.Errorf("The SecondsPath parameter references a negative value: %s == %d", w.SecondsPath, n))
		case n > int64(maxWait/time.Second):
			return maxWait + 1, nil
		}
		return time.Duration(n) * time.Second, nil
	default:
		v, err := w.TimestampPath.Get(in, f.contextFor(w.TimestampPath.Context()))
		if err != nil {
			return 0, f.runtimeFailure(fmt.Errorf("The TimestampPath parameter does not reference an input value: %s", w.TimestampPath))
		}
		s, _ := v.(string)
		t, ok := asl.ParseTimestamp(s)
		if !ok {
			if s == "" {
				s = value.Encode(v)
			}
			return 0, f.runtimeFailure(fmt.Errorf("The TimestampPath parameter does not reference a valid "+
				"ISO-8601 extended offset date-time format string: %s == %s", w.TimestampPath, s))
		}
		return time.Until(t), nil
	}
}

// sleep waits, unless the frame is interrupted.
func (f *frame) sleep(d time.Duration) error {
	if d <= 0 {
		return f.ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-f.ctx.Done():
		return f.ctx.Err()
	}
}

// contextFor builds the context object, where it is needed.
func (f *frame) contextFor(needed bool) any {
	if !needed {
		return nil
	}
	x := f.x
	state := value.Of("EnteredTime", instant(f.entered), "Name", f.state.Name)
	switch f.state.Type {
	case asl.Task, asl.Parallel, asl.Map:
		state.Set("RetryCount", value.Int(f.retries))
	}
	c := value.Of(
		"Execution", value.Of("Id", x.arn, "Input", x.input, "Name", x.name, "RoleArn", x.revision.role,
			"StartTime", instant(x.started), "RedriveCount", value.Int(0)),
		"StateMachine", value.Of("Id", x.machine.arn, "Name", x.machine.name),
		"State", state)
	if f.token != "" {
		c.Set("Task", value.Of("Token", f.token))
	}
	if f.item != nil {
		c.Set("Map", value.Of("Item", value.Of("Index", value.Int(f.item.index), "Value", f.item.value)))
	}
	return c
}

// instant writes a time as the context object does.
func instant(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }
