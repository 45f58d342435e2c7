// Command decide is the Lambda function that evaluates the conditions of journeys.
package main

import (
	"github.com/waypost/waypost/shared/assemble/decide"
	"github.com/waypost/waypost/shared/assemble/start"
)

func main() { start.Function(decide.New, decide.Needs()...) }
