package slack

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"time"

	"github.com/waypost/waypost/shared/channel"
)

// How long to wait where Slack does not say, and at least. Slack switches off
// a webhook that goes on sending while it is limited, and some of its 429s have
// no Retry-After, or one of 0.
const (
	unsaidWait  = time.Minute
	minimalWait = time.Second
)

// Classify judges a webhook's answer: the text "ok", or an error's code as
// plain text. A 200 that says anything else did not come from Slack, so nobody
// knows what became of the message. Slack gives no id of the message.
func (c Webhook) Classify(a channel.Answer) channel.Verdict {
	now := channel.Clock(c.Now)
	v := channel.ByStatus(a, now)
	code := string(bytes.TrimSpace(a.Body))
	switch {
	case v.Result == channel.Accepted && code == "ok":
		return v
	case v.Result == channel.Accepted:
		return channel.Verdict{Result: channel.Ambiguous, Reason: fmt.Sprintf(`Slack answered %d without its "ok"`, a.Code)}
	case a.Code == http.StatusTooManyRequests:
		return limited(a, now)
	}
	return byCode(v, code)
}

// Classify judges the Web API's answer. An error's code counts more than the
// status, which is 200 for all errors but a few. An ok without the message's
// ts did not come from chat.postMessage. The message's id is its channel and ts.
func (c API) Classify(a channel.Answer) channel.Verdict {
	now := channel.Clock(c.Now)
	v := channel.ByStatus(a, now)
	var answer struct {
		OK                 *bool
		Error, Channel, TS string
	}
	readable := json.Unmarshal(a.Body, &answer) == nil && answer.OK != nil
	switch {
	case a.Code == http.StatusTooManyRequests, readable && slices.Contains(limits, answer.Error):
		return limited(a, now)
	case v.Result != channel.Accepted:
		return byCode(v, answer.Error)
	case !readable:
		return channel.Verdict{Result: channel.Ambiguous, Reason: fmt.Sprintf("Slack answered %d without saying whether it is ok", a.Code)}
	case !*answer.OK:
		return byCode(channel.Verdict{Result: classOf(answer.Error), Reason: "Slack refused it without a reason"}, answer.Error)
	case answer.TS == "":
		return channel.Verdict{Result: channel.Ambiguous, Reason: fmt.Sprintf("Slack answered %d without the message's ts", a.Code)}
	}
	v.ProviderID = messageID(answer.Channel, answer.TS)
	return v
}

// limited is the verdict on an answer that says to send less. The wait is in
// Retry-After, or in an older form of the body.
func limited(a channel.Answer, now time.Time) channel.Verdict {
	var body struct {
		RetryAfter *float64 `json:"retry_after"`
	}
	wait := unsaidWait
	switch {
	case a.Header.Get("Retry-After") != "":
		wait = channel.RetryAfter(a.Header, now)
	case json.Unmarshal(a.Body, &body) == nil && body.RetryAfter != nil:
		seconds := min(max(0, *body.RetryAfter), channel.MaxRetryAfter.Seconds())
		wait = time.Duration(seconds * float64(time.Second))
	}
	return channel.Verdict{Result: channel.Retryable, RetryAfter: max(wait, minimalWait),
		Reason: "Slack takes no more messages for now: it limits how many it is sent"}
}

// byCode says in words what Slack's code means, where the answer has one.
func byCode(v channel.Verdict, code string) channel.Verdict {
	said := "Slack answered "
	if v.Result == channel.Refused {
		said = "Slack refused it: "
	}
	switch {
	case meanings[code] != "":
		v.Reason = fmt.Sprintf("%s%s (%s)", said, code, meanings[code])
	case unknownCode.MatchString(code) && len(code) <= 50:
		v.Reason = said + code
	}
	v.Unauthorized = v.Result == channel.Refused && slices.Contains(credentials, code)
	return v
}

// unknownCode is how a code looks that Slack may add. Other text is not
// repeated, since it may hold what the message did.
var unknownCode = regexp.MustCompile(`^[a-z]+(_[a-z]+)+$`)

// classOf is the class of a code with which the Web API says that it is not ok.
func classOf(code string) channel.Result {
	switch {
	case slices.Contains(unclear, code):
		return channel.Ambiguous
	case slices.Contains(notProcessed, code):
		return channel.Retryable
	}
	return channel.Refused
}
