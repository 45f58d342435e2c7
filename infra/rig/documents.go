package rig

import (
	"cmp"
	"encoding/json"
	"net/http"
	"strings"

	"github.com/waypost/waypost/shared/entry"
	"github.com/waypost/waypost/shared/ledger"
)

// Names of the standard bundle, a journey of one step.
const (
	Event   = "order.ready"
	Journey = "order_ready"
	Action  = "notify"
	Step    = "text"
	Secret  = "waypost/hooks"
	Token   = "tok-of-hooks"
)

const (
	profileSchema = `{"type": "object", "properties": {
		"phone": {"type": "string"}, "firstName": {"type": "string"}, "tier": {"type": "string"}, "points": {"type": "integer"},
		"consents": {"type": "object", "properties": {"sms": {"type": "string"}}}}}`
	eventSchema = `{"type": "object", "required": ["orderId", "customerId"], "properties": {
		"orderId": {"type": "string"}, "customerId": {"type": "string"}, "total": {"type": "number"}}}`
	actionDocument = `{"name": "notify", "channel": "webhook",
		"contract": {"method": "POST", "path": "/v1/notices",
			"body": {"to": {"toBeMapped": true, "type": "string"}, "text": {"toBeMapped": true, "type": "string", "maxLength": 100}},
			"response": {"id": {"type": "string"}}},
		"settings": {"url": "https://hooks.example", "auth": {"type": "bearer", "secret": "waypost/hooks"}}}`
	journeyDocument = `{"name": "order_ready", "entry": {"event": "order.ready", "profile": "event.customerId"}, "steps": [
		{"id": "text", "action": {"name": "notify", "version": 1,
			"with": {"to": "{{ profile.phone }}", "text": "Hi {{ profile.firstName ?? 'there' }}, {{ event.orderId }} is ready."}}}]}`
	// Customer is the profile that c-1 has in the standard bundle.
	Customer = `{"phone": "+15550001", "firstName": "Ada", "tier": "gold", "points": 7, "consents": {"sms": "y"}}`
)

// A Setup changes the standard bundle.
type Setup struct {
	Action        string // RFC 7396 merge patches
	Journey       string
	ProfileSchema string // instead of the standard one
}

// Publish puts the standard bundle, changed as asked, in place through the
// admin function, with the customer c-1 and the secret.
func (w *World) Publish(s Setup) {
	w.t.Helper()
	w.Put("profile-schema", cmp.Or(s.ProfileSchema, profileSchema))
	w.Put("events/"+Event, eventSchema)
	w.Put("profiles/c-1", Customer)
	w.PutSecret(Secret, `{"token": "`+Token+`"}`)
	w.Put("actions/"+Action, Patch(w.t, actionDocument, s.Action))
	w.Admin(http.MethodPost, "actions/"+Action+"/publish", "")
	w.Put("journeys/"+Journey, Patch(w.t, journeyDocument, s.Journey))
	w.Admin(http.MethodPost, "journeys/"+Journey+"/publish", "")
	w.Ops()
}

// Put puts a document in place.
func (w *World) Put(path, document string) {
	w.t.Helper()
	w.Admin(http.MethodPut, path, document)
}

// Settings changes the settings of the standard action, under its version 1.
func (w *World) Settings(patch string) {
	w.t.Helper()
	w.Admin(http.MethodPatch, "actions/"+Action+"/versions/1/settings", patch)
}

// Admin makes a request of the admin function that must succeed.
func (w *World) Admin(method, path, body string) string {
	w.t.Helper()
	kind := "application/json"
	if method == http.MethodPatch {
		kind = "application/merge-patch+json"
	}
	code, text := w.Call(method, "/admin/v1/"+path, body, "Content-Type", kind)
	if code >= 300 {
		w.t.Fatalf("%s %s: %d %s", method, path, code, text)
	}
	return text
}

// EventOf is an event of the standard bundle for a customer.
func EventOf(id, customer string) string {
	return `{"specversion": "1.0", "id": "` + id + `", "source": "shop", "type": "` + Event + `", "data": {"orderId": "o-` + id +
		`", "customerId": "` + customer + `", "total": 42}}`
}

// ExecutionOf names the execution that EventOf's event starts.
func ExecutionOf(id, customer string) string {
	return ledger.ExecutionName(Journey, "shop", id, customer)
}

// Send sends an event for c-1, which must be accepted, and gives the answer.
func (w *World) Send(id string) entry.Answer {
	w.t.Helper()
	return w.SendEvent(EventOf(id, "c-1"))
}

// SendEvent sends an event that must be accepted.
func (w *World) SendEvent(event string) entry.Answer {
	w.t.Helper()
	code, text := w.Call(http.MethodPost, "/entry/", event)
	if code != http.StatusAccepted {
		w.t.Fatalf("the event was answered %d %s", code, text)
	}
	var a entry.Answer
	w.must(json.Unmarshal([]byte(text), &a))
	return a
}

// Patch applies an RFC 7396 merge patch to a JSON document.
func Patch(t interface{ Fatal(...any) }, document, patch string) string {
	if strings.TrimSpace(patch) == "" {
		return document
	}
	var doc, change any
	for text, into := range map[string]*any{document: &doc, patch: &change} {
		if err := json.Unmarshal([]byte(text), into); err != nil {
			t.Fatal(err, text)
		}
	}
	out, err := json.Marshal(merge(doc, change))
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

func merge(doc, change any) any {
	changes, ok := change.(map[string]any)
	if !ok {
		return change
	}
	into, ok := doc.(map[string]any)
	if !ok {
		into = map[string]any{}
	}
	for key, v := range changes {
		if v == nil {
			delete(into, key)
			continue
		}
		into[key] = merge(into[key], v)
	}
	return into
}
