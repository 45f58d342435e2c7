package loyalty

import (
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"

	"github.com/waypost/waypost/shared/action"
	"github.com/waypost/waypost/shared/channel/webhook"
	"github.com/waypost/waypost/shared/fault"
	"github.com/waypost/waypost/shared/schema"
)

var placeholder = regexp.MustCompile(`\{[^{}]*\}`)

// check finds what is wrong with an award's contract.
func check(a *action.Action) []fault.Detail {
	details := webhook.Check(a)
	say := func(path, format string, args ...any) {
		details = append(details, fault.Detail{Path: "contract." + path, Message: fmt.Sprintf(format, args...)})
	}
	if m := a.Contract.Method; m == http.MethodGet || m == http.MethodDelete {
		say("method", "must be POST, PUT or PATCH: an award moves value")
	}
	award := a.Contract.Award
	if award == nil {
		say("award", `is missing; give {"key": "headers.Idempotency-Key", "reference": "…"}: where the endpoint looks for the delivery's id, `+
			"and the field that holds the business reference")
		return details
	}
	details = append(details, webhook.CheckPlace(a, "contract.award.key", award.Key)...)
	switch f := a.Field(award.Reference); {
	case f == nil:
		details = append(details, fault.Detail{Path: "contract.award.reference", Suggestion: fault.Nearest(award.Reference, a.FieldNames()),
			Message: "must name a field that journeys map: an order's number, a claim's"})
	case f.Name != award.Reference:
		say("award.reference", "write %s", f.Name)
	case !f.Required():
		say("award.reference", "names %s, which must be neither optional nor nullable, and have no default: each award has its own reference", f.Name)
	case f.Type.Kind != schema.StringKind && f.Type.Kind != schema.IntegerKind:
		say("award.reference", "names %s, which must be of type string or integer", f.Name)
	}
	if award.Lookup != nil {
		details = append(details, checkLookup(award.Lookup)...)
	}
	return details
}

// checkLookup finds what is wrong with a lookup: it must ask for this award.
func checkLookup(l *action.Lookup) []fault.Detail {
	var details []fault.Detail
	values, found := map[string]any{}, false // values are those that the path names
	look := func(at, text string, named map[string]any) {
		for _, braced := range placeholder.FindAllString(text, -1) {
			name := braced[1 : len(braced)-1]
			if name != "key" && name != "reference" {
				details = append(details, fault.Detail{Path: at, Message: braced + " is neither {key} nor {reference}",
					Suggestion: fault.Nearest(name, []string{"key", "reference"})})
				continue
			}
			named[name], found = true, true
		}
	}
	look("contract.award.lookup.path", l.Path, values)
	for _, name := range slices.Sorted(maps.Keys(l.Query)) {
		look("contract.award.lookup.query."+name, l.Query[name], map[string]any{})
	}
	if len(details) == 0 {
		details = action.CheckPath("contract.award.lookup", l.Path, values)
	}
	if !found && len(details) == 0 {
		details = append(details, fault.Detail{Path: "contract.award.lookup", Message: "must ask for the award: have {key} or {reference} in the path or the query"})
	}
	return details
}
