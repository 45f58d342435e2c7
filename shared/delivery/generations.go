package delivery

import (
	"errors"
	"slices"

	"github.com/waypost/waypost/shared/ledger"
)

// A delivery that was replayed is made like the first: its attempts are counted
// afresh, and one generation's ambiguous attempt does not keep the next from
// calling the endpoint, since a person decided that. What stays true whatever
// the next one comes to is that an earlier one may have been processed:
//
//   - where the endpoint can be asked what became of a message, it is asked first;
//   - a refusal does not say that nothing was sent, and neither does giving up:
//     such a delivery ends unknown, until it is sent or a callback settles it.

// doubted says whether an earlier generation may have been processed.
func doubted(d *ledger.Delivery) bool {
	return slices.ContainsFunc(d.Replays, func(r ledger.Replay) bool { return r.Outcome == ledger.Unknown || uncertain(r.Attempts) })
}

// leftUnknown says whether an earlier generation ended unknown.
func leftUnknown(d *ledger.Delivery) bool {
	return slices.ContainsFunc(d.Replays, func(r ledger.Replay) bool { return r.Outcome == ledger.Unknown })
}

// stillUnknown is what a giving up is followed by in a delivery's reason, where
// the earlier generation's outcome stands.
const stillUnknown = "an earlier generation may have been processed"

// uncertain says whether one of these attempts may have been processed.
func uncertain(attempts []ledger.Attempt) bool {
	return slices.ContainsFunc(attempts, ledger.Attempt.Uncertain)
}

// unbegun gives the earlier generation whose outcome a waiting delivery goes
// back to when it is given up: its last, where the replay of it called nothing.
func unbegun(d *ledger.Delivery) (ledger.Replay, bool) {
	if len(d.Replays) == 0 || len(d.Attempts) > 0 {
		return ledger.Replay{}, false
	}
	return d.Replays[len(d.Replays)-1], true
}

// ResultOf is what a settled delivery leaves for the journey, whatever its outcome.
func ResultOf(d *ledger.Delivery) Result {
	result, err := recorded(d)
	if stopped, ok := errors.AsType[*Stopped](err); ok {
		return stopped.Result
	}
	return result
}
