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
	for _, x := range []struct{ name, text string }{{"KeyConditionExpression", e.KeyConditionExpression},
		{"ConditionExpression", e.ConditionExpression}, {"FilterExpression", e.FilterExpression}} {
		if err := e.checkBounds(x.name, x.text); err != nil {
			return err
		}
	}
	if unused := missing(e.ExpressionAttributeNames, used); unused != "" {
		return invalid("Value provided in ExpressionAttributeNames unused in expressions: keys: {%s}", unused)
	}
	if unused := missing(e.ExpressionAttributeValues, used); unused != "" {
		return invalid("Value provided in ExpressionAttributeValues unused in expressions: keys: {%s}", unused)
	}
	return nil
}

var between = regexp.MustCompile(`(?i)\bBETWEEN\s+(:[A-Za-z0-9_]+)\s+AND\s+(:[A-Za-z0-9_]+)`)

// checkBounds refuses a BETWEEN that no value can be in: DynamoDB does not
// answer it with nothing.
func (e *expression) checkBounds(name, text string) error {
	for _, m := range between.FindAllStringSubmatch(text, -1) {
		lower, upper := e.ExpressionAttributeValues[m[1]], e.ExpressionAttributeValues[m[2]]
		for _, kind := range []string{"S", "N", "B"} {
			from, noFrom := orderOf(lower, kind)
			to, noTo := orderOf(upper, kind)
			rule := ""
			switch {
			case (noFrom == nil) != (noTo == nil):
				rule = "same data type for lower and upper bounds"
			case noFrom == nil && from.compare(to) > 0:
				rule = "upper bound to be greater than or equal to lower bound"
			default:
				continue
			}
			return invalid("Invalid %s: The BETWEEN operator requires %s; lower bound operand: AttributeValue: %s, upper bound operand: AttributeValue: %s",
				name, rule, shown(lower), shown(upper))
		}
	}
	return nil
}

// shown is a key attribute's value as DynamoDB's messages show it.
func shown(v *value) string {
	switch {
	case v.S != nil:
		return "{S:" + *v.S + "}"
	case v.N != nil:
		return "{N:" + *v.N + "}"
	}
	return "{B:" + string(v.B) + "}"
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

// project applies the projection, if there is one.
func (e *expression) project(it item) (item, error) {
	if e.ProjectionExpression == "" || it == nil {
		return it, nil
	}
	out, err := new(interpreter.Language).Project(interpreter.ProjectInput{
		Expression: e.ProjectionExpression, Item: it, Aliases: e.ExpressionAttributeNames,
	})
	if err != nil {
		return nil, invalid("Invalid ProjectionExpression: %v", err)
	}
	return out, nil
}

// update applies the update to a copy of an item. The interpreter leaves two
// things to mend: it does not remove whole attributes, and it rewrites numbers
// that the update does not touch.
func (e *expression) update(old item) (item, error) {
	work := old.clone()
	err := new(interpreter.Language).Update(interpreter.UpdateInput{
		Expression: e.UpdateExpression, Item: work,
		Aliases: e.ExpressionAttributeNames, Attributes: e.ExpressionAttributeValues,
	})
	if err != nil {
		return nil, invalid("Invalid UpdateExpression: %v", err)
	}
	for _, name := range e.removed() {
		delete(work, name)
	}
	for name, v := range work {
		if before, ok := old[name]; ok && alike(before, v) {
			work[name] = before
		}
	}
	return work, nil
}

var clause = regexp.MustCompile(`(?i)(^|[\s,])(SET|REMOVE|ADD|DELETE)\s`)

// removed lists the attributes that REMOVE takes away whole.
func (e *expression) removed() []string {
	var names []string
	at := clause.FindAllStringSubmatchIndex(e.UpdateExpression, -1)
	for i, m := range at {
		if !strings.EqualFold(e.UpdateExpression[m[4]:m[5]], "REMOVE") {
			continue
		}
		end := len(e.UpdateExpression)
		if i+1 < len(at) {
			end = at[i+1][0]
		}
		for path := range strings.SplitSeq(e.UpdateExpression[m[1]:end], ",") {
			path = strings.TrimSpace(path)
			if strings.ContainsAny(path, ".[") {
				continue
			}
			if name, ok := e.ExpressionAttributeNames[path]; ok {
				path = name
			}
			names = append(names, path)
		}
	}
	return names
}
