package start

import (
	"bytes"
	"io"

	"github.com/waypost/waypost/shared/fault"
)

// A screen passes on what aws-lambda-go logs, but for the documents of the
// errors that are Waypost's own. By them functions tell their machine how to go
// on: they are no news to an operator, who has the line of the delivery, and they
// hold what an endpoint answered, which logs don't.
type screen struct{ out io.Writer }

// Write implements io.Writer for package log, which writes one line at a time.
func (s screen) Write(line []byte) (int, error) {
	if bytes.Contains(line, []byte(`"errorType":"`+fault.NamePrefix)) {
		return len(line), nil
	}
	return s.out.Write(line)
}
