package channel

import (
	"net/http"
	"slices"
	"time"

	"github.com/waypost/waypost/shared/mapping"
	"github.com/waypost/waypost/shared/schema"
)

// A Lookup asks an endpoint what became of a message.
type Lookup struct {
	Request *Request
	// Names identify the message: an answer that is about it holds one of them.
	Names []string
}

// Judge says what the answer to a lookup means: Accepted where the endpoint has
// the message, Retryable where it says that it has none (404, 410, an empty
// list), and Ambiguous where it does not tell: an answer without
// any of the message's names may be about another, or about all.
func (l *Lookup) Judge(a Answer, now time.Time) Verdict {
	v := ByStatus(a, now)
	asked := "asked what became of it, the endpoint answered " + statusText(a.Code)
	switch {
	case a.Code == http.StatusNotFound, a.Code == http.StatusGone:
		return Verdict{Result: Retryable, Reason: asked}
	case v.Result != Accepted:
		return Verdict{Result: Ambiguous, Reason: asked, RetryAfter: v.RetryAfter}
	}
	doc, err := schema.Decode(a.Body)
	items, list := doc.([]any)
	switch {
	case err == nil && list && len(items) == 0:
		return Verdict{Result: Retryable, Reason: asked + " with an empty list"}
	case err != nil || !holds(doc, l.Names):
		return Verdict{Result: Ambiguous, Reason: asked + " with neither the delivery's id nor the reference in it"}
	}
	return Verdict{Result: Accepted}
}

// holds says whether one of the names is a value anywhere in a document.
func holds(doc any, names []string) bool {
	among := func(v any) bool { return holds(v, names) }
	switch v := doc.(type) {
	case nil:
		return false
	case map[string]any:
		for _, item := range v {
			if among(item) {
				return true
			}
		}
		return false
	case []any:
		return slices.ContainsFunc(v, among)
	}
	return slices.Contains(names, mapping.Text(doc))
}
