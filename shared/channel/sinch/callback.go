package sinch

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"regexp"
	"strings"
	"time"

	"github.com/waypost/waypost/shared/channel"
	"github.com/waypost/waypost/shared/fault"
)

// CallbackKind is the kind of Sinch's callbacks, of its SMS API and of its
// Conversation API alike.
const CallbackKind = "sinch"

// The headers that sign a callback; the algorithm is always HmacSHA256.
const (
	HeaderSignature = "X-Sinch-Webhook-Signature"
	HeaderAlgorithm = "X-Sinch-Webhook-Signature-Algorithm"
	HeaderNonce     = "X-Sinch-Webhook-Signature-Nonce"
	HeaderTimestamp = "X-Sinch-Webhook-Signature-Timestamp"

	Algorithm = "HmacSHA256"
)

// Callbacks understands what Sinch sends of messages: of the SMS API delivery
// reports on batches and on recipients, and messages that come in
// (https://developers.sinch.com/docs/sms/api-reference/sms/webhooks); of the Conversation
// API likewise (https://developers.sinch.com/docs/conversation/callbacks). Its
// keys are the secrets that the webhooks are set up with. Its zero value is ready.
type Callbacks struct{}

// MediaTypes lists what a body may be.
func (Callbacks) MediaTypes() []string { return []string{"application/json"} }

// Signature gives the signature of a body, as it stands, with a nonce and a
// time in Unix seconds.
func Signature(key string, body []byte, nonce, timestamp string) string {
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write(body)
	mac.Write([]byte("." + nonce + "." + timestamp))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// Verify says whether a callback was signed with one of the keys within the
// window. The nonce is signed with the rest and not remembered: a repeat says
// nothing new, since a status only moves forward.
func (Callbacks) Verify(c channel.Callback, keys []string, now time.Time) error {
	if err := verify(c, keys, now); err != nil {
		return channel.Unverified(err)
	}
	return nil
}

func verify(c channel.Callback, keys []string, now time.Time) error {
	signature, unsigned := c.SignedHeader(HeaderSignature)
	algorithm, noAlgorithm := c.SignedHeader(HeaderAlgorithm)
	nonce, noNonce := c.SignedHeader(HeaderNonce)
	timestamp, noTime := c.SignedHeader(HeaderTimestamp)
	if err := errors.Join(unsigned, noAlgorithm, noNonce, noTime); err != nil {
		return err
	}
	switch {
	case !strings.EqualFold(algorithm, Algorithm):
		return errors.New("the algorithm is not " + Algorithm)
	case strings.Contains(nonce, "."):
		return errors.New("the nonce has a full stop, which separates what is signed")
	}
	if err := channel.Timely(timestamp, now); err != nil {
		return err
	}
	return channel.ByOneOf(keys, signature, func(key string) string { return Signature(key, c.Body, nonce, timestamp) })
}

// Read reads what a callback says. One of a kind that is not about a message
// that was sent, or a recipient's will, says nothing.
func (Callbacks) Read(c channel.Callback) (channel.Report, error) {
	var body struct {
		Type         string                `json:"type"`
		Conversation *conversationDelivery `json:"message_delivery_report"`
		Inbound      *conversationInbound  `json:"message"`
		OptedOut     *conversationOptOut   `json:"opt_out_notification"`
	}
	var object map[string]json.RawMessage
	if json.Unmarshal(c.Body, &object) != nil || object == nil || json.Unmarshal(c.Body, &body) != nil {
		return channel.Report{}, fault.New(fault.Invalid, "the body is not a callback of Sinch's in JSON")
	}
	switch kind := strings.TrimSuffix(strings.TrimSuffix(body.Type, "_sms"), "_mms"); {
	case kind == "recipient_delivery_report":
		return readRecipient(c.Body)
	case kind == "delivery_report":
		return readBatch(c.Body)
	case body.Type == "mo_text":
		return readInbound(c.Body)
	case body.Conversation != nil:
		return body.Conversation.report(), nil
	case body.Inbound != nil:
		return body.Inbound.report(), nil
	case body.OptedOut != nil:
		return body.OptedOut.report(), nil
	}
	return channel.Report{}, nil
}

var digits = regexp.MustCompile(`^[1-9]\d{6,14}$`)

// e164 gives a phone number as contracts write it: Sinch leaves the + out.
// Other identities stay as they are.
func e164(number string) string {
	if digits.MatchString(number) {
		return "+" + number
	}
	return number
}
