package dynamo

import (
	"regexp"
	"strings"
)

var clause = regexp.MustCompile(`(?i)(^|[\s,])(SET|REMOVE|ADD|DELETE)\s`)

// A target is what one action of an update changes.
type target struct {
	clause string // SET, REMOVE, ADD or DELETE
	path   string // a document path, with its placeholders
	rest   string // what follows the path
}

// name is the target's top-level attribute; whole says that it is all of it.
func (e *expression) targetName(t target) (name string, whole bool) {
	top := t.path
	if i := strings.IndexAny(top, ".["); i >= 0 {
		top = top[:i]
	}
	return e.name(top), top == t.path
}

// targets lists what the update changes. It takes the expression for one that
// parses: the interpreter says if it does not.
func (e *expression) targets() []target {
	var list []target
	at := clause.FindAllStringSubmatchIndex(e.UpdateExpression, -1)
	for i, m := range at {
		end := len(e.UpdateExpression)
		if i+1 < len(at) {
			end = at[i+1][0]
		}
		kind := strings.ToUpper(e.UpdateExpression[m[4]:m[5]])
		for _, action := range actions(e.UpdateExpression[m[1]:end]) {
			path, rest := strings.TrimSpace(action), ""
			if j := strings.IndexAny(path, " \t\n="); j >= 0 {
				path, rest = path[:j], strings.TrimSpace(path[j:])
			}
			list = append(list, target{kind, path, rest})
		}
	}
	return list
}

// actions splits a clause at the commas that are not within parentheses.
func actions(s string) []string {
	var list []string
	depth, from := 0, 0
	for i, r := range s {
		switch r {
		case '(':
			depth++
		case ')':
			depth--
		case ',':
			if depth == 0 {
				list = append(list, s[from:i])
				from = i + 1
			}
		}
	}
	return append(list, s[from:])
}

// checkTargets refuses what no update may change: a key, one path twice or one
// below another, and by ADD and DELETE what they don't take.
func (e *expression) checkTargets(keys []keyAttribute) error {
	targets := e.targets()
	var paths []string
	for _, t := range targets {
		paths = append(paths, t.path)
		name, _ := e.targetName(t)
		for _, k := range keys {
			if name == k.name {
				return invalid("One or more parameter values were invalid: Cannot update attribute %s. This attribute is part of the key", k.name)
			}
		}
		v := e.ExpressionAttributeValues[t.rest]
		isSet := v != nil && (v.SS != nil || v.NS != nil || v.BS != nil)
		if t.clause == "ADD" && (v == nil || v.N == nil && !isSet) || t.clause == "DELETE" && !isSet {
			return invalid("Invalid UpdateExpression: Incorrect operand type for operator or function; operator: %s", t.clause)
		}
	}
	if len(paths) == 0 {
		return nil // the interpreter says what is wrong
	}
	_, err := e.parsePaths("UpdateExpression", paths)
	return err
}
