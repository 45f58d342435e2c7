package mapping

import (
	"encoding/base64"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/waypost/waypost/shared/schema"
)

// textFunctions are the functions of text. The tables are constants in all but
// name: nothing writes to them.
var textFunctions = [...]function{
	{name: "upper", params: []kinds{isString}, gives: givesString, run: textual(strings.ToUpper)},
	{name: "lower", params: []kinds{isString}, gives: givesString, run: textual(strings.ToLower)},
	{name: "trim", params: []kinds{isString, isString}, few: 1, gives: givesString, run: func(f *frame, a []any) (any, error) {
		if len(a) == 1 {
			return strings.TrimSpace(a[0].(string)), f.spendText(a)
		}
		return strings.Trim(a[0].(string), a[1].(string)), f.spendText(a)
	}},
	{name: "trimPrefix", params: []kinds{isString, isString}, few: 1, gives: givesString, run: func(f *frame, a []any) (any, error) {
		return strings.TrimPrefix(a[0].(string), optional(a, 1, " ")), f.spendText(a)
	}},
	{name: "trimSuffix", params: []kinds{isString, isString}, few: 1, gives: givesString, run: func(f *frame, a []any) (any, error) {
		return strings.TrimSuffix(a[0].(string), optional(a, 1, " ")), f.spendText(a)
	}},
	{name: "split", params: []kinds{isString, isString, isInteger}, few: 2, gives: givesStrings, run: func(f *frame, a []any) (any, error) {
		s, limit := a[0].(string), int64(-1)
		if len(a) == 3 {
			limit, _ = whole(a[2])
		}
		if err := f.spend(8 * len(s)); err != nil {
			return nil, err
		}
		list := []any{}
		for _, item := range strings.SplitN(s, a[1].(string), int(max(-1, min(limit, math.MaxInt32)))) {
			list = append(list, item)
		}
		return list, nil
	}},
	{name: "replace", params: []kinds{isString, isString, isString, isInteger}, few: 3, gives: givesString, run: func(f *frame, a []any) (any, error) {
		s, old, by, limit := a[0].(string), a[1].(string), a[2].(string), int64(-1)
		if len(a) == 4 {
			limit, _ = whole(a[3])
		}
		found := strings.Count(s, old)
		if err := f.spend(len(s) + found*len(by)); err != nil {
			return nil, err
		}
		return strings.Replace(s, old, by, int(max(-1, min(limit, math.MaxInt32)))), nil
	}},
	{name: "repeat", params: []kinds{isString, isInteger}, gives: givesString, run: func(f *frame, a []any) (any, error) {
		s := a[0].(string)
		n, _ := whole(a[1])
		if n < 0 {
			return nil, broken("repeat needs a number of at least 0")
		}
		if n > budget {
			return nil, f.spend(-1)
		}
		if err := f.spend(len(s) * int(n)); err != nil {
			return nil, err
		}
		return strings.Repeat(s, int(n)), nil
	}},
	{name: "indexOf", params: []kinds{isString, isString}, gives: givesInteger, run: func(f *frame, a []any) (any, error) {
		return characters(a[0].(string), strings.Index(a[0].(string), a[1].(string))), f.spendText(a)
	}},
	{name: "lastIndexOf", params: []kinds{isString, isString}, gives: givesInteger, run: func(f *frame, a []any) (any, error) {
		return characters(a[0].(string), strings.LastIndex(a[0].(string), a[1].(string))), f.spendText(a)
	}},
	{name: "hasPrefix", params: []kinds{isString, isString}, gives: givesBoolean, run: func(f *frame, a []any) (any, error) {
		return strings.HasPrefix(a[0].(string), a[1].(string)), f.spendText(a)
	}},
	{name: "hasSuffix", params: []kinds{isString, isString}, gives: givesBoolean, run: func(f *frame, a []any) (any, error) {
		return strings.HasSuffix(a[0].(string), a[1].(string)), f.spendText(a)
	}},
	{name: "string", params: []kinds{isAny}, gives: givesString, run: func(f *frame, a []any) (any, error) {
		if err := f.weigh(a[0], 0); err != nil {
			return nil, err
		}
		return Text(a[0]), nil
	}},
	{name: "len", params: []kinds{isString | isList | isObject}, gives: givesInteger, run: func(f *frame, a []any) (any, error) {
		switch v := a[0].(type) {
		case string:
			return int64(utf8.RuneCountInString(v)), f.spendText(a)
		case []any:
			return int64(len(v)), nil
		case map[string]any:
			return int64(len(v)), nil
		}
		return nil, broken("len needs a string, a list or an object")
	}},
	{name: "int", params: []kinds{isString | isNumber}, gives: givesInteger, run: func(f *frame, a []any) (any, error) {
		v, err := parseNumber(a[0])
		if err != nil {
			return nil, broken("int needs a number, or a string that holds one")
		}
		n, ok := whole(truncated(v))
		if !ok {
			return nil, broken(overflow)
		}
		return n, nil
	}},
	{name: "float", params: []kinds{isString | isNumber}, gives: givesNumber, run: func(f *frame, a []any) (any, error) {
		v, err := parseNumber(a[0])
		if err != nil {
			return nil, broken("float needs a number, or a string that holds one")
		}
		n, _ := float(v)
		return finite(n)
	}},
	{name: "toJSON", params: []kinds{isAny}, gives: givesString, run: func(f *frame, a []any) (any, error) {
		if err := f.weigh(a[0], 0); err != nil {
			return nil, err
		}
		return string(toJSON(a[0])), nil
	}},
	{name: "fromJSON", params: []kinds{isString}, gives: givesAny, run: func(f *frame, a []any) (any, error) {
		s := a[0].(string)
		if err := f.spend(8 * len(s)); err != nil {
			return nil, err
		}
		v, err := schema.Decode([]byte(s))
		if err != nil {
			return nil, broken("fromJSON needs a string that holds JSON")
		}
		return v, nil
	}},
	{name: "toBase64", params: []kinds{isString}, gives: givesString, run: textual(func(s string) string {
		return base64.StdEncoding.EncodeToString([]byte(s))
	})},
	{name: "fromBase64", params: []kinds{isString}, gives: givesString, run: func(f *frame, a []any) (any, error) {
		b, err := base64.StdEncoding.DecodeString(a[0].(string))
		if err != nil || !utf8.Valid(b) {
			return nil, broken("fromBase64 needs a string that holds text in base64")
		}
		return string(b), f.spendText(a)
	}},
}

// textual makes a function of a change of one string.
func textual(change func(string) string) func(*frame, []any) (any, error) {
	return func(f *frame, a []any) (any, error) {
		if err := f.spendText(a); err != nil {
			return nil, err
		}
		return change(a[0].(string)), nil
	}
}

// spendText takes from the budget for each byte of text among the arguments.
func (f *frame) spendText(args []any) error {
	for _, a := range args {
		if s, ok := a.(string); ok {
			if err := f.spend(len(s)); err != nil {
				return err
			}
		}
	}
	return nil
}

// optional gives a string argument that may be left out.
func optional(args []any, i int, otherwise string) string {
	if i < len(args) {
		return args[i].(string)
	}
	return otherwise
}

// characters turns an offset in bytes into one in characters; -1 stays.
func characters(s string, offset int) int64 {
	if offset < 0 {
		return -1
	}
	return int64(utf8.RuneCountInString(s[:offset]))
}

// parseNumber reads a number from a string, as JSON writes it; a number stays.
func parseNumber(v any) (any, error) {
	s, ok := v.(string)
	if !ok {
		return v, nil
	}
	s = strings.TrimSpace(s)
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		return n, nil
	}
	decoded, err := schema.Decode([]byte(s))
	if _, ok := float(decoded); err != nil || !ok {
		return nil, broken("not a number")
	}
	return decoded, nil
}

// truncated drops a fraction, towards zero.
func truncated(v any) any {
	if n, ok := v.(float64); ok {
		return math.Trunc(n)
	}
	return v
}
