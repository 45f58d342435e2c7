// Command admin is the Lambda function of the authors' and operators' API.
package main

import "github.com/waypost/waypost/shared/assemble"

func main() { assemble.Start(assemble.Admin) }
