package admin

import (
	"context"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/waypost/waypost/shared/fault"
	"github.com/waypost/waypost/shared/optout"
)

// OptOuts keeps the recipients who want no more messages over a channel.
type OptOuts interface {
	// Find gives one. A NotFound means that the recipient has not opted out.
	Find(ctx context.Context, channel, recipient string) (optout.OptOut, error)
	// Add notes one. Where that is known it changes nothing.
	Add(ctx context.Context, recipient string, o optout.OptOut) error
	// Lift has a recipient get messages again. A NotFound is as for Find.
	Lift(ctx context.Context, channel, recipient string, at time.Time) error
}

// OfRecipient names a channel's recipient.
type OfRecipient struct {
	Channel   string `path:"channel" doc:"a channel whose recipients can opt out, such as sms"`
	Recipient string `path:"recipient" doc:"a phone number in E.164 form, such as +15550100001"`
}

// Lifted answers the DELETE of an opt-out.
type Lifted struct {
	Channel string    `json:"channel"`
	Lifted  time.Time `json:"lifted" doc:"since when messages are sent again"`
}

// optOuts registers what operators do about opt-outs. There is no list: whom one
// is of stands in its key alone, as a hash.
func (h *Handler) optOuts(a *api) {
	const path = "/admin/v1/opt-outs/{channel}/{recipient}"
	register(a, http.MethodGet, path, "get-opt-out", "a recipient's opt-out of a channel", h.getOptOut)
	register(a, http.MethodPut, path, "put-opt-out", "send a recipient nothing more over a channel", h.putOptOut)
	register(a, http.MethodDelete, path, "delete-opt-out", "lift an opt-out: send to the recipient again", h.deleteOptOut)
}

func (h *Handler) getOptOut(ctx context.Context, in *OfRecipient) (optout.OptOut, error) {
	if err := h.checkRecipient(in); err != nil {
		return optout.OptOut{}, err
	}
	return h.OptOuts.Find(ctx, in.Channel, in.Recipient)
}

func (h *Handler) putOptOut(ctx context.Context, in *OfRecipient) (optout.OptOut, error) {
	if err := h.checkRecipient(in); err != nil {
		return optout.OptOut{}, err
	}
	o := optout.OptOut{Channel: in.Channel, At: h.Now().UTC(), By: optout.Operator}
	if err := h.OptOuts.Add(ctx, in.Recipient, o); err != nil {
		return optout.OptOut{}, err
	}
	h.Log.LogAttrs(ctx, slog.LevelInfo, "a recipient was opted out by an operator", slog.String("channel", in.Channel))
	return h.OptOuts.Find(ctx, in.Channel, in.Recipient) // one that was there before stays
}

func (h *Handler) deleteOptOut(ctx context.Context, in *OfRecipient) (Lifted, error) {
	if err := h.checkRecipient(in); err != nil {
		return Lifted{}, err
	}
	at := h.Now().UTC()
	if err := h.OptOuts.Lift(ctx, in.Channel, in.Recipient, at); err != nil {
		return Lifted{}, err
	}
	h.Log.LogAttrs(ctx, slog.LevelInfo, "an opt-out was lifted by an operator", slog.String("channel", in.Channel))
	return Lifted{in.Channel, at}, nil
}

// checkRecipient says what is wrong with the path of an opt-out.
func (h *Handler) checkRecipient(in *OfRecipient) error {
	var known []string
	for _, t := range h.Catalog.Channels {
		if t.Recipient != "" && !slices.Contains(known, t.Channel) {
			known = append(known, t.Channel)
		}
	}
	var details []fault.Detail
	if !slices.Contains(known, in.Channel) {
		details = append(details, fault.Detail{Path: "channel", Rule: "enum", Message: "must be a channel whose recipients can opt out: " + strings.Join(known, ", "),
			Suggestion: fault.Nearest(in.Channel, known)})
	}
	if err := optout.CheckPhone(in.Recipient); err != nil {
		details = append(details, fault.Detail{Path: "recipient", Rule: "format", Message: strings.TrimPrefix(fault.Public(err), "the recipient ")})
	}
	return fault.Document("the path is not valid", details)
}
