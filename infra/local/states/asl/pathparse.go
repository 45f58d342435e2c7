package asl

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// ParsePath reads a path. The error says what is not understood, by name.
func ParsePath(text string) (*Path, error) {
	p := &pathParser{text: text}
	if !strings.HasPrefix(text, "$") {
		return nil, fmt.Errorf("a path begins with '$', but this is %q", text)
	}
	p.pos = 1
	context := p.accept("$")
	steps, err := p.steps()
	if err != nil {
		return nil, err
	}
	if p.pos < len(text) {
		return nil, p.unexpected()
	}
	path := &Path{text: text, context: context, steps: steps, definite: true}
	for _, s := range steps {
		path.definite = path.definite && (s.kind == stepName || s.kind == stepIndex)
	}
	return path, nil
}

// ParseReference reads a reference path: one that can name a single place
// only. ResultPath, and every field whose value must be one thing, takes these.
func ParseReference(text string) (*Path, error) {
	p, err := ParsePath(text)
	if err != nil {
		return nil, err
	}
	for _, s := range p.steps {
		if s.kind != stepName && s.kind != stepIndex || s.index < 0 {
			return nil, fmt.Errorf("%q is not a reference path: only names and indexes may follow the '$'", text)
		}
	}
	return p, nil
}

type pathParser struct {
	text  string
	pos   int
	depth int // of filters in filters
}

func (p *pathParser) accept(s string) bool {
	if strings.HasPrefix(p.text[p.pos:], s) {
		p.pos += len(s)
		return true
	}
	return false
}

func (p *pathParser) spaces() {
	for p.pos < len(p.text) && p.text[p.pos] == ' ' {
		p.pos++
	}
}

func (p *pathParser) unexpected() error {
	if p.pos >= len(p.text) {
		return fmt.Errorf("the path %q ends too early", p.text)
	}
	return fmt.Errorf("%q is not understood at position %d of the path %q", p.text[p.pos:], p.pos+1, p.text)
}

// steps reads all that may follow a "$" or, in a filter, an "@".
func (p *pathParser) steps() ([]step, error) {
	var steps []step
	for p.pos < len(p.text) {
		var s step
		var err error
		switch {
		case p.accept(".."):
			steps = append(steps, step{kind: stepDeep})
			switch {
			case p.accept("*"):
				s = step{kind: stepWild}
			case strings.HasPrefix(p.text[p.pos:], "["):
				p.pos++
				s, err = p.bracket()
			default:
				s, err = p.name()
			}
		case p.accept(".*"):
			s = step{kind: stepWild}
		case p.accept("."):
			s, err = p.name()
		case p.accept("["):
			s, err = p.bracket()
		default:
			return steps, nil
		}
		if err != nil {
			return nil, err
		}
		steps = append(steps, s)
	}
	return steps, nil
}

// nameByte says whether a byte may be in a name that is not quoted.
func nameByte(c byte) bool {
	return c >= 0x80 || c == '_' || c == '-' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

// name reads a name after a dot. What has other characters goes in brackets
// and quotes.
func (p *pathParser) name() (step, error) {
	start := p.pos
	for p.pos < len(p.text) && nameByte(p.text[p.pos]) {
		p.pos++
	}
	if p.pos == start {
		return step{}, p.unexpected()
	}
	if p.pos < len(p.text) && p.text[p.pos] == '(' {
		return step{}, fmt.Errorf("the path function %q is not implemented", p.text[start:p.pos]+"()")
	}
	return step{kind: stepName, name: p.text[start:p.pos]}, nil
}

// bracket reads what follows a "[", and the "]".
func (p *pathParser) bracket() (step, error) {
	p.spaces()
	if p.pos >= len(p.text) {
		return step{}, p.unexpected()
	}
	var s step
	var err error
	switch c := p.text[p.pos]; {
	case c == '*':
		p.pos++
		s = step{kind: stepWild}
	case c == '?':
		p.pos++
		s, err = p.filterStep()
	case c == '\'' || c == '"':
		s = step{kind: stepName}
		s.name, err = p.quoted()
		if p.spaces(); err == nil && p.pos < len(p.text) && p.text[p.pos] == ',' {
			// It would select an object with these names, not a list of values:
			// a trap that no machine here needs.
			err = errors.New("a union of names ['a','b'] is not implemented")
		}
	case c == '(': // Jayway's [(@.length-1)]
		err = errors.New("an index that is computed [(…)] is not implemented")
	default:
		s, err = p.numbers()
	}
	if err != nil {
		return step{}, err
	}
	p.spaces()
	if !p.accept("]") {
		return step{}, p.unexpected()
	}
	return s, nil
}

// quoted reads a name in quotes. A backslash stands for itself, unless the
// quote or a backslash follows it.
func (p *pathParser) quoted() (string, error) {
	quote := p.text[p.pos]
	p.pos++
	var b strings.Builder
	for p.pos < len(p.text) {
		c := p.text[p.pos]
		p.pos++
		switch {
		case c == quote:
			return b.String(), nil
		case c == '\\' && p.pos < len(p.text) && (p.text[p.pos] == '\'' || p.text[p.pos] == '\\'):
			b.WriteByte(p.text[p.pos])
			p.pos++
		default:
			b.WriteByte(c)
		}
	}
	return "", p.unexpected()
}

// numbers reads an index, a union of indexes, or a slice.
func (p *pathParser) numbers() (step, error) {
	first, err := p.number()
	if err != nil {
		return step{}, err
	}
	p.spaces()
	switch {
	case p.accept(":"):
		p.spaces()
		to, err := p.number()
		if err != nil {
			return step{}, err
		}
		p.spaces()
		if p.pos < len(p.text) && p.text[p.pos] == ':' {
			return step{}, errors.New("a slice with a step [a:b:c] is not implemented")
		}
		return step{kind: stepSlice, from: first, to: to}, nil
	case first == nil:
		return step{}, p.unexpected()
	case p.pos < len(p.text) && p.text[p.pos] == ',':
		indexes := []int{*first}
		for p.accept(",") {
			p.spaces()
			i, err := p.number()
			if err != nil {
				return step{}, err
			}
			if i == nil {
				return step{}, p.unexpected()
			}
			indexes = append(indexes, *i)
			p.spaces()
		}
		return step{kind: stepUnion, indexes: indexes}, nil
	}
	return step{kind: stepIndex, index: *first}, nil
}

// number reads a whole number, or gives nil where there is none.
func (p *pathParser) number() (*int, error) {
	start := p.pos
	if p.pos < len(p.text) && p.text[p.pos] == '-' {
		p.pos++
	}
	for p.pos < len(p.text) && p.text[p.pos] >= '0' && p.text[p.pos] <= '9' {
		p.pos++
	}
	if p.pos == start {
		return nil, nil
	}
	n, err := strconv.ParseInt(p.text[start:p.pos], 10, 32)
	if err != nil {
		return nil, fmt.Errorf("%q is no index, in the path %q", p.text[start:p.pos], p.text)
	}
	i := int(n)
	return &i, nil
}
