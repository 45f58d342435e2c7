// Command webhook is the Lambda function that delivers to any endpoint that speaks HTTP and JSON.
package main

import "github.com/waypost/waypost/shared/assemble"

func main() { assemble.Start(assemble.Webhook) }
