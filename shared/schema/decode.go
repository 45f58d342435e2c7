package schema

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/waypost/waypost/shared/fault"
)

// maxDepth is how deep arrays and objects may be nested. Step Functions and
// DynamoDB (32 levels) both stop earlier; this only keeps the stack in bounds.
const maxDepth = 100

// Decode reads one JSON value (RFC 8259), strictly: text after the value, a key
// that occurs twice in one object, bytes that are not UTF-8, half a surrogate
// pair, a number beyond a float64's range and nesting deeper than 100 are all
// refused, as is anything else that the RFC does not allow.
//
// Objects become map[string]any, arrays []any, and null nil. A number that is
// written as an integer (no fraction, no exponent) and fits becomes an int64,
// any other a float64.
//
// Its error is a fault.Error of code Malformed, with one detail that holds the
// line and the column, both from 1; a column counts characters.
func Decode(data []byte) (any, error) {
	d := decoder{data: data}
	v, err := d.document()
	if err != nil {
		return nil, d.fault(err)
	}
	return v, nil
}

// A syntaxError is what is wrong at an offset of the text.
type syntaxError struct {
	offset  int
	message string
}

func (e *syntaxError) Error() string { return e.message }

type decoder struct {
	data  []byte
	pos   int
	depth int
}

// fault makes the public error, with the place that the error stands at.
func (d *decoder) fault(err error) error {
	detail := fault.Detail{Message: err.Error()}
	if e, ok := errors.AsType[*syntaxError](err); ok {
		detail.Line, detail.Column = position(d.data, e.offset)
	}
	return &fault.Error{
		Code:    fault.Malformed,
		Message: fmt.Sprintf("the JSON is malformed at line %d, column %d", detail.Line, detail.Column),
		Details: []fault.Detail{detail},
	}
}

// position gives the line and column of an offset, from 1.
func position(data []byte, offset int) (line, column int) {
	before := string(data[:min(offset, len(data))])
	start := strings.LastIndexByte(before, '\n') + 1
	return strings.Count(before, "\n") + 1, utf8.RuneCountInString(before[start:]) + 1
}

func (d *decoder) errorAt(offset int, format string, args ...any) error {
	return &syntaxError{offset: offset, message: fmt.Sprintf(format, args...)}
}

// document reads the one value, and the space around it.
func (d *decoder) document() (any, error) {
	d.space()
	if d.pos == len(d.data) {
		return nil, d.errorAt(d.pos, "expected a JSON value, found nothing")
	}
	v, err := d.value()
	if err != nil {
		return nil, err
	}
	d.space()
	if d.pos < len(d.data) {
		return nil, d.errorAt(d.pos, "expected the end after the JSON value, found %s", d.found())
	}
	return v, nil
}

// space skips what RFC 8259 calls whitespace, and no more.
func (d *decoder) space() {
	for d.pos < len(d.data) {
		switch d.data[d.pos] {
		case ' ', '\t', '\n', '\r':
			d.pos++
		default:
			return
		}
	}
}

// peek gives the next byte, or 0 at the end (which no JSON token starts with).
func (d *decoder) peek() byte {
	if d.pos < len(d.data) {
		return d.data[d.pos]
	}
	return 0
}

// found names what stands at the present place.
func (d *decoder) found() string {
	if d.pos >= len(d.data) {
		return "the end of the text"
	}
	r, size := utf8.DecodeRune(d.data[d.pos:])
	switch {
	case r == utf8.RuneError && size == 1:
		return fmt.Sprintf("the byte 0x%02x, which is not UTF-8", d.data[d.pos])
	case strconv.IsPrint(r):
		return string(r)
	}
	return fmt.Sprintf("the character %U", r)
}

// value reads any value. The words for slips that people make (single quotes,
// True, bare words) are worth more to them than a bare "unexpected character".
func (d *decoder) value() (any, error) {
	switch c := d.peek(); {
	case c == '{':
		return d.nested(d.object)
	case c == '[':
		return d.nested(d.array)
	case c == '"':
		return d.text()
	case c == '-' || c >= '0' && c <= '9':
		return d.number()
	case c == '\'':
		return nil, d.errorAt(d.pos, "expected a value, found ': strings stand in double quotes")
	}
	start := d.pos
	for d.pos < len(d.data) && isWord(d.data[d.pos]) {
		d.pos++
	}
	word := string(d.data[start:d.pos])
	switch word {
	case "true":
		return true, nil
	case "false":
		return false, nil
	case "null":
		return nil, nil
	case "":
		return nil, d.errorAt(start, "expected a value, found %s", d.found())
	}
	for _, right := range []string{"true", "false", "null"} {
		if strings.EqualFold(word, right) {
			return nil, d.errorAt(start, "expected a value; write %s in lower case", right)
		}
	}
	// The word itself is not repeated: it may be an attribute that lost its quotes.
	return nil, d.errorAt(start, "expected a value, found a bare word: strings stand in double quotes")
}

// isWord says whether a bare word, such as true, may hold c.
func isWord(c byte) bool {
	return c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

// nested reads an array or an object, one level deeper.
func (d *decoder) nested(read func() (any, error)) (any, error) {
	if d.depth++; d.depth > maxDepth {
		return nil, d.errorAt(d.pos, "nested deeper than %d levels", maxDepth)
	}
	defer func() { d.depth-- }()
	return read()
}

// object reads an object. RFC 8259 leaves open what a repeated key means, so two
// readers could see two documents; it is refused.
func (d *decoder) object() (any, error) {
	d.pos++ // {
	object := map[string]any{}
	d.space()
	if d.peek() == '}' {
		d.pos++
		return object, nil
	}
	for {
		at := d.pos
		if d.peek() != '"' {
			return nil, d.errorAt(at, "expected a key in double quotes, found %s", d.found())
		}
		key, err := d.text()
		if err != nil {
			return nil, err
		}
		if _, twice := object[key]; twice {
			return nil, d.errorAt(at, "the key %s is already in this object", quote(key))
		}
		d.space()
		if d.peek() != ':' {
			return nil, d.errorAt(d.pos, "expected : after the key, found %s", d.found())
		}
		d.pos++
		d.space()
		if object[key], err = d.value(); err != nil {
			return nil, err
		}
		done, err := d.next('}')
		if done || err != nil {
			return object, err
		}
	}
}

// array reads an array.
func (d *decoder) array() (any, error) {
	d.pos++ // [
	array := []any{}
	d.space()
	if d.peek() == ']' {
		d.pos++
		return array, nil
	}
	for {
		v, err := d.value()
		if err != nil {
			return nil, err
		}
		array = append(array, v)
		done, err := d.next(']')
		if done || err != nil {
			return array, err
		}
	}
}

// next reads what stands after an item: a comma, or the closing bracket.
func (d *decoder) next(closing byte) (done bool, err error) {
	d.space()
	switch d.peek() {
	case closing:
		d.pos++
		return true, nil
	case ',':
		comma := d.pos
		d.pos++
		d.space()
		if d.peek() == closing {
			return false, d.errorAt(comma, "a comma stands before the closing %c; remove it", closing)
		}
		return false, nil
	}
	return false, d.errorAt(d.pos, "expected , or %c, found %s", closing, d.found())
}

// number reads a number: an int64 where it is written as one and fits.
func (d *decoder) number() (any, error) {
	start := d.pos
	whole := true
	if d.peek() == '-' {
		d.pos++
	}
	zero := d.peek() == '0'
	if digits := d.digits(); digits == 0 {
		return nil, d.errorAt(d.pos, "expected a digit, found %s", d.found())
	} else if zero && digits > 1 {
		return nil, d.errorAt(start, "a number may not start with 0")
	}
	if d.peek() == '.' {
		whole = false
		if d.pos++; d.digits() == 0 {
			return nil, d.errorAt(d.pos, "expected a digit after the decimal point, found %s", d.found())
		}
	}
	if c := d.peek(); c == 'e' || c == 'E' {
		whole = false
		d.pos++
		if c := d.peek(); c == '+' || c == '-' {
			d.pos++
		}
		if d.digits() == 0 {
			return nil, d.errorAt(d.pos, "expected a digit in the exponent, found %s", d.found())
		}
	}
	text := string(d.data[start:d.pos])
	if whole {
		if i, err := strconv.ParseInt(text, 10, 64); err == nil {
			return i, nil
		}
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsInf(f, 0) {
		return nil, d.errorAt(start, "the number is too large")
	}
	return f, nil
}

// digits skips digits, and counts them.
func (d *decoder) digits() int {
	start := d.pos
	for d.pos < len(d.data) && d.data[d.pos] >= '0' && d.data[d.pos] <= '9' {
		d.pos++
	}
	return d.pos - start
}
