package callback

import (
	"context"
	"errors"
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

// find finds what a token was made for: one addressee, or two of which either
// may report. What it refuses an inbound token for is answered as a wrong
// signature is: actions' names can be guessed.
func (h *Handler) find(ctx context.Context, kind, token string) ([]addressee, error) {
	name, inbound := strings.CutPrefix(token, Inbound)
	if inbound {
		act, err := h.Actions.Newest(ctx, name)
		if err != nil {
			return nil, forbiddenFor(err, "the action is not published")
		}
		if to := h.addressees(act, kind, nil); len(to) > 0 {
			return to, nil
		}
		return nil, forbidden("the action has no settings.callback for callbacks of this kind")
	}
	d, err := h.open(ctx, token)
	if err != nil {
		return nil, err
	}
	act, err := h.Actions.Recent(ctx, d.Action, d.ActionVersion)
	if err != nil {
		return nil, absentFor(err, "the delivery's action is not published")
	}
	if to := h.addressees(act, kind, &d); len(to) > 0 {
		return to, nil
	}
	return nil, absent("the delivery's action has no settings.callback for callbacks of this kind")
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

// named gives the delivery that an inbound callback names itself, where that is
// the action's, or of an action whose callbacks the same secret signs: an app of
// Slack's has one URL, whichever actions post as it. Where it is neither, the
// callback is to's all the same, and about no delivery.
func (h *Handler) named(ctx context.Context, kind, token string, to addressee) (addressee, error) {
	if !tokenForm.MatchString(token) {
		return to, nil
	}
	of, err := h.find(ctx, kind, token)
	if _, refused := errors.AsType[refusal](err); err != nil && !refused {
		return to, err
	}
	for _, other := range of {
		switch {
		case other.delivery == nil: // its token is an inbound one
		case other.callback.Secret == to.callback.Secret:
			return other, nil
		case other.action.Name == to.action.Name:
			to.delivery = other.delivery
		}
	}
	return to, nil
}

// addressees finds the providers of an action whose callbacks are of a kind, its
// own and its failover's, and the settings by which these are known. Where both
// have such, either may report: a record may still name the first where the
// second took the message. The one that it names comes first.
func (h *Handler) addressees(act *action.Action, kind string, d *ledger.Delivery) []addressee {
	of := []addressee{{action: act, provider: h.traits(act.Channel, act.Provider), callback: act.Settings.Callback, delivery: d}}
	if f := act.Settings.Failover; f != nil {
		of = append(of, addressee{action: act, provider: h.traits(act.Channel, f.Provider), callback: f.Callback, delivery: d})
		if d != nil && d.Provider == f.Provider {
			slices.Reverse(of)
		}
	}
	return slices.DeleteFunc(of, func(to addressee) bool { return to.callback == nil || to.provider.Callback != kind })
}

func (h *Handler) traits(name, provider string) channel.Traits {
	i := slices.IndexFunc(h.Channels, func(t channel.Traits) bool { return t.Channel == name && t.Provider == provider })
	if i < 0 {
		return channel.Traits{}
	}
	return h.Channels[i]
}
