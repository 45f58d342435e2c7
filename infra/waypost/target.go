package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	awssecrets "github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/smithy-go"

	"github.com/waypost/waypost/infra/local"
	"github.com/waypost/waypost/shared/secretsmanager"
)

// localURL is where a local runtime serves, unless it is told another port.
const localURL = "http://127.0.0.1:8480"

// A target says where a Waypost runs: in a stack on AWS, or at URLs, such as
// those of a local runtime.
type target struct {
	Stack    string `help:"Name of a stack on AWS, such as waypost-dev: its outputs say where it is, and requests are signed with the AWS credentials at hand." env:"WAYPOST_STACK"`
	URL      string `help:"Base of the admin URL, and of the entry URL." default:"http://127.0.0.1:8480" env:"WAYPOST_URL"`
	EntryURL string `name:"entry-url" help:"Base of the entry URL, where it is another." env:"WAYPOST_ENTRY_URL"`
	AWSURL   string `name:"aws-url" help:"Endpoint of the AWS APIs beside --url." default:"http://127.0.0.1:4566" env:"AWS_ENDPOINT_URL"`
}

// A site is a target that was found.
type site struct {
	api   *client
	aws   aws.Config
	onAWS bool // not a local runtime
}

// secrets are the site's.
func (s *site) secrets(replace bool) keeper {
	return keeper{secretsmanager.Source{Client: awssecrets.NewFromConfig(s.aws)}, aws.ToString(s.aws.BaseEndpoint), replace}
}

// find finds the target. Its error says what is missing, and how to get it.
func (t *target) find(ctx context.Context) (*site, error) {
	switch {
	case t.Stack != "":
		return t.stack(ctx)
	case isFunctionURL(t.URL):
		cfg, err := credentialed(ctx, "")
		if err != nil {
			return nil, err
		}
		return &site{signed(cfg, t.URL, t.EntryURL), cfg, true}, nil
	}
	cfg, err := config.LoadDefaultConfig(ctx, config.WithRegion(local.Region), config.WithBaseEndpoint(t.AWSURL), config.WithRetryMaxAttempts(1),
		config.WithCredentialsProvider(credentials.NewStaticCredentialsProvider("AKIAFAKEFAKEFAKEFAKE", "fake-secret-access-key", "")))
	if err != nil {
		return nil, fmt.Errorf("reading the AWS settings: %w", err)
	}
	api := newClient(t.URL)
	if t.EntryURL != "" {
		api.entry = strings.TrimSuffix(t.EntryURL, "/")
	}
	return &site{api, cfg, false}, nil
}

// isFunctionURL says whether a URL is of a Lambda function: its requests are signed.
func isFunctionURL(base string) bool {
	u, err := url.Parse(base)
	return err == nil && strings.Contains(u.Hostname(), ".lambda-url.")
}

// stack finds a deployed stack by its outputs.
func (t *target) stack(ctx context.Context) (*site, error) {
	cfg, err := credentialed(ctx, "")
	if err != nil {
		return nil, err
	}
	outputs, err := outputsOf(ctx, cfg, t.Stack)
	if err != nil {
		return nil, err
	}
	for _, name := range []string{"AdminUrl", "EntryUrl"} {
		if outputs[name] == "" {
			return nil, fmt.Errorf("the stack %s in %s has no output %s: it is not one of Waypost's", t.Stack, cfg.Region, name)
		}
	}
	return &site{signed(cfg, outputs["AdminUrl"], outputs["EntryUrl"]), cfg, true}, nil
}

// outputsOf reads a stack's outputs.
func outputsOf(ctx context.Context, cfg aws.Config, stack string) (map[string]string, error) {
	s, err := describeStack(ctx, cfg, stack)
	return outputsIn(s), err
}

func outputsIn(s types.Stack) map[string]string {
	outputs := map[string]string{}
	for _, o := range s.Outputs {
		outputs[aws.ToString(o.OutputKey)] = aws.ToString(o.OutputValue)
	}
	return outputs
}

// describeStack finds a stack by its name.
func describeStack(ctx context.Context, cfg aws.Config, name string) (types.Stack, error) {
	out, err := cloudformation.NewFromConfig(cfg).DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: &name})
	var api smithy.APIError
	switch {
	case errors.As(err, &api) && api.ErrorCode() == "ValidationError", err == nil && len(out.Stacks) == 0:
		return types.Stack{}, fmt.Errorf("there is no stack %s in %s: deploy it with make deploy, or name another with --stack", name, cfg.Region)
	case err != nil:
		return types.Stack{}, refused(err, "CloudFormation")
	}
	return out.Stacks[0], nil
}

// credentialed reads the AWS settings at hand, which must have credentials, and
// a region where none is given.
func credentialed(ctx context.Context, region string) (aws.Config, error) {
	cfg, err := config.LoadDefaultConfig(ctx, config.WithRegion(region))
	if err != nil {
		return cfg, fmt.Errorf("the AWS settings cannot be read: %w", err)
	}
	if cfg.Region == "" {
		return cfg, errors.New("no AWS region is chosen: set AWS_REGION, or region in ~/.aws/config")
	}
	if _, err := cfg.Credentials.Retrieve(ctx); err != nil {
		return cfg, errors.New("there are no AWS credentials: run aws configure or aws sso login, and set AWS_PROFILE where it is not the default")
	}
	return cfg, nil
}

// refused says that a service of AWS did not do what it was asked, in its own words.
func refused(err error, service string) error {
	var api smithy.APIError
	if errors.As(err, &api) {
		return fmt.Errorf("%s answered %s: %s", service, api.ErrorCode(), api.ErrorMessage())
	}
	return fmt.Errorf("%s could not be reached: look at the network, AWS_REGION and AWS_ENDPOINT_URL", service)
}
