package dynamo

import (
	"context"
	"maps"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/waypost/waypost/shared/fault"
	"github.com/waypost/waypost/shared/ledger"
)

// An executionItem is an execution's own record with the table's attributes.
// Its profile is kept as entrant: so it is not in the profile's index, where
// nobody looks for it, and each of its writes costs one less.
type executionItem struct {
	ledger.Execution
	Node     string    `json:"node"`
	DueShard string    `json:"dueShard,omitempty"`
	Due      time.Time `json:"due,omitzero"`
	Expires  int64     `json:"expires"`
}

func executionItemOf(e ledger.Execution) (item, error) {
	it := executionItem{Execution: e, Node: ownNode, Expires: e.EnteredAt.Add(kept).Unix()}
	if e.State == ledger.Pending {
		it.Due, it.DueShard = e.EnteredAt.Add(pendingSlack), strconv.Itoa(shard(e.Execution))
	}
	out, err := marshal(it)
	rename(out, "profile", "entrant")
	return out, err
}

// executionOf reads what executionItemOf wrote.
func executionOf(it item) (e ledger.Execution, err error) {
	it = maps.Clone(it)
	rename(it, "entrant", "profile")
	err = unmarshal(it, &e)
	return e, err
}

func rename(it item, from, to string) {
	if v, ok := it[from]; ok {
		delete(it, from)
		it[to] = v
	}
}

// Create records an execution as pending, and with rule claims the profile's
// entry into the journey too. False means that it was not created: there is
// one of that name already, or re-entrance refuses it; refused says which.
//
// With rule, one that is there and pending is written anew together with its
// claim: it may be what a dead try left, and the sweep be about to drop both.
func (l *Ledger) Create(ctx context.Context, e ledger.Execution, rule *ledger.Reentry) (created, refused bool, _ error) {
	it, err := executionItemOf(e)
	if err != nil {
		return false, false, err
	}
	fresh := aws.String("attribute_not_exists(execution)")
	if rule == nil || rule.Allowed && rule.After == 0 {
		_, err = l.Client.PutItem(ctx, &dynamodb.PutItemInput{TableName: &l.Table, Item: it, ConditionExpression: fresh})
		if _, exists := conflict(err); exists {
			return false, false, nil
		}
		if err != nil {
			return false, false, failed(err, "ledger")
		}
		return true, false, nil
	}
	record := &types.Put{TableName: &l.Table, Item: it, ConditionExpression: aws.String("attribute_not_exists(execution) OR #state = :pending"),
		ExpressionAttributeNames: map[string]string{"#state": "state"}, ExpressionAttributeValues: item{":pending": text(ledger.Pending)}}
	claim := &types.Put{TableName: &l.Table, Item: item{"execution": text(claimKey(e)), "node": text(ownNode), "by": text(e.Execution), "at": moment(e.EnteredAt)},
		ConditionExpression:       aws.String("attribute_not_exists(execution) OR #by = :me"),
		ExpressionAttributeNames:  map[string]string{"#by": "by"},
		ExpressionAttributeValues: item{":me": text(e.Execution)}}
	if rule.Allowed {
		claim.ConditionExpression = aws.String("attribute_not_exists(execution) OR #by = :me OR #at <= :before")
		claim.ExpressionAttributeNames["#at"] = "at"
		claim.ExpressionAttributeValues[":before"] = moment(e.EnteredAt.Add(-rule.After))
	}
	_, err = l.Client.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{
		{Put: record}, {Put: claim},
	}}, againAfterConflicts)
	if err == nil {
		return true, false, nil
	}
	if _, met := conflict(err); !met || collided(err) {
		return false, false, failed(err, "ledger")
	}
	// One of the two conditions: a repeat of the same execution is no refusal.
	if _, err := l.Execution(ctx, e.Execution); !fault.Is(err, fault.NotFound) {
		return false, false, err
	}
	return false, true, nil
}

// Execution reads an execution's own record, strongly consistently.
func (l *Ledger) Execution(ctx context.Context, name string) (ledger.Execution, error) {
	it, err := l.item(ctx, name, ownNode, "there is no execution "+name)
	if err != nil {
		return ledger.Execution{}, err
	}
	return executionOf(it)
}

// Decide records how the start of an execution ended: its state, the time or
// the reason. Nobody need come back to it any more. The rest of its record,
// with the input, stays; where there is no record it is written whole.
func (l *Ledger) Decide(ctx context.Context, e ledger.Execution) error {
	what, value := "reason", text(e.Reason)
	if e.State == ledger.Started {
		what, value = "startedAt", moment(e.StartedAt)
	}
	_, err := l.Client.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName: &l.Table, Key: item{"execution": text(e.Execution), "node": text(ownNode)},
		UpdateExpression:          aws.String("SET #state = :state, #what = :what REMOVE #due, #shard"),
		ConditionExpression:       aws.String("attribute_exists(execution)"),
		ExpressionAttributeNames:  map[string]string{"#state": "state", "#what": what, "#due": "due", "#shard": "dueShard"},
		ExpressionAttributeValues: item{":state": text(e.State), ":what": value},
	})
	if _, missing := conflict(err); missing {
		return l.Update(ctx, e)
	}
	if err != nil {
		return failed(err, "ledger")
	}
	return nil
}

// Update replaces an execution's record, whatever it is.
func (l *Ledger) Update(ctx context.Context, e ledger.Execution) error {
	it, err := executionItemOf(e)
	if err != nil {
		return err
	}
	if _, err := l.Client.PutItem(ctx, &dynamodb.PutItemInput{TableName: &l.Table, Item: it}); err != nil {
		return failed(err, "ledger")
	}
	return nil
}

// PostponeStart moves the time at which somebody looks at a pending execution
// again, where it is still as it was read.
func (l *Ledger) PostponeStart(ctx context.Context, e ledger.Execution, until time.Time) error {
	_, err := l.Client.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName: &l.Table, Key: item{"execution": text(e.Execution), "node": text(ownNode)},
		UpdateExpression:          aws.String("SET #due = :until"),
		ConditionExpression:       aws.String("#state = :pending AND #entered = :entered"),
		ExpressionAttributeNames:  map[string]string{"#due": "due", "#state": "state", "#entered": "enteredAt"},
		ExpressionAttributeValues: item{":until": moment(until), ":pending": text(ledger.Pending), ":entered": moment(e.EnteredAt)},
	})
	if _, changed := conflict(err); changed || err == nil {
		return nil
	}
	return failed(err, "ledger")
}

// claimKey is the key of a re-entrance: who entered a journey last, and when.
func claimKey(e ledger.Execution) string { return hashed("reentry", e.Journey, e.Profile) }

// Drop deletes the record of an execution whose event was not accepted with
// it, where it is still as it was read, and with it the claim that it may have
// on its profile's entry: who never entered keeps nobody out.
func (l *Ledger) Drop(ctx context.Context, e ledger.Execution) error {
	var claim struct {
		By string `json:"by"`
	}
	if err := l.get(ctx, claimKey(e), ownNode, &claim, "nobody has entered"); err != nil && !fault.Is(err, fault.NotFound) {
		return err
	}
	drops := []types.TransactWriteItem{{Delete: &types.Delete{
		TableName: &l.Table, Key: item{"execution": text(e.Execution), "node": text(ownNode)},
		ConditionExpression:       aws.String("#state = :pending AND #entered = :entered"),
		ExpressionAttributeNames:  map[string]string{"#state": "state", "#entered": "enteredAt"},
		ExpressionAttributeValues: item{":pending": text(ledger.Pending), ":entered": moment(e.EnteredAt)},
	}}}
	if claim.By == e.Execution {
		drops = append(drops, types.TransactWriteItem{Delete: &types.Delete{
			TableName: &l.Table, Key: item{"execution": text(claimKey(e)), "node": text(ownNode)},
			ConditionExpression:       aws.String("#by = :execution"),
			ExpressionAttributeNames:  map[string]string{"#by": "by"},
			ExpressionAttributeValues: item{":execution": text(e.Execution)},
		}})
	}
	_, err := l.Client.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{TransactItems: drops}, againAfterConflicts)
	if _, changed := conflict(err); changed || err == nil {
		return nil
	}
	return failed(err, "ledger")
}

// An eventItem is an event's record with the table's attributes.
type eventItem struct {
	ledger.EventRecord
	Execution string `json:"execution"`
	Node      string `json:"node"`
	Expires   int64  `json:"expires"`
}

// RecordEvent writes an event's record. Where there is one already, nothing is
// written and that one is given, with false.
func (l *Ledger) RecordEvent(ctx context.Context, r ledger.EventRecord) (ledger.EventRecord, bool, error) {
	it, err := marshal(eventItem{EventRecord: r, Execution: hashed("event", r.Source, r.ID), Node: ownNode, Expires: r.At.Add(kept).Unix()})
	if err != nil {
		return r, false, err
	}
	_, err = l.Client.PutItem(ctx, &dynamodb.PutItemInput{TableName: &l.Table, Item: it, ConditionExpression: aws.String("attribute_not_exists(execution)")})
	if _, exists := conflict(err); exists {
		before, err := l.Event(ctx, r.Source, r.ID)
		return before, false, err
	}
	if err != nil {
		return r, false, failed(err, "ledger")
	}
	return r, true, nil
}

// Event reads an event's record. A NotFound means that it was never accepted.
func (l *Ledger) Event(ctx context.Context, source, id string) (ledger.EventRecord, error) {
	var r ledger.EventRecord
	err := l.get(ctx, hashed("event", source, id), ownNode, &r, "there is no record of the event")
	return r, err
}
