// Package start runs a function on Lambda. It is the one thing that main.go of
// each function calls.
package start

import (
	"context"
	"log"
	"os"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"

	"github.com/waypost/waypost/shared/assemble"
	"github.com/waypost/waypost/shared/assemble/heap"
)

// Function runs f until its environment ends. It does not return; where the
// environment is not what it must be, or lacks a variable that f needs, it logs
// one line that says so, which the alarm for errors counts, and ends with status 1.
func Function(f assemble.Function, needs ...string) {
	heap.Bound(os.Getenv("AWS_LAMBDA_FUNCTION_MEMORY_SIZE"))
	p, err := assemble.Load(context.Background(), needs...)
	if err != nil {
		lambdacontext.NewLogger().Error("the function cannot start", "error", err.Error())
		os.Exit(1)
	}
	log.SetOutput(screen{os.Stderr})
	lambda.Start(f(p))
}
