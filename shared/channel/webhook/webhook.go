// Package webhook is the channel for any endpoint that speaks HTTP: the
// contract itself says how to call it. The body is JSON, or what the contract's
// own Content-Type says: a form, or text.
package webhook

import (
	"net/http"
	"time"

	"github.com/waypost/waypost/shared/action"
	"github.com/waypost/waypost/shared/channel"
	"github.com/waypost/waypost/shared/fault"
	"github.com/waypost/waypost/shared/secret"
)

// Channel encodes and classifies for webhooks. Its zero value is ready.
type Channel struct {
	// Now reads the clock, for Retry-After dates; time.Now where nil.
	Now func() time.Time
}

// Traits describes the channel.
func Traits() channel.Traits {
	return channel.Traits{Channel: "webhook", Function: "webhook", Callback: CallbackKind, Guarantee: action.AtLeastOnce, Check: Check}
}

// Check finds what is wrong with a contract that says itself how to call. The
// other channels whose contracts do have the same rules.
func Check(a *action.Action) []fault.Detail {
	var details []fault.Detail
	method := a.Contract.Method
	if method == "" {
		details = append(details, fault.Detail{Path: "contract.method", Rule: "required",
			Message: "is missing; give GET, POST, PUT, PATCH or DELETE"})
	}
	if method == http.MethodGet && len(a.Contract.Body) > 0 {
		details = append(details, fault.Detail{Path: "contract.body", Message: "a GET has no body; use contract.query"})
	}
	return append(details, checkBody(a)...)
}

// Encode makes the HTTP request that the contract describes.
func (c Channel) Encode(m *action.Message, _ secret.Credential) (*channel.Request, error) {
	r := &channel.Request{Method: m.Method, URL: channel.Join(m.BaseURL, m.Path, m.Query), Header: m.Header.Clone()}
	if m.HasBody {
		if r.Header.Get("Content-Type") == "" {
			r.Header.Set("Content-Type", "application/json")
		}
		body, err := encode(m, kindOf(r.Header.Get("Content-Type")))
		if err != nil {
			return nil, err
		}
		r.Body = body
	}
	if m.Callback != "" {
		r.Header.Set(action.CallbackHeader, m.Callback)
	}
	if r.Header.Get("Accept") == "" {
		r.Header.Set("Accept", "application/json")
	}
	return r, nil
}

// Classify judges an answer by its HTTP status.
func (c Channel) Classify(a channel.Answer) channel.Verdict { return channel.ByStatus(a, c.Clock()) }

// Clock is the time by the channel's clock.
func (c Channel) Clock() time.Time { return channel.Clock(c.Now) }
