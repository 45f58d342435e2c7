// Command sweep is the Lambda function that comes back, every minute, to what nobody else comes back to.
package main

import (
	"github.com/waypost/waypost/shared/assemble/start"
	"github.com/waypost/waypost/shared/assemble/sweep"
)

func main() { start.Function(sweep.New, sweep.Needs()...) }
