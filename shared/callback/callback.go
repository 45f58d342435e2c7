// Package callback takes what providers report of the messages that they were
// sent, at POST /callback/{kind}/{token}, where anybody can reach it.
//
// A token names one delivery, and has a part that only the provider was told;
// or it is "inbound." and an action's name, for what is not about one delivery.
// The action's settings name the secret by which the provider signs. Nothing is
// done before the signature holds, and a refusal tells its caller nothing but
// its status: the log has the reason, and neither key, body nor recipient.
//
// A report that comes twice, late or out of order changes nothing, and is
// answered like any other. Where AWS does not answer, the answer is 503, so that
// a provider that repeats its reports does: each step may be taken again.
//
// Not promised: an order among the reports of different deliveries, or that a
// provider which does not repeat for long (Twilio, for 15 seconds) is heard during
// an outage of AWS.
package callback

import (
	"context"
	"log/slog"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/waypost/waypost/shared/action"
	"github.com/waypost/waypost/shared/channel"
	"github.com/waypost/waypost/shared/ledger"
	"github.com/waypost/waypost/shared/optout"
	"github.com/waypost/waypost/shared/secret"
)

// MaxBody is the most bytes that a callback may have.
const MaxBody = 64 << 10

// optOutsAtOnce is how many of a callback's opt-outs are noted at the same time:
// a batch that goes to many may report many.
const optOutsAtOnce = 16

// Inbound begins the token of a URL for what is not about one delivery: an
// action's name follows.
const Inbound = "inbound."

// A Reporter understands callbacks of one kind (channel.Traits.Callback).
type Reporter interface {
	// Verify says why a callback is not signed by one of the keys, of which
	// there is at least one and none is empty. now bounds how old it may be. An
	// Invalid means that a key can't be used, so that nobody can say.
	Verify(c channel.Callback, keys []string, now time.Time) error
	// Read gives what a callback says, or why it can't be read.
	Read(c channel.Callback) (channel.Report, error)
	// MediaTypes are those that its callbacks have.
	MediaTypes() []string
}

// Records are the ledger's deliveries.
type Records interface {
	// Delivery gives a record, read strongly consistently. A NotFound means
	// that there is none.
	Delivery(ctx context.Context, id ledger.DeliveryID) (ledger.Delivery, error)
	// Hear puts a report into the record that was read as d, if it moves its
	// status forward, and gives the record as it now is. A NotFound means that
	// it is not there any more.
	Hear(ctx context.Context, d ledger.Delivery, r ledger.Report) (ledger.Delivery, bool, error)
}

// Actions are the published actions, through memory. A NotFound means that there is none.
type Actions interface {
	Recent(ctx context.Context, name string, version int) (*action.Action, error)
	// Newest reads the version that was published last.
	Newest(ctx context.Context, name string) (*action.Action, error)
}

// Secrets are the credentials, through memory; secret.Store is one.
type Secrets interface {
	Get(ctx context.Context, name string) (secret.Credential, error)
	// Renew gets a credential again that did not do, and says whether it has
	// changed. It asks for one at most once in secret.RenewalGap.
	Renew(ctx context.Context, name string, used secret.Credential) (secret.Credential, bool, error)
}

// OptOuts are the recipients who want no more messages over a channel.
type OptOuts interface {
	// Add notes one. Where that is known it changes nothing.
	Add(ctx context.Context, recipient string, o optout.OptOut) error
}

// A Waker wakes the step that waits for a delivery's final status.
type Waker interface {
	// Wake may be called again for what was woken before.
	Wake(ctx context.Context, d ledger.Delivery) error
}

// A Handler takes callbacks. All fields but Waker and Base must be set; it is
// safe for concurrent use.
type Handler struct {
	Reporters map[string]Reporter // by kind
	Channels  []channel.Traits    // say which kind a provider's callbacks are of
	Records   Records
	Actions   Actions
	Secrets   Secrets
	OptOuts   OptOuts
	Waker     Waker // nil where no step waits
	// Base is the public URL that kinds and tokens follow. Where it is empty,
	// it is /callback at the request's own host; see lambdaedge.URL for what
	// that is.
	Base channel.CallbackURL
	Log  *slog.Logger
	Now  func() time.Time
}

// report verifies a callback and does what it says. It gives the body that the
// provider wants to see in the answer.
func (h *Handler) report(ctx context.Context, kind, token string, c channel.Callback) (reply string, _ error) {
	of, err := h.find(ctx, kind, token)
	if err != nil {
		return "", err
	}
	reporter := h.Reporters[kind]
	to, err := h.verified(ctx, reporter, c, of)
	if err != nil {
		return "", err
	}
	said, err := reporter.Read(c)
	if err != nil {
		return "", malformed("the callback for the action "+to.action.Name+" cannot be read", err)
	}
	said.At = h.Now()
	if to.delivery == nil && said.Token != "" {
		if to, err = h.named(ctx, kind, said.Token, to); err != nil {
			return "", err
		}
	}
	if to.delivery != nil && said.Status != "" {
		if err := h.hear(ctx, to.delivery, said.Report); err != nil {
			return "", err
		}
	}
	if len(said.OptOuts) > 0 {
		if err := h.optOut(ctx, to, said); err != nil {
			return "", err
		}
	}
	if said.Status != "" {
		err = h.wake(ctx, to.delivery)
	}
	return said.Reply, err
}

// hear records what was reported of a delivery.
func (h *Handler) hear(ctx context.Context, d *ledger.Delivery, r ledger.Report) error {
	heard, moved, err := h.Records.Hear(ctx, *d, r)
	if err != nil {
		return absentFor(err, "the delivery is not there any more")
	}
	if *d = heard; moved {
		h.Log.LogAttrs(ctx, slog.LevelInfo, "delivery reported on", slog.String("delivery", d.ID().String()), slog.String("journey", d.Journey),
			slog.String("action", d.Action), slog.String("channel", d.Channel), slog.String("provider", d.Provider),
			slog.String("status", string(d.Status)), slog.String("code", d.StatusCode))
	}
	return nil
}

// wake wakes the step that waits for a delivery's final status, at each report
// of one that has it: an earlier one may have been lost before it woke anybody.
func (h *Handler) wake(ctx context.Context, d *ledger.Delivery) error {
	if h.Waker == nil || d == nil || d.TaskToken == "" || !d.Status.Final() {
		return nil
	}
	return h.Waker.Wake(ctx, *d)
}

// optOut notes the recipients who want no more messages over the action's channel.
func (h *Handler) optOut(ctx context.Context, to addressee, said channel.Report) error {
	if to.provider.Recipient == "" {
		h.Log.LogAttrs(ctx, slog.LevelWarn, "an opt-out has no effect: nobody knows the recipients of this channel's messages",
			slog.String("action", to.action.Name), slog.String("channel", to.action.Channel))
		return nil
	}
	o := optout.OptOut{Channel: to.action.Channel, At: h.Now(), By: to.provider.Provider, Code: said.Code, Evidence: said.ProviderID}
	if o.By == "" {
		o.By = o.Channel
	}
	if to.delivery != nil {
		o.Evidence = to.delivery.ID().String()
	}
	var each errgroup.Group // no shared context: what one could not note is no reason to leave the others out
	each.SetLimit(optOutsAtOnce)
	for _, recipient := range said.OptOuts {
		each.Go(func() error { return h.OptOuts.Add(ctx, recipient, o) })
	}
	if err := each.Wait(); err != nil {
		return err
	}
	h.Log.LogAttrs(ctx, slog.LevelInfo, "recipients opted out", slog.Int("recipients", len(said.OptOuts)), slog.String("action", to.action.Name), slog.String("channel", o.Channel),
		slog.String("provider", o.By), slog.String("code", o.Code), slog.String("evidence", o.Evidence))
	return nil
}
