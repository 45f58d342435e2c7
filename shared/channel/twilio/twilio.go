// Package twilio is the sms channel's provider Twilio: its Messages API
// (https://www.twilio.com/docs/messaging/api/message-resource), version
// 2010-04-01. The credential's accountSid goes into the path.
package twilio

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/waypost/waypost/shared/action"
	"github.com/waypost/waypost/shared/channel"
	"github.com/waypost/waypost/shared/fault"
	"github.com/waypost/waypost/shared/mapping"
	"github.com/waypost/waypost/shared/schema"
	"github.com/waypost/waypost/shared/secret"
)

// Channel encodes and classifies for Twilio. Its zero value is ready.
type Channel struct {
	// Now reads the clock, for Retry-After dates; time.Now where nil.
	Now func() time.Time
}

// Traits describes the channel. Twilio honours no idempotency key, so an
// ambiguous attempt is not repeated unless an action asks for it.
func Traits() channel.Traits {
	return channel.Traits{Channel: "sms", Provider: "twilio", Function: "sms", Callback: CallbackKind,
		Hosts: []string{"api.twilio.com", "*.twilio.com"}, Senders: []string{"from", "messagingServiceSid"}, Recipient: "to", Guarantee: action.AtMostOnce, Check: check}
}

// parameters maps the contract's body keys to Twilio's form parameters.
var parameters = map[string]string{
	"to": "To", "from": "From", "messagingServiceSid": "MessagingServiceSid", "text": "Body",
	"mediaUrl": "MediaUrl", "contentSid": "ContentSid", "contentVariables": "ContentVariables",
	"validityPeriod": "ValidityPeriod", "riskCheck": "RiskCheck", "smartEncoded": "SmartEncoded",
	"shortenUrls": "ShortenUrls", "contentRetention": "ContentRetention", "addressRetention": "AddressRetention",
}

// again has Twilio repeat a status callback up to five times within 15 seconds,
// whatever kept it from being taken. Without it, Twilio repeats none that was
// answered, not even with a 503 or a 429. It keeps the fragment to itself
// (https://www.twilio.com/docs/usage/webhooks/webhooks-connection-overrides).
const again = "#rc=5&rp=all"

// severalOf is the one parameter that a message may have several of.
const severalOf = "mediaUrl"

func check(a *action.Action) []fault.Detail {
	details := channel.OnlyBody(a, a.Provider)
	say := func(path, format string, args ...any) {
		details = append(details, fault.Detail{Path: path, Message: fmt.Sprintf(format, args...)})
	}
	var body map[string]json.RawMessage
	if err := json.Unmarshal(a.Contract.Body, &body); err != nil {
		say("contract.body", "must be an object with to, text, and from or messagingServiceSid")
		return details
	}
	known := slices.Sorted(maps.Keys(parameters))
	for key, raw := range body {
		if strings.EqualFold(key, "statusCallback") {
			say("contract.body."+key, "is the deployment's own; ask for reports in settings.callback")
			continue
		}
		if parameters[key] == "" {
			details = append(details, fault.Detail{Path: "contract.body." + key, Rule: "additionalProperties",
				Message: "is not a parameter of a Twilio message", Suggestion: fault.Nearest(key, known)})
			continue
		}
		f := a.Field("body." + key)
		if many := raw[0] == '[' || f != nil && f.Type.Kind == schema.ArrayKind; many && key != severalOf {
			say("contract.body."+key, "must be one value: Twilio takes several of %s alone", severalOf)
		}
	}
	if body["to"] == nil {
		say("contract.body.to", "is missing: the recipient's phone, in E.164 form")
	}
	if body["from"] == nil && body["messagingServiceSid"] == nil {
		say("contract.body.from", "is missing: give from, or messagingServiceSid")
	}
	if body["text"] == nil && body["mediaUrl"] == nil && body["contentSid"] == nil {
		say("contract.body.text", "is missing: give text, mediaUrl or contentSid")
	}
	if auth := a.Settings.Auth; auth == nil || auth.Type != "basic" {
		say("settings.auth", `must be {"type": "basic", "secret": "waypost/…"}: the secret holds accountSid, username and password`)
	}
	slices.SortFunc(details, func(x, y fault.Detail) int { return strings.Compare(x.Path, y.Path) })
	return details
}

var accountSID = regexp.MustCompile(`^AC[0-9a-fA-F]{32}$`)

// Encode makes the form post that creates a message.
func (c Channel) Encode(m *action.Message, cred secret.Credential) (*channel.Request, error) {
	sid, ok := cred.Field("accountSid")
	if !ok || !accountSID.MatchString(sid) {
		return nil, channel.Lacks("accountSid", "AC and 32 hexadecimal digits", "Twilio's path")
	}
	form := url.Values{}
	body, _ := m.Body.(map[string]any)
	for key, v := range body {
		if items, many := v.([]any); many {
			if len(items) > 1 && key != severalOf { // Twilio would text one of them
				return nil, fault.New(fault.Invalid, "%s came out as %d values, and Twilio takes one", key, len(items))
			}
			for _, item := range items {
				form.Add(parameters[key], mapping.Text(item))
			}
		} else if v != nil {
			form.Set(parameters[key], mapping.Text(v))
		}
	}
	if m.Callback != "" {
		form.Set("StatusCallback", m.Callback+again)
	}
	header := http.Header{}
	header.Set("Content-Type", "application/x-www-form-urlencoded")
	header.Set("Accept", "application/json")
	path := "/2010-04-01/Accounts/" + sid + "/Messages.json"
	return &channel.Request{Method: http.MethodPost, URL: channel.Join(m.BaseURL, path, nil), Header: header, Body: []byte(form.Encode())}, nil
}

// notProcessed are Twilio's codes for a message that it did not take for its
// own reasons: the same request may be taken later.
var notProcessed = []int{20429, 21611}

// optedOut is Twilio's code for a recipient who answered STOP.
const optedOut = 21610

// Classify judges by Twilio's error code first, and by the status where the
// body has none: 21611 comes with a 400 or a 429 alike. A 201 without a sid
// did not come from Twilio's API, so nobody knows what became of the message.
func (c Channel) Classify(a channel.Answer) channel.Verdict {
	var answer struct {
		SID     string `json:"sid"`
		Code    int    `json:"code"`
		Message string `json:"message"`
	}
	readable := json.Unmarshal(a.Body, &answer) == nil
	v := channel.ByStatus(a, channel.Clock(c.Now))
	switch {
	case v.Result == channel.Accepted:
		if answer.SID == "" {
			return channel.Verdict{Result: channel.Ambiguous, Whose: channel.OfProvider, Reason: fmt.Sprintf("Twilio answered %d without a message sid", a.Code)}
		}
		v.ProviderID = answer.SID
	case readable && answer.Code != 0:
		v.Reason = fmt.Sprintf("Twilio refused it: %d (%s)", answer.Code, meaning(answer.Code))
		if slices.Contains(notProcessed, answer.Code) {
			v.Result = channel.Retryable
		}
		v.Code, v.Suppress = strconv.Itoa(answer.Code), answer.Code == optedOut
		if whose := reasons[answer.Code]; whose != "" {
			v.Whose = whose
		}
	}
	return v
}

// meaning says what a code means in words of our own: Twilio's message may
// repeat the recipient's number, which a record of a failure need not hold.
func meaning(code int) string {
	if m := meanings[code]; m != "" {
		return m
	}
	return fmt.Sprintf("see https://www.twilio.com/docs/errors/%d", code)
}

// reasons says whose reason a code is, where its status does not. A number
// that the account can't text, or can't send from, is the account's.
var reasons = map[int]channel.Whose{
	21211: channel.OfRecipient, 21214: channel.OfRecipient, 21217: channel.OfRecipient, 21610: channel.OfRecipient,
	21612: channel.OfRecipient, 21614: channel.OfRecipient, 21635: channel.OfRecipient,
	21212: channel.OfProvider, 21408: channel.OfProvider, 21601: channel.OfProvider, 21606: channel.OfProvider,
	21608: channel.OfProvider, 21611: channel.OfProvider,
	21602: channel.OfMessage, 21603: channel.OfMessage, 21604: channel.OfMessage, 21617: channel.OfMessage,
}

var meanings = map[int]string{
	20003: "the credential is wrong", 20404: "no such account or resource", 20429: "too many requests at once",
	20500: "an error inside Twilio",
	21211: "To is not a valid phone number", 21212: "From is not a valid phone number", 21214: "To cannot be reached",
	21217: "To is not a valid phone number", 21408: "the account may not text that region", 21601: "From cannot send texts",
	21602: "the message has no body", 21603: "From is missing", 21604: "To is missing",
	21606: "From cannot send texts, or is not the account's", 21608: "a trial account may text verified numbers only",
	21610: "the recipient has opted out", 21611: "From's queue is full", 21612: "no route from From to To",
	21614: "To is not a mobile number", 21617: "the body is over 1,600 characters", 21635: "To is a landline",
	// What only a status callback tells of.
	30001: "the account's queue is full", 30002: "the account is suspended", 30003: "the handset can't be reached now",
	30004: "the carrier blocks the message", 30005: "there is no such number", 30006: "To is a landline, or of a carrier that can't be reached",
	30007: "the carrier filtered it", 30008: "the carrier gave no reason", 30034: "From is not registered for A2P 10DLC",
	30450: "blocked as a likely fraud by SMS pumping",
}
