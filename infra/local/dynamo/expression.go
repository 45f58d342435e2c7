package dynamo

import (
	"errors"
	"regexp"
	"sort"
	"strings"

	"github.com/truora/minidyn/interpreter"

	"github.com/waypost/waypost/infra/local/awsport/awsjson"
)

// An expression is the part of a request that its expressions and their
// placeholders make up.
type expression struct {
	ConditionExpression       string
	UpdateExpression          string
	KeyConditionExpression    string
	FilterExpression          string
	ProjectionExpression      string
	ExpressionAttributeNames  map[string]string
	ExpressionAttributeValues item
}

var placeholder = regexp.MustCompile(`[#:][A-Za-z0-9_]+`)

// check refuses what DynamoDB refuses before it looks at any item: values that
// are not valid, and placeholders that are not defined, or not used.
func (e *expression) check() error {
	if err := e.ExpressionAttributeValues.valid(); err != nil {
		return err
	}
	used := map[string]bool{}
	for _, text := range []string{e.ConditionExpression, e.UpdateExpression, e.KeyConditionExpression, e.FilterExpression, e.ProjectionExpression} {
		for _, p := range placeholder.FindAllString(text, -1) {
			used[p] = true
		}
	}
	for p := range used {
		if p[0] == '#' && e.ExpressionAttributeNames[p] == "" {
			return invalid("An expression attribute name used in the document path is not defined; attribute name: %s", p)
		}
		if p[0] == ':' && e.ExpressionAttributeValues[p] == nil {
			return invalid("An expression attribute value used in expression is not defined; attribute value: %s", p)
		}
	}
	if unused := missing(e.ExpressionAttributeNames, used); unused != "" {
		return invalid("Value provided in ExpressionAttributeNames unused in expressions: keys: {%s}", unused)
	}
	if unused := missing(e.ExpressionAttributeValues, used); unused != "" {
		return invalid("Value provided in ExpressionAttributeValues unused in expressions: keys: {%s}", unused)
	}
	return e.bounds()
}

var bounds = regexp.MustCompile(`(?i)\bBETWEEN\s+(:[A-Za-z0-9_]+)\s+AND\s+(:[A-Za-z0-9_]+)`)

// bounds refuses a BETWEEN whose bounds are the wrong way round, or of two types.
func (e *expression) bounds() error {
	for what, text := range map[string]string{"ConditionExpression": e.ConditionExpression, "FilterExpression": e.FilterExpression} {
		for _, m := range bounds.FindAllStringSubmatch(text, -1) {
			for _, kind := range []string{"S", "N", "B"} {
				from, to := e.ExpressionAttributeValues[m[1]], e.ExpressionAttributeValues[m[2]]
				low, err := orderOf(from, kind)
				if err != nil {
					continue
				}
				high, err := orderOf(to, kind)
				switch {
				case err != nil:
					return invalid("Invalid %s: The BETWEEN operator requires same data type for lower and upper bounds", what)
				case low.compare(high) > 0:
					return between(what, from, to)
				}
			}
		}
	}
	return nil
}

// missing lists the keys that are not used.
func missing[V any](defined map[string]V, used map[string]bool) string {
	var keys []string
	for k := range defined {
		if !used[k] {
			keys = append(keys, k)
		}
	}
	sort.Strings(keys)
	return strings.Join(keys, ", ")
}

func (e *expression) match(text string, kind interpreter.ExpressionType, it item) (bool, error) {
	ok, err := new(interpreter.Language).Match(interpreter.MatchInput{
		Expression: text, ExpressionType: kind, Item: it,
		Aliases: e.ExpressionAttributeNames, Attributes: e.ExpressionAttributeValues,
	})
	if err != nil {
		return false, invalid("Invalid expression: %v", err)
	}
	return ok, nil
}

// holds evaluates the condition on an item, nil where there is none. The error
// of a condition that does not hold is DynamoDB's, with the item if wanted.
func (e *expression) holds(it item, returnOld string) error {
	if e.ConditionExpression == "" {
		return nil
	}
	subject := it
	if subject == nil {
		subject = item{}
	}
	ok, err := e.match(e.ConditionExpression, interpreter.ExpressionTypeConditional, subject)
	if err != nil || ok {
		return err
	}
	failed := awsjson.Errorf("ConditionalCheckFailedException", "The conditional request failed")
	if returnOld == "ALL_OLD" && it != nil {
		failed.Fields = map[string]any{"Item": it}
	}
	return failed
}

// conditionFailed gives the error of a condition that does not hold, if err is one.
func conditionFailed(err error) (*awsjson.Error, bool) {
	e, ok := errors.AsType[*awsjson.Error](err)
	return e, ok && e.Code == "ConditionalCheckFailedException"
}

// update applies the update to a copy of an item. The interpreter leaves
// four things to mend: it does not remove whole attributes, it leaves sets
// empty, it rewrites numbers that the update does not touch, and it writes sums
// in a form of its own.
func (e *expression) update(old item) (item, error) {
	work := old.clone()
	err := new(interpreter.Language).Update(interpreter.UpdateInput{
		Expression: e.UpdateExpression, Item: work,
		Aliases: e.ExpressionAttributeNames, Attributes: e.ExpressionAttributeValues,
	})
	if err != nil {
		return nil, invalid("Invalid UpdateExpression: %v", err)
	}
	for _, t := range e.targets() {
		name, whole := e.targetName(t)
		if v := work[name]; whole && (t.clause == "REMOVE" || t.clause == "DELETE" && v != nil && len(v.SS)+len(v.NS)+len(v.BS) == 0) {
			delete(work, name)
		}
	}
	for name, v := range work {
		if before, ok := old[name]; ok && alike(before, v) {
			work[name] = before
		} else if err := validValue(v, maxDepth); err != nil {
			return nil, invalid("One or more parameter values were invalid: %s: %v", name, err)
		}
	}
	return work, nil
}
