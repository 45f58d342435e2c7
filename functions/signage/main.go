// Command signage is the Lambda function that shows messages on screens.
package main

import (
	"github.com/waypost/waypost/shared/assemble/action"
	"github.com/waypost/waypost/shared/assemble/start"
)

func main() { start.Function(action.Signage, action.Needs()...) }
