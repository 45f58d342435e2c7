// Package optout is what is kept of a recipient who wants no more messages over
// a channel: from then on none is sent, until an operator lifts it.
//
// It holds for the channel as a whole, whichever provider or sender was told,
// and for the recipient's address as Normal writes it.
package optout

import (
	"regexp"
	"strings"
	"time"

	"github.com/waypost/waypost/shared/fault"
)

// Operator is who opted a recipient out where no provider did.
const Operator = "operator"

// An OptOut says since when a recipient is not to be called, and why. It does
// not say who: that stands in its key alone.
type OptOut struct {
	Channel string    `json:"channel" doc:"over which nothing is sent"`
	At      time.Time `json:"at" doc:"since when"`
	By      string    `json:"by" doc:"the provider that told of it, or operator"`
	Code    string    `json:"code,omitempty" doc:"the provider's own code"`
	// Evidence is what told of it: a delivery's id, or the provider's id of the
	// recipient's message.
	Evidence string `json:"evidence,omitempty" doc:"the id of the delivery, or of the recipient's message, that told of it"`
}

// Reason says, for people, why a message is not sent.
func (o OptOut) Reason() string {
	by := o.By
	if o.Code != "" {
		by += " " + o.Code
	}
	return "the recipient opted out (" + by + ", " + o.At.UTC().Format(time.DateOnly) + ")"
}

// separators are what people put between the digits of a phone number.
var separators = strings.NewReplacer(" ", "", "-", "", ".", "", "(", "", ")", "", "/", "", "\u00a0", "")

var phone = regexp.MustCompile(`^(\+|00)?([1-9][0-9]{4,14})$`)

// Normal writes an address in the one way that it is compared in: a phone
// number in E.164 form, which some providers give without its plus. What is
// before a colon ("whatsapp:") names another address. Any other text stays as
// it is, but for spaces around it.
func Normal(recipient string) string {
	recipient = strings.TrimSpace(recipient)
	kind, number := "", recipient
	if i := strings.LastIndexByte(recipient, ':'); i >= 0 {
		kind, number = strings.ToLower(recipient[:i+1]), recipient[i+1:]
	}
	if m := phone.FindStringSubmatch(separators.Replace(number)); m != nil {
		return kind + "+" + m[2]
	}
	return recipient
}

// CheckPhone says what is wrong with a recipient who is no phone number.
func CheckPhone(recipient string) error {
	normal := Normal(recipient)
	if number := normal[strings.LastIndexByte(normal, ':')+1:]; !strings.HasPrefix(number, "+") || !phone.MatchString(number) {
		return fault.New(fault.Invalid, "the recipient must be a phone number in E.164 form, such as +15550100001")
	}
	return nil
}
