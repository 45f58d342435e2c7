package value

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"
)

// maxDepth bounds how deep arrays and objects may nest, so that no document
// can exhaust the stack. AWS's own parser has the same bound.
const maxDepth = 1000

// errDepth is what Decode says of a document that nests too deep.
var errDepth = errors.New("the JSON nests deeper than 1000 levels")

// Decode reads one JSON document. Of a key that is there twice the last value
// counts. The error is encoding/json's, or says that the nesting is too deep.
func Decode(data []byte) (any, error) {
	v, _, err := decode(data)
	return v, err
}

// DecodeStrict is Decode for documents that people write: it also gives the
// keys, as dotted paths, that an object has twice.
func DecodeStrict(data []byte) (v any, twice []string, err error) { return decode(data) }

func decode(data []byte) (any, []string, error) {
	d := decoder{json: json.NewDecoder(bytes.NewReader(data))}
	d.json.UseNumber()
	v, err := d.value(0, "")
	if err != nil {
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			err = errors.New("unexpected end of JSON input")
		}
		return nil, nil, err
	}
	if _, err := d.json.Token(); !errors.Is(err, io.EOF) {
		return nil, nil, fmt.Errorf("there is more after the end of the JSON value, at offset %d", d.json.InputOffset())
	}
	return v, d.twice, nil
}

type decoder struct {
	json  *json.Decoder
	twice []string
}

func (d *decoder) value(depth int, path string) (any, error) {
	tok, err := d.json.Token()
	if err != nil {
		return nil, err
	}
	delim, ok := tok.(json.Delim)
	if !ok {
		return tok, nil // nil, bool, string or json.Number
	}
	if depth >= maxDepth {
		return nil, errDepth
	}
	if delim == '[' {
		list := []any{}
		for d.json.More() {
			v, err := d.value(depth+1, path)
			if err != nil {
				return nil, err
			}
			list = append(list, v)
		}
		_, err := d.json.Token()
		return list, err
	}
	o := &Object{}
	for d.json.More() {
		tok, err := d.json.Token()
		if err != nil {
			return nil, err
		}
		key, _ := tok.(string)
		at := path + "/" + key
		if _, ok := o.find(key); ok {
			d.twice = append(d.twice, at)
		}
		v, err := d.value(depth+1, at)
		if err != nil {
			return nil, err
		}
		o.Set(key, v)
	}
	_, err = d.json.Token()
	return o, err
}

// Encode gives a value's JSON without spaces.
func Encode(v any) string { return string(Append(nil, v)) }

// Append appends a value's JSON, without spaces. Only what JSON demands is
// escaped, as Step Functions does: "<" stays "<".
func Append(b []byte, v any) []byte {
	switch v := v.(type) {
	case nil:
		return append(b, "null"...)
	case bool:
		if v {
			return append(b, "true"...)
		}
		return append(b, "false"...)
	case string:
		return appendString(b, v)
	case json.Number:
		return append(b, v...)
	case []any:
		b = append(b, '[')
		for i, e := range v {
			if i > 0 {
				b = append(b, ',')
			}
			b = Append(b, e)
		}
		return append(b, ']')
	case *Object:
		b = append(b, '{')
		for i, k := range v.keys {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendString(b, k)
			b = append(b, ':')
			b = Append(b, v.values[i])
		}
		return append(b, '}')
	default: // not a value of this package: a defect in the caller, shown as such
		return appendString(b, fmt.Sprintf("%v", v))
	}
}

const hex = "0123456789abcdef"

func appendString(b []byte, s string) []byte {
	b = append(b, '"')
	start := 0
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c >= ' ' && c != '"' && c != '\\' {
			continue
		}
		b = append(b, s[start:i]...)
		start = i + 1
		switch c {
		case '"', '\\':
			b = append(b, '\\', c)
		case '\n':
			b = append(b, '\\', 'n')
		case '\r':
			b = append(b, '\\', 'r')
		case '\t':
			b = append(b, '\\', 't')
		case '\b':
			b = append(b, '\\', 'b')
		case '\f':
			b = append(b, '\\', 'f')
		default:
			b = append(b, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		}
	}
	if tail := s[start:]; utf8.ValidString(tail) {
		b = append(b, tail...)
	} else {
		b = append(b, bytes.ToValidUTF8([]byte(tail), []byte("\uFFFD"))...)
	}
	return append(b, '"')
}

// Size is the number of bytes that Encode would give, without making them.
func Size(v any) int {
	switch v := v.(type) {
	case nil:
		return 4
	case bool:
		if v {
			return 4
		}
		return 5
	case string:
		return sizeString(v)
	case json.Number:
		return len(v)
	case []any:
		n := 2 + max(len(v)-1, 0)
		for _, e := range v {
			n += Size(e)
		}
		return n
	case *Object:
		n := 2 + max(len(v.keys)-1, 0) + len(v.keys)
		for i, k := range v.keys {
			n += sizeString(k) + Size(v.values[i])
		}
		return n
	default:
		return len(Append(nil, v))
	}
}

func sizeString(s string) int {
	n := 2 + len(s)
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"' || c == '\\' || c == '\n' || c == '\r' || c == '\t' || c == '\b' || c == '\f':
			n++
		case c < ' ':
			n += 5
		}
	}
	return n
}
