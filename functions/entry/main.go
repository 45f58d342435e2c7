// Command entry is the Lambda function that takes events in, over its URL and from EventBridge.
package main

import "github.com/waypost/waypost/shared/assemble"

func main() { assemble.Start(assemble.Entry) }
