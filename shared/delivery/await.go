package delivery

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"

	"github.com/waypost/waypost/shared/fault"
	"github.com/waypost/waypost/shared/ledger"
	"github.com/waypost/waypost/shared/schema"
)

// A step with await: "status" goes on once its delivery's final status is
// known. Its Task waits under a token, which stands in the delivery's record:
//
//	the Task's function:  notes the token ──> reads the status: final? wakes
//	a callback:           writes the status ──> reads the token: there? wakes
//	the sweep:            finds a final status with a token that is still there: wakes
//	past the deadline:    forgets the token ──> gives the last word itself
//
// The first two each write and read the record in one operation, so that
// whichever comes second sees what the first wrote. A token that is woken twice,
// or too late, does no harm: Step Functions knows it no more.

// Waits are the ledger's notes of the Tasks that wait.
type Waits interface {
	// Await notes a Task's token in the delivery's record, in place of an earlier
	// one, and gives the record as it now is. A NotFound means that there is none.
	Await(ctx context.Context, id ledger.DeliveryID, token string) (ledger.Delivery, error)
	// Woken takes the token out of the record, where it is still that one.
	Woken(ctx context.Context, id ledger.DeliveryID, token string) error
}

// Tasks end the Tasks of state machines that wait under tokens. A NotFound
// means that none waits under this one any more.
type Tasks interface {
	// Succeed ends one with its result, which is JSON.
	Succeed(ctx context.Context, token, result string) error
	// Fail ends one with an error's name and cause.
	Fail(ctx context.Context, token, name, cause string) error
}

// A Waker ends the Tasks that wait for a delivery's final status. All fields
// must be set.
type Waker struct {
	Tasks   Tasks
	Records Waits
	Log     *slog.Logger
}

// AwaitedMessage is the message of the log line that each end of waiting for a
// status gets, with the status beside it; that is empty where the deadline has
// passed without a final one.
const AwaitedMessage = "awaited status"

// Wake ends the Task that waits for the delivery, if the record says that there
// is one and that it has nothing to wait for any more. A Task that is gone, since
// its deadline has passed or its execution was stopped, counts as woken. An error
// means that it may still wait: Wake can be repeated, and the sweep does.
func (w Waker) Wake(ctx context.Context, d ledger.Delivery) error {
	if d.TaskToken == "" || !d.Over() {
		return nil
	}
	result, _, err := awaited(&d)
	if stopped, ok := errors.AsType[*Stopped](err); ok {
		err = w.fail(ctx, d.TaskToken, stopped)
	} else {
		err = w.succeed(ctx, d.TaskToken, result)
	}
	switch {
	case fault.Is(err, fault.NotFound): // somebody has woken it, or nobody waits
	case err != nil:
		return err
	default:
		logAwaited(ctx, w.Log, &d)
	}
	return w.Records.Woken(ctx, d.ID(), d.TaskToken)
}

// succeed gives a Task the result that the ordinary one leaves.
func (w Waker) succeed(ctx context.Context, token string, result Result) error {
	text, err := schema.Encode(map[string]any{"result": result})
	if err != nil {
		return fmt.Errorf("writing the result of a step: %w", err)
	}
	return w.Tasks.Succeed(ctx, token, string(text))
}

// fail gives a Task the error that the ordinary one ends with, in the form that
// Lambda gives errors, so that the same states read it.
func (w Waker) fail(ctx context.Context, token string, stopped *Stopped) error {
	cause, err := json.Marshal(map[string]string{"errorType": stopped.Name(), "errorMessage": stopped.Error()})
	if err != nil {
		return fmt.Errorf("writing the error of a step: %w", err)
	}
	return w.Tasks.Fail(ctx, token, stopped.Name(), string(cause))
}

// await notes the token of a Task that waits for its delivery's final status,
// and wakes it at once where there is nothing to wait for. What it gives is for
// the history alone: the Task's result comes by the token.
func (p *Pipeline) await(ctx context.Context, t Task) (Result, error) {
	d, err := p.Waker.Records.Await(ctx, t.ID(), t.Token)
	if err != nil {
		return Result{}, err
	}
	return Result{Outcome: d.Outcome, Status: d.Status, Code: d.Code}, p.Waker.Wake(ctx, d)
}

// late gives the last word on a delivery whose deadline has passed: what waking
// would have given, where its status is known by now, or else that there is none.
func (p *Pipeline) late(ctx context.Context, t Task) (Result, error) {
	d, err := p.Closer.Records.Delivery(ctx, t.ID())
	if err != nil {
		return Result{}, err
	}
	if d.TaskToken != "" {
		if err := p.Waker.Records.Woken(ctx, d.ID(), d.TaskToken); err != nil {
			return Result{}, err
		}
	}
	result, over, err := awaited(&d)
	logAwaited(ctx, p.Log, &d)
	if over {
		return result, err
	}
	why := "no final status was reported by the step's deadline"
	if d.Status != "" {
		why += ", and " + string(d.Status) + " was the last"
	}
	seen := *heard(&d)
	seen.Reason = joined(seen.Reason, why)
	return Result{}, stop(&seen)
}

// awaited gives what a step that awaits its delivery's final status comes to,
// and whether it has come to that.
func awaited(d *ledger.Delivery) (_ Result, over bool, _ error) {
	if !d.Over() {
		return Result{}, false, nil
	}
	d = heard(d)
	switch {
	case d.Outcome == ledger.Suppressed, d.Outcome == ledger.Sent && d.Status != ledger.Undelivered:
		result, err := recorded(d)
		return result, true, err
	case d.Outcome == ledger.Sent:
		// The provider's own words are left in the record: they may be personal.
		why := "the provider reported that it was not delivered"
		if d.StatusCode != "" {
			why += ", with its code " + d.StatusCode
		}
		ended := *d
		ended.Reason = joined(d.Reason, why)
		return Result{}, true, stop(&ended)
	}
	return Result{}, true, stop(d)
}

// heard is a delivery as a step sees it that has waited for its status. One
// that is being made anew was sent, where its status is known by now, and is
// unknown else, as it was before.
func heard(d *ledger.Delivery) *ledger.Delivery {
	if d.State == ledger.Settled {
		return d
	}
	seen := *d
	seen.Outcome, seen.Reason = ledger.Unknown, "it is being made anew"
	if d.Status != "" {
		seen.Outcome, seen.Reason = ledger.Sent, ledger.Heard
	}
	return &seen
}

// stop is the error for which a journey takes onError after it has waited.
func stop(d *ledger.Delivery) *Stopped {
	s := &Stopped{resultOf(d)}
	if (s.Result.Response != nil || s.Result.Error != nil) && inState(s) > maxAwaited {
		s.Result.Response, s.Result.Error = nil, nil
		s.Result.Reason = joined(s.Result.Reason, noRoom)
	}
	return s
}

// logAwaited tells operators how waiting for a status ended.
func logAwaited(ctx context.Context, log *slog.Logger, d *ledger.Delivery) {
	level, status := slog.LevelInfo, d.Status
	if !status.Final() {
		status = ""
	}
	if d.Outcome != ledger.Suppressed && (status == "" || status == ledger.Undelivered) {
		level = slog.LevelWarn
	}
	log.LogAttrs(ctx, level, AwaitedMessage,
		slog.String("delivery", d.ID().String()), slog.String("journey", d.Journey), slog.Int("version", d.Version),
		slog.String("action", d.Action), slog.String("channel", d.Channel), slog.String("provider", d.Provider),
		slog.String("outcome", string(d.Outcome)), slog.String("status", string(status)), slog.String("code", d.StatusCode))
}
