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
// may be cancelled before. Sinch tries again after a 5xx, a 429 and where it
// got no answer: after 5 s, then twice as long each time, up to 81920 s.
func (s *Server) sendReport(b *batch, after time.Duration, report func(now batch) any) {
	var body []byte
	s.opts.Callbacks.Send(after, callbacks.Callback{
		Make: func(ctx context.Context, last callbacks.Attempt) *http.Request {
			if last.Count == 0 {
				s.mu.Lock()
				now := *b
				if newer := s.batches[b.ID]; newer != nil {
					now = *newer
				}
				s.mu.Unlock()
				says := report(now)
				if says == nil {
					return nil
				}
				body, _ = json.Marshal(says) // maps of text and numbers always can be
			}
			r, err := http.NewRequestWithContext(ctx, http.MethodPost, b.CallbackURL, bytes.NewReader(body))
			if err != nil {
				return nil
			}
			nonce, timestamp := newID(), strconv.FormatInt(s.opts.Now().Unix(), 10)
			r.Header.Set("Content-Type", "application/json")
			r.Header.Set(signing.HeaderAlgorithm, signing.Algorithm)
			r.Header.Set(signing.HeaderNonce, nonce)
			r.Header.Set(signing.HeaderTimestamp, timestamp)
			r.Header.Set(signing.HeaderSignature, signing.Signature(s.opts.WebhookSecret, body, nonce, timestamp))
			return r
		},
		Again: func(last callbacks.Attempt) (time.Duration, bool) {
			wait := 5 * time.Second << (last.Count - 1)
			return wait, wait <= 81920*time.Second && (last.Status == 0 || last.Status == http.StatusTooManyRequests || last.Status >= 500)
		},
	})
}
