// Command admin is the Lambda function of the authors' and operators' API.
package main

import (
	"github.com/waypost/waypost/shared/assemble/admin"
	"github.com/waypost/waypost/shared/assemble/start"
)

func main() { start.Function(admin.New, admin.Needs()...) }
