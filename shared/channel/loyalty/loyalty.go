// Package loyalty is the channel for services that move value: points,
// vouchers, credit. Its contract says how to call, as a webhook's does, and
// besides what keeps an award from being given twice: where the endpoint looks
// for the idempotency key, which field is the business reference, and, if
// there is a way, how to ask what became of an award.
//
// An award whose answer was ambiguous is repeated under the same key alone; it
// is looked up first where the contract says how. An endpoint that does not
// honour the key must be given guarantee atMostOnce, or a lookup.
package loyalty

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/waypost/waypost/shared/action"
	"github.com/waypost/waypost/shared/channel"
	"github.com/waypost/waypost/shared/channel/webhook"
	"github.com/waypost/waypost/shared/fault"
	"github.com/waypost/waypost/shared/mapping"
	"github.com/waypost/waypost/shared/secret"
)

// Channel encodes and classifies for loyalty services. Its zero value is ready.
type Channel struct{ webhook.Channel }

// Traits describes the channel.
func Traits() channel.Traits {
	return channel.Traits{Channel: "loyalty", Function: "loyalty", Callback: webhook.CallbackKind, Guarantee: action.AtLeastOnce, Parts: []string{"award"}, Check: check}
}

// Encode makes the request of an award, with the delivery's id where the
// endpoint looks for it.
func (c Channel) Encode(m *action.Message, cred secret.Credential) (*channel.Request, error) {
	award := m.Contract.Award
	reference := mapping.Text(m.Filled[award.Reference])
	if strings.TrimSpace(reference) == "" {
		return nil, fault.New(fault.Invalid, "%s: the business reference came out empty", award.Reference)
	}
	m.Put(award.Key, m.Delivery)
	r, err := c.Channel.Encode(m, cred)
	if err != nil || award.Lookup == nil {
		return r, err
	}
	values := map[string]string{"key": m.Delivery, "reference": reference}
	path, wrong := action.FillPath(award.Lookup.Path, func(name string) string { return values[name] })
	if len(wrong) > 0 {
		return nil, fault.New(fault.Invalid, "%s: came out as dots, which would change the path of the lookup", award.Reference)
	}
	query := url.Values{}
	for name, template := range award.Lookup.Query {
		query.Set(name, placeholder.ReplaceAllStringFunc(template, func(braced string) string { return values[braced[1:len(braced)-1]] }))
	}
	header := http.Header{"Accept": {"application/json"}}
	r.Lookup = &channel.Lookup{Names: []string{m.Delivery, reference},
		Request: &channel.Request{Method: http.MethodGet, URL: channel.Join(m.BaseURL, path, query), Header: header}}
	return r, nil
}
