// Command webhook is the Lambda function that delivers to any endpoint that speaks HTTP and JSON.
package main

import (
	"github.com/waypost/waypost/shared/assemble/action"
	"github.com/waypost/waypost/shared/assemble/start"
)

func main() { start.Function(action.Webhook, action.Needs()...) }
