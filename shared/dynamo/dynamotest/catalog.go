package dynamotest

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/waypost/waypost/shared/catalog"
	"github.com/waypost/waypost/shared/dynamo"
	"github.com/waypost/waypost/shared/fault"
)

func document(name, version string, stamp int, text string) catalog.Item {
	return catalog.Item{Key: catalog.Key{Name: name, Version: version}, Document: json.RawMessage(text), Stamp: stamp, At: noon.Add(time.Duration(stamp) * time.Second)}
}

// A written item is one with its document as text, which is compared at once.
type written struct {
	catalog.Item
	Document string
}

func asText(items ...catalog.Item) []written {
	list := make([]written, len(items))
	for i, it := range items {
		list[i] = written{it, string(it.Document)}
		list[i].Item.Document = nil
	}
	return list
}

// catalogs holds that items come back just as they were written, and all of a
// name's, however long they are, sorted by version.
func catalogs(t *testing.T, client *dynamodb.Client) {
	c := &dynamo.Catalog{Client: client, Table: create(t, client, dynamo.CatalogTable)}
	_, err := c.Get(t.Context(), catalog.Key{Name: "action#sms", Version: "draft"})
	faulty(t, "Get", err, fault.NotFound)
	none, err := c.List(t.Context(), "action#sms")
	if len(none) != 0 || err != nil {
		t.Errorf("List: %v, %v", none, err)
	}
	var want []catalog.Item
	for _, version := range []string{"draft", "latest", "v00001", "v00001.r00002", "v00002", "v00010", "v00010.r00001"} {
		text := fmt.Sprintf("{ \"b\":1.0, \"a\": \"%s\" ,\"a\":null, \"ü\":\"\\u00fc\"}\n", strings.Repeat("x", 200_000))
		want = append(want, document("action#sms", version, 1, text))
	}
	for i := range want { // from the last to the first, so that order is the store's doing
		if err := c.Write(t.Context(), []catalog.Item{want[len(want)-1-i], document("action#sms2", want[i].Version, 1, `{}`)}); err != nil {
			t.Fatal(err)
		}
	}
	got, err := c.List(t.Context(), "action#sms")
	if err != nil {
		t.Fatal(err)
	}
	same(t, "List", asText(want...), asText(got...))
	for _, it := range want {
		got, err := c.Get(t.Context(), it.Key)
		if err != nil {
			t.Fatal(err)
		}
		same(t, "Get", asText(it), asText(got))
	}
}

// catalogWrites holds that a write is of all its items or of none, each only
// where the store's has one Stamp less.
func catalogWrites(t *testing.T, client *dynamodb.Client) {
	c := &dynamo.Catalog{Client: client, Table: create(t, client, dynamo.CatalogTable)}
	for _, tc := range []struct {
		name  string
		there []catalog.Item
		write []catalog.Item
		want  fault.Code
	}{
		{"new items", nil, []catalog.Item{document("a", "1", 1, `1`), document("a", "2", 1, `2`)}, ""},
		{"one that is there already", []catalog.Item{document("a", "2", 1, `2`)},
			[]catalog.Item{document("a", "1", 1, `1`), document("a", "2", 1, `3`)}, fault.Conflict},
		{"the next of one, and a new one", []catalog.Item{document("a", "1", 1, `1`)},
			[]catalog.Item{document("a", "1", 2, `2`), document("b", "1", 1, `1`)}, ""},
		{"the next of one that is not there", nil, []catalog.Item{document("a", "1", 1, `1`), document("a", "2", 2, `2`)}, fault.Conflict},
		{"from a stamp that is past", []catalog.Item{document("a", "1", 1, `1`), document("a", "1", 2, `2`)},
			[]catalog.Item{document("a", "1", 2, `3`)}, fault.Conflict},
		{"from a stamp to come", []catalog.Item{document("a", "1", 1, `1`)}, []catalog.Item{document("a", "1", 3, `3`)}, fault.Conflict},
		{"a first one again", []catalog.Item{document("a", "1", 1, `1`), document("a", "1", 2, `2`)},
			[]catalog.Item{document("a", "1", 1, `3`)}, fault.Conflict},
		{"as many as there may be", nil, many(100), ""},
		{"a document of 390 KB", nil, []catalog.Item{document("a", "1", 1, strings.Repeat("x", 390<<10))}, ""},
		{"a document that no item can hold", nil,
			[]catalog.Item{document("a", "1", 1, `1`), document("a", "2", 1, strings.Repeat("x", 390<<10+1))}, fault.TooLarge},
	} {
		t.Run(tc.name, func(t *testing.T) {
			within := func(it catalog.Item) catalog.Item { // the same table, names of this case's own
				it.Name = t.Name() + "#" + it.Name
				return it
			}
			var write []catalog.Item
			want := map[catalog.Key]catalog.Item{}
			for _, it := range tc.there {
				it = within(it)
				if err := c.Write(t.Context(), []catalog.Item{it}); err != nil {
					t.Fatal(err)
				}
				want[it.Key] = it
			}
			for _, it := range tc.write {
				write = append(write, within(it))
			}
			faulty(t, "Write", c.Write(t.Context(), write), tc.want)
			for _, it := range write {
				if tc.want == "" {
					want[it.Key] = it
				}
				got, err := c.Get(t.Context(), it.Key)
				there, ok := want[it.Key]
				if ok != (err == nil) || !ok && !fault.Is(err, fault.NotFound) {
					t.Errorf("%v: there %t, %v", it.Key, ok, err)
				}
				same(t, "the item", asText(there), asText(got))
			}
		})
	}
}

func many(n int) []catalog.Item {
	list := make([]catalog.Item, n)
	for i := range list {
		list[i] = document(fmt.Sprint("n", i), "1", 1, `{}`)
	}
	return list
}
