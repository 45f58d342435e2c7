// Command stack is the CDK app: one stack holds all of Waypost on AWS.
// cdk.json runs it; `make synth` and `make deploy` run that.
//
// One list (functions.go) says which Lambda functions there are; two house
// constructs (function.go, queue.go) hold how every function and every queue is
// made. What an environment may choose is in package settings, read from CDK's context.
package main

import (
	"fmt"
	"os"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/jsii-runtime-go"

	"github.com/waypost/waypost/infra/stack/settings"
)

func main() {
	defer jsii.Close()
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "waypost:", settings.Explain(err))
		jsii.Close()
		os.Exit(1)
	}
}

func run() error {
	app := awscdk.NewApp(nil)
	chosen, err := settings.Read(contextOf(app), functionNames())
	if err != nil {
		return err
	}
	code, err := BuiltIn("build")
	if err != nil {
		return err
	}
	NewStack(app, chosen, code)
	app.Synth(nil)
	return nil
}

// contextOf reads CDK's context: cdk.json's, and what -c gives on top.
func contextOf(app awscdk.App) func(key string) any {
	return func(key string) any { return app.Node().TryGetContext(&key) }
}
