package action

import (
	"encoding/json"
	"maps"
	"time"

	"github.com/waypost/waypost/shared/fault"
	"github.com/waypost/waypost/shared/secret"
)

// A Failover is a second provider of an action's channel. It is asked where
// the first refuses for reasons of its own: its account, its capacity, its
// outage. It gets the same body; where the two know a sender by different
// names, From says who sends here.
type Failover struct {
	Provider string       `json:"provider"`
	URL      string       `json:"url"`
	Auth     *secret.Auth `json:"auth,omitempty"`
	From     string       `json:"from,omitempty"`
	Callback *Callback    `json:"callback,omitempty"`
}

// MaxFailoverTimeout is the longest timeout of an action that has a failover:
// a call of each provider fits one invocation of a function.
const MaxFailoverTimeout = 15 * time.Second

// check finds what the settings' schema can't say of a failover, which may be nil.
func (f *Failover) check(guard Guard) []fault.Detail {
	if f == nil {
		return nil
	}
	details := CheckURL("contract", f.URL, guard)
	for i := range details {
		details[i].Path = "settings.failover.url"
	}
	if f.Auth != nil {
		details = append(details, f.Auth.Validate("settings.failover.auth", guard)...)
	}
	if f.Callback != nil {
		details = append(details, f.Callback.Validate("settings.failover.callback")...)
	}
	return details
}

// Second gives the action as its failover's provider serves it: with that
// one's URL, credential and sender. senders are the body keys by which the first
// provider knows who sends. There must be a failover.
func (a *Action) Second(senders []string) *Action {
	f := a.Settings.Failover
	b := *a
	b.Provider, b.Settings.URL, b.Settings.Auth, b.Settings.Callback = f.Provider, f.URL, f.Auth, f.Callback
	var body map[string]json.RawMessage
	if json.Unmarshal(a.Contract.Body, &body) == nil && f.From != "" {
		from, _ := json.Marshal(f.From) // a string always can be
		b.Contract.Body, _ = json.Marshal(sentBy(body, senders, json.RawMessage(from)))
	}
	return &b
}

// Second gives the message that the first provider got as the failover's gets
// it; see Action.Second.
func (m *Message) Second(f *Failover, senders []string) *Message {
	second := *m
	second.BaseURL = f.URL
	if body, ok := m.Body.(map[string]any); ok && f.From != "" {
		second.Body = sentBy(body, senders, any(f.From))
	}
	return &second
}

// sentBy gives a body with another sender.
func sentBy[V any](body map[string]V, senders []string, from V) map[string]V {
	out := maps.Clone(body)
	for _, key := range senders {
		delete(out, key)
	}
	out["from"] = from
	return out
}
