package main

import (
	"context"
	"fmt"
	"io"
	"os"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	awssecrets "github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"github.com/waypost/waypost/infra/bundle"
	"github.com/waypost/waypost/infra/local"
	"github.com/waypost/waypost/shared/secretsmanager"
)

type applyCommand struct {
	Folder string `arg:"" help:"The bundle's folder." type:"existingdir"`
	target
}

// Run applies a bundle to a running Waypost.
func (c *applyCommand) Run(ctx context.Context, out io.Writer) error {
	b, err := bundle.Read(os.DirFS(c.Folder))
	if err != nil {
		return fmt.Errorf("%s: %w", c.Folder, err)
	}
	secrets, err := c.secrets(ctx)
	if err != nil {
		return err
	}
	return b.Apply(ctx, newClient(c.URL), secrets, lines(out))
}

// secrets reaches Secrets Manager at the target, with the fake credentials
// that a local runtime takes.
func (t *target) secrets(ctx context.Context) (*secretsmanager.Source, error) {
	cfg, err := config.LoadDefaultConfig(ctx, config.WithRegion(local.Region), config.WithBaseEndpoint(t.AWSURL),
		config.WithCredentialsProvider(credentials.NewStaticCredentialsProvider("AKIAFAKEFAKEFAKEFAKE", "fake-secret-access-key", "")))
	if err != nil {
		return nil, fmt.Errorf("reading the AWS settings: %w", err)
	}
	return &secretsmanager.Source{Client: awssecrets.NewFromConfig(cfg)}, nil
}
