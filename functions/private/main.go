// Command private is the Lambda function that delivers to a company's own systems, in its network.
package main

import (
	"github.com/waypost/waypost/shared/assemble/action"
	"github.com/waypost/waypost/shared/assemble/start"
)

func main() { start.Function(action.Private, action.Needs()...) }
