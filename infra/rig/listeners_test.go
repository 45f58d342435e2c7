package rig_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/waypost/waypost/infra/rig"
)

const secondJourney = `{"name": "second", "entry": {"event": "order.ready", "profile": "event.customerId"}, "tags": ["example"],
	"steps": [{"id": "later", "wait": {"for": "PT1S"}}]}`

// An event that comes after the answer to a change of who listens, or of its
// type's schema, finds it so, though entry remembers what was before.
func TestEventsHearWhatWasPublished(t *testing.T) {
	t.Parallel()
	entered := func(w *rig.World, id string) string {
		var names []string
		for _, x := range w.Send(id).Executions {
			names = append(names, x.Journey)
		}
		return strings.Join(names, " ")
	}
	rig.Run(t, func(t *testing.T, w *rig.World) {
		w.Publish(rig.Setup{})
		w.Put("journeys/second", secondJourney)
		for i, step := range []struct {
			name   string
			change func()
			want   string
		}{
			{"the first", func() {}, "order_ready"},
			{"a second journey", func() { w.Admin(http.MethodPost, "journeys/second/publish", "") }, "order_ready second"},
			{"a new version", func() {
				w.Put("journeys/second", strings.Replace(secondJourney, `"event.customerId"`, `"event.customerId", "when": "event.total > 1000"`, 1))
				w.Admin(http.MethodPost, "journeys/second/publish", "")
			}, "order_ready"},
			{"and back", func() {
				w.Put("journeys/second", secondJourney)
				w.Admin(http.MethodPost, "journeys/second/publish", "")
			}, "order_ready second"},
			{"a schema that closes it", func() {
				w.Put("journeys/second", strings.Replace(secondJourney, `"event.customerId"`, `"event.customerId", "when": "event.total > 1"`, 1))
				w.Admin(http.MethodPost, "journeys/second/publish", "")
				w.Send("case-99")
				w.Put("events/"+rig.Event, `{"type": "object", "required": ["orderId", "customerId"], "properties": {"orderId": {"type": "string"}, "customerId": {"type": "string"}}}`)
			}, "order_ready"},
		} {
			step.change()
			if got := entered(w, "case-1"+string(rune('0'+i))); got != step.want {
				t.Errorf("%s: the event entered %q, want %q", step.name, got, step.want)
			}
		}
		w.Put("events/"+rig.Event, `{"type": "object", "required": ["orderId", "customerId", "storeId"], "properties": {
			"orderId": {"type": "string"}, "customerId": {"type": "string"}, "storeId": {"type": "string"}}}`)
		if code, text := w.Call(http.MethodPost, "/entry/", rig.EventOf("case-20", "c-1")); code != http.StatusUnprocessableEntity {
			t.Errorf("a stricter schema: got %d %s, want 422", code, text)
		}
		w.Settle()
	})
}

// What nobody can remember is answered at once.
func TestTheFirstJourneyIsPublishedAtOnce(t *testing.T) {
	t.Parallel()
	rig.Run(t, func(t *testing.T, w *rig.World) {
		began := time.Now()
		w.Publish(rig.Setup{})
		w.Admin(http.MethodPost, "journeys/"+rig.Journey+"/publish", "") // it is live already
		if took := time.Since(began); took > 500*time.Millisecond {
			t.Errorf("it took %v", took)
		}
	})
}
