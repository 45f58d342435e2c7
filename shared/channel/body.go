package channel

import (
	"github.com/waypost/waypost/shared/action"
	"github.com/waypost/waypost/shared/fault"
)

// OnlyBody finds what a contract says of the call, for a provider that fixes
// all of the call but its body, and which a message names so.
func OnlyBody(a *action.Action, provider string) []fault.Detail {
	var details []fault.Detail
	c := a.Contract
	for _, part := range []struct {
		name  string
		given bool
	}{{"headers", len(c.Headers) > 0}, {"method", c.Method != ""}, {"path", c.Path != ""},
		{"pathParams", len(c.PathParams) > 0}, {"query", len(c.Query) > 0}} {
		if part.given {
			details = append(details, fault.Detail{Path: "contract." + part.name,
				Message: "is the provider's own for " + provider + "; give only body, response and error"})
		}
	}
	return details
}
