package dynamo_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	ddb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// sks gives the sort keys that a query finds, over all its pages.
func (w world) sks(in ddb.QueryInput, cond string, values doc) []string {
	w.Helper()
	in.TableName, in.KeyConditionExpression, in.ExpressionAttributeValues = aws.String(ledger), &cond, w.attrs(values)
	got := []string{}
	for {
		out, err := w.Query(w.Context(), &in)
		if err != nil {
			w.Fatal(err)
		}
		for _, it := range out.Items {
			got = append(got, w.doc(it)["sk"].(string))
		}
		if out.LastEvaluatedKey == nil {
			return got
		}
		in.ExclusiveStartKey = out.LastEvaluatedKey
	}
}

func TestQuery(t *testing.T) {
	w := newWorld(t)
	for i, due := range []int{30, 100, 9, 20, 20} {
		w.put(doc{"pk": "e", "sk": fmt.Sprintf("d%d", i), "lane": "s", "due": due, "even": i%2 == 0})
	}
	w.put(doc{"pk": "e", "sk": "other", "lane": "other", "due": 1}, doc{"pk": "e", "sk": "sparse", "lane": "s"}, doc{"pk": "f", "sk": "d0"})
	due := ddb.QueryInput{IndexName: aws.String("due")}
	backward := ddb.QueryInput{IndexName: aws.String("due"), ScanIndexForward: aws.Bool(false)}
	for _, tc := range []struct {
		name   string
		in     ddb.QueryInput
		cond   string
		values doc
		want   []string
	}{
		{"a partition in order", ddb.QueryInput{}, "pk = :p", doc{":p": "e"}, []string{"d0", "d1", "d2", "d3", "d4", "other", "sparse"}},
		{"a beginning", ddb.QueryInput{}, "pk = :p AND begins_with(sk, :b)", doc{":p": "e", ":b": "d"}, []string{"d0", "d1", "d2", "d3", "d4"}},
		{"backward", ddb.QueryInput{ScanIndexForward: aws.Bool(false)}, "pk = :p AND sk < :b", doc{":p": "e", ":b": "d3"}, []string{"d2", "d1", "d0"}},
		{"numbers by amount, without items that lack the key", due, "lane = :s", doc{":s": "s"}, []string{"d2", "d3", "d4", "d0", "d1"}},
		{"<=", due, "lane = :s AND due <= :d", doc{":s": "s", ":d": 30}, []string{"d2", "d3", "d4", "d0"}},
		{">=", due, "due >= :d AND lane = :s", doc{":s": "s", ":d": 30}, []string{"d0", "d1"}},
		{"BETWEEN, backward", backward, "lane = :s AND due BETWEEN :a AND :b", doc{":s": "s", ":a": 9, ":b": 30}, []string{"d0", "d4", "d3", "d2"}},
		{"nothing", due, "lane = :s", doc{":s": "none"}, []string{}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, w.sks(tc.in, tc.cond, tc.values)); diff != "" {
				t.Error(diff)
			}
			tc.in.Limit = aws.Int32(2)
			if diff := cmp.Diff(tc.want, w.sks(tc.in, tc.cond, tc.values)); diff != "" {
				t.Error("by pages of two:", diff)
			}
		})
	}
	t.Run("a limit counts what the filter drops", func(t *testing.T) {
		out, err := w.Query(t.Context(), &ddb.QueryInput{TableName: aws.String(ledger), KeyConditionExpression: aws.String("pk = :p"), FilterExpression: aws.String("even = :t"),
			ExpressionAttributeValues: w.attrs(doc{":p": "e", ":t": true}), Limit: aws.Int32(4)})
		if err != nil || out.Count != 2 || out.ScannedCount != 4 || out.LastEvaluatedKey == nil {
			t.Errorf("got %d of %d, last %v, %v", out.Count, out.ScannedCount, out.LastEvaluatedKey, err)
		}
	})
	t.Run("an index of keys alone, and a count", func(t *testing.T) {
		in := &ddb.QueryInput{TableName: aws.String(ledger), IndexName: aws.String("keys"), KeyConditionExpression: aws.String("lane = :s"),
			ExpressionAttributeValues: w.attrs(doc{":s": "other"})}
		out, err := w.Query(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(doc{"pk": "e", "sk": "other", "lane": "other"}, w.doc(out.Items[0])); diff != "" {
			t.Error(diff)
		}
		in.Select = types.SelectCount
		if out, err = w.Query(t.Context(), in); err != nil || out.Count != 1 || out.Items != nil {
			t.Errorf("a count gave %+v, %v", out, err)
		}
	})
}

func TestScan(t *testing.T) {
	w := newWorld(t)
	for i := range 25 {
		w.put(doc{"pk": fmt.Sprint(i), "sk": "1", "n": i})
	}
	seen := map[string]bool{}
	pages := 0
	in := &ddb.ScanInput{TableName: aws.String(ledger), Limit: aws.Int32(10), FilterExpression: aws.String("n < :n"), ExpressionAttributeValues: w.attrs(doc{":n": 20})}
	for {
		out, err := w.Scan(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		pages++
		for _, it := range out.Items {
			seen[w.doc(it)["pk"].(string)] = true
		}
		if out.LastEvaluatedKey == nil {
			break
		}
		in.ExclusiveStartKey = out.LastEvaluatedKey
	}
	if len(seen) != 20 || pages != 3 {
		t.Errorf("saw %d items on %d pages, want 20 on 3", len(seen), pages)
	}
	out, err := w.Scan(t.Context(), &ddb.ScanInput{TableName: aws.String(ledger), IndexName: aws.String("due")})
	if err != nil || out.Count != 0 {
		t.Errorf("a sparse index without items gave %d, %v", out.Count, err)
	}
}

func TestPageOfOneMegabyte(t *testing.T) {
	w := newWorld(t)
	for i := range 4 {
		w.put(doc{"pk": "e", "sk": fmt.Sprint(i), "x": string(make([]byte, 350<<10))})
	}
	out, err := w.Query(t.Context(), &ddb.QueryInput{TableName: aws.String(ledger), KeyConditionExpression: aws.String("pk = :p"), ExpressionAttributeValues: w.attrs(doc{":p": "e"})})
	if err != nil || out.Count != 3 || out.LastEvaluatedKey == nil {
		t.Errorf("got %d items, last key %v, %v; want 3 and more to come", out.Count, out.LastEvaluatedKey, err)
	}
}

// Whatever is written, an index holds exactly the items that have its key, in
// its order.
func TestIndexFollowsItsTable(t *testing.T) {
	w := newWorld(t)
	table := aws.String(ledger)
	run := 0
	rapid.Check(t, func(r *rapid.T) {
		run++ // each run has a partition of its own
		pk, lane := fmt.Sprint("e", run), fmt.Sprint("s", run)
		model := map[string]int{} // sk → due; -1: the item is not in the index
		for range rapid.IntRange(1, 12).Draw(r, "writes") {
			sk := fmt.Sprint(rapid.IntRange(0, 5).Draw(r, "sk"))
			due := rapid.IntRange(0, 12).Draw(r, "due")
			key := w.attrs(doc{"pk": pk, "sk": sk})
			var err error
			switch rapid.IntRange(0, 4).Draw(r, "kind") {
			case 0:
				w.put(doc{"pk": pk, "sk": sk, "lane": lane, "due": due})
				model[sk] = due
			case 1:
				w.put(doc{"pk": pk, "sk": sk})
				model[sk] = -1
			case 2:
				_, err = w.UpdateItem(t.Context(), &ddb.UpdateItemInput{TableName: table, Key: key, UpdateExpression: aws.String("SET lane = :s, due = :d"), ExpressionAttributeValues: w.attrs(doc{":s": lane, ":d": due})})
				model[sk] = due
			case 3:
				_, err = w.UpdateItem(t.Context(), &ddb.UpdateItemInput{TableName: table, Key: key, UpdateExpression: aws.String("REMOVE due")})
				model[sk] = -1
			case 4:
				_, err = w.DeleteItem(t.Context(), &ddb.DeleteItemInput{TableName: table, Key: key})
				delete(model, sk)
			}
			if err != nil {
				r.Fatal(err)
			}
		}
		want := []string{}
		for sk, due := range model {
			if due >= 0 {
				want = append(want, sk)
			}
		}
		got := w.sks(ddb.QueryInput{IndexName: aws.String("due")}, "lane = :s", doc{":s": lane})
		for i := 1; i < len(got); i++ {
			if model[got[i-1]] > model[got[i]] {
				r.Errorf("out of order: %v of %v", got, model)
			}
		}
		slices.Sort(want)
		slices.Sort(got)
		if diff := cmp.Diff(want, got); diff != "" {
			r.Error(diff)
		}
	})
}

func TestTables(t *testing.T) {
	w := newWorld(t)
	w.put(doc{"pk": "e", "sk": "1", "lane": "s", "due": 1})
	d, err := w.DescribeTable(t.Context(), &ddb.DescribeTableInput{TableName: aws.String("arn:aws:dynamodb:us-east-1:000000000000:table/ledger")})
	if err != nil {
		t.Fatal(err)
	}
	if d.Table.TableStatus != types.TableStatusActive || *d.Table.ItemCount != 1 || len(d.Table.GlobalSecondaryIndexes) != 2 || *d.Table.TableArn != "arn:aws:dynamodb:us-east-1:000000000000:table/ledger" {
		t.Errorf("DescribeTable = %+v", d.Table)
	}
	if err := ddb.NewTableExistsWaiter(w.Client).Wait(t.Context(), &ddb.DescribeTableInput{TableName: aws.String(ledger)}, 1e9); err != nil {
		t.Error(err)
	}
	same := &ddb.CreateTableInput{TableName: aws.String(ledger), KeySchema: d.Table.KeySchema, AttributeDefinitions: d.Table.AttributeDefinitions, BillingMode: types.BillingModePayPerRequest}
	if _, err := w.CreateTable(t.Context(), same); code(err) != "ResourceInUseException" {
		t.Errorf("the same table again: %v", err)
	}
	for _, name := range []string{"catalog", "profiles"} {
		same.TableName = aws.String(name)
		if _, err := w.CreateTable(t.Context(), same); err != nil {
			t.Fatal(err)
		}
	}
	var names []string
	pages := ddb.NewListTablesPaginator(w.Client, &ddb.ListTablesInput{Limit: aws.Int32(2)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, page.TableNames...)
	}
	if diff := cmp.Diff([]string{"catalog", "ledger", "profiles"}, names); diff != "" {
		t.Error(diff)
	}
	ttl := &ddb.UpdateTimeToLiveInput{TableName: aws.String(ledger), TimeToLiveSpecification: &types.TimeToLiveSpecification{Enabled: aws.Bool(true), AttributeName: aws.String("ttl")}}
	if _, err := w.UpdateTimeToLive(t.Context(), ttl); err != nil {
		t.Fatal(err)
	}
	live, err := w.DescribeTimeToLive(t.Context(), &ddb.DescribeTimeToLiveInput{TableName: aws.String(ledger)})
	if err != nil || live.TimeToLiveDescription.TimeToLiveStatus != types.TimeToLiveStatusEnabled || *live.TimeToLiveDescription.AttributeName != "ttl" {
		t.Errorf("DescribeTimeToLive = %+v, %v", live, err)
	}
	_, err = w.UpdateTable(t.Context(), &ddb.UpdateTableInput{TableName: aws.String(ledger), GlobalSecondaryIndexUpdates: []types.GlobalSecondaryIndexUpdate{
		{Delete: &types.DeleteGlobalSecondaryIndexAction{IndexName: aws.String("due")}},
		{Create: &types.CreateGlobalSecondaryIndexAction{IndexName: aws.String("late"), KeySchema: d.Table.GlobalSecondaryIndexes[0].KeySchema, Projection: &types.Projection{ProjectionType: types.ProjectionTypeAll}}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	if got := w.sks(ddb.QueryInput{IndexName: aws.String("late")}, "lane = :s", doc{":s": "s"}); len(got) != 1 {
		t.Errorf("a new index holds %v, want the item that was there before it", got)
	}
	if _, err := w.DeleteTable(t.Context(), &ddb.DeleteTableInput{TableName: aws.String(ledger)}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.DescribeTable(t.Context(), &ddb.DescribeTableInput{TableName: aws.String(ledger)}); code(err) != "ResourceNotFoundException" {
		t.Errorf("after its deletion: %v", err)
	}
}
