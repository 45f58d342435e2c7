package ledger

import (
	"slices"
	"time"
)

// A Replay is an earlier generation of a delivery: how it ended, and that a
// person had the delivery made anew. Its attempts stand here, so that those of
// the next generation are counted afresh.
type Replay struct {
	Outcome    Outcome   `json:"outcome"`
	Reason     string    `json:"reason,omitempty"`
	Code       int       `json:"code,omitempty"`
	ProviderID string    `json:"providerId,omitempty"`
	Attempts   []Attempt `json:"attempts,omitempty"` // without their digests, which no other generation is held against
	StartedAt  time.Time `json:"startedAt,omitzero"`
	SettledAt  time.Time `json:"settledAt,omitzero"`
	// At is when it was replayed, and Why the person's own words on it.
	At  time.Time `json:"at"`
	Why string    `json:"why,omitempty"`
}

// MaxReplays bounds what a delivery's record keeps: an item of DynamoDB has
// 400 KB, and a generation of 40 attempts comes to some 10.
const MaxReplays = 10

// Generation counts how often the delivery has been made, from 1.
func (d *Delivery) Generation() int { return len(d.Replays) + 1 }

// Replayed is the settled delivery as its next generation begins: it waits to
// be claimed, as if nothing of it had been made. What the provider of an
// earlier one was given to report on it stays, so that a late callback is heard.
func (d *Delivery) Replayed(holder string, at time.Time, why string) Delivery {
	next := *d
	before := Replay{Outcome: d.Outcome, Reason: d.Reason, Code: d.Code, ProviderID: d.ProviderID, Attempts: slices.Clone(d.Attempts),
		StartedAt: d.StartedAt, SettledAt: d.SettledAt, At: at, Why: why}
	for i := range before.Attempts {
		before.Attempts[i].Digest = ""
	}
	next.Replays = append(slices.Clone(d.Replays), before)
	next.State, next.Holder, next.Until, next.StartedAt = Waiting, holder, at, at
	next.Outcome, next.Reason, next.Code, next.ProviderID, next.Attempts, next.Response, next.Failure = "", "", 0, "", nil, nil, nil
	next.Lease, next.RequestedAt, next.SettledAt, next.Timings = time.Time{}, time.Time{}, time.Time{}, Timings{}
	return next
}
