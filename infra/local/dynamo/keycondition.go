package dynamo

import (
	"regexp"
	"strings"

	"github.com/truora/minidyn/interpreter/language"
)

// A keyCondition is what a query asks of an index: one partition, and perhaps
// some of its sort keys. minidyn has conditions on keys too, but they compare
// numbers as float64, and take what no query takes.
type keyCondition struct {
	hash string // the partition
	sort *keyTerm
}

// A keyTerm is one comparison: an operator of =, <, <=, >, >=, BETWEEN or
// begins_with, and its one or two operands.
type keyTerm struct {
	name   string
	op     string
	values []*value
	orders []order
}

var keyToken = regexp.MustCompile(`^\s*([#:][A-Za-z0-9_]+|[A-Za-z_][A-Za-z0-9_]*|<=|>=|<>|[=<>(),])`)

// operandToken is what is no operator and no sign.
var operandToken = regexp.MustCompile(`^[#:A-Za-z_]`)

// A keyParser reads terms that AND joins, in parentheses or not.
type keyParser struct {
	*expression
	tokens []string
	terms  []*keyTerm
}

func (e *expression) keyCondition(x *index) (*keyCondition, error) {
	if e.KeyConditionExpression == "" {
		return nil, invalid("Either the KeyConditions or KeyConditionExpression parameter must be specified in the request.")
	}
	p := &keyParser{expression: e}
	for rest := e.KeyConditionExpression; strings.TrimSpace(rest) != ""; {
		m := keyToken.FindStringSubmatch(rest)
		if m == nil {
			return nil, keySyntax(rest)
		}
		p.tokens, rest = append(p.tokens, m[1]), rest[len(m[0]):]
	}
	if err := p.all(); err != nil {
		return nil, err
	}
	if len(p.tokens) > 0 {
		return nil, keySyntax(p.tokens[0])
	}
	var c keyCondition
	found := false
	for _, term := range p.terms {
		switch {
		case term.name == x.hash.name && term.op == "=" && !found:
			if err := term.judge(x.hash); err != nil {
				return nil, err
			}
			c.hash, found = term.orders[0].String(), true
		case term.name == x.rng.name && c.sort == nil:
			if err := term.judge(x.rng); err != nil {
				return nil, err
			}
			c.sort = term
		case term.name != x.hash.name && term.name != x.rng.name:
			return nil, invalid("Query condition missed key schema element: %s is not part of the key", term.name)
		default:
			return nil, invalid("Query key condition not supported: %s %s", term.name, term.op)
		}
	}
	if !found {
		return nil, invalid("Query condition missed key schema element: %s", x.hash.name)
	}
	return &c, nil
}

func keySyntax(near string) error {
	return invalid("Invalid KeyConditionExpression: Syntax error; near: %q", near)
}

func (p *keyParser) next() string {
	if len(p.tokens) == 0 {
		return ""
	}
	token := p.tokens[0]
	p.tokens = p.tokens[1:]
	return token
}

func (p *keyParser) take(token string) error {
	if got := p.next(); !strings.EqualFold(got, token) {
		return keySyntax(got)
	}
	return nil
}

func (p *keyParser) is(token string) bool {
	return len(p.tokens) > 0 && strings.EqualFold(p.tokens[0], token)
}

func (p *keyParser) all() error {
	for {
		if err := p.one(); err != nil {
			return err
		}
		if !p.is("AND") {
			return nil
		}
		p.next()
	}
}

func (p *keyParser) one() error {
	if p.is("(") {
		p.next()
		if err := p.all(); err != nil {
			return err
		}
		return p.take(")")
	}
	term := &keyTerm{}
	p.terms = append(p.terms, term)
	if len(p.tokens) > 1 && p.tokens[1] == "(" {
		if term.op = p.next(); term.op != "begins_with" {
			return invalid("Invalid KeyConditionExpression: Invalid function or operator used: %s", term.op)
		}
		p.next()
		if err := p.operand(term); err != nil {
			return err
		}
		if err := p.take(","); err != nil {
			return err
		}
		if err := p.operand(term); err != nil {
			return err
		}
		return p.take(")")
	}
	if err := p.operand(term); err != nil {
		return err
	}
	turned := term.name == ""
	switch term.op = strings.ToUpper(p.next()); term.op {
	case "=", "<", "<=", ">", ">=":
		if turned {
			term.op = strings.NewReplacer("<", ">", ">", "<").Replace(term.op)
		}
		return p.operand(term)
	case "BETWEEN":
		if err := p.operand(term); err != nil {
			return err
		}
		if err := p.take("AND"); err != nil {
			return err
		}
		return p.operand(term)
	}
	return invalid("Invalid operator used in KeyConditionExpression: %s", term.op)
}

// operand reads a name or a placeholder of a value.
func (p *keyParser) operand(term *keyTerm) error {
	token := p.next()
	switch {
	case !operandToken.MatchString(token):
		return keySyntax(token)
	case token[0] == ':':
		term.values = append(term.values, p.ExpressionAttributeValues[token])
		return nil
	case token[0] != '#' && language.IsReservedWord(strings.ToUpper(token)):
		return invalid("Invalid KeyConditionExpression: Attribute name is a reserved keyword; reserved keyword: %s", token)
	case term.name != "":
		return keySyntax(token)
	}
	term.name = p.name(token)
	return nil
}

// judge checks a term's values against the key's type.
func (t *keyTerm) judge(k keyAttribute) error {
	want := 1
	if t.op == "BETWEEN" {
		want = 2
	}
	if len(t.values) != want {
		return keySyntax(t.op)
	}
	for _, v := range t.values {
		o, err := orderOf(v, k.kind)
		if err != nil {
			return invalid("One or more parameter values were invalid: Condition parameter type does not match schema type: %v", err)
		}
		t.orders = append(t.orders, o)
	}
	switch {
	case t.op == "BETWEEN" && t.orders[0].compare(t.orders[1]) > 0:
		return between("KeyConditionExpression", t.values[0], t.values[1])
	case t.op == "begins_with" && k.kind == "N":
		return invalid("Invalid KeyConditionExpression: Incorrect operand type for operator or function; operator or function: begins_with, operand type: N")
	}
	return nil
}

func between(where string, low, high *value) error {
	return invalid("Invalid %s: The BETWEEN operator requires upper bound to be greater than or equal to lower bound; "+
		"lower bound operand: AttributeValue: %s, upper bound operand: AttributeValue: %s", where, operand(low), operand(high))
}

// operand writes a value that can be a bound as DynamoDB's messages do.
func operand(v *value) string {
	switch {
	case v.S != nil:
		return "{S:" + *v.S + "}"
	case v.N != nil:
		return "{N:" + *v.N + "}"
	}
	return "{B:…}"
}

// holds says whether a sort key is one that the query asks for.
func (c *keyCondition) holds(at order) bool {
	if c.sort == nil {
		return true
	}
	to := at.compare(c.sort.orders[0])
	switch c.sort.op {
	case "=":
		return to == 0
	case "<":
		return to < 0
	case "<=":
		return to <= 0
	case ">":
		return to > 0
	case ">=":
		return to >= 0
	case "BETWEEN":
		return to >= 0 && at.compare(c.sort.orders[1]) <= 0
	}
	return strings.HasPrefix(at.text, c.sort.orders[0].text)
}
