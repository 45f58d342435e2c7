package asl

import (
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/waypost/waypost/infra/local/states/value"
)

// A function is an intrinsic function: how many arguments it takes (most < 0:
// any number), and what it gives.
type function struct {
	least, most int
	eval        func(args []any) (any, error)
}

func (f function) arity() string {
	switch {
	case f.most < 0:
		return fmt.Sprintf("%d arguments or more", f.least)
	case f.least == f.most:
		return fmt.Sprintf("%d arguments", f.least)
	}
	return fmt.Sprintf("%d to %d arguments", f.least, f.most)
}

// lookup finds a function by its name. The list is that of the States
// Language's intrinsic functions, whole.
func lookup(name string) (function, bool) {
	switch name {
	case "States.Format":
		return function{1, -1, format}, true
	case "States.StringToJson":
		return function{1, 1, stringToJSON}, true
	case "States.JsonToString":
		return function{1, 1, jsonToString}, true
	case "States.Array":
		return function{0, -1, array}, true
	case "States.ArrayPartition":
		return function{2, 2, arrayPartition}, true
	case "States.ArrayContains":
		return function{2, 2, arrayContains}, true
	case "States.ArrayRange":
		return function{3, 3, arrayRange}, true
	case "States.ArrayGetItem":
		return function{2, 2, arrayGetItem}, true
	case "States.ArrayLength":
		return function{1, 1, arrayLength}, true
	case "States.ArrayUnique":
		return function{1, 1, arrayUnique}, true
	case "States.Base64Encode":
		return function{1, 1, base64Encode}, true
	case "States.Base64Decode":
		return function{1, 1, base64Decode}, true
	case "States.Hash":
		return function{2, 2, hash}, true
	case "States.JsonMerge":
		return function{3, 3, jsonMerge}, true
	case "States.MathRandom":
		return function{2, 3, mathRandom}, true
	case "States.MathAdd":
		return function{2, 2, mathAdd}, true
	case "States.StringSplit":
		return function{2, 2, stringSplit}, true
	case "States.UUID":
		return function{0, 0, func([]any) (any, error) { return UUID(), nil }}, true
	}
	return function{}, false
}

// maxText is the longest string that the encoding functions take, in characters.
const maxText = 10_000

// maxRange is the most elements that an array function makes.
const maxRange = 1000

// format fills the {} of a template whose escapes are not yet resolved.
func format(args []any) (any, error) {
	template, ok := args[0].(string)
	if !ok {
		return nil, errors.New("the first argument must be a string")
	}
	var b strings.Builder
	next := 1
	for i := 0; i < len(template); i++ {
		switch c := template[i]; {
		case c == '\\' && i+1 < len(template):
			i++
			b.WriteByte(template[i])
		case c == '{' && i+1 < len(template) && template[i+1] == '}':
			if next >= len(args) {
				return nil, errors.New("there are more {} than values")
			}
			b.WriteString(show(args[next]))
			next++
			i++
		case c == '{' || c == '}':
			return nil, errors.New(`a brace that is not {} must be escaped`)
		default:
			b.WriteByte(c)
		}
	}
	if next < len(args) {
		return nil, errors.New("there are more values than {}")
	}
	return b.String(), nil
}

// show prints a value as States.Format does: strings as they are, and objects
// in the notation of Java's maps, {a=1, b=[x]}.
func show(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case []any:
		parts := make([]string, len(v))
		for i, e := range v {
			parts[i] = show(e)
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case *value.Object:
		parts := make([]string, v.Len())
		for i := range parts {
			k, e := v.At(i)
			parts[i] = k + "=" + show(e)
		}
		return "{" + strings.Join(parts, ", ") + "}"
	}
	return value.Encode(v)
}

// stringToJSON reads JSON; a blank string gives null, as AWS was recorded to do.
func stringToJSON(args []any) (any, error) {
	s, ok := args[0].(string)
	if !ok {
		return nil, errors.New("the argument must be a string")
	}
	if strings.TrimSpace(s) == "" {
		return nil, nil
	}
	v, err := value.Decode([]byte(s))
	if err != nil {
		return nil, errors.New("the string is not JSON")
	}
	return v, nil
}

func jsonToString(args []any) (any, error) { return value.Encode(args[0]), nil }

func array(args []any) (any, error) { return args, nil }

func list(v any) ([]any, error) {
	if l, ok := v.([]any); ok {
		return l, nil
	}
	return nil, errors.New("the first argument must be an array")
}

// arrayPartition cuts an array in parts of a size; the last may be smaller.
func arrayPartition(args []any) (any, error) {
	l, err := list(args[0])
	if err != nil {
		return nil, err
	}
	n, err := rounded(args[1])
	if err != nil || n < 1 {
		return nil, errors.New("the size of a part must be a whole number above 0")
	}
	parts := []any{}
	for len(l) > 0 {
		k := min(int(min(n, maxRange*1000)), len(l))
		parts = append(parts, l[:k:k])
		l = l[k:]
	}
	return parts, nil
}

// arrayContains and arrayUnique compare by value: 1 is 1.0, and an object is
// one with the same fields in another order.
func arrayContains(args []any) (any, error) {
	l, err := list(args[0])
	if err != nil {
		return nil, err
	}
	for _, e := range l {
		if value.Equal(e, args[1]) {
			return true, nil
		}
	}
	return false, nil
}

// arrayRange counts from the first to the last, both included, by the third.
// AWS rounds what is not whole; it documents no step below 1, so none is taken.
func arrayRange(args []any) (any, error) {
	var n [3]int64
	for i, a := range args {
		r, err := rounded(a)
		if err != nil {
			return nil, err
		}
		n[i] = r
	}
	from, to, by := n[0], n[1], n[2]
	if by <= 0 {
		return nil, errors.New("the step must be above 0")
	}
	out := []any{}
	for i := from; i <= to; i += by {
		if len(out) == maxRange {
			return nil, fmt.Errorf("the range has more than %d numbers", maxRange)
		}
		out = append(out, number(i))
	}
	return out, nil
}

func arrayGetItem(args []any) (any, error) {
	l, err := list(args[0])
	if err != nil {
		return nil, err
	}
	i, ok := value.Whole(args[1])
	if !ok || i < 0 || i >= int64(len(l)) {
		return nil, errors.New("the index is not in the array")
	}
	return l[i], nil
}

func arrayLength(args []any) (any, error) {
	l, err := list(args[0])
	if err != nil {
		return nil, err
	}
	return value.Int(len(l)), nil
}

func arrayUnique(args []any) (any, error) {
	l, err := list(args[0])
	if err != nil {
		return nil, err
	}
	out := []any{}
next:
	for _, e := range l {
		for _, o := range out {
			if value.Equal(e, o) {
				continue next
			}
		}
		out = append(out, e)
	}
	return out, nil
}

func text(v any) (string, error) {
	s, ok := v.(string)
	if !ok {
		return "", errors.New("the argument must be a string")
	}
	if utf8.RuneCountInString(s) > maxText {
		return "", fmt.Errorf("the string is longer than %d characters", maxText)
	}
	return s, nil
}

func base64Encode(args []any) (any, error) {
	s, err := text(args[0])
	if err != nil {
		return nil, err
	}
	return base64.StdEncoding.EncodeToString([]byte(s)), nil
}

func base64Decode(args []any) (any, error) {
	s, err := text(args[0])
	if err != nil {
		return nil, err
	}
	b, err := base64.StdEncoding.DecodeString(s)
	if err != nil {
		return nil, errors.New("the string is not base64")
	}
	return strings.ToValidUTF8(string(b), "\uFFFD"), nil
}

// hash gives a digest in hex, of a string's UTF-8 or of another value's JSON.
func hash(args []any) (any, error) {
	data, ok := args[0].(string)
	if !ok {
		data = value.Encode(args[0])
	}
	if _, err := text(data); err != nil {
		return nil, err
	}
	b := []byte(data)
	var sum []byte
	switch args[1] {
	case "MD5":
		s := md5.Sum(b)
		sum = s[:]
	case "SHA-1":
		s := sha1.Sum(b)
		sum = s[:]
	case "SHA-256":
		s := sha256.Sum256(b)
		sum = s[:]
	case "SHA-384":
		s := sha512.Sum384(b)
		sum = s[:]
	case "SHA-512":
		s := sha512.Sum512(b)
		sum = s[:]
	default:
		return nil, errors.New("the algorithm must be MD5, SHA-1, SHA-256, SHA-384 or SHA-512")
	}
	return hex.EncodeToString(sum), nil
}

// jsonMerge puts the second object's fields over the first one's. The third
// argument is there for a merge in depth, which AWS itself does not have.
func jsonMerge(args []any) (any, error) {
	a, ok1 := args[0].(*value.Object)
	b, ok2 := args[1].(*value.Object)
	if !ok1 || !ok2 {
		return nil, errors.New("the first two arguments must be objects")
	}
	if args[2] != false {
		return nil, errors.New("the third argument must be false: merging in depth does not exist")
	}
	out := value.NewObject(a.Len() + b.Len())
	for _, o := range []*value.Object{a, b} {
		for i := range o.Len() {
			out.Set(o.At(i))
		}
	}
	return out, nil
}
