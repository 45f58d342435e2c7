// Package start runs a function on Lambda. It is the one thing that main.go of
// each function calls.
package start

import (
	"context"
	"fmt"
	"log"
	"os"

	"github.com/aws/aws-lambda-go/lambda"

	"github.com/waypost/waypost/shared/assemble"
	"github.com/waypost/waypost/shared/assemble/heap"
)

// Function runs f until its environment ends. It does not return; where the
// environment is not what it must be, or lacks a variable that f needs, it says
// so and ends with status 1.
func Function(f assemble.Function, needs ...string) {
	heap.Bound(os.Getenv("AWS_LAMBDA_FUNCTION_MEMORY_SIZE"))
	p, err := assemble.Load(context.Background(), needs...)
	if err != nil {
		fmt.Fprintln(os.Stderr, "waypost: the function cannot start:", err)
		os.Exit(1)
	}
	log.SetOutput(screen{os.Stderr})
	lambda.Start(f(p))
}
