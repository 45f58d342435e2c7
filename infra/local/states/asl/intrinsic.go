package asl

import (
	"errors"
	"fmt"
	"strings"

	"github.com/waypost/waypost/infra/local/states/value"
)

// A call is one use of an intrinsic function, such as
// States.Format('Hi {}', $.name).
type call struct {
	text string
	name string
	fn   function
	args []argument
}

// An argument is a constant, a path, or another call. A string constant keeps
// its text with the escapes too, since States.Format reads them itself.
type argument struct {
	constant any
	raw      string
	path     *Path
	call     *call
}

// A FunctionError says that an intrinsic function could not be computed.
type FunctionError struct{ Call, Reason string }

func (e *FunctionError) Error() string {
	return fmt.Sprintf("The function '%s' had the following error: %s", e.Call, e.Reason)
}

func (c *call) eval(data, context any) (any, error) {
	args := make([]any, len(c.args))
	for i, a := range c.args {
		v, err := a.eval(data, context)
		if err != nil {
			return nil, err
		}
		args[i] = v
	}
	if c.name == "States.Format" && c.args[0].raw != "" {
		args[0] = c.args[0].raw
	}
	v, err := c.fn.eval(args)
	if err != nil {
		return nil, &FunctionError{Call: c.text, Reason: err.Error()}
	}
	return v, nil
}

func (a *argument) eval(data, context any) (any, error) {
	switch {
	case a.path != nil:
		return a.path.Get(data, context)
	case a.call != nil:
		return a.call.eval(data, context)
	}
	return a.constant, nil
}

// usesContext says whether any path in the call reads the context object.
func (c *call) usesContext() bool {
	for _, a := range c.args {
		if a.path != nil && a.path.context || a.call != nil && a.call.usesContext() {
			return true
		}
	}
	return false
}

// callDepth bounds calls within calls; AWS allows ten.
const callDepth = 10

func parseCall(text string) (*call, error) {
	p := &callParser{text: text}
	c, err := p.call(1)
	if err != nil {
		return nil, err
	}
	if p.spaces(); p.pos < len(text) {
		return nil, fmt.Errorf("%q is more than the call of a function", text)
	}
	return c, nil
}

type callParser struct {
	text string
	pos  int
}

func (p *callParser) spaces() {
	for p.pos < len(p.text) && strings.IndexByte(" \t\r\n", p.text[p.pos]) >= 0 {
		p.pos++
	}
}

func (p *callParser) peek() byte {
	p.spaces()
	if p.pos < len(p.text) {
		return p.text[p.pos]
	}
	return 0
}

func (p *callParser) call(depth int) (*call, error) {
	if depth > callDepth {
		return nil, fmt.Errorf("functions are nested deeper than %d", callDepth)
	}
	start := p.pos
	for p.pos < len(p.text) && (nameByte(p.text[p.pos]) || p.text[p.pos] == '.') {
		p.pos++
	}
	name := p.text[start:p.pos]
	fn, ok := lookup(name)
	if !ok {
		return nil, fmt.Errorf("there is no function %q", name)
	}
	if p.peek() != '(' {
		return nil, fmt.Errorf("the function %s lacks its parentheses", name)
	}
	p.pos++
	c := &call{name: name, fn: fn}
	for p.peek() != ')' || len(c.args) > 0 {
		a, err := p.argument(depth)
		if err != nil {
			return nil, err
		}
		c.args = append(c.args, a)
		next := p.peek()
		if next == ')' {
			break
		}
		if next != ',' {
			return nil, fmt.Errorf("an argument of %s is followed by neither ',' nor ')'", name)
		}
		p.pos++
	}
	p.pos++
	c.text = p.text[start:p.pos]
	if n := len(c.args); n < fn.least || fn.most >= 0 && n > fn.most {
		return nil, fmt.Errorf("%s takes %s, not %d", name, fn.arity(), n)
	}
	return c, nil
}

func (p *callParser) argument(depth int) (argument, error) {
	switch c := p.peek(); {
	case c == '\'':
		return p.quoted()
	case c == '$':
		start := p.pos
		p.skipPath()
		path, err := ParsePath(p.text[start:p.pos])
		return argument{path: path}, err
	case c == 'S':
		inner, err := p.call(depth + 1)
		return argument{call: inner}, err
	}
	start := p.pos
	for p.pos < len(p.text) && (nameByte(p.text[p.pos]) || strings.IndexByte("+.", p.text[p.pos]) >= 0) {
		p.pos++
	}
	text := p.text[start:p.pos]
	v, err := value.Decode([]byte(text))
	if err != nil {
		return argument{}, fmt.Errorf("%q is no argument: a string in single quotes, a number, true, false, null, a path or a function is", text)
	}
	return argument{constant: v}, nil
}

// skipPath moves to the end of a path: a comma or parenthesis outside of its
// brackets, or a space.
func (p *callParser) skipPath() {
	depth, quote := 0, byte(0)
	for ; p.pos < len(p.text); p.pos++ {
		c := p.text[p.pos]
		switch {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case depth > 0 && (c == '\'' || c == '"'):
			quote = c
		case c == '[':
			depth++
		case c == ']':
			depth--
		case depth <= 0 && (c == ',' || c == ')' || c == ' '):
			return
		}
	}
}

var errEscape = errors.New(`a backslash in a string stands before ', \, { or } alone`)

// quoted reads a string in single quotes.
func (p *callParser) quoted() (argument, error) {
	p.pos++
	start := p.pos
	var b strings.Builder
	for p.pos < len(p.text) {
		c := p.text[p.pos]
		switch c {
		case '\'':
			raw := p.text[start:p.pos]
			p.pos++
			return argument{constant: b.String(), raw: raw}, nil
		case '\\':
			p.pos++
			if p.pos >= len(p.text) || strings.IndexByte(`'\{}`, p.text[p.pos]) < 0 {
				return argument{}, errEscape
			}
			c = p.text[p.pos]
		}
		b.WriteByte(c)
		p.pos++
	}
	return argument{}, errors.New("a string lacks its closing quote")
}
