// Package fault is the one error type that crosses Waypost's package borders.
//
// An Error has a code, which each edge maps to what its caller understands (an
// HTTP status, a Step Functions error name), a public message for the person
// who can mend it, and a private cause for the log. Only Message and Details
// ever leave the process: Cause may hold an SDK's text and is never shown.
package fault

import (
	"errors"
	"fmt"
	"strings"
)

// A Code says what kind of thing went wrong, and so who can mend it.
type Code string

const (
	// Invalid is input that was understood but breaks a rule; Details say where.
	Invalid Code = "invalid"
	// Malformed is input that could not be read at all, such as broken JSON.
	Malformed Code = "malformed"
	// NotFound is a thing that is named but does not exist.
	NotFound Code = "not_found"
	// Conflict is a request that the present state of things forbids.
	Conflict Code = "conflict"
	// TooLarge is input over a size limit.
	TooLarge Code = "too_large"
	// Unsupported is a content type or method that is not served.
	Unsupported Code = "unsupported"
	// Forbidden is a request that this caller, origin or address may not make.
	Forbidden Code = "forbidden"
	// Unavailable is a passing failure of something that Waypost depends on:
	// the same request may succeed later.
	Unavailable Code = "unavailable"
	// Internal is a defect or an unknown error; its cause is only in the log.
	Internal Code = "internal"
)

// A Detail is one thing wrong with a document, at one place in it.
type Detail struct {
	// Path is where: dotted, from the document's root ("contract.body.to").
	Path string `json:"path,omitempty"`
	// Rule is the name of the rule that was broken ("required", "type"), if it has one.
	Rule string `json:"rule,omitempty"`
	// Message says what is wrong and what would be right.
	Message string `json:"message"`
	// Suggestion is the nearest right name, where a name was wrong.
	Suggestion string `json:"suggestion,omitempty"`
	// Line and Column, from 1, say where in the text, where that is known.
	Line   int `json:"line,omitempty"`
	Column int `json:"column,omitempty"`
}

// String puts the detail in one line: its path, then its message.
func (d Detail) String() string {
	if d.Path == "" {
		return d.Message
	}
	return d.Path + ": " + d.Message
}

// An Error is a failure with a public side and a private one.
type Error struct {
	Code    Code
	Message string   // for the caller: a sentence without an SDK's text, a stack or a secret
	Details []Detail // where and why, for documents
	Cause   error    // for the log alone
}

// Error gives the public message with its details, and the cause's text: it
// is what a log shows. Callers are shown Message and Details only.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Message)
	for i, d := range e.Details {
		if i == 0 {
			b.WriteString(": ")
		} else {
			b.WriteString("; ")
		}
		b.WriteString(d.String())
	}
	if e.Cause != nil {
		fmt.Fprintf(&b, " (%v)", e.Cause)
	}
	return b.String()
}

// Unwrap gives the private cause.
func (e *Error) Unwrap() error { return e.Cause }

// New makes an Error with a public message.
func New(code Code, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

// Wrap makes an Error with a public message around a private cause.
func Wrap(cause error, code Code, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...), Cause: cause}
}

// Document makes an Invalid error about a document, or nil where there is no detail.
func Document(what string, details []Detail) error {
	if len(details) == 0 {
		return nil
	}
	return &Error{Code: Invalid, Message: what, Details: details}
}

// CodeOf gives the code of the outermost Error in err's chain, or Internal.
func CodeOf(err error) Code {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Code
	}
	return Internal
}

// Is says whether err is an Error of this code.
func Is(err error, code Code) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && e.Code == code
}

// Public gives what a caller may be told of err: its Error's message, or a
// sentence that says nothing where err is of an unknown kind.
func Public(err error) string {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Message
	}
	return "an internal error; its details are in the log"
}

// Line gives what a caller may be told of err in one line: its Error's message
// and details.
func Line(err error) string {
	e, ok := errors.AsType[*Error](err)
	if !ok {
		return Public(err)
	}
	shown := &Error{Message: e.Message, Details: e.Details}
	return shown.Error()
}

// Details gives what err says of places in a document: its Error's details,
// or its public message as the one detail of the whole.
func Details(err error) []Detail {
	if e, ok := errors.AsType[*Error](err); ok && len(e.Details) > 0 {
		return append([]Detail(nil), e.Details...)
	}
	return []Detail{{Message: Public(err)}}
}

// Under puts details below a path.
func Under(path string, details []Detail) []Detail {
	out := make([]Detail, len(details))
	for i, d := range details {
		d.Path = strings.TrimSuffix(path+"."+d.Path, ".")
		out[i] = d
	}
	return out
}
