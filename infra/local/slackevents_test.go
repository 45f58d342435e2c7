package local

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/waypost/waypost/shared/admin"
)

// Slack asks whether the request URL is the app's, and is answered by whoever
// knows the app's signing secret; then it tells of each message that it posted,
// and the delivery that sent it is delivered.
func TestSlackTellsOfWhatItPosted(t *testing.T) {
	t.Parallel()
	w := start(t, Config{})
	w.apply()
	for _, tc := range []struct{ action, why string }{
		{"nothing", "an action that is not published"},
		{"tell_stock", "an action without settings.callback"},
		{"ready_text", "an action whose callbacks are Twilio's"},
	} {
		if err := w.SlackEvents(t.Context(), tc.action); err == nil || !strings.Contains(err.Error(), "answered 403") {
			t.Errorf("%s: got %v, want that it answered 403", tc.why, err)
		}
	}
	if err := w.SlackEvents(t.Context(), "tell_shop"); err != nil {
		t.Fatal(err)
	}
	x := w.send(`{"specversion": "1.0", "id": "1", "source": "/test", "type": "order.ready", "data": {"orderId": "A-1", "customerId": "c-ben", "total": 42}}`)
	w.until("Slack has told of the message", 20*time.Second, func() bool {
		var list admin.Deliveries
		w.must(http.MethodGet, "/admin/v1/deliveries?execution="+x, "", &list)
		for _, d := range list.Deliveries {
			if d.Step == "tell_shop" && d.Status == "delivered" {
				return d.Outcome == "sent"
			}
		}
		return false
	})
}
