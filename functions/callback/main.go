// Command callback is the Lambda function that hears what providers report of the messages that they were sent.
package main

import (
	"github.com/waypost/waypost/shared/assemble/callback"
	"github.com/waypost/waypost/shared/assemble/start"
)

func main() { start.Function(callback.New, callback.Needs()...) }
