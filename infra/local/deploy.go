package local

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/waypost/waypost/infra/local/lambda"
	"github.com/waypost/waypost/infra/providers"
	"github.com/waypost/waypost/shared/assemble"
	"github.com/waypost/waypost/shared/assemble/action"
	"github.com/waypost/waypost/shared/assemble/admin"
	"github.com/waypost/waypost/shared/assemble/callback"
	"github.com/waypost/waypost/shared/assemble/decide"
	"github.com/waypost/waypost/shared/assemble/entry"
	"github.com/waypost/waypost/shared/assemble/sweep"
	"github.com/waypost/waypost/shared/dynamo"
	"github.com/waypost/waypost/shared/egress"
	"github.com/waypost/waypost/shared/journey"
	"github.com/waypost/waypost/statemachines"
)

// The names of the deployment's parts.
const (
	ProfilesTable   = "waypost-profiles"
	CatalogTable    = "waypost-catalog"
	LedgerTable     = "waypost-ledger"
	LimitsTable     = "waypost-limits"
	DeadLetterQueue = "waypost-dead-letters"
	Prefix          = "waypost-"
)

// Functions are all of Waypost's, by name.
func Functions() map[string]assemble.Function {
	return map[string]assemble.Function{
		"admin": admin.New, "entry": entry.New, "callback": callback.New, "decide": decide.New, "sweep": sweep.New,
		"webhook": action.Webhook, "sms": action.SMS, "slack": action.Slack, "loyalty": action.Loyalty, "signage": action.Signage, "private": action.Private,
	}
}

// Timeout is how long an invocation of a function may last, as on AWS; a test
// of infra/stack holds the two together.
func Timeout(function string) time.Duration {
	switch function {
	case "admin", "entry":
		return 29 * time.Second
	case "callback":
		return 10 * time.Second
	case "decide":
		return 20 * time.Second
	case "sweep":
		return 55 * time.Second
	}
	return 40 * time.Second
}

// deploy makes what the CDK app makes on AWS, by the AWS APIs of the AWS port.
func (r *Runtime) deploy(ctx context.Context, c Config, standIns *providers.StandIns) error {
	db := dynamodb.NewFromConfig(r.AWS)
	for _, table := range []*dynamodb.CreateTableInput{
		dynamo.ProfilesTable(ProfilesTable), dynamo.CatalogTable(CatalogTable), dynamo.LedgerTable(LedgerTable), dynamo.LimitsTable(LimitsTable),
	} {
		if _, err := db.CreateTable(ctx, table); err != nil {
			return fmt.Errorf("creating the table %s: %w", *table.TableName, err)
		}
	}
	for _, table := range []string{LedgerTable, LimitsTable} {
		ttl := &types.TimeToLiveSpecification{AttributeName: aws.String("expires"), Enabled: aws.Bool(true)}
		if _, err := db.UpdateTimeToLive(ctx, &dynamodb.UpdateTimeToLiveInput{TableName: &table, TimeToLiveSpecification: ttl}); err != nil {
			return fmt.Errorf("setting the TTL of %s: %w", table, err)
		}
	}
	queue, err := sqs.NewFromConfig(r.AWS).CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: aws.String(DeadLetterQueue)})
	if err != nil {
		return fmt.Errorf("creating the dead-letter queue: %w", err)
	}
	role := "arn:aws:iam::" + Account + ":role/waypost-journeys"
	machine, err := sfn.NewFromConfig(r.AWS).CreateStateMachine(ctx, &sfn.CreateStateMachineInput{
		Name: aws.String(Prefix + "delivery"), Definition: &statemachines.Delivery, RoleArn: &role})
	if err != nil {
		return fmt.Errorf("creating the delivery machine: %w", err)
	}
	names := map[string]string{journey.NameDelivery: aws.ToString(machine.StateMachineArn)}
	functions := Functions()
	for name := range maps.Keys(functions) {
		names[name] = r.host.ARN(name)
	}
	routes := ""
	if !c.Live {
		routes = standIns.Routes(r.URL)
	}
	policy, err := egress.ParsePolicy(allowLoopback, routes)
	if err != nil {
		return err
	}
	env := assemble.Env{
		ProfilesTable: ProfilesTable, ProfileKey: "id", CatalogTable: CatalogTable, LedgerTable: LedgerTable, LimitsTable: LimitsTable,
		DeadLetterQueue: aws.ToString(queue.QueueUrl), JourneyRole: role, Names: names, Prefix: Prefix, Egress: policy,
		CallbackURL: r.URL + "/callback",
	}
	if c.Binaries != "" {
		return r.runBinaries(ctx, c, variables(env, allowLoopback, routes))
	}
	platform := &assemble.Platform{AWS: r.AWS, Log: r.log, Now: time.Now, Env: env}
	for name, f := range functions {
		own := *platform
		if c.Around != nil {
			own.AWS.HTTPClient = watched{name, r.AWS.HTTPClient, c.Around}
		}
		r.host.Register(name, f(&own), lambda.Config{Timeout: cmp.Or(c.Timeout, Timeout(name))})
	}
	return nil
}

// allowLoopback is the local runtime's allow-list, as a setting; egress.Local
// is the same.
const allowLoopback = "http://127.0.0.0/8:*"
