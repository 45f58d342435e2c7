package sinch

import (
	"bytes"
	"encoding/json"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// Bounds of a batch.
const (
	maxRecipients = 1000
	maxText       = 2000 // characters
	maxReference  = 2048
	maxParameters = 16
	maxLife       = 72 * time.Hour
)

// A batch is Sinch's resource, as it is sent and as it is answered.
type batch struct {
	ID              string                       `json:"id"`
	To              []string                     `json:"to"`
	From            string                       `json:"from,omitempty"`
	Canceled        bool                         `json:"canceled"`
	Parameters      map[string]map[string]string `json:"parameters,omitempty"`
	Body            string                       `json:"body"`
	Type            string                       `json:"type"`
	CreatedAt       string                       `json:"created_at"`
	ModifiedAt      string                       `json:"modified_at"`
	DeliveryReport  string                       `json:"delivery_report"`
	SendAt          string                       `json:"send_at,omitempty"`
	ExpireAt        string                       `json:"expire_at"`
	CallbackURL     string                       `json:"callback_url,omitempty"`
	ClientReference string                       `json:"client_reference,omitempty"`
	FeedbackEnabled bool                         `json:"feedback_enabled"`
	FlashMessage    bool                         `json:"flash_message"`
	TruncateConcat  *bool                        `json:"truncate_concat,omitempty"`
	MaxParts        *int                         `json:"max_number_of_message_parts,omitempty"`
	FromTON         *int                         `json:"from_ton,omitempty"`
	FromNPI         *int                         `json:"from_npi,omitempty"`

	due time.Time // when it is sent
}

// stamp is how Sinch writes a time.
const stamp = "2006-01-02T15:04:05.000Z"

var (
	msisdn    = regexp.MustCompile(`^\+?[1-9]\d{6,14}$`)
	group     = regexp.MustCompile(`^[0-9A-Za-z]{26}$`)
	shortCode = regexp.MustCompile(`^\d{3,8}$`)
	senderID  = regexp.MustCompile(`^[A-Za-z0-9 ]{1,11}$`)
	parameter = regexp.MustCompile(`\$\{([A-Za-z0-9_]{1,16})\}`)
)

// newBatch judges a request by Sinch's rules, and makes its batch.
func newBatch(body []byte, now time.Time) (*batch, *problem) {
	b := &batch{Type: "mt_text", DeliveryReport: "none"}
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	switch err := d.Decode(b); {
	case !json.Valid(body):
		return nil, &problem{400, "syntax_invalid_json", "The JSON is not well formed"}
	case err != nil: // a value of another type, or a member that there is not
		return nil, malformed("%s", strings.TrimPrefix(err.Error(), "json: "))
	case b.ID != "" || b.CreatedAt != "" || b.ModifiedAt != "" || b.Canceled:
		return nil, malformed("id, canceled, created_at and modified_at are read-only")
	}
	for _, check := range []func(*batch) *problem{checkTo, checkFrom, checkBody, checkOptions} {
		if p := check(b); p != nil {
			return nil, p
		}
	}
	if p := b.times(now); p != nil {
		return nil, p
	}
	b.ID = newID()
	b.CreatedAt, b.ModifiedAt = now.Format(stamp), now.Format(stamp)
	return b, nil
}

func checkTo(b *batch) *problem {
	if len(b.To) == 0 || len(b.To) > maxRecipients {
		return violated("to: size must be between 1 and %d", maxRecipients)
	}
	for _, to := range b.To {
		switch number := "+" + strings.TrimPrefix(to, "+"); {
		case group.MatchString(to):
			return forbidden("unknown_group", "Unknown group %s", to)
		case !msisdn.MatchString(to), number == Invalid:
			return malformed("to: %s is not a valid MSISDN", to)
		case number == IllegalType:
			return forbidden("illegal_number_type", "Illegal number type: %s", to)
		}
	}
	return nil
}

// checkFrom takes a batch without from: a default originator stands behind it.
func checkFrom(b *batch) *problem {
	switch {
	case b.From == "":
	case b.From == BlockedAccount:
		return forbidden("blocked_account", "Account blocked")
	case b.From == NotAllowed:
		return &problem{status: 403}
	case !msisdn.MatchString(b.From) && !shortCode.MatchString(b.From) && !senderID.MatchString(b.From):
		return malformed("from: %s is not a valid originator", b.From)
	}
	return nil
}

// checkBody wants a text, and for each ${name} in it a value.
func checkBody(b *batch) *problem {
	if n := utf8.RuneCountInString(b.Body); n == 0 || n > maxText {
		return violated("body: size must be between 1 and %d", maxText)
	}
	if len(b.Parameters) > maxParameters {
		return violated("parameters: size must be between 0 and %d", maxParameters)
	}
	for _, m := range parameter.FindAllStringSubmatch(b.Body, -1) {
		values, named := b.Parameters[m[1]]
		for _, to := range b.To {
			if _, found := valueFor(values, to); named && !found {
				return violated("parameters: no value of %s for %s, and no default", m[1], to)
			}
		}
	}
	return nil
}

func checkOptions(b *batch) *problem {
	reports := []string{"none", "summary", "full", "per_recipient", "per_recipient_final"}
	switch {
	case b.Type != "mt_text":
		return violated("type: must be mt_text")
	case !slices.Contains(reports, b.DeliveryReport):
		return malformed("delivery_report: must be one of %s", strings.Join(reports, ", "))
	case len(b.ClientReference) > maxReference:
		return violated("client_reference: size must be between 0 and %d", maxReference)
	case b.MaxParts != nil && *b.MaxParts < 1:
		return violated("max_number_of_message_parts: must be greater than or equal to 1")
	case b.FromTON != nil && (*b.FromTON < 0 || *b.FromTON > 6):
		return violated("from_ton: must be between 0 and 6")
	case b.FromNPI != nil && (*b.FromNPI < 0 || *b.FromNPI > 18):
		return violated("from_npi: must be between 0 and 18")
	}
	if u, err := url.Parse(b.CallbackURL); b.CallbackURL != "" && (err != nil || u.Hostname() == "" || !strings.HasPrefix(u.Scheme, "http")) {
		return malformed("callback_url: is not a valid URL")
	}
	return nil
}

// times reads when the batch is sent and until when.
func (b *batch) times(now time.Time) *problem {
	b.due = now
	if b.SendAt != "" {
		at, err := time.Parse(time.RFC3339, b.SendAt)
		if err != nil {
			return malformed("send_at: is not an ISO-8601 timestamp")
		}
		b.due = at
	}
	if b.ExpireAt == "" {
		b.ExpireAt = b.due.Add(maxLife).Format(stamp)
		return nil
	}
	until, err := time.Parse(time.RFC3339, b.ExpireAt)
	switch {
	case err != nil:
		return malformed("expire_at: is not an ISO-8601 timestamp")
	case !until.After(b.due) || until.After(b.due.Add(maxLife)):
		return violated("expire_at: must be after send_at, and at most 3 days after it")
	}
	return nil
}

// has says whether the batch goes to a number, written with + or without.
func (b *batch) has(number string) bool {
	return slices.ContainsFunc(b.To, func(to string) bool { return strings.TrimPrefix(to, "+") == number[1:] })
}

// textFor is what a recipient reads.
func (b *batch) textFor(to string) string {
	return parameter.ReplaceAllStringFunc(b.Body, func(found string) string {
		if v, ok := valueFor(b.Parameters[found[2:len(found)-1]], to); ok {
			return v
		}
		return found
	})
}

// valueFor gives a parameter's value for a recipient, or its default.
func valueFor(values map[string]string, to string) (string, bool) {
	for _, key := range []string{to, "+" + to, strings.TrimPrefix(to, "+"), "default"} {
		if v, ok := values[key]; ok {
			return v, true
		}
	}
	return "", false
}
