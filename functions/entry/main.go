// Command entry is the Lambda function that takes events in, over its URL and from EventBridge.
package main

import (
	"github.com/waypost/waypost/shared/assemble/entry"
	"github.com/waypost/waypost/shared/assemble/start"
)

func main() { start.Function(entry.New, entry.Needs()...) }
