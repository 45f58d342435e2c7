package delivery

import (
	"context"
	"log/slog"
	"time"

	"github.com/waypost/waypost/shared/action"
	"github.com/waypost/waypost/shared/channel"
	"github.com/waypost/waypost/shared/fault"
	"github.com/waypost/waypost/shared/ledger"
)

// Turns remember, for each target, the newest version that was sent to it.
type Turns interface {
	// Newest gives that version, or 0, read strongly consistently.
	Newest(ctx context.Context, target string) (int64, error)
	// Note raises it to version, and keeps it at least until expires. One that is higher stays.
	Note(ctx context.Context, target string, version int64, expires time.Time) error
}

// outOfTurn drops a message that came too late: its time has passed, or a newer
// one was sent to its target. Versions and times may be mapped from a profile, so
// no reason repeats them. That costs a read before each call. Two that are sent
// at the very same time may both pass: the endpoint compares versions too.
func (a *attempt) outOfTurn(ctx context.Context, r *channel.Request) (held bool, _ Result, _ error) {
	t := r.Turn
	if t == nil {
		return false, Result{}, nil
	}
	if !a.Now().Before(t.Until) {
		return held3(a.settle(ctx, ledger.Suppressed, "stale: it is not valid any more"))
	}
	newest, err := a.Turns.Newest(ctx, t.Target)
	switch {
	case err != nil:
		return held3(a.backOff(ctx, fault.Public(err), 0))
	case newest > t.Version:
		return held3(a.settle(ctx, ledger.Suppressed, "stale: a newer version was sent there since"))
	}
	return false, Result{}, nil
}

// takeTurn notes that a message was sent, or may have been. Where that can't be
// noted, the endpoint alone compares versions.
func (a *attempt) takeTurn(ctx context.Context, r *channel.Request, v channel.Verdict) {
	if r.Turn == nil || v.Result != channel.Accepted && v.Result != channel.Ambiguous {
		return
	}
	expires := a.Now()
	if r.Turn.Until.After(expires) {
		expires = r.Turn.Until
	}
	// No older message is retried for longer than that.
	if err := a.Turns.Note(ctx, r.Turn.Target, r.Turn.Version, expires.Add(action.MaxWithin)); err != nil {
		a.Log.LogAttrs(ctx, slog.LevelWarn, "the version that was sent could not be noted", slog.String("delivery", a.rec.ID().String()), slog.Any("error", err))
	}
}
