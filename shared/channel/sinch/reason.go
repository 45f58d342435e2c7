package sinch

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"time"

	"github.com/waypost/waypost/shared/channel"
)

// errorCode is what a code of Sinch's looks like: syntax_invalid_json, or
// INVALID_ARGUMENT. Anything else may be a part of the request, which a
// record of a failure need not hold. Sinch's are of 3 to 60 characters.
var errorCode = regexp.MustCompile(`^[A-Za-z][A-Za-z_]+$`)

func isCode(s string) bool { return len(s) >= 3 && len(s) <= 60 && errorCode.MatchString(s) }

// codeOf reads Sinch's code out of an error: {"code", "text"}, as the SMS API
// has it, or {"error": {"status"}}, as newer APIs of Sinch have it. It is empty
// where there is none: a 401 often has no body.
func codeOf(body []byte) string {
	var e struct {
		Code  any `json:"code"`
		Error struct {
			Status any `json:"status"`
		} `json:"error"`
	}
	if json.Unmarshal(body, &e) != nil {
		return ""
	}
	for _, v := range []any{e.Code, e.Error.Status} {
		if code, ok := v.(string); ok && isCode(code) {
			return code
		}
	}
	return ""
}

// words say what an API's codes, and its HTTP statuses where there is no code,
// mean. page is where Sinch explains the codes.
type words struct {
	codes    map[string]string
	statuses map[int]string
	page     string
	makes    string // what an answer that accepts has the id of
}

// judge judges an answer by its status, in the API's words. id is that of what
// was made; an answer that accepts without one did not come from the API.
func (w words) judge(a channel.Answer, now time.Time, id string) channel.Verdict {
	v := channel.ByStatus(a, now)
	switch {
	case v.Result == channel.Accepted && id == "":
		return channel.Verdict{Result: channel.Ambiguous, Whose: channel.OfProvider, Reason: fmt.Sprintf("Sinch answered %d without a %s id", a.Code, w.makes)}
	case v.Result == channel.Accepted:
		v.ProviderID = id
	case v.Result == channel.Ambiguous: // an outage is no refusal
	default:
		if reason := w.explain(a); reason != "" {
			v.Reason = reason
		}
	}
	return v
}

// explain says in words of our own why Sinch refused, since its text may
// repeat the recipient's number. It is empty where the status says it all.
func (w words) explain(a channel.Answer) string {
	code := codeOf(a.Body)
	why := w.codes[code]
	switch {
	case code != "" && why == "":
		why = "see " + w.page
	case why == "":
		why = w.statuses[a.Code]
	}
	switch {
	case why == "":
		return ""
	case code == "":
		return fmt.Sprintf("Sinch refused it: %d (%s)", a.Code, why)
	}
	return fmt.Sprintf("Sinch refused it: %d %s (%s)", a.Code, code, why)
}

// whose says whose reason a code is. A code that is not known may well speak of
// the recipient, so it is not taken for Sinch's own.
func whose(code string) channel.Whose {
	switch code {
	case "blocked_account":
		return channel.OfProvider
	case "illegal_number_type":
		return channel.OfRecipient
	}
	return channel.OfMessage
}

// batchWords are the SMS API's.
var batchWords = words{makes: "batch", codes: meanings, statuses: statuses, page: "https://developers.sinch.com/docs/sms/api-reference/status-codes"}

var meanings = map[string]string{
	"syntax_invalid_json":             "the request is not the JSON that it takes",
	"syntax_invalid_parameter_format": "a value is malformed, such as a phone number in to or from",
	"syntax_constraint_violation":     "a value is missing, too long or not one of those it takes",
	"unknown_group":                   "to names a group that the service plan does not have",
	"unknown_campaign":                "the campaign does not exist",
	"missing_callback_url":            "a delivery report was asked for, and the service plan has no callback URL",
	"blocked_account":                 "the account is blocked",
	"illegal_number_type":             "a number in to is of a kind that can't be texted in its region",
}

var statuses = map[int]string{
	http.StatusUnauthorized:    "the token is wrong",
	http.StatusForbidden:       "the service plan may not send this",
	http.StatusNotFound:        "no such service plan in this region: servicePlanId in the secret, and settings.url's region, must be the service plan's",
	http.StatusTooManyRequests: "too many requests at once",
}
