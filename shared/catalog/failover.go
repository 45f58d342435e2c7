package catalog

import (
	"slices"
	"strings"

	"github.com/waypost/waypost/shared/action"
	"github.com/waypost/waypost/shared/channel"
	"github.com/waypost/waypost/shared/fault"
)

// check finds what in an action its channel can't serve, and what the provider
// of its failover can't.
func (c *Catalog) check(a *action.Action, first channel.Traits) []fault.Detail {
	details := first.Faults(a)
	f := a.Settings.Failover
	switch {
	case f == nil:
		return details
	case a.Provider == "":
		return append(details, fault.Detail{Path: "settings.failover", Message: "is for a channel that has providers, which " + a.Channel + " has not; leave it out"})
	case f.Provider == a.Provider:
		return append(details, fault.Detail{Path: "settings.failover.provider", Message: "is the action's own provider; name another, or leave failover out"})
	}
	traits, err := c.traits(a.Channel, f.Provider)
	if err != nil {
		found := fault.Details(err)
		for i := range found {
			found[i].Path = "settings.failover.provider"
		}
		return append(details, found...)
	}
	wrong := map[string]bool{}
	for _, d := range details {
		wrong[d.Path] = true
	}
	for _, d := range traits.Faults(a.Second(first.Senders)) {
		setting, ok := strings.CutPrefix(d.Path, "settings.")
		key := strings.TrimPrefix(d.Path, "contract.body.")
		switch {
		case ok:
			d.Path = "settings.failover." + setting
		case wrong[d.Path]:
			continue // what is wrong for both is said once
		case f.From == "" && slices.Contains(first.Senders, key):
			d = fault.Detail{Path: "settings.failover.from", Rule: "required",
				Message: "is missing: say who sends by " + f.Provider + ", which does not know the contract's " + key}
		default:
			d.Message += " (the failover " + f.Provider + " gets the same body)"
		}
		details = append(details, d)
	}
	return details
}
