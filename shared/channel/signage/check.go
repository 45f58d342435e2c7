package signage

import (
	"fmt"
	"net/http"

	"github.com/waypost/waypost/shared/action"
	"github.com/waypost/waypost/shared/channel/webhook"
	"github.com/waypost/waypost/shared/fault"
	"github.com/waypost/waypost/shared/schema"
)

// check finds what is wrong with the contract of a message to screens.
func check(a *action.Action) []fault.Detail {
	details := webhook.Check(a)
	say := func(path, format string, args ...any) {
		details = append(details, fault.Detail{Path: "contract." + path, Message: fmt.Sprintf(format, args...)})
	}
	if a.Contract.Method == http.MethodGet {
		say("method", "must be POST, PUT, PATCH or DELETE: a message changes a screen")
	}
	d := a.Contract.Display
	if d == nil {
		say("display", `is missing; give {"screen": "…", "version": "version", "validUntil": "validUntil", "validFor": "30m"}: `+
			"the field that names the screen, and where the message's version and the end of its validity go")
		return details
	}
	switch f := a.Field(d.Screen); {
	case f == nil:
		details = append(details, fault.Detail{Path: "contract.display.screen", Suggestion: fault.Nearest(d.Screen, a.FieldNames()),
			Message: "must name a field that journeys map: a screen, or a group of screens"})
	case f.Name != d.Screen:
		say("display.screen", "write %s", f.Name)
	case !f.Required() || f.Type.Kind != schema.StringKind && f.Type.Kind != schema.ArrayKind:
		say("display.screen", "names %s, which must be of type string or array, neither optional nor nullable, and have no default", f.Name)
	}
	if f := a.Field(string(d.Version)); f == nil {
		details = append(details, webhook.CheckPlace(a, "contract.display.version", d.Version)...)
	} else if f.Name != string(d.Version) || !f.Required() || f.Type.Kind != schema.IntegerKind {
		say("display.version", "names the field %s, which must be of type integer, neither optional nor nullable, and have no default", f.Name)
	}
	switch f := a.Field(string(d.ValidUntil)); {
	case f == nil && d.ValidFor <= 0:
		details = append(details, webhook.CheckPlace(a, "contract.display.validUntil", d.ValidUntil)...)
		say("display.validFor", `is missing: how long a message is valid, such as "30m"; or name in validUntil a field of format date-time`)
	case f == nil:
		details = append(details, webhook.CheckPlace(a, "contract.display.validUntil", d.ValidUntil)...)
	case d.ValidFor != 0:
		say("display.validFor", "is not used where validUntil is the field %s; leave it out", f.Name)
	case f.Name != string(d.ValidUntil) || !f.Required() || len(f.Check("no time")) == 0 || len(f.Check("2026-01-31T09:30:00Z")) > 0:
		say("display.validUntil", "names the field %s, which must be of type string and format date-time, neither optional nor nullable, and have no default", f.Name)
	}
	if a.Field(string(d.Version)) == nil && a.Field(string(d.ValidUntil)) == nil && d.Version.Overlaps(d.ValidUntil) {
		say("display.validUntil", "is where the version goes; give each a place of its own")
	}
	return details
}
