package admin_test

import (
	"net/http"
	"testing"

	"github.com/waypost/waypost/shared/fault"
)

var errNoExecution = fault.New(fault.NotFound, "there is no such execution")

// A small bundle, in which everything is right.
const (
	profileSchema = `{"type": "object", "properties": {"firstName": {"type": "string"}, "phone": {"type": "string"}, "points": {"type": "integer"}}}`
	eventSchema   = `{"type": "object", "required": ["customerId", "orderId"], "properties": {"customerId": {"type": "string"}, "orderId": {"type": "string"}, "total": {"type": "number"}}}`
	shopAction    = `{
  "name": "shop", "channel": "webhook",
  "contract": {
    "method": "POST", "path": "/orders/{orderId}",
    "pathParams": {"orderId": {"toBeMapped": true, "type": "string"}},
    "body": {"name": {"toBeMapped": true, "type": "string"}, "points": {"toBeMapped": true, "type": "integer", "optional": true}, "source": "waypost"}
  },
  "settings": {"url": "https://shop.example.com"}
}`
	// storesSource is put in place by those tests alone that read it.
	storesSource = `{
  "name": "stores",
  "request": {"path": "/v1/stores/{storeId}", "pathParams": {"storeId": "{{ event.orderId }}"}, "query": {"name": "{{ profile.firstName }}", "src": "waypost"}},
  "response": {"city": {"type": "string"}, "open": {"type": "boolean"}},
  "settings": {"url": "https://stores.example.com", "auth": {"type": "bearer", "secret": "waypost/stores"}, "timeout": "1s", "cache": "5m"}
}`
	readyJourney = `{
  "name": "ready",
  "entry": {"event": "order.ready", "profile": "event.customerId"},
  "steps": [{"id": "tell", "action": {"name": "shop", "version": 1, "with": {"path.orderId": "{{ event.orderId }}", "name": "Hi {{ profile.firstName ?? 'there' }}"}}}]
}`
)

// placed puts the bundle in place, and publishes it.
func placed(t testing.TB) *world {
	t.Helper()
	w := newWorld(t)
	w.ok(http.MethodPut, "/admin/v1/profile-schema", profileSchema)
	w.ok(http.MethodPut, "/admin/v1/events/order.ready", eventSchema)
	w.ok(http.MethodPut, "/admin/v1/actions/shop", shopAction)
	w.ok(http.MethodPost, "/admin/v1/actions/shop/publish", "")
	w.ok(http.MethodPut, "/admin/v1/journeys/ready", readyJourney)
	w.ok(http.MethodPost, "/admin/v1/journeys/ready/publish", "")
	return w
}
