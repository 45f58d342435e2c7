package sinch

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/waypost/waypost/shared/action"
	"github.com/waypost/waypost/shared/channel"
	"github.com/waypost/waypost/shared/fault"
	"github.com/waypost/waypost/shared/secret"
)

var (
	appRegions = []string{"us", "eu", "br"} // of apps
	queues     = []string{"NORMAL_PRIORITY", "HIGH_PRIORITY"}
	// tokenURLs give tokens for access keys, the first of them for any region.
	tokenURLs = []string{"https://auth.sinch.com/oauth2/token", "https://us.auth.sinch.com/oauth2/token", "https://eu.auth.sinch.com/oauth2/token"}
)

// conversationNames has, where the API nests them, the members that an author
// would look for.
var conversationNames = names{of: "a message by Sinch's Conversation API",
	wires: map[string]string{"to": "recipient", "text": "message", "from": "SMS_SENDER", "flashMessage": "SMS_FLASH_MESSAGE",
		"maxNumberOfMessageParts": "SMS_MAX_NUMBER_OF_MESSAGE_PARTS", "validityPeriod": "ttl", "queue": "queue"},
	ours: map[string]string{
		"project_id":             "is the secret's projectId; leave it out",
		"app_id":                 "is the secret's appId; leave it out",
		"correlation_id":         "is the delivery's id already; leave it out",
		"message_metadata":       "is the delivery's id already; leave it out",
		"callback_url":           "is the deployment's own; leave it out",
		"channel_priority_order": "is SMS already; leave it out",
		"channel_properties":     "are from, flashMessage and maxNumberOfMessageParts here",
		"processing_strategy":    "is the app's own; leave it out",
	}}

// minValidity is the shortest ttl that Sinch takes, in seconds.
const minValidity = 3

// checkConversation finds what is wrong with an action for the Conversation API.
func checkConversation(a *action.Action) []fault.Detail {
	details := channel.OnlyBody(a, a.Provider)
	say := func(path, suggestion, format string, args ...any) {
		details = append(details, fault.Detail{Path: path, Message: fmt.Sprintf(format, args...), Suggestion: suggestion})
	}
	details = append(details, checkAccessKey(a.Settings.Auth)...)
	serve := hostsOf(appRegions, conversationSuffix)
	if host, ok := wrongHost(a.Settings.URL, serve); ok {
		say("settings.url", nearestURL(host, serve), "must be the app's region: https://REGION%s, where REGION is one of %s", conversationSuffix, strings.Join(appRegions, ", "))
	}
	var body map[string]json.RawMessage
	if err := json.Unmarshal(a.Contract.Body, &body); err != nil {
		say("contract.body", "", "must be an object with to, text, and perhaps from")
		return details
	}
	for key := range body {
		if conversationNames.wires[key] == "" {
			details = append(details, conversationNames.stranger(key))
		}
	}
	switch {
	case body["to"] == nil:
		say("contract.body.to", "", "is missing: the recipient's phone, in E.164 form")
	case list(body["to"]):
		say("contract.body.to", "", "must be one phone, in E.164 form: Sinch's Conversation API takes one recipient a message")
	}
	if body["text"] == nil {
		say("contract.body.text", "", "is missing: what the recipient reads")
	}
	var queue string
	if json.Unmarshal(body["queue"], &queue) == nil && !slices.Contains(queues, queue) {
		say("contract.body.queue", fault.Nearest(queue, queues), "must be one of %s", strings.Join(queues, ", "))
	}
	var seconds float64
	if json.Unmarshal(body["validityPeriod"], &seconds) == nil && (seconds < minValidity || seconds != float64(int64(seconds))) {
		say("contract.body.validityPeriod", "", "must be a whole number of seconds, at least %d", minValidity)
	}
	slices.SortFunc(details, func(x, y fault.Detail) int { return strings.Compare(x.Path, y.Path) })
	return details
}

// checkAccessKey finds what is wrong with how an action authenticates. Whom the
// access key is shown to is not the author's to choose, so it is one of Sinch's.
func checkAccessKey(auth *secret.Auth) []fault.Detail {
	if auth == nil || auth.Type != secret.TypeOAuth2 {
		return []fault.Detail{{Path: "settings.auth", Message: fmt.Sprintf(`must be {"type": "oauth2", "secret": "waypost/…", "tokenUrl": %q}: `+
			"the secret holds clientId and clientSecret, which are an access key's id and secret, projectId and appId", tokenURLs[0])}}
	}
	var details []fault.Detail
	if auth.TokenURL != "" && !slices.Contains(tokenURLs, auth.TokenURL) { // that it is missing is said already
		details = append(details, fault.Detail{Path: "settings.auth.tokenUrl", Message: "must be where Sinch gives tokens, " + tokenURLs[0]})
	}
	if auth.ClientAuth != "" && auth.ClientAuth != secret.ClientBasic {
		details = append(details, fault.Detail{Path: "settings.auth.clientAuth", Message: "must be " + secret.ClientBasic + ", or left out: Sinch takes an access key in the header"})
	}
	return details
}

// list says whether a body's value is a list, or a field that is one.
func list(value json.RawMessage) bool {
	var items []json.RawMessage
	if json.Unmarshal(value, &items) == nil && items != nil {
		return true
	}
	var field struct {
		Type any `json:"type"`
	}
	return json.Unmarshal(value, &field) == nil && field.Type == "array"
}
