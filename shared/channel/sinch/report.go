package sinch

import (
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/waypost/waypost/shared/channel"
	"github.com/waypost/waypost/shared/fault"
	"github.com/waypost/waypost/shared/ledger"
)

// readRecipient reads what became of a batch's message to one recipient.
func readRecipient(body []byte) (channel.Report, error) {
	var report struct {
		Batch     string `json:"batch_id"`
		Code      int    `json:"code"`
		Recipient string `json:"recipient"`
		Status    string `json:"status"`
	}
	if json.Unmarshal(body, &report) != nil || report.Batch == "" || report.Status == "" {
		return channel.Report{}, fault.New(fault.Invalid, "the body is not a delivery report on a recipient: it lacks a batch_id or a status")
	}
	r := channel.Report{Report: fate(report.Status, report.Code)}
	r.ProviderID = report.Batch
	if report.Status == deleted {
		r.OptOut(e164(report.Recipient))
	}
	return r, nil
}

// readBatch reads what became of a whole batch. It is delivered where it
// reached all of its recipients, and undelivered once that can't be any more.
func readBatch(body []byte) (channel.Report, error) {
	var report struct {
		Batch    string `json:"batch_id"`
		Statuses []struct {
			Code       int      `json:"code"`
			Count      int      `json:"count"`
			Recipients []string `json:"recipients"`
			Status     string   `json:"status"`
		} `json:"statuses"`
	}
	if json.Unmarshal(body, &report) != nil || report.Batch == "" {
		return channel.Report{}, fault.New(fault.Invalid, "the body is not a delivery report on a batch: it lacks a batch_id")
	}
	var r channel.Report
	missed, all := 0, 0
	for i, s := range report.Statuses {
		all += s.Count
		at := fate(s.Status, s.Code)
		if at.Status == ledger.Undelivered {
			missed += s.Count
			for _, recipient := range s.Recipients {
				if s.Status == deleted {
					r.OptOut(e164(recipient))
				}
			}
		}
		switch worse := at.Status == ledger.Undelivered; {
		case i == 0, worse && r.Status != ledger.Undelivered:
			r.Report = at
		case r.Status != ledger.Undelivered && at.Status.Rank() < r.Status.Rank(): // the batch is as far as its last
			r.Report = at
		}
	}
	if missed > 0 && all > 1 {
		r.Reason = fmt.Sprintf("%d of %d recipients were not reached; of the first, %s", missed, all, r.Reason)
	}
	r.ProviderID = report.Batch
	return r, nil
}

// readInbound reads a text that a recipient sent, which matters where it is STOP.
func readInbound(body []byte) (channel.Report, error) {
	var text struct{ ID, From, Body string }
	if json.Unmarshal(body, &text) != nil || text.From == "" {
		return channel.Report{}, fault.New(fault.Invalid, "the body is not a text message: it lacks from")
	}
	var r channel.Report
	if channel.AsksToStop(text.Body) {
		r.ProviderID = text.ID
		r.OptOut(e164(text.From))
	}
	return r, nil
}

// deleted is the status of a message to a number that is none, or whose owner
// has opted out: Sinch does not tell which, and neither wants another.
const deleted = "Deleted"

// statusWords are Sinch's in Waypost's words
// (https://developers.sinch.com/docs/sms/api-reference/sms/tag/Delivery-reports).
// Unknown says that the carrier has it and does not report on it.
var statusWords = map[string]ledger.Status{
	"Queued": ledger.Accepted, "Dispatched": ledger.Forwarded, "Unknown": ledger.Forwarded, "Delivered": ledger.Delivered,
	"Aborted": ledger.Undelivered, "Rejected": ledger.Undelivered, "Cancelled": ledger.Undelivered, deleted: ledger.Undelivered,
	"Failed": ledger.Undelivered, "Expired": ledger.Undelivered,
}

// fate puts a status and its code in Waypost's words.
func fate(status string, code int) ledger.Report {
	r := ledger.Report{Status: statusWords[status]}
	if r.Status != ledger.Undelivered {
		return r
	}
	r.Reason = "Sinch reports it as " + status
	if code != 0 {
		r.Code = strconv.Itoa(code)
		r.Reason += ": " + r.Code
	}
	why := codes[code]
	if why == "" {
		why = whys[status]
	}
	if why != "" {
		r.Reason += " (" + why + ")"
	}
	return r
}

var whys = map[string]string{
	"Rejected": "the carrier rejected it",
	deleted:    "there is no such number, or its owner has opted out",
	"Expired":  "its time ran out before the carrier had it",
}

// codes are those of Sinch's own
// (https://developers.sinch.com/docs/sms/api-reference/sms/delivery-reports/delivery-report-error-codes).
// Others are the carrier's.
var codes = map[int]string{
	402: "no route to the number", 403: "an error inside Sinch", 404: "a failure that may pass",
	405: "a parameter in the text has no value for the recipient", 406: "its time ran out before the carrier had it",
	407: "it was cancelled", 408: "the carrier rejected it", 410: "there is no from, and no default for the recipient's region",
	411: "the text has more parts than it may", 412: "the account may not text that region", 413: "the account is blocked",
	414: "its media can't be had", 415: "the carrier rejected it", 416: "the carrier does not take such messages",
	417: "the recipient can't be reached", 418: "the recipient's phone can't show it",
}
