// Package sinch is the sms channel's two ways through Sinch:
//
//   - the provider sinch makes batches of its SMS REST API, version 1
//     (https://developers.sinch.com/docs/sms/api-reference/sms/batches), of a
//     service plan. The credential's servicePlanId goes into the path, its token
//     into the Authorization header.
//   - the provider sinch_conversation sends by its Conversation API
//     (https://developers.sinch.com/docs/conversation/api-reference/conversation/messages),
//     as an app of a project. The credential is the project's access key,
//     {"clientId", "clientSecret", "projectId", "appId"}: settings.auth is of
//     type oauth2, and Sinch gives a token for it at https://auth.sinch.com/oauth2/token.
//
// What both have, a contract's body names alike, so that either may stand in for
// the other, and for another provider of the channel. Whose account, project and
// app it is stands in the secret, where an operator changes it.
//
// Sinch answers for what it took and not for its recipients: a number that is
// not in use, or whose owner has opted out, is accepted, and only the delivery
// report tells of it (a batch's status Deleted).
package sinch

import (
	"encoding/json"
	"net/http"
	"regexp"
	"time"

	"github.com/waypost/waypost/shared/action"
	"github.com/waypost/waypost/shared/channel"
	"github.com/waypost/waypost/shared/mapping"
	"github.com/waypost/waypost/shared/secret"
)

// Channel encodes and classifies for Sinch. Its zero value is ready.
type Channel struct {
	// Now reads the clock, for Retry-After dates; time.Now where nil.
	Now func() time.Time
}

// Traits describes the channel. Sinch does not tell repeats by their
// client_reference, so an ambiguous attempt is not repeated unless an action
// asks for it.
func Traits() channel.Traits {
	return channel.Traits{Channel: "sms", Provider: "sinch", Function: "sms", Callback: CallbackKind,
		Hosts: []string{"*" + hostSuffix}, Senders: []string{"from"}, Recipient: "to", Guarantee: action.AtMostOnce, Check: check}
}

// parameters maps the contract's body keys to the members of a batch. What
// says when it is sent, where reports go and which delivery it is for is not
// among them: that is Waypost's.
var parameters = map[string]string{
	"to": "to", "from": "from", "text": "body", "parameters": "parameters",
	"deliveryReport": "delivery_report", "expireAt": "expire_at", "feedbackEnabled": "feedback_enabled",
	"flashMessage": "flash_message", "truncateConcat": "truncate_concat", "maxNumberOfMessageParts": "max_number_of_message_parts",
	"fromTon": "from_ton", "fromNpi": "from_npi",
}

// anyID is the form of an id of Sinch's.
var anyID = regexp.MustCompile(`^[0-9A-Za-z_-]+$`)

// isID says whether something is an id of Sinch's, such as a service plan's, a
// project's or an app's: of 100 characters at most. A pattern that counts them
// would lengthen each cold start.
func isID(s string) bool { return len(s) <= 100 && anyID.MatchString(s) }

// Encode makes the request that creates a batch: for one recipient, or for
// each of a list.
func (c Channel) Encode(m *action.Message, cred secret.Credential) (*channel.Request, error) {
	plan, ok := cred.Field("servicePlanId")
	if !ok || !isID(plan) {
		return nil, channel.Lacks("servicePlanId", "letters, digits, - and _", "Sinch's path")
	}
	batch := map[string]any{"type": "mt_text"}
	if m.Delivery != "" {
		batch["client_reference"] = m.Delivery
	}
	body, _ := m.Body.(map[string]any)
	for key, v := range body {
		switch {
		case v == nil:
		case key == "to":
			batch["to"] = recipients(v)
		default:
			batch[parameters[key]] = v
		}
	}
	if m.Callback != "" {
		batch["callback_url"] = m.Callback
		if batch["delivery_report"] == nil {
			batch["delivery_report"] = reportFor(batch["to"])
		}
	}
	encoded, err := (&action.Message{Body: batch}).JSON()
	if err != nil {
		return nil, err
	}
	header := http.Header{}
	header.Set("Content-Type", "application/json")
	header.Set("Accept", "application/json")
	return &channel.Request{Method: http.MethodPost, URL: channel.Join(m.BaseURL, "/xms/v1/"+plan+"/batches", nil), Header: header, Body: encoded}, nil
}

// reportFor is how Sinch is to report on a batch: on each step of the way to
// one recipient, and on several once, when it knows what became of all.
func reportFor(to any) string {
	if several, _ := to.([]string); len(several) > 1 {
		return "full"
	}
	return "per_recipient"
}

// recipients gives a batch's list of one recipient, or of several.
func recipients(v any) []string {
	items, many := v.([]any)
	if !many {
		items = []any{v}
	}
	to := make([]string, len(items))
	for i, item := range items {
		to[i] = mapping.Text(item)
	}
	return to
}

// Classify judges by the status; Sinch's code says why. A 201 without an id
// did not come from Sinch's API, so nobody knows what became of the message.
func (c Channel) Classify(a channel.Answer) channel.Verdict {
	var batch struct {
		ID string `json:"id"`
	}
	if json.Unmarshal(a.Body, &batch) != nil {
		batch.ID = ""
	}
	v := batchWords.judge(a, channel.Clock(c.Now), batch.ID)
	if code := codeOf(a.Body); code != "" && v.Result == channel.Refused {
		v.Whose = whose(code)
	}
	return v
}
