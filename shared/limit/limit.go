// Package limit keeps calls to an endpoint within rates.
//
// A cap refuses the calls that are over its rate. It counts in fixed windows,
// which begin at the multiples of their length since 1970 (so one of 24h begins
// at midnight UTC): at most so many calls in each window. Calls at the end of
// one and at the beginning of the next may thus come close together.
//
// A throttle makes calls wait instead. It gives each the next free slot of a
// schedule whose slots are evenly spaced, so that no span as long as the
// throttle's has more slots than it allows; a call that would wait longer than
// MaxWait is refused.
//
// All that share a Store share the limits, as far as their clocks agree. A
// limit may be used less than it allows (by a call that was admitted but then not
// made, by a store's answer that was lost), never more. What it does not
// promise is when an admitted call arrives at the endpoint.
package limit

import (
	"fmt"
	"time"

	"github.com/waypost/waypost/shared/fault"
)

// A Kind is what a limit does with a call that is over it.
type Kind string

const (
	Cap      Kind = "cap"      // refuse it
	Throttle Kind = "throttle" // let it wait for a slot
)

const (
	// MaxWait is how long a call may have to wait for its slot.
	MaxWait = 6 * time.Hour
	// MaxLimits is how many limits an action may have.
	MaxLimits = 4

	minPer, maxPer = 100 * time.Millisecond, 24 * time.Hour
	maxCalls       = 1_000_000
	minInterval    = 100 * time.Microsecond // 10,000 calls a second
)

// A Limit is a rate, as an action's settings have it.
type Limit struct {
	Kind  Kind   `json:"kind"`
	Calls int64  `json:"calls"` // from 1 to 1,000,000
	Per   string `json:"per"`   // a Go duration from "100ms" to "24h"
}

// String says the limit in words: "the cap of 100 calls per 1s".
func (l Limit) String() string {
	calls := "calls"
	if l.Calls == 1 {
		calls = "call"
	}
	return fmt.Sprintf("the %s of %d %s per %s", l.Kind, l.Calls, calls, l.Per)
}

// Window is the length that Per stands for, or 0 where it stands for none.
func (l Limit) Window() time.Duration {
	d, err := time.ParseDuration(l.Per)
	if err != nil || d < minPer || d > maxPer {
		return 0
	}
	return d
}

// interval is the distance of a throttle's slots in microseconds, rounded up,
// so that rounding never makes room for one call more.
func (l Limit) interval() int64 {
	return (l.Window().Microseconds() + l.Calls - 1) / l.Calls
}

// Validate says what is wrong with the limit, as details below path.
func (l Limit) Validate(path string) []fault.Detail {
	var details []fault.Detail
	wrong := func(member, rule, message string) {
		details = append(details, fault.Detail{Path: path + "." + member, Rule: rule, Message: message})
	}
	if l.Kind != Cap && l.Kind != Throttle {
		wrong("kind", "enum", "must be throttle (calls over the rate wait) or cap (they are refused)")
	}
	if l.Calls < 1 || l.Calls > maxCalls {
		wrong("calls", "range", fmt.Sprintf("must be a number from 1 to %d", maxCalls))
	}
	if l.Window() == 0 {
		wrong("per", "duration", `must be a duration from "100ms" to "24h", such as "1s", "1m" or "1h"`)
	}
	if len(details) > 0 || l.Kind != Throttle {
		return details
	}
	switch spacing := l.Window() / time.Duration(l.Calls); {
	case spacing < minInterval:
		wrong("calls", "range", "is more than a throttle can space out, which is 10000 a second")
	case spacing > MaxWait:
		wrong("per", "range", "puts calls further apart than the 6h that one may wait; allow more calls, or use a cap")
	}
	return details
}

// ValidateAll says what is wrong with an action's limits, as details below path.
func ValidateAll(path string, limits []Limit) []fault.Detail {
	var details []fault.Detail
	if len(limits) > MaxLimits {
		details = append(details, fault.Detail{Path: path, Rule: "maxItems", Message: fmt.Sprintf("must be %d limits at most", MaxLimits)})
	}
	seen := map[string]int{}
	for i, l := range limits {
		at := fmt.Sprintf("%s[%d]", path, i)
		if wrong := l.Validate(at); len(wrong) > 0 {
			details = append(details, wrong...)
			continue
		}
		if j, found := seen[l.name()]; found {
			details = append(details, fault.Detail{Path: at, Rule: "unique",
				Message: fmt.Sprintf("is a second %s per %s, after %s[%d]; leave one of them out", l.Kind, l.Per, path, j)})
			continue
		}
		seen[l.name()] = i
	}
	return details
}

// name tells an action's limits apart. It has no Calls, so that a change of
// the rate goes on from what was counted and scheduled before.
func (l Limit) name() string { return string(l.Kind) + "/" + l.Window().String() }
