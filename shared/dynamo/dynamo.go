// Package dynamo keeps Waypost's tables in DynamoDB: profiles, catalog and
// ledger, and the limits' counters. It is an adapter: what the items mean is
// said by the packages whose interfaces it implements.
//
// A projection always names the key, so that an item without the named
// attributes can be told from a missing one: some emulators that the same
// binaries run on answer both alike.
package dynamo

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"

	"github.com/waypost/waypost/shared/awserror"
	"github.com/waypost/waypost/shared/fault"
	"github.com/waypost/waypost/shared/ledger"
)

type item = map[string]types.AttributeValue

// moment writes a time in UTC with a fixed width, so that times compare as text.
func moment(t time.Time) types.AttributeValue {
	return text(t.UTC().Format("2006-01-02T15:04:05.000000Z"))
}

func text(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }

func whole(n int) types.AttributeValue { return &types.AttributeValueMemberN{Value: strconv.Itoa(n)} }

// marshal makes an item of a struct by its json tags. The encoder does not know
// omitzero, so that zero times are taken out here: an update must not overwrite
// an attribute that it knows nothing of.
func marshal(v any) (item, error) {
	it, err := attributevalue.MarshalMapWithOptions(v, func(o *attributevalue.EncoderOptions) {
		o.TagKey = "json"
		o.EncodeTime = func(t time.Time) (types.AttributeValue, error) {
			if t.IsZero() {
				return &types.AttributeValueMemberNULL{Value: true}, nil
			}
			return moment(t), nil
		}
	})
	maps.DeleteFunc(it, func(_ string, v types.AttributeValue) bool {
		_, null := v.(*types.AttributeValueMemberNULL)
		return null
	})
	return it, err
}

// unmarshal fills a struct by its json tags; numbers in any become int64 or
// float64. A delivery is read as itemOf writes it.
func unmarshal(it item, v any) error {
	if d, ok := v.(*ledger.Delivery); ok {
		var kept deliveryItem
		err := unmarshal(it, &kept)
		if err == nil {
			*d, err = kept.delivery()
		}
		return err
	}
	return attributevalue.UnmarshalMapWithOptions(it, v, func(o *attributevalue.DecoderOptions) { o.TagKey = "json" })
}

// failed is the fault for a service that did not do what it was asked. A
// throttled or failing DynamoDB may do it later; anything else is a defect or a
// deployment's mistake, which retries alike until somebody mends it. Its cause
// repeats no value.
func failed(err error, what string) error {
	var missing *types.ResourceNotFoundException
	if errors.As(err, &missing) {
		return fault.Wrap(awserror.Loggable(err), fault.Unavailable, "the %s table does not exist", what)
	}
	var api smithy.APIError
	if errors.As(err, &api) && (api.ErrorCode() == "AccessDeniedException" || api.ErrorCode() == "ValidationException") || cancelledFor(err, "ValidationError") {
		return fault.Wrap(awserror.Loggable(err), fault.Internal, "the %s table refused the request; the log has the details", what)
	}
	return fault.Wrap(awserror.Loggable(err), fault.Unavailable, "the %s table did not answer", what)
}

// unkeepable says that a table refused an item for what it holds: its size,
// its depth, its numbers.
func unkeepable(err error) bool {
	api, ok := errors.AsType[smithy.APIError](err)
	return ok && api.ErrorCode() == "ValidationException"
}

// conflict gives the item that a condition met, where err says that one failed.
func conflict(err error) (item, bool) {
	if e, ok := errors.AsType[*types.ConditionalCheckFailedException](err); ok {
		return e.Item, true
	}
	if e, ok := errors.AsType[*types.TransactionCanceledException](err); ok {
		for _, r := range e.CancellationReasons {
			if r.Code != nil && (*r.Code == "ConditionalCheckFailed" || *r.Code == "TransactionConflict") {
				return r.Item, true
			}
		}
	}
	return nil, false
}

// collided says that a transaction met another one under way: nothing is known
// of its conditions, and it may succeed a moment later.
func collided(err error) bool { return cancelledFor(err, "TransactionConflict") }

// cancelledFor says whether err is of a transaction that one of its members
// stopped, for the reason of this code.
func cancelledFor(err error, code string) bool {
	e, ok := errors.AsType[*types.TransactionCanceledException](err)
	return ok && slices.ContainsFunc(e.CancellationReasons, func(r types.CancellationReason) bool {
		return aws.ToString(r.Code) == code
	})
}

// againAfterConflicts has the SDK try a transaction again that met another
// one, which by itself it does not.
func againAfterConflicts(o *dynamodb.Options) { o.Retryer = collisions{o.Retryer} }

type collisions struct{ aws.Retryer }

func (c collisions) IsErrorRetryable(err error) bool {
	return collided(err) || c.Retryer.IsErrorRetryable(err)
}

// queryAll reads every page of a query.
func queryAll(ctx context.Context, client *dynamodb.Client, in *dynamodb.QueryInput, what string) ([]item, error) {
	var items []item
	pages := dynamodb.NewQueryPaginator(client, in)
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, failed(err, what)
		}
		items = append(items, page.Items...)
	}
	return items, nil
}
