// Command loyalty is the Lambda function that awards points, and whatever else moves value.
package main

import (
	"github.com/waypost/waypost/shared/assemble/action"
	"github.com/waypost/waypost/shared/assemble/start"
)

func main() { start.Function(action.Loyalty, action.Needs()...) }
