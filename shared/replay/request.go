package replay

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/waypost/waypost/shared/fault"
	"github.com/waypost/waypost/shared/ledger"
	"github.com/waypost/waypost/shared/schema"
)

// A Request is what a person says of a replay; both may be left out.
type Request struct {
	// Reason is why, in the person's own words.
	Reason string
	// Outcome is the one that the person decided upon: another one refuses the replay.
	Outcome ledger.Outcome
}

// MaxReason is the most characters of a reason.
const MaxReason = 500

// replayable are the outcomes of what was not sent.
var replayable = slices.DeleteFunc(slices.Clone(ledger.Outcomes), func(o ledger.Outcome) bool { return o == ledger.Sent })

// Parse reads a request's document, {"reason": "…", "outcome": "unknown"}.
// None at all is an empty one.
func Parse(data []byte) (Request, error) {
	if len(data) == 0 {
		return Request{}, nil
	}
	doc, err := schema.Decode(data)
	if err != nil {
		return Request{}, err
	}
	fields, ok := doc.(map[string]any)
	if !ok {
		return Request{}, fault.New(fault.Invalid, `a replay's body must be an object, such as {"reason": "the provider has no such message", "outcome": "unknown"}`)
	}
	var q Request
	var details []fault.Detail
	known := []string{"outcome", "reason"}
	for _, key := range slices.Sorted(maps.Keys(fields)) {
		value, isText := fields[key].(string)
		switch {
		case !slices.Contains(known, key):
			details = append(details, fault.Detail{Path: key, Rule: "unknown", Message: "is not known here; there are reason and outcome", Suggestion: fault.Nearest(key, known)})
		case !isText:
			details = append(details, fault.Detail{Path: key, Rule: "type", Message: "must be a string"})
		case key == "reason" && utf8.RuneCountInString(value) > MaxReason:
			details = append(details, fault.Detail{Path: key, Rule: "maxLength", Message: fmt.Sprintf("must have at most %d characters", MaxReason)})
		case key == "reason":
			q.Reason = value
		case !slices.Contains(replayable, ledger.Outcome(value)):
			details = append(details, fault.Detail{Path: key, Rule: "enum", Message: "must be one of " + names(replayable)})
		default:
			q.Outcome = ledger.Outcome(value)
		}
	}
	return q, fault.Document("the replay is not valid", details)
}

func names(outcomes []ledger.Outcome) string {
	var list []string
	for _, o := range outcomes {
		list = append(list, string(o))
	}
	return strings.Join(list, ", ")
}

// refusal says why a delivery can't be replayed as it is now, or nil. What its
// provider has reported on was sent, whatever its outcome says.
func refusal(d *ledger.Delivery, q Request) error {
	conflict := func(format string, args ...any) error {
		return fault.New(fault.Conflict, "the delivery %s "+format, append([]any{d.ID()}, args...)...)
	}
	switch {
	case d.State == ledger.Waiting:
		return conflict("is not settled yet: it waits until %s%s", d.Until.UTC().Format(time.RFC3339), because(d.Reason))
	case d.State == ledger.Claimed:
		return conflict("is not settled yet: a function holds it until %s at the latest", d.Lease.UTC().Format(time.RFC3339))
	case d.Outcome == ledger.Sent:
		return conflict("was sent; what was not sent can be replayed")
	case d.Status != "":
		return conflict("was sent, for its provider reported it as %s; what was not sent can be replayed", d.Status)
	case q.Outcome != "" && q.Outcome != d.Outcome:
		return conflict("is %s by now, and not %s%s", d.Outcome, q.Outcome, because(d.Reason))
	case len(d.Replays) >= ledger.MaxReplays:
		return conflict("has been replayed %d times, which is all that its record keeps", len(d.Replays))
	}
	return nil
}

func because(reason string) string {
	if reason == "" {
		return ""
	}
	return ": " + reason
}
