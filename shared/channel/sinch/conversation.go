package sinch

import (
	"encoding/json"
	"net/http"
	"time"

	"github.com/waypost/waypost/shared/action"
	"github.com/waypost/waypost/shared/channel"
	"github.com/waypost/waypost/shared/fault"
	"github.com/waypost/waypost/shared/mapping"
	"github.com/waypost/waypost/shared/secret"
)

// conversationSuffix ends the hosts of the Conversation API; a region stands before it.
const conversationSuffix = ".conversation.api.sinch.com"

// Conversation encodes and classifies for the Conversation API. Its zero value
// is ready.
type Conversation struct {
	// Now reads the clock, for Retry-After dates; time.Now where nil.
	Now func() time.Time
}

// ConversationTraits describes the provider sinch_conversation. Sinch does not
// tell repeats by what it is given with a message, so an ambiguous attempt is
// not repeated unless an action asks for it.
func ConversationTraits() channel.Traits {
	return channel.Traits{Channel: "sms", Provider: "sinch_conversation", Function: "sms",
		Hosts: []string{"*" + conversationSuffix}, Senders: []string{"from"}, Recipient: "to", Guarantee: action.AtMostOnce, Callback: CallbackKind, Check: checkConversation}
}

// properties maps the contract's body keys to the SMS channel's properties
// (https://developers.sinch.com/docs/conversation/channel-support/sms/properties),
// whose values are strings.
var properties = map[string]string{
	"from": "SMS_SENDER", "flashMessage": "SMS_FLASH_MESSAGE", "maxNumberOfMessageParts": "SMS_MAX_NUMBER_OF_MESSAGE_PARTS",
}

// Encode makes the request that sends a text to one recipient.
//
// The delivery's id goes along twice: as correlation_id, which reports repeat
// where the app is in the mode CONVERSATION, and as message_metadata, which
// they repeat (as metadata) in the mode DISPATCH too, an app's default.
func (c Conversation) Encode(m *action.Message, cred secret.Credential) (*channel.Request, error) {
	ids := map[string]string{}
	for _, key := range []string{"projectId", "appId"} {
		id, ok := cred.Field(key)
		if !ok || !isID(id) {
			return nil, channel.Lacks(key, "letters, digits, - and _", "Sinch's Conversation API")
		}
		ids[key] = id
	}
	body, _ := m.Body.(map[string]any)
	if _, many := body["to"].([]any); many {
		return nil, fault.New(fault.Invalid, "to is a list, and Sinch's Conversation API takes one recipient a message")
	}
	message, given := map[string]any{
		"app_id":    ids["appId"],
		"recipient": map[string]any{"identified_by": map[string]any{"channel_identities": []any{map[string]any{"channel": "SMS", "identity": mapping.Text(body["to"])}}}},
		"message":   map[string]any{"text_message": map[string]any{"text": mapping.Text(body["text"])}},
	}, map[string]string{}
	if m.Delivery != "" {
		message["correlation_id"], message["message_metadata"] = m.Delivery, m.Delivery
	}
	if m.Callback != "" {
		message["callback_url"] = m.Callback
	}
	for key, v := range body {
		switch {
		case v == nil:
		case properties[key] != "":
			given[properties[key]] = mapping.Text(v)
		case key == "queue":
			message["queue"] = v
		case key == "validityPeriod":
			message["ttl"] = mapping.Text(v) + "s"
		}
	}
	if len(given) > 0 {
		message["channel_properties"] = given
	}
	encoded, err := (&action.Message{Body: message}).JSON()
	if err != nil {
		return nil, err
	}
	header := http.Header{}
	header.Set("Content-Type", "application/json")
	header.Set("Accept", "application/json")
	path := "/v1/projects/" + ids["projectId"] + "/messages:send"
	return &channel.Request{Method: http.MethodPost, URL: channel.Join(m.BaseURL, path, nil), Header: header, Body: encoded}, nil
}

// Classify judges by the status; Sinch's code says why. A 501 is no refusal:
// Sinch answers it, as a 500, for errors of its own. A 200 without an id did
// not come from Sinch's API, so nobody knows what became of the message.
func (c Conversation) Classify(a channel.Answer) channel.Verdict {
	var sent struct {
		ID string `json:"message_id"`
	}
	if json.Unmarshal(a.Body, &sent) != nil {
		sent.ID = ""
	}
	return conversationWords.judge(a, channel.Clock(c.Now), sent.ID)
}

// conversationWords are the Conversation API's: it has Google's codes, which
// say no more than the status does of whose reason it is.
var conversationWords = words{makes: "message", page: "https://developers.sinch.com/docs/conversation/api-reference/conversation",
	codes: map[string]string{
		"INVALID_ARGUMENT":    "a value is missing, malformed or not one of those it takes, such as the phone number in to or from",
		"INVALID_REQUEST":     "a value is missing, malformed or not one of those it takes, such as the phone number in to or from",
		"FAILED_PRECONDITION": "the app can't send this as it is set up, as where it has no SMS channel",
		"UNAUTHENTICATED":     noToken, "PERMISSION_DENIED": noLeave, "UNAUTHORIZED": noLeave, "NOT_FOUND": noApp, "RESOURCE_EXHAUSTED": noRoom,
	},
	statuses: map[int]string{http.StatusUnauthorized: noToken, http.StatusForbidden: noLeave, http.StatusNotFound: noApp, http.StatusTooManyRequests: noRoom}}

const (
	noToken = "the token is wrong"
	noLeave = "the access key may not send for this project: projectId in the secret must be the access key's, and the account able to pay"
	noApp   = "no such project or app in this region: projectId and appId in the secret, and settings.url's region, must be the app's"
	noRoom  = "too many requests at once, or the app's queue is full"
)
