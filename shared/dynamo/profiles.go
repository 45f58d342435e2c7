package dynamo

import (
	"context"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/waypost/waypost/shared/fault"
	"github.com/waypost/waypost/shared/mapping"
)

// Profiles reads and writes customers' attributes: one item a profile, in
// Waypost's own table or one that the user already has.
type Profiles struct {
	Client *dynamodb.Client
	Table  string
	Key    string // the key attribute
	Path   string // the map attribute that holds the attributes; empty: the item itself
}

// Read implements delivery.Profiles: one strongly consistent GetItem, which
// asks for the named attributes and the key.
func (p *Profiles) Read(ctx context.Context, id string, paths mapping.Paths) (map[string]any, error) {
	in := &dynamodb.GetItemInput{TableName: &p.Table, Key: item{p.Key: text(id)}, ConsistentRead: aws.Bool(true)}
	if !paths.All {
		projection, names := []string{"#k"}, map[string]string{"#k": p.Key}
		for i, path := range paths.List {
			if p.Path != "" {
				path = append([]string{p.Path}, path...)
			}
			if path[0] == p.Key {
				continue // it is there already, as text, and a projection may name nothing twice
			}
			steps := make([]string, len(path))
			for k, name := range path {
				steps[k] = fmt.Sprintf("#p%d_%d", i, k)
				names[steps[k]] = name
			}
			projection = append(projection, strings.Join(steps, "."))
		}
		in.ProjectionExpression, in.ExpressionAttributeNames = aws.String(strings.Join(projection, ", ")), names
	}
	out, err := p.Client.GetItem(ctx, in)
	if err != nil {
		return nil, failed(err, "profiles")
	}
	if len(out.Item) == 0 {
		return nil, fault.New(fault.NotFound, "the profile %s does not exist", id)
	}
	attributes, err := values(out.Item)
	if err != nil {
		return nil, err
	}
	if p.Path != "" {
		below, _ := attributes[p.Path].(map[string]any)
		return below, nil
	}
	return attributes, nil
}

// Write replaces a profile's attributes: the whole item, or, with a Path, that
// attribute alone, and whatever else the item has stays as it is. An Invalid
// says where they hold what DynamoDB can't keep.
func (p *Profiles) Write(ctx context.Context, id string, attributes map[string]any) error {
	depth := maxDepth
	if p.Path != "" {
		depth--
	}
	var details []fault.Detail
	for _, name := range slices.Sorted(maps.Keys(attributes)) {
		details = append(details, unkept(name, name, attributes[name], depth)...)
	}
	if err := fault.Document("the profile can't be stored", details); err != nil {
		return err
	}
	encoded, ok := encode(attributes).(*types.AttributeValueMemberM)
	if !ok {
		return fault.New(fault.Internal, "the profile's attributes are not an object")
	}
	if p.Path != "" {
		_, err := p.Client.UpdateItem(ctx, &dynamodb.UpdateItemInput{TableName: &p.Table, Key: item{p.Key: text(id)},
			UpdateExpression: aws.String("SET #path = :attributes"), ExpressionAttributeNames: map[string]string{"#path": p.Path},
			ExpressionAttributeValues: item{":attributes": encoded}})
		if err != nil {
			return failed(err, "profiles")
		}
		return nil
	}
	it := encoded.Value
	it[p.Key] = text(id)
	if _, err := p.Client.PutItem(ctx, &dynamodb.PutItemInput{TableName: &p.Table, Item: it}); err != nil {
		return failed(err, "profiles")
	}
	return nil
}

// What DynamoDB keeps, by its documentation's "Constraints": levels of lists
// and maps in an item, and the amounts of numbers.
const (
	maxDepth    = 32
	tooLarge    = 1e126
	closestTo0  = 1e-130
	amountsKept = "from 1e-130 to 9.9e125, positive or negative, or 0"
)

// unkept says what of an attribute DynamoDB can't keep, with levels of depth left.
func unkept(path, name string, v any, depth int) []fault.Detail {
	switch {
	case name == "":
		return []fault.Detail{{Path: path, Message: "an attribute must have a name"}}
	case depth == 0:
		return []fault.Detail{{Path: path, Message: fmt.Sprintf("it is nested more than %d levels deep", maxDepth)}}
	}
	var details []fault.Detail
	switch v := v.(type) {
	case float64:
		if n := math.Abs(v); n >= tooLarge || n != 0 && n < closestTo0 {
			details = append(details, fault.Detail{Path: path, Message: fmt.Sprintf("the number %g can't be kept: numbers are %s", v, amountsKept)})
		}
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(v)) {
			details = append(details, unkept(path+"."+name, name, v[name], depth-1)...)
		}
	case []any:
		for i, one := range v {
			details = append(details, unkept(fmt.Sprintf("%s[%d]", path, i), name, one, depth-1)...)
		}
	}
	return details
}

// values decodes an item: whole numbers that fit become int64, as schema.Decode
// has them, others float64.
func values(it item) (map[string]any, error) {
	out := make(map[string]any, len(it))
	for name, av := range it {
		v, err := value(av)
		if err != nil {
			return nil, err
		}
		out[name] = v
	}
	return out, nil
}

func value(av types.AttributeValue) (any, error) {
	switch av := av.(type) {
	case *types.AttributeValueMemberS:
		return av.Value, nil
	case *types.AttributeValueMemberBOOL:
		return av.Value, nil
	case *types.AttributeValueMemberN:
		return number(av.Value)
	case *types.AttributeValueMemberM:
		return values(av.Value)
	case *types.AttributeValueMemberL:
		out := make([]any, len(av.Value))
		for i, item := range av.Value {
			v, err := value(item)
			if err != nil {
				return nil, err
			}
			out[i] = v
		}
		return out, nil
	case *types.AttributeValueMemberSS:
		out := make([]any, len(av.Value))
		for i, s := range av.Value {
			out[i] = s
		}
		return out, nil
	case *types.AttributeValueMemberNS:
		out := make([]any, len(av.Value))
		for i, s := range av.Value {
			n, err := number(s)
			if err != nil {
				return nil, err
			}
			out[i] = n
		}
		return out, nil
	}
	return nil, nil // null, and bytes, which no expression can read
}

func number(s string) (any, error) {
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		return n, nil
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return nil, fmt.Errorf("reading a number of an item: %w", err)
	}
	return f, nil
}

// encode makes an attribute value of what schema.Decode gives.
func encode(v any) types.AttributeValue {
	switch v := v.(type) {
	case string:
		return text(v)
	case bool:
		return &types.AttributeValueMemberBOOL{Value: v}
	case int64:
		return &types.AttributeValueMemberN{Value: strconv.FormatInt(v, 10)}
	case float64:
		return &types.AttributeValueMemberN{Value: strconv.FormatFloat(v, 'g', -1, 64)}
	case map[string]any:
		out := item{}
		for name, item := range v {
			out[name] = encode(item)
		}
		return &types.AttributeValueMemberM{Value: out}
	case []any:
		out := make([]types.AttributeValue, len(v))
		for i, item := range v {
			out[i] = encode(item)
		}
		return &types.AttributeValueMemberL{Value: out}
	}
	return &types.AttributeValueMemberNULL{Value: true}
}
