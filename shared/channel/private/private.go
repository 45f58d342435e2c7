// Package private is the channel for a company's own systems: a webhook, whose
// function alone runs in the company's network. Which of its hosts and networks
// may be called, the operator's list says (package egress), here as elsewhere:
// the channel by itself permits nothing.
package private

import (
	"github.com/waypost/waypost/shared/action"
	"github.com/waypost/waypost/shared/channel"
	"github.com/waypost/waypost/shared/channel/webhook"
)

// Channel encodes and classifies as for webhooks. Its zero value is ready.
type Channel struct{ webhook.Channel }

// Traits describes the channel.
func Traits() channel.Traits {
	return channel.Traits{Channel: "private", Function: "private", Callback: webhook.CallbackKind, Guarantee: action.AtLeastOnce, Check: webhook.Check}
}
