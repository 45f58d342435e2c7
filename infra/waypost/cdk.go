package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/smithy-go"
)

// cdk is the AWS CDK's command line, of the version that the stack is made
// for; npx fetches it from npm.
const cdk = "aws-cdk@2.1148.1"

// minNode is the oldest Node that CDK's constructs run in.
const minNode = 20

type synthCommand struct{ environment }
type diffCommand struct{ environment }
type deployCommand struct {
	environment
	Yes bool `help:"Do not ask before permissions change."`
}

// Run makes the template below cdk.out.
func (c *synthCommand) Run(ctx context.Context, out io.Writer) error {
	if err := c.cdk(ctx, out, "synth", "--quiet"); err != nil {
		return err
	}
	_, err := fmt.Fprintf(out, "cdk.out/%s.template.json\n", c.stack())
	return err
}

// Run shows what a deploy would change.
func (c *diffCommand) Run(ctx context.Context, out io.Writer) error {
	if err := checkNode(ctx); err != nil {
		return err
	}
	if _, _, err := c.identified(ctx); err != nil {
		return err
	}
	return c.cdk(ctx, out, "diff")
}

// Run deploys. What is missing for it, it says before it begins.
func (c *deployCommand) Run(ctx context.Context, out io.Writer) error {
	if err := checkNode(ctx); err != nil {
		return err
	}
	cfg, chosen, err := c.identified(ctx)
	if err != nil {
		return err
	}
	if err := checkBootstrap(ctx, cfg); err != nil {
		return err
	}
	approval := "broadening"
	if c.Yes {
		approval = "never"
	}
	if err := c.cdk(ctx, out, "deploy", "--require-approval", approval); err != nil {
		return err
	}
	if chosen.AlarmEmail == "" {
		outputs, err := outputsOf(ctx, cfg, c.stack())
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "\nthe environment has no alarmEmail, so nobody subscribes to its alarms yet. Set it, or subscribe to the output AlarmTopic:\n"+
			"  aws sns subscribe --region %s --topic-arn %s --protocol email --notification-endpoint YOU@EXAMPLE.COM\n", cfg.Region, outputs["AlarmTopic"])
	}
	_, err = fmt.Fprintf(out, "\ndeployed; put a bundle in place with: go run ./infra/waypost apply --stack %s FOLDER\n", c.stack())
	return err
}

// cdk runs the CDK's command line on the environment's stack.
func (e *environment) cdk(ctx context.Context, out io.Writer, args ...string) error {
	if err := checkNode(ctx); err != nil {
		return err
	}
	args = append([]string{"--yes", cdk}, args...)
	args = append(args, e.stack(), "--context", "environment="+e.Environment)
	for _, c := range e.Context {
		args = append(args, "--context", c)
	}
	cmd := exec.CommandContext(ctx, "npx", args...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, out, os.Stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("the CDK ended with an error (%w); what it printed above says why", err)
	}
	return nil
}

// checkNode says whether Node and npx are there.
func checkNode(ctx context.Context) error {
	version, err := exec.CommandContext(ctx, "node", "--version").Output()
	if err != nil {
		return fmt.Errorf("node is not installed: the CDK needs Node %d or later, from https://nodejs.org or your system's packages", minNode)
	}
	text := strings.TrimPrefix(strings.TrimSpace(string(version)), "v")
	major, _, _ := strings.Cut(text, ".")
	if n, err := strconv.Atoi(major); err != nil || n < minNode {
		return fmt.Errorf("node is of version %s: the CDK needs Node %d or later", text, minNode)
	}
	if _, err := exec.LookPath("npx"); err != nil {
		return errors.New("npx is not installed: it comes with npm, and fetches the CDK's command line")
	}
	return nil
}

// checkBootstrap says whether the account is ready for the CDK in its region.
func checkBootstrap(ctx context.Context, cfg aws.Config) error {
	_, err := cloudformation.NewFromConfig(cfg).DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: aws.String("CDKToolkit")})
	var api smithy.APIError
	switch {
	case errors.As(err, &api) && api.ErrorCode() == "ValidationError":
		return fmt.Errorf("the account is not bootstrapped for the CDK in %s: run once npx %s bootstrap", cfg.Region, cdk)
	case err != nil:
		return refused(err, "CloudFormation")
	}
	return nil
}
