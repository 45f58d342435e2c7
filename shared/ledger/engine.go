package ledger

import "time"

// A Run is how an execution stands with the engine that runs it.
type Run struct {
	Status           string // RUNNING, SUCCEEDED, FAILED, TIMED_OUT or ABORTED
	Started, Stopped time.Time
	Error, Cause     string
}

// A Visit is one stay of an execution in a state of its machine.
type Visit struct {
	State           string // its name in the machine
	Entered, Exited time.Time
}
