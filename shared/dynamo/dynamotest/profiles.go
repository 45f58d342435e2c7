package dynamotest

import (
	"maps"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/waypost/waypost/shared/dynamo"
	"github.com/waypost/waypost/shared/fault"
	"github.com/waypost/waypost/shared/mapping"
)

type object = map[string]any

// everything asks for all attributes.
var everything = mapping.Paths{All: true}

func paths(list ...[]string) mapping.Paths { return mapping.Paths{List: list} }

// ada has what a profile may have: reserved words, names that no expression
// could hold, and an attribute that is named as the key is, below another.
func ada() object {
	return object{
		"phone": "+14155550123", "name": "Ada", "first name": object{"a.b": "A", "#x": "#", ":y": ":"},
		"loyalty":  object{"tier": "gold", "points": int64(1200), "since": object{"year": int64(2019), "id": "L1"}},
		"consents": object{"sms": "y", "email": nil}, "orders": []any{object{"total": 19.5}, object{"total": int64(7)}},
		"vip": true, "note": "", "none": nil, "empty": object{}, "size": "reserved", "0": "digit", "ü": "letter",
	}
}

// profiles holds Read and Write over Waypost's own table.
func profiles(t *testing.T, client *dynamodb.Client) {
	p := &dynamo.Profiles{Client: client, Table: create(t, client, dynamo.ProfilesTable), Key: "id"}
	if err := p.Write(t.Context(), "c-ada", ada()); err != nil {
		t.Fatal(err)
	}
	read(t, p)
	for _, attributes := range []object{{"phone": "1"}, {}} {
		if err := p.Write(t.Context(), "c-ben", attributes); err != nil {
			t.Fatal(err)
		}
		got, err := p.Read(t.Context(), "c-ben", everything)
		if err != nil {
			t.Fatal(err)
		}
		same(t, "what was replaced", attributes, without(got, "id"))
	}
}

// read holds Read of ada's profile, whatever the table's form is.
func read(t *testing.T, p *dynamo.Profiles) {
	t.Helper()
	for _, tc := range []struct {
		name  string
		paths mapping.Paths
		want  object
	}{
		{"all", everything, ada()},
		{"nothing", paths(), object{}},
		{"one", paths([]string{"phone"}), object{"phone": "+14155550123"}},
		{"a reserved word, a digit, a letter of no expression", paths([]string{"0"}, []string{"name"}, []string{"size"}, []string{"ü"}),
			object{"0": "digit", "name": "Ada", "size": "reserved", "ü": "letter"}},
		{"a nested one", paths([]string{"loyalty", "tier"}), object{"loyalty": object{"tier": "gold"}}},
		{"nested ones of one parent", paths([]string{"loyalty", "since", "year"}, []string{"loyalty", "tier"}),
			object{"loyalty": object{"tier": "gold", "since": object{"year": int64(2019)}}}},
		{"names with dots and signs", paths([]string{"first name", "#x"}, []string{"first name", ":y"}, []string{"first name", "a.b"}),
			object{"first name": object{"a.b": "A", "#x": "#", ":y": ":"}}},
		{"a list", paths([]string{"orders"}), object{"orders": []any{object{"total": 19.5}, object{"total": int64(7)}}}},
		{"what is empty or null", paths([]string{"consents", "email"}, []string{"empty"}, []string{"none"}, []string{"note"}),
			object{"consents": object{"email": nil}, "empty": object{}, "none": nil, "note": ""}},
		{"what is not there", paths([]string{"fax"}), object{}},
		{"what is not there below a parent that is, and one that is", paths([]string{"loyalty", "level"}, []string{"phone"}), object{"phone": "+14155550123"}},
		{"below what is not there", paths([]string{"home", "city"}), object{}},
		{"below what is text", paths([]string{"phone", "country"}), object{}},
		{"below a list", paths([]string{"orders", "total"}), object{}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, err := p.Read(t.Context(), "c-ada", tc.paths)
			if err != nil {
				t.Fatal(err)
			}
			same(t, "the attributes", tc.want, without(got, p.Key))
			_, err = p.Read(t.Context(), "c-none", tc.paths)
			faulty(t, "reading a profile that is not there", err, fault.NotFound)
		})
	}
	t.Run("the key, named", func(t *testing.T) {
		for _, list := range [][][]string{{{p.Key}}, {{p.Key}, {"phone"}}, {{p.Key, "x"}, {"phone"}}} {
			if _, err := p.Read(t.Context(), "c-ada", mapping.Paths{List: list}); err != nil {
				t.Errorf("%v: %v", list, err)
			}
		}
	})
}

// without leaves the key out, which may always come too.
func without(attributes object, key string) object {
	attributes = maps.Clone(attributes)
	delete(attributes, key)
	return attributes
}

// ownProfiles holds Read and Write over a table that the user already has.
func ownProfiles(t *testing.T, client *dynamodb.Client) {
	table := create(t, client, func(name string) *dynamodb.CreateTableInput {
		return &dynamodb.CreateTableInput{
			TableName: &name, BillingMode: types.BillingModePayPerRequest,
			AttributeDefinitions: []types.AttributeDefinition{{AttributeName: aws.String("customer id"), AttributeType: types.ScalarAttributeTypeS}},
			KeySchema:            []types.KeySchemaElement{{AttributeName: aws.String("customer id"), KeyType: types.KeyTypeHash}},
		}
	})
	p := &dynamo.Profiles{Client: client, Table: table, Key: "customer id", Path: "data"}
	if err := p.Write(t.Context(), "c-ada", ada()); err != nil {
		t.Fatal(err)
	}
	read(t, p)
	// The user's own items need not have the map at all.
	for id, more := range map[string]types.AttributeValue{"bare": nil, "text": &types.AttributeValueMemberS{Value: "x"}} {
		it := map[string]types.AttributeValue{"customer id": &types.AttributeValueMemberS{Value: id}, "phone": &types.AttributeValueMemberS{Value: "1"}}
		if more != nil {
			it["data"] = more
		}
		if _, err := client.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &table, Item: it}); err != nil {
			t.Fatal(err)
		}
		for _, asked := range []mapping.Paths{everything, paths([]string{"phone"})} {
			got, err := p.Read(t.Context(), id, asked)
			if err != nil {
				t.Errorf("%s: %v", id, err)
			}
			same(t, id, object{}, object(got))
		}
		// What Waypost writes leaves the item's other attributes alone.
		if err := p.Write(t.Context(), id, object{"tier": "gold"}); err != nil {
			t.Errorf("%s: %v", id, err)
		}
		for below, want := range map[string]object{"": {"customer id": id, "phone": "1", "data": object{"tier": "gold"}}, "data": {"tier": "gold"}} {
			got, err := (&dynamo.Profiles{Client: client, Table: table, Key: "customer id", Path: below}).Read(t.Context(), id, everything)
			if err != nil {
				t.Errorf("%s: %v", id, err)
			}
			same(t, id+" after it was written, below "+below, want, object(got))
		}
	}
}

// profileValues holds how values that other programs wrote are read, and that
// what DynamoDB can't keep is refused with its place.
func profileValues(t *testing.T, client *dynamodb.Client) {
	table := create(t, client, dynamo.ProfilesTable)
	p := &dynamo.Profiles{Client: client, Table: table, Key: "id"}
	number := func(s string) types.AttributeValue { return &types.AttributeValueMemberN{Value: s} }
	if _, err := client.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &table, Item: map[string]types.AttributeValue{
		"id": &types.AttributeValueMemberS{Value: "c"}, "tags": &types.AttributeValueMemberSS{Value: []string{"a"}},
		"sizes": &types.AttributeValueMemberNS{Value: []string{"41"}}, "photo": &types.AttributeValueMemberB{Value: []byte("p")},
		"whole": number("9223372036854775807"), "negative": number("-7.00"), "part": number("0.1"), "large": number("1E+25"),
		"big": number("12345678901234567890"), "tiny": number("0.0000000001"), "zeros": number("007"),
	}}); err != nil {
		t.Fatal(err)
	}
	got, err := p.Read(t.Context(), "c", everything)
	if err != nil {
		t.Fatal(err)
	}
	same(t, "the values", object{"tags": []any{"a"}, "sizes": []any{int64(41)}, "photo": nil, "whole": int64(9223372036854775807),
		"negative": int64(-7), "part": 0.1, "large": 1e25, "big": 12345678901234567890.0, "tiny": 1e-10, "zeros": int64(7)}, object(without(got, "id")))

	deep := any("x")
	for range 31 {
		deep = []any{deep} // below an attribute's map it is one level too deep
	}
	for name, v := range map[string]any{"large": 1e126, "small": 1e-140, "negative": -1e200, "deep": deep, "nameless": object{"": "x"}} {
		err := p.Write(t.Context(), "d", object{"of": object{name: v}})
		faulty(t, "writing "+name, err, fault.Invalid)
	}
	if err := p.Write(t.Context(), "d", object{"of": deep}); err != nil {
		t.Errorf("writing what is just not too deep: %v", err)
	}
	for name, v := range map[string]any{"large": 9.9e125, "small": 1e-130, "zero": 0.0, "exact": 0.30000000000000004, "whole": int64(-9223372036854775808)} {
		if err := p.Write(t.Context(), "d", object{"of": v}); err != nil {
			t.Errorf("writing %s: %v", name, err)
		}
		got, err := p.Read(t.Context(), "d", paths([]string{"of"}))
		if f, ok := v.(float64); ok && f == 0 {
			v = int64(0)
		}
		if err != nil || got["of"] != v {
			t.Errorf("%s: got %v, %v, want %v", name, got["of"], err, v)
		}
	}
}
