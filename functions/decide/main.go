// Command decide is the Lambda function that evaluates the conditions of journeys.
package main

import "github.com/waypost/waypost/shared/assemble"

func main() { assemble.Start(assemble.Decide) }
