package action

import (
	"github.com/waypost/waypost/shared/fault"
	"github.com/waypost/waypost/shared/secret"
)

// CallbackHeader tells an endpoint of a contract's own where it may report what
// becomes of the message. Providers have parameters of theirs for that.
const CallbackHeader = "Waypost-Callback"

// A Callback is the part of an action's settings that asks the provider to
// report what becomes of a message, and says by which secret its reports are
// known to be its own. The secret has "key", and while that is replaced also
// "previousKey": Twilio's AuthToken, Sinch's webhook secret, Slack's signing
// secret, or a key of Standard Webhooks.
type Callback struct {
	Secret string `json:"secret"`
}

// Validate says what is wrong with it, as details below path.
func (c Callback) Validate(path string) []fault.Detail {
	if !secret.ValidName(c.Secret) {
		return []fault.Detail{{Path: path + ".secret", Rule: "pattern",
			Message: `must be the name of a secret, such as waypost/twilio-callbacks, with the key "key" that callbacks are signed with`}}
	}
	return nil
}
