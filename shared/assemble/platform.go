// Package assemble puts the functions together: it reads a function's
// environment, makes the AWS clients, and gives each handler what it needs.
// main.go of a function starts what this package makes, and so does the
// embedded runtime: both run the same handlers in the same way.
package assemble

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	mathrand "math/rand/v2"
	"time"

	"github.com/aws/aws-lambda-go/lambdacontext"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/waypost/waypost/shared/catalog"
	"github.com/waypost/waypost/shared/delivery"
	"github.com/waypost/waypost/shared/dynamo"
	"github.com/waypost/waypost/shared/egress"
	"github.com/waypost/waypost/shared/limit"
	"github.com/waypost/waypost/shared/secret"
	waypostsecrets "github.com/waypost/waypost/shared/secretsmanager"
	waypostsqs "github.com/waypost/waypost/shared/sqs"
	"github.com/waypost/waypost/shared/stepfunctions"
)

// A Platform is what a deployment gives its functions: their settings, and
// clients of AWS. Its zero value is of no use; see Load.
type Platform struct {
	Env Env
	AWS aws.Config
	Log *slog.Logger
	Now func() time.Time
}

// Load makes the platform of a function that runs on Lambda, from its
// environment.
func Load(ctx context.Context) (*Platform, error) {
	env, err := ReadEnv()
	if err != nil {
		return nil, err
	}
	cfg, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading the AWS settings: %w", err)
	}
	return &Platform{Env: env, AWS: cfg, Log: lambdacontext.NewLogger(), Now: time.Now}, nil
}

func (p *Platform) ledger(db *dynamodb.Client) *dynamo.Ledger {
	return &dynamo.Ledger{Client: db, Table: p.Env.LedgerTable}
}

func (p *Platform) catalog(db *dynamodb.Client) *dynamo.Catalog {
	return &dynamo.Catalog{Client: db, Table: p.Env.CatalogTable}
}

func (p *Platform) profiles(db *dynamodb.Client) *dynamo.Profiles {
	return &dynamo.Profiles{Client: db, Table: p.Env.ProfilesTable, Key: p.Env.ProfileKey, Path: p.Env.ProfilePath}
}

func (p *Platform) closer(db *dynamodb.Client) delivery.Closer {
	return delivery.Closer{
		Records: p.ledger(db), Actions: catalog.NewActions(p.catalog(db), p.Now),
		DeadLetters: &waypostsqs.DeadLetters{Client: sqs.NewFromConfig(p.AWS), Queue: p.Env.DeadLetterQueue},
		Log:         p.Log, Now: p.Now,
	}
}

// Pipeline makes the pipeline of a channel's providers.
func (p *Platform) Pipeline(providers ...delivery.Provider) *delivery.Pipeline {
	db := dynamodb.NewFromConfig(p.AWS)
	source := &waypostsecrets.Source{Client: secretsmanager.NewFromConfig(p.AWS)}
	return &delivery.Pipeline{
		Closer: p.closer(db), Providers: providers, Profiles: p.profiles(db),
		Secrets:   secret.NewStore(source, p.Now),
		Endpoints: egress.NewClient(egress.NewGuard(p.Env.Egress), egress.Config{}),
		Limits:    limit.NewKeeper(dynamo.NewLimits(db, p.Env.LimitsTable)),
		Programs:  delivery.NewPrograms(), NewHolder: rand.Text, Random: mathrand.Float64,
	}
}

func (p *Platform) machines() *stepfunctions.Service {
	return &stepfunctions.Service{Client: sfn.NewFromConfig(p.AWS), Role: p.Env.JourneyRole,
		Tags: map[string]string{"waypost": p.Env.Prefix}}
}
