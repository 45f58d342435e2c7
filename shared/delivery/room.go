package delivery

import (
	"encoding/json"

	"github.com/waypost/waypost/shared/ledger"
)

// maxState is the most bytes that an execution's state may come to with a
// step's result. Step Functions ends an execution at 256 KiB of UTF-8
// (https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html),
// counted in what goes into a Task too: the rest is for what the next step
// wraps around the state, and for what Lambda's answer comes in.
const maxState = 240 << 10

// maxAwaited is the most bytes that an error may come to in the state after a
// step has waited for its status: the function that wakes it does not see the
// state, which has the step's first result already.
const maxAwaited = 8 << 10

// noRoom is why an answer's fields are left out.
const noRoom = "the answer's fields are left out, since the execution's state has no room for them"

// hasRoom says whether the execution's state has room for an outcome with the
// answer's fields. What is counted is more than there will be: the task that
// the state came in, and JSON with the escapes that are for HTML alone.
func (a *attempt) hasRoom(outcome ledger.Outcome, reason string) bool {
	d := a.rec
	d.Outcome, d.Reason = outcome, reason
	result, err := recorded(&d)
	if stopped, ok := err.(*Stopped); ok { //nolint:errorlint // recorded wraps nothing
		return a.task.size+inState(stopped) <= maxState
	}
	return a.task.size+encodedSize(result) <= maxState
}

// inState is how many bytes an error comes to in the state, which gets it twice:
// as $.caught, in the JSON of an error document that is a string there, and as
// the step's result.
func inState(s *Stopped) int {
	text := s.Error()
	document, _ := json.Marshal(map[string]string{"errorMessage": text}) // strings always encode
	return encodedSize(string(document)) + len(text)
}

// encodedSize is how many bytes of JSON a value makes.
func encodedSize(v any) int {
	data, err := json.Marshal(v)
	if err != nil {
		return maxState // no answer that was read from JSON
	}
	return len(data)
}
