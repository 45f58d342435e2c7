// Command sms is the Lambda function that delivers text messages.
package main

import "github.com/waypost/waypost/shared/assemble"

func main() { assemble.Start(assemble.SMS) }
