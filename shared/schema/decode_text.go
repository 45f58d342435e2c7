package schema

import (
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// text reads a string.
func (d *decoder) text() (string, error) {
	open := d.pos
	d.pos++          // "
	var built []byte // what was read so far, once there was an escape
	start := d.pos
	for d.pos < len(d.data) {
		switch c := d.data[d.pos]; {
		case c == '"':
			plain := d.data[start:d.pos]
			d.pos++
			if built == nil {
				return string(plain), nil
			}
			return string(append(built, plain...)), nil
		case c == '\\':
			built = append(built, d.data[start:d.pos]...)
			r, err := d.escape()
			if err != nil {
				return "", err
			}
			if built = utf8.AppendRune(built, r); built == nil {
				built = []byte{}
			}
			start = d.pos
		case c < ' ':
			if c == '\n' || c == '\r' {
				return "", d.errorAt(open, "the string does not end on its line; write a line break as \\n")
			}
			return "", d.errorAt(d.pos, "a control character in a string; write it as \\u%04x", c)
		case c < utf8.RuneSelf:
			d.pos++
		default:
			r, size := utf8.DecodeRune(d.data[d.pos:])
			if r == utf8.RuneError && size == 1 {
				return "", d.errorAt(d.pos, "the byte 0x%02x is not UTF-8", c)
			}
			d.pos += size
		}
	}
	return "", d.errorAt(open, "the string does not end")
}

// escape reads what a backslash begins.
func (d *decoder) escape() (rune, error) {
	at := d.pos
	d.pos++ // \
	c := d.peek()
	d.pos++
	switch c {
	case '"', '\\', '/':
		return rune(c), nil
	case 'b':
		return '\b', nil
	case 'f':
		return '\f', nil
	case 'n':
		return '\n', nil
	case 'r':
		return '\r', nil
	case 't':
		return '\t', nil
	case 'u':
		r, ok := d.hex()
		if !ok {
			return 0, d.errorAt(at, "expected four hexadecimal digits after \\u")
		}
		if !utf16.IsSurrogate(r) {
			return r, nil
		}
		if d.peek() == '\\' && d.pos+1 < len(d.data) && d.data[d.pos+1] == 'u' {
			d.pos += 2
			if low, ok := d.hex(); ok {
				if full := utf16.DecodeRune(r, low); full != utf8.RuneError {
					return full, nil
				}
			}
		}
		return 0, d.errorAt(at, "half a surrogate pair, which is no character")
	}
	return 0, d.errorAt(at, "unknown escape; after \\ stands one of \" \\ / b f n r t u")
}

// hex reads four hexadecimal digits.
func (d *decoder) hex() (rune, bool) {
	if d.pos+4 > len(d.data) {
		return 0, false
	}
	n, err := strconv.ParseUint(string(d.data[d.pos:d.pos+4]), 16, 16)
	if err != nil {
		return 0, false
	}
	d.pos += 4
	return rune(n), true
}
