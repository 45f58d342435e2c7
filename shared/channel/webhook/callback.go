package webhook

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/waypost/waypost/shared/channel"
	"github.com/waypost/waypost/shared/fault"
	"github.com/waypost/waypost/shared/ledger"
	"github.com/waypost/waypost/shared/secret"
)

// CallbackKind is the kind of the callbacks of every channel whose contract
// says itself how to call.
const CallbackKind = "webhook"

// Callbacks understands what an endpoint sends to the URL that came to it in
// the header Waypost-Callback. It is signed by Standard Webhooks 1.0.0
// (https://www.standardwebhooks.com), with whsec_ keys, or whsk_ ones of which
// Waypost has the whpk_, and says:
//
//	{"type": "delivery.status", "timestamp": "2026-03-04T05:06:07Z",
//	 "data": {"status": "delivered", "code": "", "reason": "", "id": "…", "optOut": ""}}
//
// Status is accepted, sent, delivered, undelivered or read, or absent where
// there is only an optOut: the recipient who wants no more. Code and reason say
// why a message is undelivered, id is the endpoint's own of the message; they
// may be absent, and so may the timestamp. Its zero value is ready.
type Callbacks struct{}

// MediaTypes lists what a body may be.
func (Callbacks) MediaTypes() []string { return []string{"application/json"} }

// Verify says whether a callback was signed with one of the keys within the
// window. It is Invalid where it was by none, and one of them can't be used.
func (Callbacks) Verify(c channel.Callback, keys []string, now time.Time) error {
	switch err := verify(c, keys, now); {
	case err == nil:
		return nil
	case fault.Is(err, fault.Invalid):
		return err
	default:
		return channel.Unverified(err)
	}
}

func verify(c channel.Callback, keys []string, now time.Time) error {
	if err := channel.CheckKeys(keys); err != nil {
		return err
	}
	id, noID := c.SignedHeader("Webhook-Id")
	timestamp, noTime := c.SignedHeader("Webhook-Timestamp")
	signatures, unsigned := c.SignedHeader("Webhook-Signature")
	if err := errors.Join(noID, noTime, unsigned); err != nil {
		return err
	}
	if err := channel.Timely(timestamp, now); err != nil {
		return err
	}
	var refused []error
	for _, key := range keys {
		if err := secret.VerifyWebhook(key, id, timestamp, c.Body, signatures); err != nil {
			refused = append(refused, err)
		}
	}
	if len(refused) == len(keys) {
		return errors.Join(refused...)
	}
	return nil
}

// Bounds of what is kept of a report, in bytes.
const (
	maxCode   = 100
	maxReason = 500
	maxID     = 200
)

// Read reads a report. What is wrong with one is told as details, since only
// an endpoint that has a key gets to see them.
func (Callbacks) Read(c channel.Callback) (channel.Report, error) {
	var body struct {
		Type string `json:"type"`
		Data *struct {
			Status, Code, Reason, ID, OptOut string
		} `json:"data"`
	}
	if err := json.Unmarshal(c.Body, &body); err != nil || body.Data == nil {
		return channel.Report{}, fault.New(fault.Invalid, `the body is not {"type": "delivery.status", "timestamp": "…", "data": {"status": "…"}} in JSON, with text alone in data`)
	}
	d, details := body.Data, []fault.Detail(nil)
	say := func(path, rule, format string, args ...any) {
		details = append(details, fault.Detail{Path: path, Rule: rule, Message: fmt.Sprintf(format, args...)})
	}
	if body.Type != "delivery.status" {
		say("type", "const", "must be delivery.status")
	}
	status, known := ledger.Status(d.Status), []string{"accepted", "sent", "delivered", "undelivered", "read"}
	switch {
	case d.Status == "" && d.OptOut == "":
		say("data.status", "required", "is missing: one of %s", strings.Join(known, ", "))
	case d.Status != "" && !slices.Contains(known, d.Status):
		say("data.status", "enum", "must be one of %s", strings.Join(known, ", "))
	}
	for _, text := range []struct {
		path, value string
		most        int
	}{{"data.code", d.Code, maxCode}, {"data.reason", d.Reason, maxReason}, {"data.id", d.ID, maxID}, {"data.optOut", d.OptOut, maxID}} {
		if len(text.value) > text.most {
			say(text.path, "maxLength", "must have at most %d bytes", text.most)
		}
	}
	if err := fault.Document("the report is not valid", details); err != nil {
		return channel.Report{}, err
	}
	r := channel.Report{Report: ledger.Report{Status: status, Code: d.Code, Reason: d.Reason, ProviderID: d.ID}}
	r.OptOut(d.OptOut)
	return r, nil
}
