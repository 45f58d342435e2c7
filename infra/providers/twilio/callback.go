package twilio

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/waypost/waypost/infra/providers/callbacks"
	signing "github.com/waypost/waypost/shared/channel/twilio"
)

// To numbers that are accepted and don't get the message, as the status
// callback says, and the resource. They are not Twilio's own.
const (
	Unreachable  = "+15005550030" // undelivered, 30003
	OptedOutLate = "+15005550031" // failed, 21610: as a Messaging Service finds out late
)

// fate gives what becomes of a message to a number, with Twilio's code.
func fate(to string) (status string, code int) {
	switch to {
	case Unreachable:
		return "undelivered", 30003
	case OptedOutLate:
		return "failed", 21610
	}
	return "delivered", 0
}

// report sends the status callbacks of a message that was accepted: for each
// status after the first, which the answer told.
func (s *Server) report(m *message) {
	if m.callback == "" || m.Status == "scheduled" {
		return
	}
	if m.first == "accepted" {
		s.sendStatus(m, "queued", 0, callbacks.Soon/2)
	}
	status, code := fate(m.To)
	if status != "failed" { // that never left Twilio
		s.sendStatus(m, "sent", 0, callbacks.Soon)
	}
	s.sendStatus(m, status, code, callbacks.Later)
}

// sendStatus sends one status callback. Twilio tries once more where it could
// not connect, and never after an answer, unless the URL asks for that.
func (s *Server) sendStatus(m *message, status string, code int, after time.Duration) {
	key := s.authToken(m.AccountSID)
	address, asked, _ := strings.Cut(m.callback, "#")
	form := url.Values{"MessageSid": {m.SID}, "SmsSid": {m.SID}, "MessageStatus": {status}, "SmsStatus": {status},
		"AccountSid": {m.AccountSID}, "To": {m.To}, "ApiVersion": {m.APIVersion}}
	if m.From != nil {
		form.Set("From", *m.From)
	}
	if m.MessagingServiceSID != nil {
		form.Set("MessagingServiceSid", *m.MessagingServiceSID)
	}
	if code != 0 {
		form.Set("ErrorCode", strconv.Itoa(code))
	}
	if status == "delivered" || status == "undelivered" {
		form.Set("RawDlrDoneDate", s.opts.Now().UTC().Format("0601021504"))
	}
	token, body := newHex(), form.Encode()
	s.opts.Callbacks.Send(after, callbacks.Callback{
		Make: func(ctx context.Context, _ callbacks.Attempt) *http.Request {
			r, err := http.NewRequestWithContext(ctx, http.MethodPost, address, strings.NewReader(body))
			if err != nil {
				return nil
			}
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=UTF-8")
			r.Header.Set("User-Agent", "TwilioProxy/1.1")
			r.Header.Set("I-Twilio-Idempotency-Token", token)
			r.Header.Set(signing.SignatureHeader, signing.Signature(key, address, form))
			return r
		},
		Again: func(last callbacks.Attempt) (time.Duration, bool) {
			return 100 * time.Millisecond, triedAgain(asked, last)
		},
	})
}

// triedAgain says whether a callback is repeated after an attempt that failed.
// asked is the fragment of its URL: rc is how often, 5 at most, and rp lists after
// what, of ct (no connection), rt (no answer), 4xx, 5xx and all
// (https://www.twilio.com/docs/usage/webhooks/webhooks-connection-overrides).
func triedAgain(asked string, last callbacks.Attempt) bool {
	overrides, _ := url.ParseQuery(asked) // of what can't be read there is nothing
	count, err := strconv.Atoi(overrides.Get("rc"))
	if err != nil || count < 0 || count > 5 {
		count = 1
	}
	policy := strings.Split(overrides.Get("rp"), ",")
	failed := "ct"
	if last.Status != 0 {
		failed = strconv.Itoa(last.Status/100) + "xx"
	}
	always := failed == "ct" && policy[0] == ""
	return last.Count <= count && (always || slices.Contains(policy, failed) || slices.Contains(policy, "all"))
}

// authToken is what callbacks of an account are signed with, whatever key its
// messages are sent with.
func (s *Server) authToken(account string) string {
	for _, a := range s.opts.Accounts {
		if a.SID == account {
			return a.AuthToken
		}
	}
	return ""
}
