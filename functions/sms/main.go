// Command sms is the Lambda function that delivers text messages.
package main

import (
	"github.com/waypost/waypost/shared/assemble/action"
	"github.com/waypost/waypost/shared/assemble/start"
)

func main() { start.Function(action.SMS, action.Needs()...) }
