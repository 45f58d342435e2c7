package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/waypost/waypost/infra/stack/settings"
)

// An environment says which one of cdk.json's is meant.
type environment struct {
	Environment string   `short:"e" help:"The environment, one of those in cdk.json." default:"dev"`
	Context     []string `short:"c" help:"A setting of the environment to set, as KEY=VALUE." placeholder:"KEY=VALUE" sep:"none"`
}

func (e *environment) stack() string { return "waypost-" + e.Environment }

// settings reads the environment's of cdk.json, with -c on top.
func (e *environment) settings() (settings.Settings, error) {
	data, err := os.ReadFile("cdk.json")
	if err != nil {
		return settings.Settings{}, errors.New("there is no cdk.json here: run it in the folder of the checkout")
	}
	context, err := settings.FromFile(data, append([]string{"environment=" + e.Environment}, e.Context...))
	if err != nil {
		return settings.Settings{}, fmt.Errorf("cdk.json: %w", err)
	}
	s, err := settings.Read(context, nil)
	if err != nil {
		return settings.Settings{}, errors.New(settings.Explain(err))
	}
	return s, nil
}

// identified reads the AWS settings at hand, with the environment's region where
// it has one, and asks AWS whose they are: they must be its account's, where it
// has one.
func (e *environment) identified(ctx context.Context) (aws.Config, settings.Settings, error) {
	s, err := e.settings()
	if err != nil {
		return aws.Config{}, s, err
	}
	cfg, err := credentialed(ctx, s.Region)
	if err != nil {
		return cfg, s, err
	}
	who, err := sts.NewFromConfig(cfg).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err != nil {
		return cfg, s, fmt.Errorf("AWS does not say whose the credentials are: %w", refused(err, "STS"))
	}
	if got := aws.ToString(who.Account); s.Account != "" && got != s.Account {
		return cfg, s, fmt.Errorf("the environment %s is in the account %s, and the AWS credentials at hand are of %s: set AWS_PROFILE to one of %s, or choose another environment with -e",
			e.Environment, s.Account, got, s.Account)
	}
	return cfg, s, nil
}
