package dynamo

import (
	"context"
	"fmt"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/waypost/waypost/shared/fault"
	"github.com/waypost/waypost/shared/limit"
)

// The limits table's attributes. An item is one number of a limit.
const (
	LimitsPattern = "pattern" // partition key: whose limit it is
	LimitsShard   = "shard"   // sort key: which one, and of a cap which window
	LimitsExpires = "expires" // TTL: Unix seconds
	limitsNumber  = "number"  // a cap's count, or a throttle's next free time in microseconds
)

const (
	limitsTries  = 6
	limitsRecent = 1024
)

var _ limit.Store = (*Limits)(nil)

// Limits keeps the numbers of limits in a table. NewLimits makes one; it is
// safe for concurrent use.
//
// A move is one conditional write where the table is as expected. DynamoDB has
// no max(), so a schedule's move has two forms: from where it is, for a schedule in
// use, and from now, for one that was left behind. Which of them is tried first
// is told by where this process last saw the schedule.
type Limits struct {
	client *dynamodb.Client
	table  string
	recent *lru.Cache[limit.ID, int64]
}

// NewLimits makes the store of the limits in this table.
func NewLimits(client *dynamodb.Client, table string) *Limits {
	recent, _ := lru.New[limit.ID, int64](limitsRecent) // fails only for a size below 1
	return &Limits{client: client, table: table, recent: recent}
}

// Advance makes a move, as limit.Store has it.
func (s *Limits) Advance(ctx context.Context, id limit.ID, m limit.Move) (int64, bool, error) {
	if m.Floor == 0 {
		return s.count(ctx, id, m)
	}
	seen, _ := s.recent.Get(id)
	for range limitsTries {
		var to int64
		var there item
		var refused bool
		var err error
		if seen >= m.Floor {
			to, there, refused, err = s.update(ctx, id, "SET #n = #n + :step, #e = :e", "#n BETWEEN :floor AND :ceiling",
				item{":step": limitsInt(m.Step), ":floor": limitsInt(m.Floor), ":ceiling": limitsInt(m.Ceiling), ":e": limitsInt(m.Expires.Unix())})
		} else {
			to, there, refused, err = s.update(ctx, id, "SET #n = :to, #e = :e", "attribute_not_exists(#n) OR #n < :floor",
				item{":to": limitsInt(m.Floor + m.Step), ":floor": limitsInt(m.Floor), ":e": limitsInt(m.Expires.Unix())})
		}
		switch {
		case err != nil:
			return 0, false, err
		case !refused:
			s.recent.Add(id, to)
			return to - m.Step, true, nil
		}
		if seen, err = limitsNumberOf(there); err != nil {
			return 0, false, err
		}
		s.recent.Add(id, seen)
		if seen > m.Ceiling {
			return 0, false, nil
		}
	}
	return 0, false, fault.New(fault.Unavailable, "the limits of %s are asked too often at once", id.Pattern)
}

// count moves a counter. One that is not there counts as 0.
func (s *Limits) count(ctx context.Context, id limit.ID, m limit.Move) (int64, bool, error) {
	if m.Ceiling < 0 {
		return 0, false, nil
	}
	to, _, refused, err := s.update(ctx, id, "SET #e = :e ADD #n :step", "attribute_not_exists(#n) OR #n <= :ceiling",
		item{":step": limitsInt(m.Step), ":ceiling": limitsInt(m.Ceiling), ":e": limitsInt(m.Expires.Unix())})
	if err != nil || refused {
		return 0, false, err
	}
	return to - m.Step, true, nil
}

// Retreat takes a move back, as limit.Store has it.
func (s *Limits) Retreat(ctx context.Context, id limit.ID, m limit.Move, from int64) error {
	condition, values := "#n >= :step", item{":step": limitsInt(m.Step)}
	if m.Floor != 0 {
		condition, values[":to"] = "#n = :to", limitsInt(from+m.Step)
	}
	to, _, refused, err := s.update(ctx, id, "SET #n = #n - :step", condition, values)
	if err == nil && !refused && m.Floor != 0 {
		s.recent.Add(id, to)
	}
	return err
}

// update makes one conditional write, and gives the number as it then is; refused
// says that the condition failed, for the item that is there.
func (s *Limits) update(ctx context.Context, id limit.ID, update, condition string, values item) (to int64, there item, refused bool, _ error) {
	names := map[string]string{"#n": limitsNumber}
	if _, found := values[":e"]; found {
		names["#e"] = LimitsExpires
	}
	out, err := s.client.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName:                           aws.String(s.table),
		Key:                                 item{LimitsPattern: text(id.Pattern), LimitsShard: text(id.Shard)},
		UpdateExpression:                    aws.String(update),
		ConditionExpression:                 aws.String(condition),
		ExpressionAttributeNames:            names,
		ExpressionAttributeValues:           values,
		ReturnValues:                        types.ReturnValueUpdatedNew,
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	})
	if err != nil {
		if there, found := conflict(err); found {
			return 0, there, true, nil
		}
		return 0, nil, false, failed(err, "limits")
	}
	to, err = limitsNumberOf(out.Attributes)
	return to, nil, false, err
}

func limitsInt(n int64) types.AttributeValue {
	return &types.AttributeValueMemberN{Value: strconv.FormatInt(n, 10)}
}

// limitsNumberOf gives an item's number; that of an item that is not there is 0.
func limitsNumberOf(it item) (int64, error) {
	switch v := it[limitsNumber].(type) {
	case nil:
		return 0, nil
	case *types.AttributeValueMemberN:
		if n, err := strconv.ParseInt(v.Value, 10, 64); err == nil {
			return n, nil
		}
	}
	return 0, fault.Wrap(fmt.Errorf("%v", it[limitsNumber]), fault.Internal, "an item of the limits table has no whole number")
}

// LimitsTable is how the limits' table is made. Its TTL attribute is LimitsExpires.
func LimitsTable(name string) *dynamodb.CreateTableInput {
	return &dynamodb.CreateTableInput{
		TableName: aws.String(name),
		AttributeDefinitions: []types.AttributeDefinition{
			{AttributeName: aws.String(LimitsPattern), AttributeType: types.ScalarAttributeTypeS},
			{AttributeName: aws.String(LimitsShard), AttributeType: types.ScalarAttributeTypeS},
		},
		KeySchema: []types.KeySchemaElement{
			{AttributeName: aws.String(LimitsPattern), KeyType: types.KeyTypeHash},
			{AttributeName: aws.String(LimitsShard), KeyType: types.KeyTypeRange},
		},
		BillingMode: types.BillingModePayPerRequest,
	}
}
