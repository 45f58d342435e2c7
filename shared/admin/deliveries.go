package admin

import (
	"context"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/waypost/waypost/shared/catalog"
	"github.com/waypost/waypost/shared/fault"
	"github.com/waypost/waypost/shared/ledger"
)

// A Delivery is what the API shows of one; design.md's "Tables" has its form.
// What the endpoint answered is not shown: it may be personal.
type Delivery struct {
	ID            string         `json:"id"`
	Journey       string         `json:"journey"`
	Version       int            `json:"version"`
	Execution     string         `json:"execution"`
	Step          string         `json:"step"`
	Profile       string         `json:"profile"`
	Action        string         `json:"action"`
	ActionVersion int            `json:"actionVersion"`
	Channel       string         `json:"channel"`
	Provider      string         `json:"provider"`
	Outcome       string         `json:"outcome" enum:"sent,suppressed,capped,failed,unknown,dead,pending,waiting"`
	Reason        string         `json:"reason"`
	Status        string         `json:"status" doc:"what the provider reported later"`
	Code          int            `json:"code" doc:"the HTTP status that the endpoint answered, or 0"`
	Attempts      []Attempt      `json:"attempts"`
	Generation    int            `json:"generation" doc:"how often it was made, from 1: each replay is one more, and attempts are those of this one"`
	Replays       []Generation   `json:"replays,omitempty" doc:"the generations before this one, oldest first"`
	EventAt       time.Time      `json:"eventAt,omitzero" doc:"when the event was accepted"`
	EnteredAt     time.Time      `json:"enteredAt,omitzero" doc:"when the execution reached the step"`
	RequestedAt   time.Time      `json:"requestedAt,omitzero" doc:"when the last call of the endpoint began"`
	SettledAt     time.Time      `json:"settledAt,omitzero"`
	Until         time.Time      `json:"until,omitzero" doc:"when a waiting one goes on"`
	Timings       ledger.Timings `json:"timings"`
}

// An Attempt is one call of the endpoint.
type Attempt struct {
	At     time.Time `json:"at"`
	Result string    `json:"result" enum:"accepted,refused,retryable,ambiguous,lost"`
	Code   int       `json:"code,omitempty"`
	Ms     float64   `json:"ms"`
	Reason string    `json:"reason,omitempty"`
	// Provider is left out where the action has no failover.
	Provider string `json:"provider,omitempty" doc:"who was called, where the action has a failover"`
}

// What an unsettled delivery reads as.
const (
	pending = "pending"
	waiting = "waiting"
)

func outcomeOf(d *ledger.Delivery) string {
	switch d.State {
	case ledger.Settled:
		return string(d.Outcome)
	case ledger.Waiting:
		return waiting
	}
	return pending
}

func outcomes() []string {
	var names []string
	for _, o := range ledger.Outcomes {
		names = append(names, string(o))
	}
	return append(names, pending, waiting)
}

func show(d ledger.Delivery) Delivery {
	out := Delivery{
		ID: d.ID().String(), Journey: d.Journey, Version: d.Version, Execution: d.Execution, Step: d.Step, Profile: d.Profile,
		Action: d.Action, ActionVersion: d.ActionVersion, Channel: d.Channel, Provider: d.Provider,
		Outcome: outcomeOf(&d), Reason: d.Reason, Status: string(d.Status), Code: d.Code, Attempts: showAttempts(d.Attempts),
		Generation: d.Generation(), Replays: showReplays(d.Replays),
		EventAt: d.EventAt, EnteredAt: d.EnteredAt, RequestedAt: d.RequestedAt, SettledAt: d.SettledAt, Timings: d.Timings,
	}
	if d.State == ledger.Waiting {
		out.Until = d.Until
	}
	return out
}

func showAttempts(list []ledger.Attempt) []Attempt {
	out := make([]Attempt, len(list))
	for i, a := range list {
		out[i] = Attempt{a.At, a.Result, a.Code, a.Ms, a.Reason, a.Provider}
	}
	return out
}

func showAll(list []ledger.Delivery) []Delivery {
	out := make([]Delivery, len(list))
	for i, d := range list {
		out[i] = show(d)
	}
	return out
}

// reports registers what tells of deliveries and executions.
func (h *Handler) reports(a *api) {
	register(a, http.MethodGet, "/admin/v1/deliveries", "list-deliveries", "deliveries, newest first", h.listDeliveries)
	register(a, http.MethodGet, "/admin/v1/deliveries/{id}", "get-delivery", "one delivery", h.getDelivery)
	register(a, http.MethodGet, "/admin/v1/executions/{execution}", "get-execution", "an execution, its steps and its deliveries", h.getExecution)
}

func (h *Handler) getDelivery(ctx context.Context, in *struct {
	ID string `path:"id" doc:"<execution>.<step>.<iteration>"`
}) (Delivery, error) {
	id, err := deliveryID(in.ID)
	if err != nil {
		return Delivery{}, err
	}
	d, err := h.Ledger.Delivery(ctx, id)
	return show(d), err
}

// DefaultWindow is how far back a list goes where it names neither an
// execution nor a profile nor since when.
const DefaultWindow = 24 * time.Hour

// Bounds of a list's limit.
const (
	defaultLimit = 100
	maxLimit     = 500
)

// A filter is the query of a list of deliveries. All that is given must fit.
type filter struct {
	Journey   string `query:"journey" doc:"a journey's name"`
	Action    string `query:"action" doc:"an action's name"`
	Execution string `query:"execution" doc:"an execution's name"`
	Profile   string `query:"profile" doc:"a profile's id"`
	Outcome   string `query:"outcome" doc:"sent, suppressed, capped, failed, unknown, dead, pending or waiting"`
	Since     string `query:"since" doc:"entered since then: a time of RFC 3339, or how long ago, such as 15m, 24h or 7d"`
	Limit     string `query:"limit" doc:"how many at most, up to 500; 100 where it is absent"`
	Next      string `query:"next" doc:"what the list before this one gave"`

	since time.Time
	limit int
	from  position
}

// Deliveries is a list of them.
type Deliveries struct {
	Deliveries []Delivery `json:"deliveries"`
	Next       string     `json:"next,omitempty" doc:"asks for the rest, as the query parameter next; absent where this is all. A list may have fewer than limit and a next."`
}

func (h *Handler) listDeliveries(ctx context.Context, f *filter) (Deliveries, error) {
	journeys, err := h.checkFilter(ctx, f)
	if err != nil {
		return Deliveries{}, err
	}
	p := &pager{limit: f.limit, at: f.from, fits: f.fits, reads: maxReads}
	switch {
	case f.Execution != "":
		err = h.ofExecution(ctx, f, p)
	case f.Profile != "":
		_, err = p.read(func(before time.Time, n int) ([]ledger.Delivery, error) {
			return h.Ledger.OfProfile(ctx, f.Profile, f.since, before, n)
		})
	default:
		err = h.ofJourneys(ctx, f, p, journeys)
	}
	if err != nil {
		return Deliveries{}, err
	}
	return Deliveries{showAll(p.found), p.next()}, nil
}

// fits says whether a delivery is among those that the filter asks for.
func (f *filter) fits(d *ledger.Delivery) bool {
	for _, rule := range []struct{ want, got string }{
		{f.Journey, d.Journey}, {f.Action, d.Action}, {f.Execution, d.Execution}, {f.Profile, d.Profile}, {f.Outcome, outcomeOf(d)},
	} {
		if rule.want != "" && rule.want != rule.got {
			return false
		}
	}
	return !d.EnteredAt.Before(f.since)
}

// checkFilter reads the filter's values, and gives the journeys to look at.
func (h *Handler) checkFilter(ctx context.Context, f *filter) (journeys []string, _ error) {
	var details []fault.Detail
	now := h.Now()
	f.limit, f.from = defaultLimit, position{Before: now.Add(clockSlack)}
	if f.Execution == "" && f.Profile == "" {
		f.since = now.Add(-DefaultWindow)
	}
	if f.Outcome != "" && !slices.Contains(outcomes(), f.Outcome) {
		details = append(details, fault.Detail{Path: "outcome", Rule: "enum", Message: "must be one of " + strings.Join(outcomes(), ", "),
			Suggestion: fault.Nearest(f.Outcome, outcomes())})
	}
	if f.Since != "" {
		since, ok := parseSince(f.Since, now)
		if !ok {
			details = append(details, fault.Detail{Path: "since", Rule: "format",
				Message: "must be a time such as 2026-01-31T09:30:00Z, or how long ago, such as 15m, 24h or 7d"})
		}
		f.since = since
	}
	if f.Limit != "" {
		n, err := strconv.Atoi(f.Limit)
		if err != nil || n < 1 || n > maxLimit {
			details = append(details, fault.Detail{Path: "limit", Rule: "range", Message: "must be a number from 1 to " + strconv.Itoa(maxLimit)})
		}
		f.limit = n
	}
	if f.Next != "" {
		from, ok := parsePosition(f.Next)
		if !ok {
			details = append(details, fault.Detail{Path: "next", Rule: "format", Message: "must be the next of the list before, as it was given"})
		}
		f.from = from
	}
	for _, named := range []struct{ kind, name string }{{catalog.KindJourney, f.Journey}, {catalog.KindAction, f.Action}} {
		if named.name == "" && (named.kind == catalog.KindAction || f.Execution != "" || f.Profile != "") {
			continue
		}
		known, err := h.Catalog.List(ctx, named.kind)
		if err != nil {
			return nil, err
		}
		if named.name != "" && !slices.Contains(known, named.name) {
			details = append(details, fault.Detail{Path: named.kind, Rule: "unknown", Message: "there is no " + named.kind + " " + named.name,
				Suggestion: fault.Nearest(named.name, known)})
		}
		if named.kind == catalog.KindJourney {
			journeys = known
		}
	}
	if f.Journey != "" {
		journeys = []string{f.Journey}
	}
	return journeys, fault.Document("the query is not valid", details)
}

var daysAgo = regexp.MustCompile(`^([0-9]{1,4})d$`)

// parseSince reads a time, or how long ago it was.
func parseSince(s string, now time.Time) (time.Time, bool) {
	if m := daysAgo.FindStringSubmatch(s); m != nil {
		days, _ := strconv.Atoi(m[1]) // four digits
		return now.AddDate(0, 0, -days), true
	}
	if d, err := time.ParseDuration(s); err == nil {
		return now.Add(-d), d >= 0
	}
	// A plus that was not escaped reaches a query as a space.
	t, err := time.Parse(time.RFC3339, strings.Replace(s, " ", "+", 1))
	return t, err == nil
}
