// Command stack is the CDK app: one stack holds all of Waypost on AWS.
// cdk.json runs it; `make synth` and `make deploy` run that.
//
// One list (functions.go) says which Lambda functions there are; two house
// constructs (function.go, queue.go) hold how every function and every queue is
// made. What an environment may choose is Settings, read from CDK's context.
package main

import (
	"fmt"
	"os"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/jsii-runtime-go"

	"github.com/waypost/waypost/shared/fault"
)

func main() {
	defer jsii.Close()
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "waypost:", explain(err))
		jsii.Close()
		os.Exit(1)
	}
}

func run() error {
	app := awscdk.NewApp(nil)
	settings, err := ReadSettings(contextOf(app))
	if err != nil {
		return err
	}
	code, err := BuiltIn("build")
	if err != nil {
		return err
	}
	NewStack(app, settings, code)
	app.Synth(nil)
	return nil
}

// contextOf reads CDK's context: cdk.json's, and what -c gives on top.
func contextOf(app awscdk.App) func(key string) any {
	return func(key string) any { return app.Node().TryGetContext(&key) }
}

// explain says what is wrong with settings, a line for each place.
func explain(err error) string {
	if fault.CodeOf(err) == fault.Internal { // of this program, with no public side
		return err.Error()
	}
	text := fault.Public(err)
	for _, d := range fault.Details(err) {
		text += "\n  " + d.String()
	}
	return text
}
