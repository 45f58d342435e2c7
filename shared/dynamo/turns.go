package dynamo

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/waypost/waypost/shared/limit"
)

// turnShard is the sort key of a target's newest version, in the limits table.
const turnShard = "turn"

// Newest gives the newest version that was noted for a target, or 0.
func (s *Limits) Newest(ctx context.Context, target string) (int64, error) {
	out, err := s.client.GetItem(ctx, &dynamodb.GetItemInput{
		TableName: aws.String(s.table), Key: item{LimitsPattern: text(target), LimitsShard: text(turnShard)}, ConsistentRead: aws.Bool(true),
	})
	if err != nil {
		return 0, failed(err, "limits")
	}
	return limitsNumberOf(out.Item)
}

// Note raises a target's newest version; one that is higher stays.
func (s *Limits) Note(ctx context.Context, target string, version int64, expires time.Time) error {
	_, _, _, err := s.update(ctx, limit.ID{Pattern: target, Shard: turnShard}, "SET #n = :to, #e = :e", "attribute_not_exists(#n) OR #n < :to",
		item{":to": limitsInt(version), ":e": limitsInt(expires.Unix())})
	return err
}
