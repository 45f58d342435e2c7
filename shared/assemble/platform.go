// Package assemble puts the functions together: it reads a function's
// environment, makes the AWS configuration, and gives each handler what it
// needs. main.go of a function starts what these packages make, and so does
// the embedded runtime: both run the same handlers in the same way.
//
// Each function has a package of its own below this one, which alone links
// what that function needs: every AWS client that a binary holds is paid for
// at each cold start. What is here, all of them need.
package assemble

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/waypost/waypost/shared/catalog"
	"github.com/waypost/waypost/shared/delivery"
	"github.com/waypost/waypost/shared/dynamo"
)

// A Function makes one Lambda function's handler from a platform.
type Function func(*Platform) lambda.Handler

// A Platform is what a deployment gives its functions: their settings, and
// the way to AWS. Its zero value is of no use; see Load.
type Platform struct {
	Env Env
	AWS aws.Config
	Log *slog.Logger
	Now func() time.Time
}

// Load makes the platform of a function that runs on Lambda, from its
// environment, which must have the variables that the function needs.
func Load(ctx context.Context, needs ...string) (*Platform, error) {
	env, err := ReadEnv(needs...)
	if err != nil {
		return nil, err
	}
	cfg, err := config.LoadDefaultConfig(ctx, config.WithHTTPClient(httpClient()))
	if err != nil {
		return nil, fmt.Errorf("reading the AWS settings: %w", err)
	}
	return &Platform{Env: env, AWS: cfg, Log: lambdacontext.NewLogger(), Now: time.Now}, nil
}

// DB makes a client of the tables' service, which the tables below share.
func (p *Platform) DB() *dynamodb.Client { return dynamodb.NewFromConfig(p.AWS) }

// Ledger is the table of executions and deliveries.
func (p *Platform) Ledger(db *dynamodb.Client) *dynamo.Ledger {
	return &dynamo.Ledger{Client: db, Table: p.Env.LedgerTable}
}

// Catalog is the table of what authors define.
func (p *Platform) Catalog(db *dynamodb.Client) *dynamo.Catalog {
	return &dynamo.Catalog{Client: db, Table: p.Env.CatalogTable}
}

// Profiles is the table of customers' attributes.
func (p *Platform) Profiles(db *dynamodb.Client) *dynamo.Profiles {
	return &dynamo.Profiles{Client: db, Table: p.Env.ProfilesTable, Key: p.Env.ProfileKey, Path: p.Env.ProfilePath}
}

// OptOuts are the recipients who want no more messages; the limits' table has them.
func (p *Platform) OptOuts(db *dynamodb.Client) *dynamo.OptOuts {
	return &dynamo.OptOuts{Client: db, Table: p.Env.LimitsTable}
}

// Waker wakes steps that await their deliveries' status.
func (p *Platform) Waker(db *dynamodb.Client, tasks delivery.Tasks) delivery.Waker {
	return delivery.Waker{Tasks: tasks, Records: p.Ledger(db), Log: p.Log}
}

// Closer ends deliveries that nobody will make.
func (p *Platform) Closer(db *dynamodb.Client, letters delivery.DeadLetters) delivery.Closer {
	return delivery.Closer{Records: p.Ledger(db), Actions: catalog.NewActions(p.Catalog(db), p.Now), DeadLetters: letters, Log: p.Log, Now: p.Now}
}
