package sinch

import (
	"github.com/waypost/waypost/shared/channel"
	"github.com/waypost/waypost/shared/ledger"
)

// What follows is of the Conversation API, whose callbacks have the member of
// their kind beside app_id, project_id and times.

// A conversationDelivery is message_delivery_report: what became of a message.
type conversationDelivery struct {
	Message  string          `json:"message_id"`
	Status   string          `json:"status"`
	Identity channelIdentity `json:"channel_identity"`
	Reason   struct {
		Code string `json:"code"`
	} `json:"reason"`
}

// A channelIdentity is a person as one of an app's channels knows them.
type channelIdentity struct {
	Channel  string `json:"channel"`
	Identity string `json:"identity"`
}

// optOut is that of an identity: a will that was told to an app's other
// channels, some of which know people by their phones too, is not about SMS.
func (i channelIdentity) optOut() string {
	if i.Channel != "" && i.Channel != "SMS" {
		return ""
	}
	return e164(i.Identity)
}

var conversationStatuses = map[string]ledger.Status{
	"QUEUED": ledger.Accepted, "SWITCHING_CHANNEL": ledger.Accepted, "QUEUED_ON_CHANNEL": ledger.Forwarded,
	"DELIVERED": ledger.Delivered, "READ": ledger.Read, "FAILED": ledger.Undelivered,
}

// notOptedIn is the reason where the recipient wants no messages.
const notOptedIn = "RECIPIENT_NOT_OPTED_IN"

func (d *conversationDelivery) report() channel.Report {
	r := channel.Report{Report: ledger.Report{Status: conversationStatuses[d.Status], ProviderID: d.Message}}
	if r.Status != ledger.Undelivered {
		return r
	}
	r.Reason = "Sinch reports it as FAILED"
	if isCode(d.Reason.Code) {
		r.Code = d.Reason.Code
		r.Reason += ": " + r.Code
		if why := conversationReasons[r.Code]; why != "" {
			r.Reason += " (" + why + ")"
		}
	}
	if r.Code == notOptedIn {
		r.OptOut(d.Identity.optOut())
	}
	return r
}

// conversationReasons are reason codes of delivery reports
// (https://developers.sinch.com/docs/conversation/callbacks).
var conversationReasons = map[string]string{
	"RECIPIENT_NOT_REACHABLE":        "the recipient can't be reached",
	notOptedIn:                       "the recipient has not opted in, or has opted out",
	"OUTSIDE_ALLOWED_SENDING_WINDOW": "the recipient did not write within the time in which the channel lets one answer",
	"CHANNEL_FAILURE":                "the channel failed",
	"CHANNEL_BAD_CONFIGURATION":      "the app's channel is not set up right",
	"CHANNEL_CONFIGURATION_MISSING":  "the app has no such channel",
	"MEDIA_NOT_REACHABLE":            "its media can't be had",
	"UNSUPPORTED_CONTENT":            "the channel does not take such messages",
	"REJECTED_BY_CHANNEL":            "the channel rejected it",
	"RATE_LIMITED":                   "too many messages at once",
	"INTERNAL_ERROR":                 "an error inside Sinch",
}

// A conversationInbound is message: one that a recipient sent.
type conversationInbound struct {
	ID       string          `json:"id"`
	Identity channelIdentity `json:"channel_identity"`
	Contact  struct {
		Text struct {
			Text string `json:"text"`
		} `json:"text_message"`
	} `json:"contact_message"`
}

func (m *conversationInbound) report() (r channel.Report) {
	if channel.AsksToStop(m.Contact.Text.Text) {
		r.ProviderID = m.ID
		r.OptOut(m.Identity.optOut())
	}
	return r
}

// A conversationOptOut is opt_out_notification: the channel itself tells of an opt-out.
type conversationOptOut struct {
	channelIdentity
	Request string `json:"request_id"`
	Status  string `json:"status"`
}

func (o *conversationOptOut) report() (r channel.Report) {
	if o.Status == "OPT_OUT_SUCCEEDED" {
		r.ProviderID = o.Request
		r.OptOut(o.optOut())
	}
	return r
}
