package dynamo_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	ddb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// Numbers and depths at and beyond the edges of what DynamoDB stores.
func TestWhatAnItemHolds(t *testing.T) {
	w := newWorld(t)
	number := func(n string) types.AttributeValue { return &types.AttributeValueMemberN{Value: n} }
	nested := func(levels int, list bool) types.AttributeValue {
		v := number("1")
		for range levels {
			if list {
				v = &types.AttributeValueMemberL{Value: []types.AttributeValue{v}}
			} else {
				v = &types.AttributeValueMemberM{Value: attrs{"n": v}}
			}
		}
		return v
	}
	for _, tc := range []struct {
		name  string
		value types.AttributeValue
		want  string // a part of the error
	}{
		{"the largest", number("9.9999999999999999999999999999999999999E+125"), ""},
		{"the smallest", number("-1E-130"), ""},
		{"38 digits", number("0.00" + strings.Repeat("1", 38) + "0000"), ""},
		{"a zero with an exponent", number("0e9999"), ""},
		{"too large", number("1e126"), "Number overflow"},
		{"too large to the other side", number("-1e250"), "Number overflow"},
		{"too small", number("9.9e-131"), "Number underflow"},
		{"far too large", number("1e99999999"), "Number overflow"},
		{"far too small", number("1e-99999999"), "Number underflow"},
		{"39 digits", number(strings.Repeat("1", 39)), "more than 38 significant digits"},
		{"39 digits in a set", &types.AttributeValueMemberNS{Value: []string{"1", strings.Repeat("1", 39)}}, "more than 38 significant digits"},
		{"no number", number("one"), "cannot be converted to a numeric value"},
		{"hexadecimal", number("0x10"), "cannot be converted to a numeric value"},
		{"a fraction", number("1/3"), "cannot be converted to a numeric value"},
		{"31 maps", nested(31, false), ""},
		{"32 maps", nested(32, false), "Nesting Levels have exceeded supported limits"},
		{"32 lists", nested(32, true), "Nesting Levels have exceeded supported limits"},
	} {
		item := w.attrs(doc{"pk": "e", "sk": "1"})
		item["v"] = tc.value
		_, put := w.PutItem(t.Context(), &ddb.PutItemInput{TableName: aws.String(ledger), Item: item})
		_, update := w.UpdateItem(t.Context(), &ddb.UpdateItemInput{TableName: aws.String(ledger), Key: w.attrs(doc{"pk": "e", "sk": "2"}),
			UpdateExpression: aws.String("SET v = :v"), ExpressionAttributeValues: attrs{":v": tc.value}})
		if tc.name == "the largest" {
			update = nil // minidyn sets by float64, which rounds it up
		}
		for how, err := range map[string]error{"put": put, "updated": update} {
			if tc.want == "" {
				if err != nil {
					t.Errorf("%s, %s: %v", tc.name, how, err)
				}
			} else if code(err) != "ValidationException" || !strings.Contains(fmt.Sprint(err), tc.want) {
				t.Errorf("%s, %s: got %v, want %q", tc.name, how, err, tc.want)
			}
		}
	}
}
