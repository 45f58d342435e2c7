package local

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/waypost/waypost/infra/providers/inbox"
)

// One customer's run through the example leaves one message in each channel's
// look; an event that has only what its schema requires passes too.
func TestExampleGoesThroughAllChannels(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, data                        string
		text, screen, taken, lines, award string
	}{
		{name: "an order with lines",
			data: `{"orderId": "A-1", "customerId": "c-ada", "total": 84.5, "store": "Main Street", "lines": [
				{"sku": "CUP-12", "name": "Espresso cup", "quantity": 4, "options": [{"name": "blue"}, {"name": "gift wrap"}]}, {"sku": "TEA-7", "name": "Earl Grey", "quantity": 1}]}`,
			text: "Hi Ada, your order A-1 is ready at Main Street.", screen: "Main Street: Order A-1 is ready",
			taken: `{"lines":[{"options":[{"name":"blue"},{"name":"gift wrap"}],"quantity":4,"sku":"CUP-12","unit":"piece"},` +
				`{"quantity":1,"sku":"TEA-7","unit":"piece"}],"order":"A-1","shop":"Main Street"}`,
			lines: `"fields":[{"text":"4 × *Espresso cup*\nblue, gift wrap","type":"mrkdwn"},{"text":"1 × *Earl Grey*","type":"mrkdwn"}],`,
			award: `{"member":"L-1001","points":84,"reference":"A-1"}`},
		{name: "an order without",
			data: `{"orderId": "A-1", "customerId": "c-ada", "total": 42}`,
			text: "Hi Ada, your order A-1 is ready.", screen: "All shops: Order A-1 is ready",
			taken: `{"lines":[],"order":"A-1"}`, award: `{"member":"L-1001","points":42,"reference":"A-1"}`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			w := start(t, Config{})
			w.apply()
			x := w.send(`{"specversion": "1.0", "id": "1", "source": "/test", "type": "order.ready", "data": ` + tc.data + `}`)
			for _, d := range w.ended(x, 20*time.Second).Deliveries {
				if d.Outcome != "sent" {
					t.Errorf("%s ended %s: %s", d.Step, d.Outcome, d.Reason)
				}
			}
			var box struct{ Messages []inbox.Message }
			w.must("GET", "/inbox.json", "", &box)
			got := map[string][]string{}
			for _, m := range box.Messages {
				shown := m.Body
				switch {
				case m.Screen != nil:
					shown = m.Screen.Name + ": " + m.Screen.Headline
				case m.Blocks != nil:
					var sorted any
					if err := json.Unmarshal(m.Blocks, &sorted); err != nil {
						t.Fatal(err)
					}
					text, err := json.Marshal(sorted)
					if err != nil {
						t.Fatal(err)
					}
					shown = string(text)
				case m.Text != "":
					shown = m.Text
				}
				got[m.Channel] = append(got[m.Channel], shown)
			}
			want := map[string][]string{
				"sms": {tc.text}, "signage": {tc.screen}, "private": {"customer=Ada&state=closed&text=delivered"}, "webhook": {tc.taken},
				"slack": {`[{"text":{"text":"Order A-1 is ready","type":"plain_text"},"type":"header"},` +
					`{` + tc.lines + `"text":{"text":"*Ada* was told by text.","type":"mrkdwn"},"type":"section"},` +
					`{"elements":[{"text":"sent by Waypost","type":"mrkdwn"}],"type":"context"}]`},
				"loyalty": {tc.award},
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
