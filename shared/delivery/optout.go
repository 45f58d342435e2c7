package delivery

import (
	"context"
	"log/slog"

	"golang.org/x/sync/errgroup"

	"github.com/waypost/waypost/shared/channel"
	"github.com/waypost/waypost/shared/fault"
	"github.com/waypost/waypost/shared/limit"
	"github.com/waypost/waypost/shared/mapping"
	"github.com/waypost/waypost/shared/optout"
)

// OptOuts are the recipients who want no more messages over a channel.
type OptOuts interface {
	// Find gives the opt-out of a channel's recipient, read strongly
	// consistently. A NotFound means that there is none.
	Find(ctx context.Context, channel, recipient string) (optout.OptOut, error)
	// Add notes one. Where that is known it changes nothing.
	Add(ctx context.Context, recipient string, o optout.OptOut) error
}

// recipients are those that the composed message goes to, where the provider's
// channel has recipients who can opt out.
func (a *attempt) recipients() []string {
	body, _ := a.message.Body.(map[string]any)
	var out []string
	switch v := body[a.provider.Traits.Recipient].(type) { // no body has the key ""
	case nil:
	case []any:
		for _, one := range v {
			out = append(out, mapping.Text(one))
		}
	default:
		out = append(out, mapping.Text(v))
	}
	return out
}

// atOnce is how many questions an admission asks at the same time: each is a
// connection, and a function may have a thousand files open.
const atOnce = 32

// admission asks whether a recipient has opted out, and at once with that the limits
// whether the endpoint may be called now; a delivery that comes back for its
// slot has been admitted. out is the opt-out of any recipient: a message to
// several is one call, which must not be made. Then no limit counts it.
func (a *attempt) admission(ctx context.Context, admitted bool) (out *optout.OptOut, d limit.Decision, _ error) {
	recipients, limits := a.recipients(), a.action.Settings.Limits
	found := make([]*optout.OptOut, len(recipients))
	var trip errgroup.Group // no shared context: a write that is broken off may have been made
	trip.SetLimit(atOnce)
	if d.Admitted, d.At = true, a.Now(); len(limits) > 0 && !admitted {
		trip.Go(func() (err error) {
			d, err = a.Limits.Admit(ctx, a.action.Name, limits, a.Now())
			return err
		})
	}
	for i, recipient := range recipients {
		trip.Go(func() error {
			o, err := a.OptOuts.Find(ctx, a.action.Channel, recipient)
			switch {
			case fault.Is(err, fault.NotFound):
				return nil
			case err != nil:
				return err
			}
			found[i] = &o
			return nil
		})
	}
	err := trip.Wait()
	for _, o := range found {
		if o != nil && out == nil {
			out = o
		}
	}
	if out != nil || err != nil {
		a.Limits.GiveBack(ctx, d) // what was not taken is not given
	}
	return out, d, err
}

// optOut notes that the provider refused a message since its recipient has
// opted out. Where that can't be noted, the provider will say so again.
func (a *attempt) optOut(ctx context.Context, v channel.Verdict) {
	recipients := a.recipients()
	if len(recipients) != 1 { // of several, nobody said which
		return
	}
	by := a.rec.Provider
	if by == "" {
		by = a.action.Channel
	}
	o := optout.OptOut{Channel: a.action.Channel, At: a.Now(), By: by, Code: v.Code, Evidence: a.rec.ID().String()}
	if err := a.OptOuts.Add(ctx, recipients[0], o); err != nil {
		a.Log.LogAttrs(ctx, slog.LevelWarn, "the opt-out could not be noted", slog.String("delivery", a.rec.ID().String()), slog.Any("error", err))
	}
}
