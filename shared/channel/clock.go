package channel

import "time"

// Clock is the time by a channel's clock, which may be nil: then it is the
// machine's.
func Clock(now func() time.Time) time.Time {
	if now == nil {
		return time.Now()
	}
	return now()
}
