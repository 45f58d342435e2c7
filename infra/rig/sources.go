package rig

import (
	"net/http"
	"slices"

	awslambda "github.com/aws/aws-lambda-go/lambda"

	"github.com/waypost/waypost/shared/assemble"
	"github.com/waypost/waypost/shared/assemble/decide"
	"github.com/waypost/waypost/shared/lambdaedge"
)

// decide makes the decide function, whose sources the world's endpoint serves.
func (w *World) decide(platform *assemble.Platform) awslambda.Handler {
	return lambdaedge.Task(platform.Log, decide.Handler(platform, w.Endpoint).Decide)
}

// sourceReply notes a call of a source, which has no delivery's identity, and
// says what becomes of it.
func (e *Endpoint) sourceReply(call Request) Reply {
	e.sources = append(e.sources, call)
	if e.Source == nil {
		return Reply{Status: http.StatusServiceUnavailable}
	}
	return e.Source(len(e.sources), call)
}

// SourceCalls are the calls of sources so far.
func (e *Endpoint) SourceCalls() []Request {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.sources)
}

// SourceSecret is what the standard source authenticates with.
const SourceSecret = "waypost/stores"

// Sources whose text the standard step can map: one that reads the event
// alone, and one that reads the profile too.
const (
	StoresSource = `{"name": "stores", "request": {"path": "/v1/stores/{order}", "pathParams": {"order": "{{ event.orderId }}"}},
		"response": {"city": {"type": "string"}, "open": {"type": "boolean"}},
		"settings": {"url": "https://stores.example", "auth": {"type": "bearer", "secret": "waypost/stores"}, "timeout": "1s", "cache": "0s"}}`
	TierSource = `{"name": "tiers", "request": {"query": {"tier": "{{ profile.tier }}"}}, "response": {"perk": {"type": "string"}},
		"settings": {"url": "https://tiers.example", "timeout": "1s", "cache": "0s"}}`
)

// PublishWithSources puts both sources in place before the standard bundle.
// patch changes the first of them.
func (w *World) PublishWithSources(patch string, s Setup) {
	w.t.Helper()
	w.Put("profile-schema", profileSchema)
	w.PutSecret(SourceSecret, `{"token": "tok-of-stores"}`)
	w.Put("sources/stores", Patch(w.t, StoresSource, patch))
	w.Put("sources/tiers", TierSource)
	w.Publish(s)
}

// Maps is a journey's change that has the standard step send a text.
func Maps(text string) string {
	return `{"steps": [{"id": "text", "action": {"name": "notify", "version": 1, "with": {"to": "{{ event.customerId }}", "text": "` + text + `"}}}]}`
}
