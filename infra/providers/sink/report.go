package sink

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"net/http"
	"time"

	"github.com/waypost/waypost/infra/providers/callbacks"
	"github.com/waypost/waypost/shared/action"
	"github.com/waypost/waypost/shared/ledger"
	"github.com/waypost/waypost/shared/secret"
)

// CallbackKey signs the stand-ins' reports, for examples, by Standard Webhooks.
const CallbackKey = "whsec_bm90LWEtcmVhbC1rZXktZm9yLXRoZS1sb2NhbC1zaW5r"

// againAfter is when a report that was not taken is sent again, as Standard
// Webhooks advises.
var againAfter = []time.Duration{5 * time.Second, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 5 * time.Hour, 10 * time.Hour, 14 * time.Hour, 20 * time.Hour, 24 * time.Hour}

// report tells what becomes of what a request asked for, where its header
// Waypost-Callback says: that it is accepted, and then that it is delivered, or
// what the Behaviour says instead. id is the stand-in's own of it, or empty.
func (o Options) report(r *http.Request, b Behaviour, id string) {
	url := r.Header.Get(action.CallbackHeader)
	if url == "" || b.Report == "none" {
		return
	}
	end := map[string]any{"status": string(ledger.Delivered), "id": id}
	if b.Report != "" {
		end["status"] = b.Report
	}
	if b.Report == string(ledger.Undelivered) {
		end["code"], end["reason"] = "E42", "the stand-in was asked not to deliver it"
	}
	o.sendReport(url, callbacks.Soon, map[string]any{"status": string(ledger.Accepted), "id": id})
	o.sendReport(url, callbacks.Later, end)
}

// sendReport sends one report, under one id however often it is sent.
func (o Options) sendReport(url string, after time.Duration, data map[string]any) {
	key := o.CallbackKey
	if key == "" {
		key = CallbackKey
	}
	value, _ := json.Marshal(map[string]string{"key": key}) // text always can be
	id := "msg_" + rand.Text()
	var body []byte
	o.Callbacks.Send(after, callbacks.Callback{
		Make: func(ctx context.Context, last callbacks.Attempt) *http.Request {
			now := time.Now()
			if last.Count == 0 {
				body, _ = json.Marshal(map[string]any{"type": "delivery.status", "timestamp": now.UTC().Format(time.RFC3339), "data": data})
			}
			r, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
			if err != nil {
				return nil
			}
			r.Header.Set("Content-Type", "application/json")
			// With a key that is none it goes unsigned, and is refused.
			if cred, err := secret.Parse("the stand-in's key", value); err == nil {
				_ = secret.Signature{Type: secret.StandardWebhooks}.Sign(cred, id, now, body, r)
			}
			return r
		},
		Again: func(last callbacks.Attempt) (time.Duration, bool) {
			if last.Count > len(againAfter) || last.Status == http.StatusGone {
				return 0, false
			}
			return againAfter[last.Count-1], true
		},
	})
}
