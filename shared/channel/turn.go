package channel

import "time"

// A Turn orders the messages to one target, such as a screen: the last writer
// wins. A message is dropped, not sent, once a newer one was sent to its
// target, or its own time has passed.
type Turn struct {
	Target  string // the same for all messages that replace each other
	Version int64  // a higher one is newer
	Until   time.Time
}

// Version is that of the message, or 0 where its channel has no turns.
func (r *Request) Version() int64 {
	if r.Turn == nil {
		return 0
	}
	return r.Turn.Version
}
