package dynamo

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/waypost/waypost/shared/fault"
	"github.com/waypost/waypost/shared/optout"
)

const (
	optOutShard = "optout" // the sort key of an opt-out, in the limits table
	// liftedKept is how long one that was lifted stays, so that what told of
	// it does not opt the recipient out again when it comes once more.
	liftedKept = 90 * 24 * time.Hour
)

// OptOuts keeps opt-outs in the limits table, each under a hash of its channel
// and recipient. The hash keeps numbers out of keys, logs and lists; who has the
// table can find one by trying all the numbers that there are.
type OptOuts struct {
	Client *dynamodb.Client
	Table  string // of the limits
}

type optOutItem struct {
	Pattern string `json:"pattern"`
	Shard   string `json:"shard"`
	optout.OptOut
	// Evidence is there even where it is empty: conditions compare it.
	Evidence string    `json:"evidence"`
	Lifted   time.Time `json:"lifted,omitzero"`
}

func optOutKey(channel, recipient string) (pattern string, key item) {
	pattern = hashed("optout", channel, optout.Normal(recipient))
	return pattern, item{LimitsPattern: text(pattern), LimitsShard: text(optOutShard)}
}

// Find gives the opt-out of a channel's recipient, read strongly consistently.
// A NotFound means that there is none.
func (s *OptOuts) Find(ctx context.Context, channel, recipient string) (optout.OptOut, error) {
	_, key := optOutKey(channel, recipient)
	out, err := s.Client.GetItem(ctx, &dynamodb.GetItemInput{TableName: &s.Table, Key: key, ConsistentRead: aws.Bool(true)})
	if err != nil {
		return optout.OptOut{}, failed(err, "limits")
	}
	var there optOutItem
	if err := unmarshal(out.Item, &there); err != nil {
		return optout.OptOut{}, err
	}
	if len(out.Item) == 0 || !there.Lifted.IsZero() {
		return optout.OptOut{}, notOptedOut(channel)
	}
	there.OptOut.Evidence = there.Evidence
	return there.OptOut, nil
}

// Add notes that a recipient has opted out. Where that is known it changes
// nothing, and where it was lifted the same evidence does not count again.
func (s *OptOuts) Add(ctx context.Context, recipient string, o optout.OptOut) error {
	pattern, _ := optOutKey(o.Channel, recipient)
	it, err := marshal(optOutItem{Pattern: pattern, Shard: optOutShard, OptOut: o, Evidence: o.Evidence})
	if err != nil {
		return err
	}
	in := &dynamodb.PutItemInput{TableName: &s.Table, Item: it, ConditionExpression: aws.String("attribute_not_exists(#p) OR attribute_exists(#lifted)"),
		ExpressionAttributeNames: map[string]string{"#p": LimitsPattern, "#lifted": "lifted"}}
	if o.Evidence != "" {
		in.ConditionExpression = aws.String("attribute_not_exists(#p) OR (attribute_exists(#lifted) AND #evidence <> :evidence)")
		in.ExpressionAttributeNames["#evidence"] = "evidence"
		in.ExpressionAttributeValues = item{":evidence": text(o.Evidence)}
	}
	_, err = s.Client.PutItem(ctx, in)
	if _, known := conflict(err); known || err == nil {
		return nil
	}
	return failed(err, "limits")
}

// Lift has a channel's recipient get messages again. A NotFound means that they
// have not opted out.
func (s *OptOuts) Lift(ctx context.Context, channel, recipient string, at time.Time) error {
	_, key := optOutKey(channel, recipient)
	_, err := s.Client.UpdateItem(ctx, &dynamodb.UpdateItemInput{TableName: &s.Table, Key: key,
		UpdateExpression: aws.String("SET #lifted = :at, #expires = :expires"), ConditionExpression: aws.String("attribute_exists(#p) AND attribute_not_exists(#lifted)"),
		ExpressionAttributeNames:  map[string]string{"#p": LimitsPattern, "#lifted": "lifted", "#expires": LimitsExpires},
		ExpressionAttributeValues: item{":at": moment(at), ":expires": limitsInt(at.Add(liftedKept).Unix())}})
	if _, missing := conflict(err); missing {
		return notOptedOut(channel)
	}
	if err != nil {
		return failed(err, "limits")
	}
	return nil
}

func notOptedOut(channel string) error {
	return fault.New(fault.NotFound, "the recipient has not opted out of %s", channel)
}
