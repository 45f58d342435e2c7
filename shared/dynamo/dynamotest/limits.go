package dynamotest

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/waypost/waypost/shared/dynamo"
	"github.com/waypost/waypost/shared/limit"
	"github.com/waypost/waypost/shared/limit/limittest"
)

// limits holds the limits' numbers to limit.Store's contract. Its cases name
// their numbers by themselves, so one table serves them all.
func limits(t *testing.T, client *dynamodb.Client) {
	table := create(t, client, dynamo.LimitsTable)
	limittest.Run(t, func(*testing.T) limit.Store { return dynamo.NewLimits(client, table) })
}
