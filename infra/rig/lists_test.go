package rig_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/waypost/waypost/infra/rig"
	"github.com/waypost/waypost/shared/ledger"
)

// Documents in which lists come from an event, a profile, and an answer.
const (
	basketSchema = `{"type": "object", "required": ["customerId"], "properties": {"customerId": {"type": "string"}, "order": {"type": "object", "properties": {
		"lines": {"type": "array", "items": {"type": "object", "properties": {"sku": {"type": "string"}, "quantity": {"type": "integer"},
			"options": {"type": "array", "items": {"type": "object", "properties": {"name": {"type": "string"}, "colour": {"type": "string"}}}}}}}}}}}`
	petsSchema = `{"type": "object", "properties": {"phone": {"type": "string"}, "firstName": {"type": "string"}, "tier": {"type": "string"}, "pets": {"type": "array", "items": {"type": "object",
		"properties": {"name": {"type": "string"}, "toys": {"type": "array", "items": {"type": "string"}}}}}}}`
	packAction = `{"name": "pack", "channel": "webhook", "contract": {"method": "POST", "path": "/v1/parcels",
		"body": {
			"lines": [{"sku": {"toBeMapped": true, "type": "string"}, "qty": {"toBeMapped": true, "type": "integer"}, "unit": "pc",
				"options": [{"name": {"toBeMapped": true, "type": "string"}, "colour": {"toBeMapped": true, "type": "string", "optional": true}}]}],
			"pets": {"toBeMapped": true, "type": "array", "optional": true, "maxItems": 3, "each": {"name": {"toBeMapped": true, "type": "string", "nullable": true},
				"toys": {"toBeMapped": true, "type": "array", "items": {"type": "string"}, "optional": true}}}},
		"response": {"parcels": {"type": "array", "items": {"type": "object", "properties": {"no": {"type": "string"},
			"stops": {"type": "array", "items": {"type": "object", "properties": {"city": {"type": "string"}}}}}}}}},
		"settings": {"url": "https://hooks.example", "auth": {"type": "bearer", "secret": "waypost/hooks"}}}`
	trackAction = `{"name": "track", "channel": "webhook", "contract": {"method": "POST", "path": "/v1/tracks", "body": [
		{"no": {"toBeMapped": true, "type": "string"}, "stops": [{"city": {"toBeMapped": true, "type": "string"}, "of": {"toBeMapped": true, "type": "string"}}]}]},
		"settings": {"url": "https://hooks.example"}}`
	packJourney = `{"name": "order_ready", "entry": {"event": "order.ready", "profile": "event.customerId"}, "steps": [
		{"id": "text", "action": {"name": "pack", "version": 1, "with": {
			"lines": {"each": "{{ event.order.lines }}", "as": "line", "with": {"sku": "{{ line.sku }}", "qty": "{{ line.quantity ?? 1 }}",
				"options": {"each": "{{ line.options }}", "as": "option", "with": {"name": "{{ option.name }}, {{ line.sku }}", "colour": "{{ option.colour }}"}}}},
			"pets": {"each": "profile.pets", "as": "pet", "with": {"name": "{{ pet.name }}", "toys": {"each": "pet.toys", "as": "toy", "with": "{{ toy }} ({{ profile.firstName }})"}}}}}},
		{"id": "track", "action": {"name": "track", "version": 1, "with": {
			"body": {"each": "{{ steps.text.response.parcels }}", "as": "parcel", "with": {"no": "{{ parcel.no }}",
				"stops": {"each": "{{ parcel.stops }}", "as": "stop", "with": {"city": "{{ upper(stop.city) }}", "of": "{{ parcel.no }}/{{ len(parcel.stops) }}"}}}}}}}]}`
	packed = `{"parcels": [{"no": "p1", "owner": "x", "stops": [{"city": "Linz"}, {"city": "Graz", "x": 1}]}, {"no": "p2"}]}`
)

// Lists in lists, from all that a journey reads, arrive as the contract shapes
// them; what an item lacks fails the delivery by its place.
func TestLists(t *testing.T) {
	t.Parallel()
	const customer = `{"phone": "+15550001", "firstName": "Ada", "tier": "gold", "pets": [{"name": "Rex", "toys": ["ball", "bone"]}, {"toys": []}, {"name": "Tom"}]}`
	many := `{"sku": "s"}` + strings.Repeat(`, {"sku": "s"}`, 1000)
	for _, tc := range []struct {
		name, profile, order string
		body, tracks         string
		reason               string
	}{
		{name: "nested", profile: customer,
			order: `{"lines": [{"sku": "a", "quantity": 2, "options": [{"name": "red", "colour": "#f00"}, {"name": "big"}]}, {"sku": "b", "options": []}, {"sku": "c"}]}`,
			body: `{"lines":[{"options":[{"colour":"#f00","name":"red, a"},{"name":"big, a"}],"qty":2,"sku":"a","unit":"pc"},{"options":[],"qty":1,"sku":"b","unit":"pc"},{"options":[],"qty":1,"sku":"c","unit":"pc"}],` +
				`"pets":[{"name":"Rex","toys":["ball (Ada)","bone (Ada)"]},{"name":null,"toys":[]},{"name":"Tom"}]}`,
			tracks: `[{"no":"p1","stops":[{"city":"LINZ","of":"p1/2"},{"city":"GRAZ","of":"p1/2"}]},{"no":"p2","stops":[]}]`},
		{name: "nothing to list", profile: `{"firstName": "Ada"}`, body: `{"lines":[]}`,
			tracks: `[{"no":"p1","stops":[{"city":"LINZ","of":"p1/2"},{"city":"GRAZ","of":"p1/2"}]},{"no":"p2","stops":[]}]`},
		{name: "an item lacks a field", profile: customer, order: `{"lines": [{"sku": "a"}, {"sku": "b"}, {"sku": "c"}, {"quantity": 7, "options": [{"name": "x"}]}]}`,
			reason: "lines.3.sku: is required, and came out empty"},
		{name: "an inner item lacks a field", profile: customer, order: `{"lines": [{"sku": "a", "options": [{"name": "x"}, {"colour": "#f00"}]}]}`,
			reason: "lines.0.options.1.name: is required, and came out empty"},
		{name: "more than the contract takes", profile: `{"pets": [{}, {}, {}, {}]}`, reason: "pets: must have at most 3 items, has 4"},
		{name: "more than may be", profile: customer, order: `{"lines": [` + many + `]}`, reason: "lines.each: it has 1001 items, and at most 1000 are mapped"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			rig.Run(t, func(t *testing.T, w *rig.World) {
				w.Endpoint.Answer = func(int, rig.Request) rig.Reply { return rig.Reply{Status: 200, Body: packed} }
				w.PutSecret(rig.Secret, `{"token": "`+rig.Token+`"}`)
				w.Put("profile-schema", petsSchema)
				w.Put("events/"+rig.Event, basketSchema)
				w.Put("profiles/c-1", tc.profile)
				for _, put := range [][2]string{{"actions/pack", packAction}, {"actions/track", trackAction}, {"journeys/" + rig.Journey, packJourney}} {
					w.Put(put[0], put[1])
					w.Admin(http.MethodPost, put[0]+"/publish", "")
				}
				w.Ops()
				data := `{"customerId": "c-1"}`
				if tc.order != "" {
					data = `{"customerId": "c-1", "order": ` + tc.order + `}`
				}
				x := w.SendEvent(`{"specversion": "1.0", "id": "e-1", "source": "shop", "type": "order.ready", "data": ` + data + `}`).Executions[0].Execution
				w.Settle()
				for _, op := range w.Ops() {
					if op.Name == "GetItem profiles" {
						if got, want := projection(t, op), "firstName id pets"; got != want {
							t.Errorf("the profile's read asks for %s, want %s", got, want)
						}
					}
				}
				d := w.Delivery(x)
				if tc.reason != "" {
					if d.Outcome != ledger.Failed || !strings.Contains(d.Reason, tc.reason) || len(w.Endpoint.Calls(x)) > 0 {
						t.Errorf("got %s: %s, want %s", d.Outcome, d.Reason, tc.reason)
					}
					return
				}
				calls := w.Endpoint.Calls(x)
				var bodies []string
				for _, c := range calls {
					bodies = append(bodies, c.Body)
				}
				if diff := cmp.Diff([]string{tc.body, tc.tracks}, bodies); diff != "" {
					t.Errorf("%s: %s (-want +got):\n%s", d.Outcome, d.Reason, diff)
				}
			})
		})
	}
}
