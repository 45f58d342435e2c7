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
// provider which repeats nothing (Twilio, unless it is told to) is heard during
// an outage of AWS.
package callback

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/waypost/waypost/shared/action"
	"github.com/waypost/waypost/shared/channel"
	"github.com/waypost/waypost/shared/ledger"
	"github.com/waypost/waypost/shared/secret"
)

// MaxBody is the most bytes that a callback may have.
const MaxBody = 64 << 10

// Inbound begins the token of a URL for what is not about one delivery: an
// action's name follows.
const Inbound = "inbound."

// A Reporter understands callbacks of one kind (channel.Traits.Callback).
type Reporter interface {
	// Verify says why a callback is not signed by one of the keys, of which
	// there is at least one and none is empty. now bounds how old it may be.
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
	Waker     Waker // nil where no step waits
	// Base is the public URL that kinds and tokens follow. Where it is empty,
	// it is /callback at the request's own host; see lambdaedge.URL for what
	// that is.
	Base channel.CallbackURL
	Log  *slog.Logger
	Now  func() time.Time
}

// An addressee is what a token was made for.
type addressee struct {
	action   *action.Action
	callback *action.Callback
	delivery *ledger.Delivery // nil for an inbound one
}

// report verifies a callback and does what it says. It gives the body that the
// provider wants to see in the answer.
func (h *Handler) report(ctx context.Context, kind, token string, c channel.Callback) (reply string, _ error) {
	to, err := h.find(ctx, kind, token)
	if err != nil {
		return "", err
	}
	reporter := h.Reporters[kind]
	if err := h.verify(ctx, reporter, c, to.callback.Secret); err != nil {
		return "", err
	}
	said, err := reporter.Read(c)
	if err != nil {
		return "", malformed("the callback cannot be read", err)
	}
	said.At = h.Now()
	if to.delivery == nil && said.Token != "" {
		if to.delivery, err = h.named(ctx, said.Token, to.action); err != nil {
			return "", err
		}
	}
	if to.delivery != nil && said.Status != "" {
		if err := h.hear(ctx, *to.delivery, said.Report); err != nil {
			return "", err
		}
	}
	return said.Reply, nil
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
		if cb := h.callbackOf(act, kind); cb != nil {
			return addressee{action: act, callback: cb}, nil
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
	if cb := h.callbackOf(act, kind); cb != nil {
		return addressee{action: act, callback: cb, delivery: &d}, nil
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

// callbackOf gives the settings by which an action's callbacks of a kind are
// known: its own, or those of its failover's provider. It is nil where there are none.
func (h *Handler) callbackOf(act *action.Action, kind string) *action.Callback {
	s := act.Settings
	if h.kindOf(act.Channel, act.Provider) == kind {
		return s.Callback
	}
	if s.Failover != nil && h.kindOf(act.Channel, s.Failover.Provider) == kind {
		return s.Failover.Callback
	}
	return nil
}

func (h *Handler) kindOf(name, provider string) string {
	i := slices.IndexFunc(h.Channels, func(t channel.Traits) bool { return t.Channel == name && t.Provider == provider })
	if i < 0 {
		return ""
	}
	return h.Channels[i].Callback
}

// hear records what was reported of a delivery, and wakes the step that waits
// for it. A report that comes again wakes again: the first may have been lost
// between the two.
func (h *Handler) hear(ctx context.Context, d ledger.Delivery, r ledger.Report) error {
	d, moved, err := h.Records.Hear(ctx, d, r)
	if err != nil {
		return absentFor(err, "the delivery is not there any more")
	}
	if moved {
		h.Log.LogAttrs(ctx, slog.LevelInfo, "delivery reported on", slog.String("delivery", d.ID().String()), slog.String("journey", d.Journey),
			slog.String("action", d.Action), slog.String("channel", d.Channel), slog.String("provider", d.Provider),
			slog.String("status", string(d.Status)), slog.String("code", d.StatusCode))
	}
	if h.Waker == nil || d.TaskToken == "" || !d.Status.Final() {
		return nil
	}
	return h.Waker.Wake(ctx, d)
}
