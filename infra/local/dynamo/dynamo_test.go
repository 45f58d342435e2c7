package dynamo_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	ddb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"

	"github.com/waypost/waypost/infra/local/dynamo"
)

type (
	doc   = map[string]any
	attrs = map[string]types.AttributeValue
)

const ledger = "ledger"

// world is a server with one table, and a real SDK client.
type world struct {
	*testing.T
	*ddb.Client
}

func newWorld(t *testing.T) world {
	srv := httptest.NewServer(dynamo.New(dynamo.Options{}))
	t.Cleanup(srv.Close)
	w := world{t, ddb.New(ddb.Options{
		Region: "us-east-1", BaseEndpoint: &srv.URL, RetryMaxAttempts: 1,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "test", SecretAccessKey: "test"}, nil
		}),
	})}
	define := func(name string, kind types.ScalarAttributeType) types.AttributeDefinition {
		return types.AttributeDefinition{AttributeName: &name, AttributeType: kind}
	}
	key := func(hash, rng string) []types.KeySchemaElement {
		return []types.KeySchemaElement{{AttributeName: &hash, KeyType: types.KeyTypeHash}, {AttributeName: &rng, KeyType: types.KeyTypeRange}}
	}
	_, err := w.CreateTable(t.Context(), &ddb.CreateTableInput{
		TableName: aws.String(ledger), BillingMode: types.BillingModePayPerRequest,
		AttributeDefinitions: []types.AttributeDefinition{define("pk", "S"), define("sk", "S"), define("lane", "S"), define("due", "N")},
		KeySchema:            key("pk", "sk"),
		GlobalSecondaryIndexes: []types.GlobalSecondaryIndex{
			{IndexName: aws.String("due"), KeySchema: key("lane", "due"), Projection: &types.Projection{ProjectionType: types.ProjectionTypeAll}},
			{IndexName: aws.String("keys"), KeySchema: key("lane", "sk"), Projection: &types.Projection{ProjectionType: types.ProjectionTypeKeysOnly}},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func (w world) attrs(d doc) attrs {
	w.Helper()
	m, err := attributevalue.MarshalMap(d)
	if err != nil {
		w.Fatal(err)
	}
	if len(m) == 0 {
		return nil
	}
	return m
}

func (w world) doc(a attrs) doc {
	w.Helper()
	if a == nil {
		return nil
	}
	d := doc{}
	if err := attributevalue.UnmarshalMap(a, &d); err != nil {
		w.Fatal(err)
	}
	return d
}

func (w world) put(items ...doc) {
	w.Helper()
	for _, it := range items {
		if _, err := w.PutItem(w.Context(), &ddb.PutItemInput{TableName: aws.String(ledger), Item: w.attrs(it)}); err != nil {
			w.Fatal(err)
		}
	}
}

func (w world) get(key doc) doc {
	w.Helper()
	out, err := w.GetItem(w.Context(), &ddb.GetItemInput{TableName: aws.String(ledger), Key: w.attrs(key), ConsistentRead: aws.Bool(true)})
	if err != nil {
		w.Fatal(err)
	}
	return w.doc(out.Item)
}

func code(err error) string {
	if e, ok := errors.AsType[smithy.APIError](err); ok {
		return e.ErrorCode()
	}
	return fmt.Sprint(err)
}

func TestUpdateItem(t *testing.T) {
	k := doc{"pk": "e", "sk": "1"}
	for _, tc := range []struct {
		name            string
		before          doc // nil: no item
		update, cond    string
		names           map[string]string
		values          doc
		want            doc // the new item, or after a condition that fails the old one
		conditionFailed bool
	}{
		{"creates, with the key", nil, "SET #s = :s", "attribute_not_exists(pk)", map[string]string{"#s": "state"}, doc{":s": "claimed"}, doc{"state": "claimed"}, false},
		{"a condition that fails gives the old item", doc{"holder": "a"}, "SET holder = :h", "attribute_not_exists(pk) OR holder = :h", nil, doc{":h": "b"}, doc{"holder": "a"}, true},
		{"a condition on other attributes", doc{"holder": "a", "lease": 5}, "SET holder = :h", "attribute_not_exists(pk) OR lease < :now", nil, doc{":h": "b", ":now": 9}, doc{"holder": "b", "lease": 5.0}, false},
		{"counts", doc{"n": 1}, "SET n = if_not_exists(n, :z) + :one, m = if_not_exists(m, :z) + :one", "", nil, doc{":z": 0, ":one": 1}, doc{"n": 2.0, "m": 1.0}, false},
		{"subtracts", doc{"n": 5}, "SET n = n - :x", "", nil, doc{":x": 3}, doc{"n": 2.0}, false},
		{"ADD", doc{"n": 5}, "ADD n :x, more :x", "", nil, doc{":x": 3}, doc{"n": 8.0, "more": 3.0}, false},
		{"appends", doc{"l": []string{"a"}}, "SET l = list_append(if_not_exists(l, :e), :v)", "", nil, doc{":e": []string{}, ":v": []string{"b"}}, doc{"l": []any{"a", "b"}}, false},
		{"appends to nothing", nil, "SET l = list_append(if_not_exists(l, :e), :v)", "", nil, doc{":e": []string{}, ":v": []string{"b"}}, doc{"l": []any{"b"}}, false},
		{"sets a nested path", doc{"m": doc{"a": doc{"b": 1}, "c": 2}}, "SET m.#a.b = :v", "", map[string]string{"#a": "a"}, doc{":v": 7}, doc{"m": doc{"a": doc{"b": 7.0}, "c": 2.0}}, false},
		{"removes a whole attribute", doc{"a": 1, "b": 2, "c": 3}, "REMOVE a, #b SET c = :c", "", map[string]string{"#b": "b"}, doc{":c": 4}, doc{"c": 4.0}, false},
		{"removes a nested one", doc{"m": doc{"a": 1, "b": 2}}, "REMOVE m.a", "", nil, nil, doc{"m": doc{"b": 2.0}}, false},
		{"keeps empty lists and maps", doc{"l": []string{}, "m": doc{}, "s": ""}, "SET n = :n", "", nil, doc{":n": 1}, doc{"l": []any{}, "m": doc{}, "s": "", "n": 1.0}, false},
		{"begins_with, BETWEEN, IN", doc{"s": "abc", "n": 5}, "SET ok = :t", "begins_with(s, :a) AND n BETWEEN :lo AND :hi AND s IN (:a, :abc)", nil, doc{":t": true, ":a": "a", ":abc": "abc", ":lo": 1, ":hi": 9}, doc{"s": "abc", "n": 5.0, "ok": true}, false},
		{"NOT, contains, size", doc{"s": "abc"}, "SET ok = :t", "NOT contains(s, :z) AND size(s) = :three", nil, doc{":t": true, ":z": "z", ":three": 3}, doc{"s": "abc", "ok": true}, false},
		{"an absent attribute compares to nothing", doc{}, "SET ok = :t", "lease < :now", nil, doc{":t": true, ":now": 1}, doc{}, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := newWorld(t)
			with := func(d doc) doc {
				out := doc{"pk": "e", "sk": "1"}
				for k, v := range d {
					out[k] = v
				}
				return out
			}
			if tc.before != nil {
				w.put(with(tc.before))
			}
			in := &ddb.UpdateItemInput{
				TableName: aws.String(ledger), Key: w.attrs(k), UpdateExpression: &tc.update,
				ExpressionAttributeNames: tc.names, ExpressionAttributeValues: w.attrs(tc.values),
				ReturnValues: types.ReturnValueAllNew, ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
			}
			if tc.cond != "" {
				in.ConditionExpression = &tc.cond
			}
			out, err := w.UpdateItem(t.Context(), in)
			var got doc
			failed, ok := errors.AsType[*types.ConditionalCheckFailedException](err)
			switch {
			case ok:
				got = w.doc(failed.Item)
			case err != nil:
				t.Fatal(err)
			default:
				got = w.doc(out.Attributes)
			}
			if ok != tc.conditionFailed {
				t.Errorf("the condition failed: %v, want %v", ok, tc.conditionFailed)
			}
			if diff := cmp.Diff(with(tc.want), got); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(with(tc.want), w.get(k)); diff != "" {
				t.Error("stored:", diff)
			}
		})
	}
}

// The interpreter reckons in float64 and rewrites all numbers of an item; an
// update must not touch those that it does not name.
func TestUpdateKeepsUntouchedNumbers(t *testing.T) {
	w := newWorld(t)
	const big = "12345678901234567890123"
	it := w.attrs(doc{"pk": "e", "sk": "1"})
	it["big"] = &types.AttributeValueMemberN{Value: big}
	if _, err := w.PutItem(t.Context(), &ddb.PutItemInput{TableName: aws.String(ledger), Item: it}); err != nil {
		t.Fatal(err)
	}
	out, err := w.UpdateItem(t.Context(), &ddb.UpdateItemInput{TableName: aws.String(ledger), Key: w.attrs(doc{"pk": "e", "sk": "1"}),
		UpdateExpression: aws.String("SET a = :a"), ExpressionAttributeValues: w.attrs(doc{":a": 1}), ReturnValues: types.ReturnValueAllNew})
	if err != nil {
		t.Fatal(err)
	}
	if got := out.Attributes["big"].(*types.AttributeValueMemberN).Value; got != big {
		t.Errorf("big = %s, want %s", got, big)
	}
}

func TestPutAndDelete(t *testing.T) {
	w := newWorld(t)
	first := doc{"pk": "e", "sk": "1", "v": 1.0}
	w.put(first)
	_, err := w.PutItem(t.Context(), &ddb.PutItemInput{TableName: aws.String(ledger), Item: w.attrs(doc{"pk": "e", "sk": "1"}),
		ConditionExpression: aws.String("attribute_not_exists(pk) OR v = :v"), ExpressionAttributeValues: w.attrs(doc{":v": 7}),
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld})
	failed, ok := errors.AsType[*types.ConditionalCheckFailedException](err)
	if !ok {
		t.Fatalf("PutItem = %v, want a failed condition", err)
	}
	if diff := cmp.Diff(first, w.doc(failed.Item)); diff != "" {
		t.Error(diff)
	}
	out, err := w.PutItem(t.Context(), &ddb.PutItemInput{TableName: aws.String(ledger), Item: w.attrs(doc{"pk": "e", "sk": "1", "v": 2}), ReturnValues: types.ReturnValueAllOld})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(first, w.doc(out.Attributes)); diff != "" {
		t.Error(diff)
	}
	deleted, err := w.DeleteItem(t.Context(), &ddb.DeleteItemInput{TableName: aws.String(ledger), Key: w.attrs(doc{"pk": "e", "sk": "1"}), ReturnValues: types.ReturnValueAllOld})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(doc{"pk": "e", "sk": "1", "v": 2.0}, w.doc(deleted.Attributes)); diff != "" {
		t.Error(diff)
	}
	if got := w.get(doc{"pk": "e", "sk": "1"}); got != nil {
		t.Errorf("after the deletion got %v", got)
	}
}

func TestProjection(t *testing.T) {
	w := newWorld(t)
	w.put(doc{"pk": "c-1", "sk": "-", "phone": "+1", "loyalty": doc{"tier": "gold", "points": 3}})
	for _, tc := range []struct {
		projection string
		names      map[string]string
		want       doc
	}{
		{"phone", nil, doc{"phone": "+1"}},
		{"#a.#b", map[string]string{"#a": "loyalty", "#b": "tier"}, doc{"loyalty": doc{"tier": "gold"}}},
		{"#a.#b, #a.points, phone", map[string]string{"#a": "loyalty", "#b": "tier"}, doc{"loyalty": doc{"tier": "gold", "points": 3.0}, "phone": "+1"}},
		{"nothing", nil, doc{}},
		{"loyalty.nothing.deeper", nil, doc{}},
	} {
		out, err := w.GetItem(t.Context(), &ddb.GetItemInput{TableName: aws.String(ledger), Key: w.attrs(doc{"pk": "c-1", "sk": "-"}),
			ProjectionExpression: &tc.projection, ExpressionAttributeNames: tc.names})
		if err != nil {
			t.Fatalf("%s: %v", tc.projection, err)
		}
		if diff := cmp.Diff(tc.want, w.doc(out.Item)); diff != "" {
			t.Errorf("%s: %s", tc.projection, diff)
		}
	}
}

func TestTransaction(t *testing.T) {
	w := newWorld(t)
	w.put(doc{"pk": "e", "sk": "1", "v": 1}, doc{"pk": "e", "sk": "2", "v": 2})
	table := aws.String(ledger)
	key := func(sk string) attrs { return w.attrs(doc{"pk": "e", "sk": sk}) }
	old := types.ReturnValuesOnConditionCheckFailureAllOld
	write := func(want string) *ddb.TransactWriteItemsInput {
		return &ddb.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{
			{Put: &types.Put{TableName: table, Item: w.attrs(doc{"pk": "e", "sk": "3"}), ConditionExpression: aws.String("attribute_not_exists(pk)")}},
			{Update: &types.Update{TableName: table, Key: key("1"), UpdateExpression: aws.String("SET v = v + :x"), ExpressionAttributeValues: w.attrs(doc{":x": 10})}},
			{Update: &types.Update{TableName: table, Key: key("2"), UpdateExpression: aws.String("SET v = :x"), ConditionExpression: aws.String("v = :want"),
				ExpressionAttributeValues: attrs{":x": &types.AttributeValueMemberN{Value: "20"}, ":want": &types.AttributeValueMemberN{Value: want}}, ReturnValuesOnConditionCheckFailure: old}},
		}}
	}
	_, err := w.TransactWriteItems(t.Context(), write("9"))
	cancelled, ok := errors.AsType[*types.TransactionCanceledException](err)
	if !ok {
		t.Fatalf("got %v, want a cancelled transaction", err)
	}
	var codes []string
	for _, r := range cancelled.CancellationReasons {
		codes = append(codes, *r.Code)
	}
	if diff := cmp.Diff([]string{"None", "None", "ConditionalCheckFailed"}, codes); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(doc{"pk": "e", "sk": "2", "v": 2.0}, w.doc(cancelled.CancellationReasons[2].Item)); diff != "" {
		t.Error(diff)
	}
	if w.get(doc{"pk": "e", "sk": "3"}) != nil || w.get(doc{"pk": "e", "sk": "1"})["v"] != 1.0 {
		t.Error("a cancelled transaction left something behind")
	}
	if _, err := w.TransactWriteItems(t.Context(), write("2")); err != nil {
		t.Fatal(err)
	}
	if w.get(doc{"pk": "e", "sk": "3"}) == nil || w.get(doc{"pk": "e", "sk": "1"})["v"] != 11.0 || w.get(doc{"pk": "e", "sk": "2"})["v"] != 20.0 {
		t.Error("the transaction was not applied")
	}
	got, err := w.TransactGetItems(t.Context(), &ddb.TransactGetItemsInput{TransactItems: []types.TransactGetItem{
		{Get: &types.Get{TableName: table, Key: key("1")}}, {Get: &types.Get{TableName: table, Key: key("none")}}}})
	if err != nil || len(got.Responses) != 2 || got.Responses[0].Item == nil || got.Responses[1].Item != nil {
		t.Errorf("TransactGetItems = %+v, %v", got, err)
	}
	_, err = w.TransactWriteItems(t.Context(), &ddb.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{
		{Delete: &types.Delete{TableName: table, Key: key("1")}}, {ConditionCheck: &types.ConditionCheck{TableName: table, Key: key("1"), ConditionExpression: aws.String("attribute_exists(pk)")}}}})
	if code(err) != "ValidationException" {
		t.Errorf("one item twice: %v", err)
	}
}

func TestBatches(t *testing.T) {
	w := newWorld(t)
	var writes []types.WriteRequest
	for i := range 3 {
		writes = append(writes, types.WriteRequest{PutRequest: &types.PutRequest{Item: w.attrs(doc{"pk": "b", "sk": fmt.Sprint(i), "v": i})}})
	}
	if _, err := w.BatchWriteItem(t.Context(), &ddb.BatchWriteItemInput{RequestItems: map[string][]types.WriteRequest{ledger: writes}}); err != nil {
		t.Fatal(err)
	}
	out, err := w.BatchGetItem(t.Context(), &ddb.BatchGetItemInput{RequestItems: map[string]types.KeysAndAttributes{ledger: {
		Keys:                 []attrs{w.attrs(doc{"pk": "b", "sk": "0"}), w.attrs(doc{"pk": "b", "sk": "2"}), w.attrs(doc{"pk": "b", "sk": "9"})},
		ProjectionExpression: aws.String("v"), ConsistentRead: aws.Bool(true)}}})
	if err != nil {
		t.Fatal(err)
	}
	var got []doc
	for _, it := range out.Responses[ledger] {
		got = append(got, w.doc(it))
	}
	if diff := cmp.Diff([]doc{{"v": 0.0}, {"v": 2.0}}, got); diff != "" || len(out.UnprocessedKeys) != 0 {
		t.Error(diff, out.UnprocessedKeys)
	}
}

func TestRefusals(t *testing.T) {
	w := newWorld(t)
	w.put(doc{"pk": "e", "sk": "1", "status": "a"})
	table, key := aws.String(ledger), w.attrs(doc{"pk": "e", "sk": "1"})
	upd := func(expr, cond string, names map[string]string, values doc) error {
		in := &ddb.UpdateItemInput{TableName: table, Key: key, UpdateExpression: &expr, ExpressionAttributeNames: names, ExpressionAttributeValues: w.attrs(values)}
		if cond != "" {
			in.ConditionExpression = &cond
		}
		_, err := w.UpdateItem(t.Context(), in)
		return err
	}
	get := func(table string, key doc) error {
		_, err := w.GetItem(t.Context(), &ddb.GetItemInput{TableName: &table, Key: w.attrs(key)})
		return err
	}
	put := func(d doc) error {
		_, err := w.PutItem(t.Context(), &ddb.PutItemInput{TableName: table, Item: w.attrs(d)})
		return err
	}
	query := func(in ddb.QueryInput, cond string, values doc) error {
		in.TableName, in.KeyConditionExpression, in.ExpressionAttributeValues = table, &cond, w.attrs(values)
		_, err := w.Query(t.Context(), &in)
		return err
	}
	for name, tc := range map[string]struct {
		err  error
		code string
		text string
	}{
		"a reserved word":               {upd("SET #x = :v", "status = :v", map[string]string{"#x": "x"}, doc{":v": 1}), "ValidationException", "reserved word"},
		"an unused value":               {upd("SET a = :v", "", nil, doc{":v": 1, ":w": 1}), "ValidationException", "unused in expressions: keys: {:w}"},
		"an unused name":                {upd("SET a = :v", "", map[string]string{"#n": "n"}, doc{":v": 1}), "ValidationException", "unused in expressions: keys: {#n}"},
		"an undefined value":            {upd("SET a = :v", "", nil, nil), "ValidationException", "not defined; attribute value: :v"},
		"an undefined name":             {upd("SET #a = :v", "", nil, doc{":v": 1}), "ValidationException", "not defined; attribute name: #a"},
		"a syntax error":                {upd("SET a :v", "", nil, doc{":v": 1}), "ValidationException", "Invalid UpdateExpression"},
		"a key that changes":            {upd("SET sk = :v", "", nil, doc{":v": "2"}), "ValidationException", "part of the key"},
		"a wrong type for an index":     {upd("SET due = :v", "", nil, doc{":v": "soon"}), "ValidationException", ""},
		"a key with too much":           {get(ledger, doc{"pk": "e", "sk": "1", "x": 1}), "ValidationException", "does not match the schema"},
		"a key with too little":         {get(ledger, doc{"pk": "e"}), "ValidationException", "does not match the schema"},
		"a key of another type":         {get(ledger, doc{"pk": "e", "sk": 1}), "ValidationException", "type mismatch"},
		"no such table":                 {get("nothing", doc{"pk": "e"}), "ResourceNotFoundException", ""},
		"an empty key":                  {put(doc{"pk": "", "sk": "1"}), "ValidationException", "empty value"},
		"an item without its key":       {put(doc{"pk": "e"}), "ValidationException", "Missing the key sk"},
		"an item over 400 KB":           {put(doc{"pk": "e", "sk": "1", "x": strings.Repeat("x", 400<<10)}), "ValidationException", "Item size has exceeded"},
		"a consistent read of an index": {query(ddb.QueryInput{IndexName: aws.String("due"), ConsistentRead: aws.Bool(true)}, "lane = :s", doc{":s": "s"}), "ValidationException", "Consistent reads"},
		"no such index":                 {query(ddb.QueryInput{IndexName: aws.String("no")}, "lane = :s", doc{":s": "s"}), "ValidationException", "index"},
		"a query without a partition":   {query(ddb.QueryInput{}, "sk = :s", doc{":s": "s"}), "ValidationException", "missed key schema element: pk"},
		"a query on another attribute":  {query(ddb.QueryInput{}, "pk = :s AND v = :s", doc{":s": "s"}), "ValidationException", "not part of the key"},
		"bounds the wrong way round": {query(ddb.QueryInput{}, "pk = :p AND sk BETWEEN :a AND :b", doc{":p": "e", ":a": "2", ":b": "1"}), "ValidationException",
			"Invalid KeyConditionExpression: The BETWEEN operator requires upper bound to be greater than or equal to lower bound; lower bound operand: AttributeValue: {S:2}, upper bound operand: AttributeValue: {S:1}"},
		"bounds the wrong way round, as numbers": {upd("SET a = :v", "a between :v and :w", nil, doc{":v": 10, ":w": 9}), "ValidationException",
			"Invalid ConditionExpression: The BETWEEN operator requires upper bound to be greater than or equal to lower bound; lower bound operand: AttributeValue: {N:10}"},
		"bounds of two types": {upd("SET a = :v", "a BETWEEN :v AND :w", nil, doc{":v": 1, ":w": "2"}), "ValidationException",
			"The BETWEEN operator requires same data type for lower and upper bounds"},
		"a query with another type's key": {query(ddb.QueryInput{}, "pk = :s", doc{":s": 1}), "ValidationException", "type"},
	} {
		if code(tc.err) != tc.code || !strings.Contains(fmt.Sprint(tc.err), tc.text) {
			t.Errorf("%s: got %v, want %s with %q", name, tc.err, tc.code, tc.text)
		}
	}
	if diff := cmp.Diff(doc{"pk": "e", "sk": "1", "status": "a"}, w.get(doc{"pk": "e", "sk": "1"})); diff != "" {
		t.Error("what was refused changed the item:", diff)
	}
}

// What no SDK sends must not end the server.
func TestRawRequests(t *testing.T) {
	s := dynamo.New(dynamo.Options{})
	for _, tc := range []struct{ op, body, want string }{
		{"CreateTable", `{"TableName":"tbl","BillingMode":"PAY_PER_REQUEST","AttributeDefinitions":[{"AttributeName":"id","AttributeType":"S"}],"KeySchema":[{"AttributeName":"id","KeyType":"HASH"}]}`, `"TableStatus":"ACTIVE"`},
		{"PutItem", `{"TableName":"tbl","Item":{"id":null}}`, "ValidationException"},
		{"PutItem", `{"TableName":"tbl","Item":{"id":{"S":"a","N":"1"}}}`, "exactly one"},
		{"PutItem", `{"TableName":"tbl","Item":{"id":{"S":"a"},"x":{"L":[null]}}}`, "ValidationException"},
		{"PutItem", `{"TableName":"tbl","Item":{"id":{"S":"a"},"x":{"SS":[null]}}}`, "ValidationException"},
		{"PutItem", `{"TableName":"tbl","Item":{"id":{"S":"a"},"x":{"N":"1e99999999"}}}`, "ValidationException"},
		{"PutItem", `{"TableName":"tbl","Item":{"id":{"S":"a"}},"Expected":{"id":{"Exists":false}}}`, "use an expression"},
		{"Query", `{"TableName":"tbl","ExclusiveStartKey":{"id":null},"KeyConditionExpression":"id = :v","ExpressionAttributeValues":{":v":{"S":"a"}}}`, "ValidationException"},
		{"Query", `{"TableName":"tbl"}`, "must be specified"},
		{"TransactWriteItems", `{"TransactItems":[{}]}`, "must contain one of"},
		{"GetItem", `[]`, "SerializationException"},
		{"CreateBackup", `{}`, "UnknownOperationException"},
	} {
		r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(tc.body))
		r.Header.Set("X-Amz-Target", "DynamoDB_20120810."+tc.op)
		rec := httptest.NewRecorder()
		s.ServeHTTP(rec, r)
		if got, _ := io.ReadAll(rec.Body); !strings.Contains(string(got), tc.want) {
			t.Errorf("%s %s: got %s, want %q", tc.op, tc.body, got, tc.want)
		}
	}
}

func TestParallelClaimsHaveOneWinner(t *testing.T) {
	w := newWorld(t)
	const claims, rivals = 20, 4
	var wins [claims]int
	var mu sync.Mutex
	var wg sync.WaitGroup
	for r := range rivals {
		wg.Go(func() {
			for i := range claims {
				_, err := w.UpdateItem(t.Context(), &ddb.UpdateItemInput{
					TableName: aws.String(ledger), Key: w.attrs(doc{"pk": "e", "sk": fmt.Sprint(i)}),
					UpdateExpression: aws.String("SET holder = :h, lane = :s, due = :d"), ConditionExpression: aws.String("attribute_not_exists(pk)"),
					ExpressionAttributeValues: w.attrs(doc{":h": r, ":s": "s", ":d": i}), ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
				})
				if err == nil {
					mu.Lock()
					wins[i]++
					mu.Unlock()
				}
				_, _ = w.DescribeTable(t.Context(), &ddb.DescribeTableInput{TableName: aws.String(ledger)})
				_, _ = w.Query(t.Context(), &ddb.QueryInput{TableName: aws.String(ledger), IndexName: aws.String("due"),
					KeyConditionExpression: aws.String("lane = :s AND due >= :d"), ExpressionAttributeValues: w.attrs(doc{":s": "s", ":d": 3})})
			}
		})
	}
	wg.Wait()
	for i, n := range wins {
		if n != 1 {
			t.Errorf("claim %d was won %d times", i, n)
		}
	}
}
