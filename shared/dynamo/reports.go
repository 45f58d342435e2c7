package dynamo

import (
	"context"
	"iter"
	"slices"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"golang.org/x/sync/errgroup"

	"github.com/waypost/waypost/shared/ledger"
)

// Trace reads an execution's own record and its deliveries, in one query.
// There is no record where the execution was started by hand.
func (l *Ledger) Trace(ctx context.Context, execution string) (*ledger.Execution, []ledger.Delivery, error) {
	items, err := queryAll(ctx, l.Client, &dynamodb.QueryInput{TableName: &l.Table, ConsistentRead: aws.Bool(true),
		KeyConditionExpression: aws.String("execution = :execution"), ExpressionAttributeValues: item{":execution": text(execution)}}, "ledger")
	if err != nil {
		return nil, nil, err
	}
	var own *ledger.Execution
	var rest []item
	for _, it := range items {
		if isOwn(it) {
			e, err := executionOf(it)
			if err != nil {
				return nil, nil, err
			}
			own = &e
			continue
		}
		rest = append(rest, it)
	}
	deliveries, err := decodeDeliveries(rest)
	slices.SortStableFunc(deliveries, func(a, b ledger.Delivery) int { return a.StartedAt.Compare(b.StartedAt) })
	return own, deliveries, err
}

func isOwn(it item) bool {
	var key struct {
		Node string `json:"node"`
	}
	return unmarshal(it, &key) == nil && key.Node == ownNode
}

func decodeDeliveries(items []item) ([]ledger.Delivery, error) {
	out := make([]ledger.Delivery, 0, len(items))
	for _, it := range items {
		if isOwn(it) {
			continue
		}
		var d ledger.Delivery
		if err := unmarshal(it, &d); err != nil {
			return nil, err
		}
		out = append(out, d)
	}
	return out, nil
}

// OfProfile lists up to limit deliveries of a profile entered before a time and
// not before since, newest first.
func (l *Ledger) OfProfile(ctx context.Context, profile string, since, before time.Time, limit int) ([]ledger.Delivery, error) {
	return l.page(ctx, indexProfile, "profile", profile, since, before, limit)
}

// OfJourney lists up to limit deliveries of a journey that were entered in one
// UTC hour, before a time and not before since, newest first.
func (l *Ledger) OfJourney(ctx context.Context, journey string, hour, since, before time.Time, limit int) ([]ledger.Delivery, error) {
	pages := make([][]ledger.Delivery, Shards)
	g, ctx := errgroup.WithContext(ctx)
	for n := range Shards {
		g.Go(func() (err error) {
			pages[n], err = l.page(ctx, indexJourney, "hour", hourKey(journey, hour, n), since, before, limit)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	all := slices.Concat(pages...)
	slices.SortStableFunc(all, func(a, b ledger.Delivery) int { return b.EnteredAt.Compare(a.EnteredAt) })
	return all[:min(limit, len(all))], nil
}

// page queries an index whose sort key is enteredAt, newest first.
func (l *Ledger) page(ctx context.Context, index, key, value string, since, before time.Time, limit int) ([]ledger.Delivery, error) {
	last, since := before.Truncate(time.Microsecond).Add(-time.Microsecond), since.Truncate(time.Microsecond)
	if last.Before(since) {
		return nil, nil // no time lies between them, and DynamoDB refuses such a BETWEEN
	}
	var found []ledger.Delivery
	pages := dynamodb.NewQueryPaginator(l.Client, &dynamodb.QueryInput{TableName: &l.Table, IndexName: aws.String(index),
		KeyConditionExpression:   aws.String("#key = :key AND #at BETWEEN :since AND :before"),
		ExpressionAttributeNames: map[string]string{"#key": key, "#at": "enteredAt"},
		ExpressionAttributeValues: item{":key": text(value), ":since": moment(since),
			":before": moment(last)},
		ScanIndexForward: aws.Bool(false), Limit: aws.Int32(int32(min(limit, 1000)))})
	for pages.HasMorePages() && len(found) < limit {
		out, err := pages.NextPage(ctx)
		if err != nil {
			return nil, failed(err, "ledger")
		}
		deliveries, err := decodeDeliveries(out.Items)
		if err != nil {
			return nil, err
		}
		found = append(found, deliveries...)
	}
	return found[:min(limit, len(found))], nil
}

// Due gives the executions and deliveries that somebody should have come back
// to by now, oldest first, in pages: of each shard of the index the next limit
// records, or 1 MB of them. Its error is the last of it.
func (l *Ledger) Due(ctx context.Context, now time.Time, limit int) iter.Seq2[ledger.Due, error] {
	return func(yield func(ledger.Due, error) bool) {
		var shards []*dynamodb.QueryPaginator
		for n := range Shards {
			shards = append(shards, dynamodb.NewQueryPaginator(l.Client, &dynamodb.QueryInput{TableName: &l.Table, IndexName: aws.String(indexDue),
				KeyConditionExpression:    aws.String("dueShard = :shard AND due <= :now"),
				ExpressionAttributeValues: item{":shard": text(strconv.Itoa(n)), ":now": moment(now)}, Limit: aws.Int32(int32(limit))}))
		}
		for len(shards) > 0 {
			var page ledger.Due
			for _, shard := range shards {
				if err := duePage(ctx, shard, &page); err != nil {
					yield(ledger.Due{}, err)
					return
				}
			}
			if !yield(page, nil) {
				return
			}
			shards = slices.DeleteFunc(shards, func(s *dynamodb.QueryPaginator) bool { return !s.HasMorePages() })
		}
	}
}

// duePage adds one page of one shard.
func duePage(ctx context.Context, shard *dynamodb.QueryPaginator, page *ledger.Due) error {
	out, err := shard.NextPage(ctx)
	if err != nil {
		return failed(err, "ledger")
	}
	for _, it := range out.Items {
		if !isOwn(it) {
			continue
		}
		e, err := executionOf(it)
		if err != nil {
			return err
		}
		page.Executions = append(page.Executions, e)
	}
	found, err := decodeDeliveries(out.Items)
	page.Deliveries = append(page.Deliveries, found...)
	return err
}

// Postpone moves the time at which somebody looks at a delivery again, where
// it is still as it was read.
func (l *Ledger) Postpone(ctx context.Context, d ledger.Delivery, until time.Time) error {
	_, err := l.Client.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName: &l.Table, Key: item{"execution": text(d.Execution), "node": text(node(d.ID()))},
		UpdateExpression:         aws.String("SET #due = :until"),
		ConditionExpression:      aws.String("#holder = :holder AND #state = :state"),
		ExpressionAttributeNames: map[string]string{"#due": "due", "#holder": "holder", "#state": "state"},
		ExpressionAttributeValues: item{":until": moment(until), ":holder": text(d.Holder),
			":state": text(string(d.State))},
	})
	if _, changed := conflict(err); changed || err == nil {
		return nil
	}
	return failed(err, "ledger")
}
