package sinch

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/waypost/waypost/shared/action"
	"github.com/waypost/waypost/shared/channel"
	"github.com/waypost/waypost/shared/fault"
)

// hostSuffix ends the hosts of the SMS API; a region stands before it.
const hostSuffix = ".sms.api.sinch.com"

var (
	regions = []string{"us", "eu", "au", "br", "ca"} // of service plans
	reports = []string{"none", "summary", "full", "per_recipient", "per_recipient_final"}
	// ours are the members of a batch that Waypost fills itself, and why.
	ours = map[string]string{
		"client_reference": "is the delivery's id already; leave it out",
		"send_at":          "is for the journey to decide: put a wait before the step",
		"callback_url":     "is the deployment's own; ask for reports in settings.callback",
		"type":             "is mt_text already; leave it out",
	}
)

// check finds what is wrong with an action for Sinch.
func check(a *action.Action) []fault.Detail {
	details := channel.OnlyBody(a, a.Provider)
	say := func(path, suggestion, format string, args ...any) {
		details = append(details, fault.Detail{Path: path, Message: fmt.Sprintf(format, args...), Suggestion: suggestion})
	}
	if auth := a.Settings.Auth; auth == nil || auth.Type != "bearer" {
		say("settings.auth", "", `must be {"type": "bearer", "secret": "waypost/…"}: the secret holds servicePlanId and token`)
	}
	if host, ok := wrongHost(a.Settings.URL, hosts()); ok {
		say("settings.url", nearestURL(host, hosts()), "must be the service plan's region: https://REGION%s, where REGION is one of %s", hostSuffix, strings.Join(regions, ", "))
	}
	var body map[string]json.RawMessage
	if err := json.Unmarshal(a.Contract.Body, &body); err != nil {
		say("contract.body", "", "must be an object with to, text, and perhaps from")
		return details
	}
	for key := range body {
		if parameters[key] == "" {
			details = append(details, batchNames.stranger(key))
		}
	}
	if body["to"] == nil {
		say("contract.body.to", "", "is missing: the recipient's phone, in E.164 form, or a list of them")
	}
	if body["text"] == nil {
		say("contract.body.text", "", "is missing: what the recipient reads")
	}
	var report string
	if json.Unmarshal(body["deliveryReport"], &report) == nil && !slices.Contains(reports, report) {
		say("contract.body.deliveryReport", fault.Nearest(report, reports), "must be one of %s", strings.Join(reports, ", "))
	}
	if report == "none" && a.Settings.Callback != nil {
		say("contract.body.deliveryReport", "", "must not be none, since settings.callback asks for reports; leave it out")
	}
	slices.SortFunc(details, func(x, y fault.Detail) int { return strings.Compare(x.Path, y.Path) })
	return details
}

// names are what a contract's body may hold, and what it may not.
type names struct {
	of    string            // whose body it is
	wires map[string]string // by the contract's name, the API's own
	ours  map[string]string // by the API's own, why Waypost fills it itself
}

var batchNames = names{of: "a Sinch message", wires: parameters, ours: ours}

// stranger says what is wrong with a body key that Sinch has no parameter for.
func (n names) stranger(key string) fault.Detail {
	d := fault.Detail{Path: "contract.body." + key, Rule: "additionalProperties", Message: "is not a parameter of " + n.of}
	for own, wire := range n.wires {
		if key == wire { // as Sinch's own documentation has it
			d.Suggestion = own
			return d
		}
	}
	for wire, why := range n.ours {
		if flat(key) == flat(wire) {
			d.Message = why
			return d
		}
	}
	d.Suggestion = fault.Nearest(key, slices.Sorted(maps.Keys(n.wires)))
	return d
}

// flat makes a name of either spelling the same.
func flat(name string) string { return strings.ToLower(strings.ReplaceAll(name, "_", "")) }

// wrongHost gives the host of a URL that is Sinch's and none of those that serve
// the API. Any other host is a proxy of the operator's, which the secret must list.
func wrongHost(base string, serve []string) (string, bool) {
	u, err := url.Parse(base)
	if err != nil {
		return "", false
	}
	host := strings.ToLower(u.Hostname())
	return host, (host == "sinch.com" || strings.HasSuffix(host, ".sinch.com")) && !slices.Contains(serve, host)
}

// nearestURL gives the URL that a wrong host was meant for, or "".
func nearestURL(host string, serve []string) string {
	if near := fault.Nearest(host, serve); near != "" {
		return "https://" + near
	}
	return ""
}

// hosts are those of the SMS API, one for each region.
func hosts() []string { return hostsOf(regions, hostSuffix) }

func hostsOf(regions []string, suffix string) []string {
	all := make([]string, len(regions))
	for i, region := range regions {
		all[i] = region + suffix
	}
	return all
}
