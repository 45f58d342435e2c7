package dynamo

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash/fnv"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/waypost/waypost/shared/awserror"
	"github.com/waypost/waypost/shared/fault"
	"github.com/waypost/waypost/shared/ledger"
	"github.com/waypost/waypost/shared/schema"
)

// Ledger keeps executions and deliveries. Its table's keys are execution and
// node: "#" for the execution's own record, so that it comes first, and
// "<step>.<iteration>" for a delivery's. An event's record and a re-entrance
// are items of the same table, under keys that no execution has.
type Ledger struct {
	Client *dynamodb.Client
	Table  string
}

// Attributes that only the table knows.
const (
	ownNode = "#"

	// indexDue is sparse: only what somebody must come back to is in it.
	indexDue     = "due"
	indexJourney = "journey"
	indexProfile = "profile"

	// Shards spread an index's writes over partitions.
	Shards = 4

	// kept is how long records live: beyond the longest execution.
	kept = 400 * 24 * time.Hour
	// claimSlack and waitSlack are how long after a lease's end, or after the
	// time a delivery waits for, the sweep looks whether anybody came back.
	claimSlack = 15 * time.Second
	waitSlack  = time.Minute
	// pendingSlack is how long entry may take over an event: its function's
	// deadline is 40 s at most. What is younger is not the sweep's.
	pendingSlack = 45 * time.Second
)

// A deliveryItem is a delivery with the table's own attributes. What the
// endpoint answered is one string of JSON each: it may hold numbers and depths
// that DynamoDB's own types have no room for.
type deliveryItem struct {
	ledger.Delivery
	Response string    `json:"response,omitempty"`
	Failure  string    `json:"error,omitempty"`
	Node     string    `json:"node"`
	DueShard string    `json:"dueShard,omitempty"`
	Due      time.Time `json:"due,omitzero"`
	Hour     string    `json:"hour"`
	Expires  int64     `json:"expires"`
	// StatusRank is what conditions compare statuses by.
	StatusRank int `json:"statusRank,omitempty"`
}

func itemOf(d ledger.Delivery) (item, error) {
	it := deliveryItem{Delivery: d, Node: node(d.ID()), Hour: hourKey(d.Journey, d.EnteredAt, shard(d.Execution)), Expires: d.StartedAt.Add(kept).Unix(), StatusRank: d.Status.Rank()}
	var err error
	if it.Response, err = answered(d.Response); err != nil {
		return nil, err
	}
	if it.Failure, err = answered(d.Failure); err != nil {
		return nil, err
	}
	switch d.State {
	case ledger.Claimed:
		it.Due = d.Lease.Add(claimSlack)
	case ledger.Waiting:
		it.Due = d.Until.Add(waitSlack)
	case ledger.Settled:
		if d.TaskToken != "" && d.Over() { // whoever settles it wakes the step, and may die before
			it.Due = d.SettledAt.Add(wakeSlack)
		}
	}
	if !it.Due.IsZero() {
		it.DueShard = strconv.Itoa(shard(d.Execution))
	}
	return marshal(it)
}

// answered writes fields of an answer, and nothing where there are none.
func answered(fields any) (string, error) {
	if fields == nil {
		return "", nil
	}
	data, err := schema.Encode(fields)
	if err != nil {
		return "", fmt.Errorf("writing the fields of an answer: %w", err)
	}
	return string(data), nil
}

// delivery reads what itemOf wrote.
func (it *deliveryItem) delivery() (ledger.Delivery, error) {
	d := it.Delivery
	for text, fields := range map[*string]*any{&it.Response: &d.Response, &it.Failure: &d.Failure} {
		if *text == "" {
			continue
		}
		var err error
		if *fields, err = schema.Decode([]byte(*text)); err != nil {
			return d, fmt.Errorf("reading the fields of an answer: %w", err)
		}
	}
	return d, nil
}

func node(id ledger.DeliveryID) string { return id.Step + "." + strconv.Itoa(id.Iteration) }

func shard(execution string) int {
	h := fnv.New32a()
	_, _ = h.Write([]byte(execution)) // a hash takes every write
	return int(h.Sum32() % Shards)
}

// hourKey is the partition of the journey index: one journey, hour and shard.
func hourKey(journey string, at time.Time, shard int) string {
	return fmt.Sprintf("%s#%s#%d", journey, at.UTC().Format("2006-01-02T15"), shard)
}

// firstOnly are the attributes that only a delivery's first claim sets.
var firstOnly = []string{"enteredAt", "eventAt", "startedAt", "hour", "expires", "callback"}

// Claim implements delivery.Records. It is one UpdateItem:
//
//	no record         ─> claimed, ours
//	waiting, due      ─> claimed, ours
//	waiting, not due  ─> as it was, not ours
//	claimed           ─> as it was, not ours; the caller looks at the lease
//	claimed by us     ─> as it was, ours: the answer to an earlier try was lost
//	settled           ─> as it was, not ours
func (l *Ledger) Claim(ctx context.Context, d ledger.Delivery, ready time.Time) (ledger.Delivery, bool, error) {
	it, err := itemOf(d)
	if err != nil {
		return ledger.Delivery{}, false, err
	}
	names := map[string]string{"#execution": "execution", "#state": "state", "#until": "until"}
	values := item{":waiting": text(string(ledger.Waiting)), ":ready": moment(ready)}
	var sets []string
	for _, name := range slices.Sorted(maps.Keys(it)) {
		if name == "execution" || name == "node" || name == "timings" {
			continue
		}
		value := ":" + name
		if slices.Contains(firstOnly, name) {
			value = fmt.Sprintf("if_not_exists(#%s, :%s)", name, name)
		}
		sets = append(sets, fmt.Sprintf("#%s = %s", name, value))
		names["#"+name], values[":"+name] = name, it[name]
	}
	out, err := l.Client.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName: &l.Table, Key: item{"execution": it["execution"], "node": it["node"]},
		UpdateExpression:          aws.String("SET " + strings.Join(sets, ", ")),
		ConditionExpression:       aws.String("attribute_not_exists(#execution) OR (#state = :waiting AND #until <= :ready)"),
		ExpressionAttributeNames:  names,
		ExpressionAttributeValues: values,
		ReturnValues:              types.ReturnValueAllNew, ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	})
	if met, refused := conflict(err); refused {
		var held ledger.Delivery
		err := unmarshal(met, &held)
		return held, held.State == ledger.Claimed && held.Holder == d.Holder, err
	}
	if err != nil {
		return ledger.Delivery{}, false, failed(err, "ledger")
	}
	var claimed ledger.Delivery
	return claimed, true, unmarshal(out.Attributes, &claimed)
}

// Put implements delivery.Records. What callbacks reported while the holder
// worked is kept, and so is the token of a Task that began to wait.
func (l *Ledger) Put(ctx context.Context, d ledger.Delivery, holder string) (ledger.Delivery, error) {
	for {
		there, err := l.replace(ctx, d, holder)
		if there == nil || there.Holder != holder || there.State == ledger.Settled ||
			there.Status.Rank() <= d.Status.Rank() && there.TaskToken == d.TaskToken {
			return d, err
		}
		d.Overhear(there) // a status moves forward only, and a Task begins and ends to wait a few times at most: this ends
		d.TaskToken = there.TaskToken
	}
}

// replace writes a record over the one that holder has and that knows of no
// status and no waiting Task but the same. It gives the one that is there where that is another.
func (l *Ledger) replace(ctx context.Context, d ledger.Delivery, holder string) (there *ledger.Delivery, _ error) {
	it, err := itemOf(d)
	if err != nil {
		return nil, err
	}
	in := &dynamodb.PutItemInput{TableName: &l.Table, Item: it,
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld}
	if holder == "" {
		in.ConditionExpression = aws.String("attribute_not_exists(execution)")
	} else {
		in.ConditionExpression = aws.String("#holder = :holder AND #state <> :settled AND (attribute_not_exists(#rank) OR #rank = :rank)")
		in.ExpressionAttributeNames = map[string]string{"#holder": "holder", "#state": "state", "#rank": "statusRank"}
		in.ExpressionAttributeValues = item{":holder": text(holder), ":settled": text(string(ledger.Settled)), ":rank": whole(d.Status.Rank())}
		in.ExpressionAttributeNames["#token"] = "taskToken"
		if d.TaskToken == "" {
			*in.ConditionExpression += " AND attribute_not_exists(#token)"
		} else {
			*in.ConditionExpression += " AND #token = :token"
			in.ExpressionAttributeValues[":token"] = text(d.TaskToken)
		}
	}
	_, err = l.Client.PutItem(ctx, in)
	if met, refused := conflict(err); refused {
		if sameSettlement(met, it) {
			return nil, nil // the answer to an earlier try was lost
		}
		there = new(ledger.Delivery)
		if err := unmarshal(met, there); err != nil {
			return nil, err
		}
		return there, fault.Wrap(awserror.Loggable(err), fault.Conflict, "the delivery %s is held by another function", d.ID())
	}
	if unkeepable(err) {
		return nil, fault.Wrap(awserror.Loggable(err), fault.TooLarge, "the record of the delivery %s is more than the ledger table can keep", d.ID())
	}
	if err != nil {
		return nil, failed(err, "ledger")
	}
	return nil, nil
}

// sameSettlement says whether what is there is the settled record that was to
// be written: the same holder settled it at the same moment in the same way.
func sameSettlement(there, ours item) bool {
	var a, b ledger.Delivery
	if unmarshal(there, &a) != nil || unmarshal(ours, &b) != nil {
		return false
	}
	return a.State == ledger.Settled && b.State == ledger.Settled && a.Holder == b.Holder && a.Outcome == b.Outcome && a.SettledAt.Equal(b.SettledAt)
}

// Delivery reads one, strongly consistently.
func (l *Ledger) Delivery(ctx context.Context, id ledger.DeliveryID) (ledger.Delivery, error) {
	var d ledger.Delivery
	err := l.get(ctx, id.Execution, node(id), &d, "there is no delivery "+id.String())
	return d, err
}

func (l *Ledger) get(ctx context.Context, execution, node string, v any, missing string) error {
	it, err := l.item(ctx, execution, node, missing)
	if err != nil {
		return err
	}
	return unmarshal(it, v)
}

// item reads one, strongly consistently. Where there is none it is a NotFound.
func (l *Ledger) item(ctx context.Context, execution, node string, missing string) (item, error) {
	out, err := l.Client.GetItem(ctx, &dynamodb.GetItemInput{TableName: &l.Table, ConsistentRead: aws.Bool(true),
		Key: item{"execution": text(execution), "node": text(node)}})
	if err != nil {
		return nil, failed(err, "ledger")
	}
	if len(out.Item) == 0 {
		return nil, fault.New(fault.NotFound, "%s", missing)
	}
	return out.Item, nil
}

// hashed makes a key of parts that may hold anything.
func hashed(kind string, parts ...string) string {
	h := sha256.New()
	for _, part := range parts {
		fmt.Fprintf(h, "%d:%s", len(part), part)
	}
	return kind + "#" + hex.EncodeToString(h.Sum(nil)[:20])
}

// LedgerTable gives the definition of the ledger's table: the stack's, emulators' and tests'.
func LedgerTable(name string) *dynamodb.CreateTableInput {
	s := types.ScalarAttributeTypeS
	attribute := func(name string) types.AttributeDefinition {
		return types.AttributeDefinition{AttributeName: aws.String(name), AttributeType: s}
	}
	index := func(name, hash, sort string) types.GlobalSecondaryIndex {
		return types.GlobalSecondaryIndex{IndexName: aws.String(name), KeySchema: keySchema(hash, sort),
			Projection: &types.Projection{ProjectionType: types.ProjectionTypeAll}}
	}
	return &dynamodb.CreateTableInput{
		TableName: aws.String(name), BillingMode: types.BillingModePayPerRequest, KeySchema: keySchema("execution", "node"),
		AttributeDefinitions: []types.AttributeDefinition{attribute("execution"), attribute("node"), attribute("dueShard"), attribute("due"),
			attribute("hour"), attribute("enteredAt"), attribute("profile")},
		GlobalSecondaryIndexes: []types.GlobalSecondaryIndex{
			index(indexDue, "dueShard", "due"), index(indexJourney, "hour", "enteredAt"), index(indexProfile, "profile", "enteredAt"),
		},
	}
}

func keySchema(hash, sort string) []types.KeySchemaElement {
	keys := []types.KeySchemaElement{{AttributeName: aws.String(hash), KeyType: types.KeyTypeHash}}
	if sort != "" {
		keys = append(keys, types.KeySchemaElement{AttributeName: aws.String(sort), KeyType: types.KeyTypeRange})
	}
	return keys
}
