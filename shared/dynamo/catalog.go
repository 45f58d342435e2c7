package dynamo

import (
	"context"
	"encoding/json"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/waypost/waypost/shared/awserror"
	"github.com/waypost/waypost/shared/catalog"
	"github.com/waypost/waypost/shared/fault"
)

// Catalog implements catalog.Store. Its table's keys are name and version; a
// document is kept as JSON text, just as it was written.
type Catalog struct {
	Client *dynamodb.Client
	Table  string
}

type catalogItem struct {
	Name     string    `json:"name"`
	Version  string    `json:"version"`
	Document string    `json:"document"`
	Stamp    int       `json:"stamp"`
	At       time.Time `json:"at"`
}

func (c catalogItem) item() catalog.Item {
	return catalog.Item{Key: catalog.Key{Name: c.Name, Version: c.Version}, Document: json.RawMessage(c.Document), Stamp: c.Stamp, At: c.At}
}

// Get implements catalog.Store.
func (c *Catalog) Get(ctx context.Context, key catalog.Key) (catalog.Item, error) {
	out, err := c.Client.GetItem(ctx, &dynamodb.GetItemInput{TableName: &c.Table, ConsistentRead: aws.Bool(true),
		Key: item{"name": text(key.Name), "version": text(key.Version)}})
	if err != nil {
		return catalog.Item{}, failed(err, "catalog")
	}
	if len(out.Item) == 0 {
		return catalog.Item{}, fault.New(fault.NotFound, "the catalog has no %s %s", key.Name, key.Version)
	}
	var found catalogItem
	err = unmarshal(out.Item, &found)
	return found.item(), err
}

// List implements catalog.Store.
func (c *Catalog) List(ctx context.Context, name string) ([]catalog.Item, error) {
	found, err := queryAll(ctx, c.Client, &dynamodb.QueryInput{TableName: &c.Table, ConsistentRead: aws.Bool(true),
		KeyConditionExpression: aws.String("#name = :name"), ExpressionAttributeNames: map[string]string{"#name": "name"},
		ExpressionAttributeValues: item{":name": text(name)}}, "catalog")
	if err != nil {
		return nil, err
	}
	items := make([]catalog.Item, len(found))
	for i, it := range found {
		var one catalogItem
		if err := unmarshal(it, &one); err != nil {
			return nil, err
		}
		items[i] = one.item()
	}
	return items, nil
}

// maxDocument is the most bytes of a document: an item ends at 400 KB, which
// its keys count for too.
const maxDocument = 390 << 10

// Write implements catalog.Store.
func (c *Catalog) Write(ctx context.Context, items []catalog.Item) error {
	writes := make([]types.TransactWriteItem, len(items))
	for i, it := range items {
		if len(it.Document) > maxDocument {
			return fault.New(fault.TooLarge, "%s %s would have %d bytes in the catalog, over the limit of %d: split it", it.Name, it.Version, len(it.Document), maxDocument)
		}
		encoded, err := marshal(catalogItem{it.Name, it.Version, string(it.Document), it.Stamp, it.At})
		if err != nil {
			return err
		}
		put := &types.Put{TableName: &c.Table, Item: encoded, ConditionExpression: aws.String("attribute_not_exists(#name)"),
			ExpressionAttributeNames: map[string]string{"#name": "name"}}
		if it.Stamp > 1 {
			put.ConditionExpression = aws.String("#stamp = :before")
			put.ExpressionAttributeNames = map[string]string{"#stamp": "stamp"}
			put.ExpressionAttributeValues = item{":before": &types.AttributeValueMemberN{Value: strconv.Itoa(it.Stamp - 1)}}
		}
		writes[i] = types.TransactWriteItem{Put: put}
	}
	_, err := c.Client.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{TransactItems: writes})
	if _, refused := conflict(err); refused {
		return fault.Wrap(awserror.Loggable(err), fault.Conflict, "the catalog's items have changed meanwhile")
	}
	if err != nil {
		return failed(err, "catalog")
	}
	return nil
}

// CatalogTable gives the definition of the catalog's table, for emulators and tests.
func CatalogTable(name string) *dynamodb.CreateTableInput { return table(name, "name", "version") }

// ProfilesTable gives the definition of a profiles' table, for emulators and tests.
func ProfilesTable(name string) *dynamodb.CreateTableInput { return table(name, "id", "") }

func table(name, hash, sort string) *dynamodb.CreateTableInput {
	in := &dynamodb.CreateTableInput{TableName: aws.String(name), BillingMode: types.BillingModePayPerRequest, KeySchema: keySchema(hash, sort)}
	for _, key := range in.KeySchema {
		in.AttributeDefinitions = append(in.AttributeDefinitions,
			types.AttributeDefinition{AttributeName: key.AttributeName, AttributeType: types.ScalarAttributeTypeS})
	}
	return in
}
