package sinch

import (
	"bytes"
	"encoding/json"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Bounds of a message of the Conversation API, in characters and seconds.
const (
	maxProperty    = 1024
	maxMetadata    = 1024
	maxCorrelation = 128
	minTTL, maxTTL = 3, 315_576_000_000
)

// A message is what messages:send takes.
type message struct {
	AppID     string `json:"app_id"`
	Recipient struct {
		ContactID    string `json:"contact_id"`
		IdentifiedBy *struct {
			Identities []identity `json:"channel_identities"`
		} `json:"identified_by"`
	} `json:"recipient"`
	Message struct {
		Text *struct {
			Text string `json:"text"`
		} `json:"text_message"`
	} `json:"message"`
	Properties   map[string]string          `json:"channel_properties"`
	Order        []string                   `json:"channel_priority_order"`
	CallbackURL  string                     `json:"callback_url"`
	Metadata     string                     `json:"message_metadata"`
	Conversation map[string]json.RawMessage `json:"conversation_metadata"`
	Correlation  string                     `json:"correlation_id"`
	TTL          string                     `json:"ttl"`
	Queue        string                     `json:"queue"`
	Strategy     string                     `json:"processing_strategy"`
}

// An identity is a recipient on a channel.
type identity struct {
	Channel  string `json:"channel"`
	Identity string `json:"identity"`
	AppID    string `json:"app_id"` // of channels that have their own
}

// channels are those that the API knows; the app has SMS.
var channels = []string{"SMS", "WHATSAPP", "RCS", "MMS", "VIBER", "VIBERBM", "MESSENGER", "INSTAGRAM", "TELEGRAM", "KAKAOTALK", "KAKAOTALKCHAT",
	"LINE", "WECHAT", "APPLEBC"}

var lifetime = regexp.MustCompile(`^(\d{1,12})s$`)

// newMessage judges a request by the API's rules.
func newMessage(body []byte) (*message, *rpcStatus) {
	m := &message{}
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	switch err := d.Decode(m); {
	case !json.Valid(body):
		return nil, invalid("The JSON is not well formed")
	case err != nil: // a value of another type, or a member that there is not
		return nil, invalid(strings.TrimPrefix(err.Error(), "json: "))
	}
	for _, check := range []func(*message) *rpcStatus{checkApp, checkRecipient, checkText, checkProperties, checkDelivery} {
		if refused := check(m); refused != nil {
			return nil, refused
		}
	}
	return m, nil
}

func checkApp(m *message) *rpcStatus {
	switch m.AppID {
	case AppID:
		return nil
	case "":
		return invalid("app_id: is required")
	}
	return notFoundStatus("App not found")
}

// checkRecipient takes an identity on SMS: an app in the mode DISPATCH has no
// contacts.
func checkRecipient(m *message) *rpcStatus {
	by := m.Recipient.IdentifiedBy
	switch {
	case m.Recipient.ContactID != "" && by != nil:
		return invalid("recipient: is contact_id or identified_by")
	case m.Recipient.ContactID != "":
		return invalid("recipient: must be identified_by in DISPATCH mode")
	case by == nil || len(by.Identities) == 0:
		return invalid("recipient: is required")
	}
	seen := map[string]bool{}
	for _, id := range by.Identities {
		switch {
		case !slices.Contains(channels, id.Channel):
			return invalid("channel_identities: channel is not one")
		case seen[id.Channel]:
			return invalid("channel_identities: one identity a channel")
		case id.Channel != "SMS":
			return unfit("The app has no channel " + id.Channel)
		case !msisdn.MatchString(id.Identity), "+"+strings.TrimPrefix(id.Identity, "+") == Invalid:
			return invalid("channel_identities: " + id.Identity + " is not a valid phone number")
		}
		seen[id.Channel] = true
	}
	for _, channel := range m.Order {
		if channel != "SMS" {
			return invalid("channel_priority_order: " + channel + " is not configured in the app")
		}
	}
	return nil
}

func checkText(m *message) *rpcStatus {
	if m.Message.Text == nil {
		return invalid("message: is required")
	}
	if m.Message.Text.Text == "" {
		return invalid("text_message.text: is required")
	}
	return nil
}

func checkProperties(m *message) *rpcStatus {
	for key, v := range m.Properties {
		if utf8.RuneCountInString(v) > maxProperty {
			return invalid("channel_properties: a value is over 1024 characters")
		}
		ok := false
		switch key {
		case "SMS_SENDER":
			ok = msisdn.MatchString(v) || shortCode.MatchString(v) || senderID.MatchString(v)
		case "SMS_FLASH_MESSAGE":
			ok = v == "true" || v == "false"
		case "SMS_MAX_NUMBER_OF_MESSAGE_PARTS":
			n, err := strconv.Atoi(v)
			ok = err == nil && n >= 1
		}
		if !ok {
			return invalid("channel_properties: " + key + " is not valid")
		}
	}
	switch m.Properties["SMS_SENDER"] {
	case BlockedAccount, NotAllowed:
		return denied()
	case NoChannel:
		return unfit("The app has no channel SMS")
	}
	return nil
}

// checkDelivery checks what says how the message is delivered and reported.
func checkDelivery(m *message) *rpcStatus {
	switch {
	case utf8.RuneCountInString(m.Metadata) > maxMetadata:
		return invalid("message_metadata: is over 1024 characters")
	case utf8.RuneCountInString(m.Correlation) > maxCorrelation:
		return invalid("correlation_id: is over 128 characters")
	case !slices.Contains([]string{"", "NORMAL_PRIORITY", "HIGH_PRIORITY"}, m.Queue):
		return invalid("queue: is not one")
	case !slices.Contains([]string{"", "DEFAULT", "DISPATCH_ONLY"}, m.Strategy):
		return invalid("processing_strategy: is not one")
	}
	if m.TTL != "" {
		seconds := lifetime.FindStringSubmatch(m.TTL)
		if seconds == nil {
			return invalid("ttl: must be seconds, such as 10s")
		}
		if n, err := strconv.ParseInt(seconds[1], 10, 64); err != nil || n < minTTL || n > maxTTL {
			return invalid("ttl: must be between 3s and 315576000000s")
		}
	}
	if u, err := url.Parse(m.CallbackURL); m.CallbackURL != "" && (err != nil || u.Hostname() == "" || !strings.HasPrefix(u.Scheme, "http")) {
		return invalid("callback_url: is not a valid URL")
	}
	return nil
}

// to is the recipient's number, with a +.
func (m *message) to() string {
	return "+" + strings.TrimPrefix(m.Recipient.IdentifiedBy.Identities[0].Identity, "+")
}
