// Command slack is the Lambda function that delivers messages to Slack.
package main

import (
	"github.com/waypost/waypost/shared/assemble/action"
	"github.com/waypost/waypost/shared/assemble/start"
)

func main() { start.Function(action.Slack, action.Needs()...) }
