// Package slack is the slack channel, both ways that Slack takes messages:
//
//   - the provider webhook posts to an app's incoming webhook
//     (https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks).
//     The webhook's URL is its credential: settings.url is https://hooks.slack.com,
//     settings.auth is {"type": "url", "secret": "waypost/…"}, and the secret
//     holds the whole URL as Slack shows it, {"url": "https://hooks.slack.com/services/T…/B…/…"}.
//   - the provider api calls chat.postMessage
//     (https://docs.slack.dev/reference/methods/chat.postMessage) with a bearer token.
//
// A contract's body has Slack's own arguments, by Slack's names.
package slack

import (
	"net/http"
	"time"

	"github.com/waypost/waypost/shared/action"
	"github.com/waypost/waypost/shared/channel"
	"github.com/waypost/waypost/shared/fault"
	"github.com/waypost/waypost/shared/secret"
)

const methodPath = "/api/chat.postMessage"

// Webhook encodes and classifies for incoming webhooks. Its zero value is ready.
type Webhook struct {
	// Now reads the clock, for Retry-After dates; time.Now where nil.
	Now func() time.Time
}

// API encodes and classifies for chat.postMessage. Its zero value is ready.
type API struct {
	// Now reads the clock, for Retry-After dates; time.Now where nil.
	Now func() time.Time
}

// WebhookTraits describes the provider webhook. Slack honours no idempotency
// key, so an ambiguous attempt is not repeated unless an action asks for it.
func WebhookTraits() channel.Traits {
	return channel.Traits{Channel: "slack", Provider: "webhook", Function: "slack",
		Hosts: []string{"hooks.slack.com"}, Guarantee: action.AtMostOnce, Check: checkWebhook}
}

// APITraits describes the provider api; see WebhookTraits.
func APITraits() channel.Traits {
	return channel.Traits{Channel: "slack", Provider: "api", Function: "slack", Callback: CallbackKind,
		Hosts: []string{"slack.com"}, Guarantee: action.AtMostOnce, Check: checkAPI}
}

// Encode makes the post to the webhook, whose path the credential completes.
func (Webhook) Encode(m *action.Message, _ secret.Credential) (*channel.Request, error) {
	return encode(m, "", nil)
}

// Encode makes the call of chat.postMessage.
func (API) Encode(m *action.Message, _ secret.Credential) (*channel.Request, error) {
	return encode(m, methodPath, metadata(m.Callback))
}

// encode writes the body as JSON. An argument that came out as null is left
// out, since Slack refuses some of those. The charset is named because Slack's
// Web API answers with a warning where it is not. metadata is Waypost's own, or nil.
func encode(m *action.Message, path string, metadata map[string]any) (*channel.Request, error) {
	args, ok := m.Body.(map[string]any)
	if !ok {
		return nil, fault.New(fault.Invalid, "the body must be an object with the arguments of a Slack message")
	}
	given := make(map[string]any, len(args)+1)
	for name, v := range args {
		if v != nil {
			given[name] = v
		}
	}
	if metadata != nil {
		given["metadata"] = metadata
	}
	body, err := (&action.Message{Body: given}).JSON()
	if err != nil {
		return nil, err
	}
	header := http.Header{}
	header.Set("Content-Type", "application/json; charset=utf-8")
	return &channel.Request{Method: http.MethodPost, URL: channel.Join(m.BaseURL, path, nil), Header: header, Body: body}, nil
}
