package mapping

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/parser"

	"github.com/waypost/waypost/shared/fault"
	"github.com/waypost/waypost/shared/schema"
)

// maxSource is how long an expression may be, in bytes.
const maxSource = 4096

// An Expression is one expression of the mapping language.
type Expression struct {
	source string
	text   string // the string that holds the source, for places in it
	offset int    // of the source in text, in characters
	tree   ast.Node
	eval   eval
	slots  int // variables of one evaluation
	reads  reads
	timed  bool // a time or duration may be part of the result
}

// ParseExpression reads a bare expression. Its error is a fault.Error of code
// Invalid, with the line and column, from 1, in the expression.
func ParseExpression(source string) (*Expression, error) {
	tree, problem := parseSource(source)
	var x *Expression
	var details []fault.Detail
	if problem != nil {
		details = []fault.Detail{problem.detail(source, 0)}
	} else {
		x, details = compile(tree, source, source, 0, nil)
	}
	if len(details) > 0 {
		return nil, fault.Document("the expression is not valid", details)
	}
	return x, nil
}

// Source gives the expression as it was written.
func (x *Expression) Source() string { return strings.TrimSpace(x.source) }

// Eval gives the expression's value for env, as Template.Eval does.
func (x *Expression) Eval(env Env) (any, error) {
	return x.run(&frame{env: env, budget: budget})
}

// True says whether a condition holds for env. Nil is false; any value but a
// boolean is an error.
func (x *Expression) True(env Env) (bool, error) {
	v, err := x.Eval(env)
	if err != nil {
		return false, err
	}
	switch v := v.(type) {
	case nil:
		return false, nil
	case bool:
		return v, nil
	}
	return false, x.failed(&evalError{message: "a condition must be true or false, this is " + nameOf(v)})
}

// Check types the expression against a scope, as Template.Check does.
func (x *Expression) Check(scope Scope) (schema.Type, error) {
	typ, details := x.check(scope)
	return typ, fault.Document("the expression does not fit what it reads", details)
}

// References lists what the expression reads.
func (x *Expression) References() References {
	var r References
	r.add(x.reads)
	return r.minimal()
}

// detail is a fault at a place of the expression.
func (x *Expression) detail(at file.Location, message string) fault.Detail {
	line, column := place(x.text, x.offset+at.From)
	return fault.Detail{Rule: "expression", Message: message, Line: line, Column: column}
}

// failed wraps what went wrong in an evaluation.
func (x *Expression) failed(err error) error {
	message := "it could not be evaluated"
	var at file.Location
	if e, ok := errors.AsType[*evalError](err); ok {
		message, at = e.message, e.at
	}
	source := x.Source()
	if utf8.RuneCountInString(source) > 200 {
		source = string([]rune(source)[:200]) + "…"
	}
	return &fault.Error{
		Code:    fault.Invalid,
		Message: fmt.Sprintf("the expression %s failed", source),
		Details: []fault.Detail{x.detail(at, message)},
	}
}

// A syntaxError is what the parser refused, and where in the source.
type syntaxError struct {
	at      int // in characters
	message string
}

func (e *syntaxError) detail(text string, start int) fault.Detail {
	line, column := place(text, utf8.RuneCountInString(text[:start])+e.at)
	return fault.Detail{Rule: "expression", Message: e.message, Line: line, Column: column}
}

// place gives the line and column, from 1, of a character of text.
func place(text string, character int) (line, column int) {
	line, column = 1, 1
	for _, r := range text {
		if character--; character < 0 {
			break
		}
		column++
		if r == '\n' {
			line, column = line+1, 1
		}
	}
	return line, column
}

// parseSource runs expr-lang's parser.
func parseSource(source string) (tree ast.Node, problem *syntaxError) {
	if len(source) > maxSource {
		return nil, &syntaxError{message: fmt.Sprintf("the expression is too long: %d bytes, where %d are allowed", len(source), maxSource)}
	}
	if !utf8.ValidString(source) {
		return nil, &syntaxError{message: "the expression is not UTF-8"}
	}
	// The parser is fuzzed, but it is not ours: a defect of it fails one document.
	defer func() {
		if recover() != nil {
			tree, problem = nil, &syntaxError{message: "the expression cannot be read"}
		}
	}()
	parsed, err := parser.Parse(source)
	if err == nil {
		return parsed.Node, nil
	}
	e, ok := errors.AsType[*file.Error](err)
	if !ok {
		return nil, &syntaxError{message: "the expression cannot be read"}
	}
	return nil, &syntaxError{at: max(e.From, 0), message: plain(e.Message)}
}

// plain puts a message of the parser into words: its tokens are written as
// Kind("text"), and its messages may go over several lines.
func plain(message string) string {
	message, _, _ = strings.Cut(message, "\n")
	message, _, _ = strings.Cut(message, ": strconv.")
	before, token, ok := strings.Cut(message, "unexpected token ")
	if !ok {
		return strings.ToLower(message[:min(1, len(message))]) + message[min(1, len(message)):]
	}
	switch kind, rest, _ := strings.Cut(token, "("); {
	case kind == "EOF":
		return "the expression ends too early"
	case rest != "":
		token, _ = strconv.QuotedPrefix(rest)
		token, _ = strconv.Unquote(token)
	}
	return strings.TrimSuffix(strings.ReplaceAll(before, " (", "; "), "; ") + joiner(before) + "unexpected " + token
}

// joiner stands between what must be and what is there instead.
func joiner(before string) string {
	if before == "" {
		return ""
	}
	return "; "
}
