package callback

import (
	"context"
	"slices"
	"strings"

	"github.com/waypost/waypost/shared/action"
	"github.com/waypost/waypost/shared/channel"
	"github.com/waypost/waypost/shared/ledger"
)

// An addressee is what a token was made for.
type addressee struct {
	action   *action.Action
	provider channel.Traits // who reports
	callback *action.Callback
	delivery *ledger.Delivery // nil for an inbound one
}

// find finds what a token was made for. What it refuses an inbound token for
// is answered as a wrong signature is: actions' names can be guessed.
func (h *Handler) find(ctx context.Context, kind, token string) (addressee, error) {
	name, inbound := strings.CutPrefix(token, Inbound)
	if inbound {
		act, err := h.Actions.Newest(ctx, name)
		if err != nil {
			return addressee{}, forbiddenFor(err, "the action is not published")
		}
		if to := h.addressee(act, kind, ""); to.callback != nil {
			return to, nil
		}
		return addressee{}, forbidden("the action has no settings.callback for callbacks of this kind")
	}
	d, err := h.open(ctx, token)
	if err != nil {
		return addressee{}, err
	}
	act, err := h.Actions.Recent(ctx, d.Action, d.ActionVersion)
	if err != nil {
		return addressee{}, absentFor(err, "the delivery's action is not published")
	}
	if to := h.addressee(act, kind, d.Provider); to.callback != nil {
		to.delivery = &d
		return to, nil
	}
	return addressee{}, absent("the delivery's action has no settings.callback for callbacks of this kind")
}

// open gives the delivery that a token is of.
func (h *Handler) open(ctx context.Context, token string) (ledger.Delivery, error) {
	id, ok := ledger.ParseCallbackToken(token)
	if !ok {
		return ledger.Delivery{}, absent("the token is not of a delivery's form")
	}
	d, err := h.Records.Delivery(ctx, id)
	if err != nil {
		return d, absentFor(err, "there is no such delivery")
	}
	if !d.Opens(token) {
		return d, absent("the token is another than the delivery's")
	}
	return d, nil
}

// named gives the delivery that an inbound callback names itself, or nil where
// that is none of the action's: the callback is the provider's all the same.
func (h *Handler) named(ctx context.Context, token string, act *action.Action) (*ledger.Delivery, error) {
	if !tokenForm.MatchString(token) {
		return nil, nil
	}
	switch d, err := h.open(ctx, token); {
	case statusOf(err) == absentStatus:
		return nil, nil
	case err != nil:
		return nil, err
	case d.Action != act.Name:
		return nil, nil
	default:
		return &d, nil
	}
}

// addressee finds the provider of an action whose callbacks are of a kind, its
// own or its failover's, and the settings by which these are known; of two whose
// callbacks are alike it is the one that took the message, where that is known.
// It has no callback where there is none.
func (h *Handler) addressee(act *action.Action, kind, took string) addressee {
	first := addressee{action: act, provider: h.traits(act.Channel, act.Provider), callback: act.Settings.Callback}
	f := act.Settings.Failover
	if f == nil {
		return first.of(kind)
	}
	second := addressee{action: act, provider: h.traits(act.Channel, f.Provider), callback: f.Callback}
	if first.provider.Callback != kind || second.provider.Callback == kind && took == f.Provider {
		return second.of(kind)
	}
	return first
}

// of is the addressee of a kind's callbacks, without a callback where it has others.
func (to addressee) of(kind string) addressee {
	if to.provider.Callback != kind {
		to.callback = nil
	}
	return to
}

func (h *Handler) traits(name, provider string) channel.Traits {
	i := slices.IndexFunc(h.Channels, func(t channel.Traits) bool { return t.Channel == name && t.Provider == provider })
	if i < 0 {
		return channel.Traits{}
	}
	return h.Channels[i]
}
