package sinch

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/waypost/waypost/infra/providers/callbacks"
	signing "github.com/waypost/waypost/shared/channel/sinch"
)

// WebhookSecret signs the stand-in's callbacks, for examples.
const WebhookSecret = "not-a-real-secret-for-the-local-sinch"

// fate gives what becomes of a message to a number, with Sinch's code.
func fate(to string) (status string, code int) {
	switch "+" + strings.TrimPrefix(to, "+") {
	case OptedOut:
		return "Deleted", 0
	case Unreachable:
		return "Failed", 27 // SMPP's absent subscriber
	}
	return "Delivered", 0
}

// callBack sends the delivery reports that a batch asks for, from when it is
// due: on each recipient, or one on all.
func (s *Server) callBack(b *batch) {
	if b.CallbackURL == "" {
		return
	}
	wait := max(0, b.due.Sub(s.opts.Now()))
	switch b.DeliveryReport {
	case "summary", "full":
		s.sendReport(b, wait+callbacks.Later, func(now batch) any { return now.report(b.DeliveryReport, true) })
	case "per_recipient", "per_recipient_final":
		for _, to := range b.To {
			if b.DeliveryReport == "per_recipient" {
				s.sendReport(b, wait+callbacks.Soon, func(now batch) any {
					if now.Canceled {
						return nil
					}
					return s.recipientReport(now, to, "Dispatched", 401)
				})
			}
			s.sendReport(b, wait+callbacks.Later, func(now batch) any {
				status, code := fate(to)
				if now.Canceled {
					status, code = "Cancelled", 407
				}
				return s.recipientReport(now, to, status, code)
			})
		}
	}
}

func (s *Server) recipientReport(b batch, to, status string, code int) any {
	at := s.opts.Now().UTC()
	return map[string]any{"type": "recipient_delivery_report_sms", "batch_id": b.ID, "client_reference": b.ClientReference, "recipient": strings.TrimPrefix(to, "+"),
		"status": status, "code": code, "at": at.Format(stamp), "operator_status_at": at.Truncate(time.Minute).Format(stamp)}
}

// sendReport sends one report, which is made when it is time for it: a batch
// may be cancelled before.
func (s *Server) sendReport(b *batch, after time.Duration, report func(now batch) any) {
	r := reporter{s.opts.Callbacks, s.opts.WebhookSecret, s.opts.Now}
	r.send(after, b.CallbackURL, func() any {
		s.mu.Lock()
		now := *b
		if newer := s.batches[b.ID]; newer != nil {
			now = *newer
		}
		s.mu.Unlock()
		return report(now)
	})
}

// A reporter signs what Sinch's APIs report, alike for all of them, and sends it.
type reporter struct {
	sender *callbacks.Sender
	secret string
	now    func() time.Time
}

// send sends what says gives when it is time for it; nil is nothing to send.
// Sinch tries again after a 5xx, a 429 and where it got no answer: after 5 s,
// then twice as long each time, up to 81920 s.
func (p reporter) send(after time.Duration, url string, says func() any) {
	var body []byte
	p.sender.Send(after, callbacks.Callback{
		Make: func(ctx context.Context, last callbacks.Attempt) *http.Request {
			if last.Count == 0 {
				report := says()
				if report == nil {
					return nil
				}
				body, _ = json.Marshal(report) // maps of text and numbers always can be
			}
			r, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
			if err != nil {
				return nil
			}
			nonce, timestamp := newID(), strconv.FormatInt(p.now().Unix(), 10)
			r.Header.Set("Content-Type", "application/json")
			r.Header.Set(signing.HeaderAlgorithm, signing.Algorithm)
			r.Header.Set(signing.HeaderNonce, nonce)
			r.Header.Set(signing.HeaderTimestamp, timestamp)
			r.Header.Set(signing.HeaderSignature, signing.Signature(p.secret, body, nonce, timestamp))
			return r
		},
		Again: func(last callbacks.Attempt) (time.Duration, bool) {
			wait := 5 * time.Second << (last.Count - 1)
			return wait, wait <= 81920*time.Second && (last.Status == 0 || last.Status == http.StatusTooManyRequests || last.Status >= 500)
		},
	})
}

// callBack sends the delivery reports of a message, where it asks for them.
func (c *Conversation) callBack(m *message, id string) {
	if m.CallbackURL == "" {
		return
	}
	r := reporter{c.opts.Callbacks, c.opts.WebhookSecret, c.opts.Now}
	r.send(callbacks.Soon, m.CallbackURL, func() any { return c.report(m, id, "QUEUED_ON_CHANNEL", "") })
	r.send(callbacks.Later, m.CallbackURL, func() any {
		switch m.to() {
		case OptedOut:
			return c.report(m, id, "FAILED", "RECIPIENT_NOT_OPTED_IN")
		case Unreachable:
			return c.report(m, id, "FAILED", "RECIPIENT_NOT_REACHABLE")
		}
		return c.report(m, id, "DELIVERED", "")
	})
}

// report is a callback of the trigger MESSAGE_DELIVERY.
func (c *Conversation) report(m *message, id, status, reason string) any {
	at := c.opts.Now().UTC().Format(stamp)
	of := map[string]any{"message_id": id, "status": status, "metadata": m.Metadata, "processing_mode": "DISPATCH",
		"channel_identity": map[string]any{"channel": "SMS", "identity": strings.TrimPrefix(m.to(), "+"), "app_id": ""}}
	if reason != "" {
		of["reason"] = map[string]any{"code": reason, "description": "", "sub_code": "UNSPECIFIED_SUB_CODE"}
	}
	return map[string]any{"app_id": AppID, "project_id": ProjectID, "accepted_time": at, "event_time": at, "message_metadata": m.Metadata,
		"correlation_id": m.Correlation, "message_delivery_report": of}
}
