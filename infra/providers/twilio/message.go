package twilio

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// A message is Twilio's Message resource.
type message struct {
	AccountSID          string            `json:"account_sid"`
	APIVersion          string            `json:"api_version"`
	Body                string            `json:"body"`
	DateCreated         string            `json:"date_created"`
	DateSent            *string           `json:"date_sent"`
	DateUpdated         string            `json:"date_updated"`
	Direction           string            `json:"direction"`
	ErrorCode           *int              `json:"error_code"`
	ErrorMessage        *string           `json:"error_message"`
	From                *string           `json:"from"`
	MessagingServiceSID *string           `json:"messaging_service_sid"`
	NumMedia            string            `json:"num_media"`
	NumSegments         string            `json:"num_segments"`
	Price               *string           `json:"price"`
	PriceUnit           string            `json:"price_unit"`
	SID                 string            `json:"sid"`
	Status              string            `json:"status"`
	SubresourceURIs     map[string]string `json:"subresource_uris"`
	To                  string            `json:"to"`
	URI                 string            `json:"uri"`

	sent  time.Time
	first string // the status that the sender is told

	callback string // where its status callbacks go, or empty
}

// maxText is the longest body, in characters.
const maxText = 1600

var (
	e164      = regexp.MustCompile(`^\+[1-9]\d{6,14}$`)
	shortCode = regexp.MustCompile(`^\d{3,8}$`)
	senderID  = regexp.MustCompile(`^[A-Za-z0-9 ]{1,11}$`)
	letter    = regexp.MustCompile(`[A-Za-z]`)
	serviceID = regexp.MustCompile(`^MG[0-9a-fA-F]{32}$`)
	contentID = regexp.MustCompile(`^HX[0-9a-fA-F]{32}$`)
	spacing   = strings.NewReplacer(" ", "", "-", "", "(", "", ")", "", ".", "")
)

// newMessage judges a form by Twilio's rules, and makes its message.
func newMessage(account string, form url.Values, now time.Time) (*message, *problem) {
	to, from, service := spacing.Replace(form.Get("To")), strings.TrimSpace(form.Get("From")), form.Get("MessagingServiceSid")
	text, media, content := form.Get("Body"), form["MediaUrl"], form.Get("ContentSid")
	if p := checkTo(to); p != nil {
		return nil, p
	}
	if p := checkFrom(from, service); p != nil {
		return nil, p
	}
	if p := checkContent(form); p != nil {
		return nil, p
	}
	if p := magicPair(to, from); p != nil {
		return nil, p
	}
	prefix := "SM"
	if len(media) > 0 {
		prefix = "MM"
	}
	sid := prefix + newHex()
	uri := fmt.Sprintf("/2010-04-01/Accounts/%s/Messages/%s", account, sid)
	m := &message{
		AccountSID: account, APIVersion: "2010-04-01", Body: text, Direction: "outbound-api",
		DateCreated: now.UTC().Format(time.RFC1123Z), DateUpdated: now.UTC().Format(time.RFC1123Z),
		NumMedia: strconv.Itoa(len(media)), NumSegments: strconv.Itoa(segments(text)), PriceUnit: "USD",
		SID: sid, Status: "delivered", SubresourceURIs: map[string]string{"media": uri + "/Media.json"}, To: to, URI: uri + ".json",
		sent: now.UTC(), first: "queued", callback: form.Get("StatusCallback"),
	}
	if status, code := fate(to); code != 0 {
		m.Status, m.ErrorCode = status, &code
	}
	if content != "" && text == "" {
		m.Body = "[content " + content + "]"
	}
	if from != "" {
		m.From = &from
	}
	if service != "" {
		m.MessagingServiceSID, m.NumSegments, m.first = &service, "0", "accepted"
	}
	date := m.DateCreated
	m.DateSent = &date
	if form.Get("ScheduleType") != "" {
		m.Status, m.first, m.DateSent, m.ErrorCode = "scheduled", "scheduled", nil, nil
	}
	return m, nil
}

// initial is the message as the answer to its sending shows it: not sent yet.
func (m *message) initial() message {
	c := *m
	c.Status, c.DateSent, c.ErrorCode = m.first, nil, nil
	return c
}

// sender is what the recipient sees the message come from.
func (m *message) sender() string {
	if m.From != nil {
		return *m.From
	}
	return *m.MessagingServiceSID
}

// bad is a problem with status 400.
func bad(code int, format string, args ...any) *problem {
	return &problem{code, http.StatusBadRequest, fmt.Sprintf(format, args...)}
}

func checkTo(to string) *problem {
	switch {
	case to == "":
		return bad(21604, "A 'To' phone number is required.")
	case !e164.MatchString(to), to == "+15005550001":
		return bad(21211, "The 'To' number %s is not a valid phone number.", to)
	}
	return nil
}

func checkFrom(from, service string) *problem {
	switch {
	case service != "" && !serviceID.MatchString(service):
		return bad(21701, "The Messaging Service Sid %s is invalid.", service)
	case from == "" && service == "":
		return bad(21603, "A 'From' phone number is required.")
	case from == "":
		return nil
	case from == "+15005550001",
		!e164.MatchString(from) && !shortCode.MatchString(from) && (!senderID.MatchString(from) || !letter.MatchString(from)):
		return bad(21212, "The 'From' number %s is not a valid phone number, shortcode, or alphanumeric sender ID.", from)
	case from == "+15005550007":
		return bad(21606, "The From phone number %s is not a valid, SMS-capable inbound phone number or short code for your account.", from)
	case from == "+15005550008":
		return &problem{21611, http.StatusTooManyRequests, fmt.Sprintf("This 'From' number %s has exceeded the maximum number of queued messages.", from)}
	}
	return nil
}

// checkContent wants something to send, and its companions well formed.
func checkContent(form url.Values) *problem {
	text, content, variables := form.Get("Body"), form.Get("ContentSid"), form.Get("ContentVariables")
	switch {
	case text == "" && len(form["MediaUrl"]) == 0 && content == "":
		return bad(21602, "Message body is required.")
	case utf8.RuneCountInString(text) > maxText:
		return bad(21617, "The concatenated message body exceeds the %d character limit.", maxText)
	case content != "" && !contentID.MatchString(content):
		return bad(21655, "The ContentSid %s is invalid.", content)
	case variables != "" && !json.Valid([]byte(variables)):
		return bad(21656, "The ContentVariables Parameter is invalid.")
	case len(form["MediaUrl"]) > 10:
		return bad(21623, "Number of media files exceeds allowed limit.")
	case form.Get("ScheduleType") != "" && form.Get("MessagingServiceSid") == "":
		return bad(35118, "MessagingServiceSid is required to schedule a message.")
	}
	for _, media := range form["MediaUrl"] {
		if !webURL(media) {
			return bad(21620, "Invalid media URL(s)")
		}
	}
	if callback := form.Get("StatusCallback"); callback != "" && !webURL(callback) {
		return bad(21609, "The 'StatusCallback' URL %s is not a valid URL.", callback)
	}
	return nil
}

// webURL says whether Twilio would call a URL: http or https, and a host name
// without underscores.
func webURL(s string) bool {
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Hostname() != "" && !strings.Contains(u.Hostname(), "_")
}

// magicPair refuses the magic To numbers that are valid but can't be texted.
func magicPair(to, from string) *problem {
	switch to {
	case "+15005550002":
		return bad(21612, "The 'To' phone number: %s, is not currently reachable using the 'From' phone number: %s via SMS.", to, from)
	case "+15005550003":
		return bad(21408, "Permission to send an SMS has not been enabled for the region indicated by the 'To' number: %s.", to)
	case "+15005550004":
		return bad(21610, "Attempt to send to unsubscribed recipient")
	case "+15005550009":
		return bad(21614, "'To' number is not a valid mobile number: %s", to)
	}
	return nil
}

// gsm7 are the characters of GSM 03.38 that take one septet, gsm7Extended
// those that take two.
const (
	gsm7         = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
	gsm7Extended = "\f^{}\\[~]|€"
)

// segments counts the parts that a text is sent in: 160 septets or 70 UTF-16
// units alone, 153 or 67 in each of several.
func segments(text string) int {
	septets, units, plain := 0, 0, true
	for _, r := range text {
		units++
		if r > 0xffff {
			units++
		}
		switch {
		case strings.ContainsRune(gsm7, r):
			septets++
		case strings.ContainsRune(gsm7Extended, r):
			septets += 2
		default:
			plain = false
		}
	}
	size, alone, each := units, 70, 67
	if plain {
		size, alone, each = septets, 160, 153
	}
	if size <= alone {
		return 1
	}
	return (size + each - 1) / each
}
