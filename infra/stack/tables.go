package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsdynamodb"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/jsii-runtime-go"

	"github.com/waypost/waypost/shared/dynamo"
)

// expires is the attribute by which DynamoDB deletes what is old.
const expires = dynamo.LimitsExpires

// tables are the deployment's; what each holds is design.md's "Tables".
type tables struct {
	profiles, catalog, ledger, limits awsdynamodb.ITable
	profileKey, profilePath           string
}

func (s *stack) newTables() {
	s.tables = tables{
		profileKey: "id",
		catalog:    s.newTable("Catalog", dynamo.CatalogTable(""), ""),
		ledger:     s.newTable("Ledger", dynamo.LedgerTable(""), expires),
		limits:     s.newTable("Limits", dynamo.LimitsTable(""), expires),
	}
	if own := s.settings.ProfileTable; own != nil {
		s.tables.profiles = awsdynamodb.Table_FromTableName(s.self, jsii.String("Profiles"), &own.Name)
		s.tables.profileKey, s.tables.profilePath = own.Key, own.Path
		return
	}
	s.tables.profiles = s.newTable("Profiles", dynamo.ProfilesTable(""), "")
}

// newTable makes a table as its adapter defines it, with the house's defaults:
// on demand, encrypted, restorable to any second of the last 35 days, and in a
// protected environment not to be deleted.
func (s *stack) newTable(id string, def *dynamodb.CreateTableInput, ttl string) awsdynamodb.Table {
	props := &awsdynamodb.TableProps{
		BillingMode:                      awsdynamodb.BillingMode_PAY_PER_REQUEST,
		Encryption:                       awsdynamodb.TableEncryption_AWS_MANAGED,
		PointInTimeRecoverySpecification: &awsdynamodb.PointInTimeRecoverySpecification{PointInTimeRecoveryEnabled: jsii.Bool(true)},
		DeletionProtection:               &s.settings.Protect,
		RemovalPolicy:                    s.removal(),
	}
	props.PartitionKey, props.SortKey = keysOf(def.KeySchema)
	if ttl != "" {
		props.TimeToLiveAttribute = &ttl
	}
	t := awsdynamodb.NewTable(s.self, &id, props)
	for _, index := range def.GlobalSecondaryIndexes {
		partition, sort := keysOf(index.KeySchema)
		t.AddGlobalSecondaryIndex(&awsdynamodb.GlobalSecondaryIndexProps{IndexName: index.IndexName, PartitionKey: partition, SortKey: sort,
			ProjectionType: awsdynamodb.ProjectionType(index.Projection.ProjectionType)})
	}
	return t
}

// keysOf reads a key schema; every key of Waypost's tables is text.
func keysOf(schema []types.KeySchemaElement) (partition, sort *awsdynamodb.Attribute) {
	for _, k := range schema {
		attribute := &awsdynamodb.Attribute{Name: aws.String(*k.AttributeName), Type: awsdynamodb.AttributeType_STRING}
		if k.KeyType == types.KeyTypeHash {
			partition = attribute
		} else {
			sort = attribute
		}
	}
	return partition, sort
}

// removal is what becomes of the environment's data when the stack goes.
func (s *stack) removal() awscdk.RemovalPolicy {
	if s.settings.Protect {
		return awscdk.RemovalPolicy_RETAIN
	}
	return awscdk.RemovalPolicy_DESTROY
}
