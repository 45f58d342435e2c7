package slack

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"path"
	"time"

	"github.com/waypost/waypost/shared/channel"
	"github.com/waypost/waypost/shared/fault"
	"github.com/waypost/waypost/shared/ledger"
)

// CallbackKind is the kind of Slack's callbacks.
const CallbackKind = "slack"

// The headers that sign a request of Slack's.
const (
	HeaderSignature = "X-Slack-Signature"
	HeaderTimestamp = "X-Slack-Request-Timestamp"
)

// Slack calls one URL for the whole app, so that a delivery's token goes out
// in the message's metadata, under these names, and comes back with it. The
// app's manifest must list the event's type in metadata_subscriptions, and
// message_metadata_posted among its bot_events
// (https://docs.slack.dev/reference/events/message_metadata_posted).
const (
	EventType = "waypost_delivery"
	tokenKey  = "delivery"
)

// metadata is what goes out with a message: nil where no report is wanted. The
// token is the last segment of the callback URL.
func metadata(callback string) map[string]any {
	if callback == "" {
		return nil
	}
	return map[string]any{"event_type": EventType, "event_payload": map[string]any{tokenKey: path.Base(callback)}}
}

// Callbacks understands what Slack's Events API sends to an app's request URL.
// A message that was posted counts as delivered: Slack tells no more. Its keys
// are the app's signing secrets. Its zero value is ready.
type Callbacks struct{}

// MediaTypes lists what a body may be.
func (Callbacks) MediaTypes() []string { return []string{"application/json"} }

// Signature gives X-Slack-Signature for a body, as it stands, at a time in Unix
// seconds (https://docs.slack.dev/authentication/verifying-requests-from-slack).
func Signature(key, timestamp string, body []byte) string {
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write([]byte("v0:" + timestamp + ":"))
	mac.Write(body)
	return "v0=" + hex.EncodeToString(mac.Sum(nil))
}

// Verify says whether a callback was signed with one of the keys within the
// window.
func (Callbacks) Verify(c channel.Callback, keys []string, now time.Time) error {
	if err := verify(c, keys, now); err != nil {
		return channel.Unverified(err)
	}
	return nil
}

func verify(c channel.Callback, keys []string, now time.Time) error {
	signature, unsigned := c.SignedHeader(HeaderSignature)
	timestamp, noTime := c.SignedHeader(HeaderTimestamp)
	if err := errors.Join(unsigned, noTime); err != nil {
		return err
	}
	if err := channel.Timely(timestamp, now); err != nil {
		return err
	}
	return channel.ByOneOf(keys, signature, func(key string) string { return Signature(key, timestamp, c.Body) })
}

// Read reads an event. Slack first asks whether the URL is the app's: its
// challenge is the Reply. An event that is not about a message of Waypost's
// says nothing.
func (Callbacks) Read(c channel.Callback) (channel.Report, error) {
	var body struct {
		Type, Challenge string
		Event           json.RawMessage
	}
	if err := json.Unmarshal(c.Body, &body); err != nil || body.Type == "" {
		return channel.Report{}, fault.New(fault.Invalid, "the body is not an event of Slack's in JSON")
	}
	switch body.Type {
	case "url_verification":
		return channel.Report{Reply: body.Challenge}, nil
	case "event_callback":
		return readPosted(body.Event)
	}
	return channel.Report{}, nil
}

// readPosted reads an event that a message with metadata was posted.
func readPosted(event []byte) (channel.Report, error) {
	var posted struct {
		Type     string `json:"type"`
		Channel  string `json:"channel_id"`
		TS       string `json:"message_ts"`
		Metadata struct {
			Type    string         `json:"event_type"`
			Payload map[string]any `json:"event_payload"`
		} `json:"metadata"`
	}
	err := json.Unmarshal(event, &posted)
	if posted.Type != "message_metadata_posted" || posted.Metadata.Type != EventType {
		return channel.Report{}, nil // another event, whatever it looks like
	}
	token, _ := posted.Metadata.Payload[tokenKey].(string)
	if err != nil || token == "" || posted.Channel == "" || posted.TS == "" {
		return channel.Report{}, fault.New(fault.Invalid, "the event has no delivery in its metadata, or no channel_id and message_ts")
	}
	return channel.Report{Token: token, Report: ledger.Report{Status: ledger.Delivered, ProviderID: messageID(posted.Channel, posted.TS)}}, nil
}

// messageID is the id of a message, which Slack has none of: its channel and ts.
func messageID(channel, ts string) string { return channel + "/" + ts }
