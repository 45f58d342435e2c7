package dynamo

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/truora/minidyn/types"
)

// A value is one attribute's value, in the shape that minidyn's interpreter
// takes: exactly one of its fields is set. Its field names are the wire's, so
// encoding/json decodes it; encode encodes it.
type value = types.Item

// An item is a stored item or a key. Stored ones are never changed in place.
type item map[string]*value

// MarshalJSON encodes an item with the one member that each value has.
func (it item) MarshalJSON() ([]byte, error) { return json.Marshal(encodeMap(it)) }

func encodeMap(m map[string]*value) map[string]any {
	out := make(map[string]any, len(m))
	for k, v := range m {
		out[k] = encode(v)
	}
	return out
}

func encode(v *value) map[string]any {
	switch {
	case v.S != nil:
		return map[string]any{"S": *v.S}
	case v.N != nil:
		return map[string]any{"N": *v.N}
	case v.BOOL != nil:
		return map[string]any{"BOOL": *v.BOOL}
	case v.NULL != nil:
		return map[string]any{"NULL": *v.NULL}
	case v.M != nil:
		return map[string]any{"M": encodeMap(v.M)}
	case v.L != nil:
		list := make([]map[string]any, len(v.L))
		for i, e := range v.L {
			list[i] = encode(e)
		}
		return map[string]any{"L": list}
	case v.SS != nil:
		return map[string]any{"SS": v.SS}
	case v.NS != nil:
		return map[string]any{"NS": v.NS}
	case v.BS != nil:
		return map[string]any{"BS": v.BS}
	}
	return map[string]any{"B": v.B}
}

// clone copies deeply what an update may change in place.
func (it item) clone() item {
	out := make(item, len(it))
	for k, v := range it {
		out[k] = cloneValue(v)
	}
	return out
}

func cloneValue(v *value) *value {
	c := *v
	if v.M != nil {
		c.M = item(v.M).clone()
	}
	if v.L != nil {
		c.L = make([]*value, len(v.L))
		for i, e := range v.L {
			c.L[i] = cloneValue(e)
		}
	}
	return &c
}

// alike says whether two values are the same but for how their numbers are
// written: the interpreter rewrites every number of an item that it updates.
func alike(a, b *value) bool {
	if a == nil || b == nil {
		return a == b
	}
	if a.N != nil && b.N != nil {
		x, errX := strconv.ParseFloat(*a.N, 64)
		y, errY := strconv.ParseFloat(*b.N, 64)
		return errX == nil && errY == nil && x == y
	}
	if len(a.M) != len(b.M) || len(a.L) != len(b.L) || (a.M == nil) != (b.M == nil) || (a.L == nil) != (b.L == nil) {
		return false
	}
	for k, v := range a.M {
		if !alike(v, b.M[k]) {
			return false
		}
	}
	for i, v := range a.L {
		if !alike(v, b.L[i]) {
			return false
		}
	}
	if a.M != nil || a.L != nil {
		return true
	}
	if a.SS != nil || a.NS != nil { // sets have no order
		return sameSet(a.SS, b.SS) && sameSet(a.NS, b.NS)
	}
	return reflect.DeepEqual(a, b)
}

func sameSet(a, b []*string) bool {
	in := map[string]bool{}
	for _, v := range a {
		in[*v] = true
	}
	for _, v := range b {
		if !in[*v] {
			return false
		}
	}
	return len(a) == len(b)
}

// maxDepth is how deeply DynamoDB lets lists and maps nest.
const maxDepth = 32

// valid says why an item's values could not be stored, if they could not:
// each must have exactly one type, and numbers and sets must be right. It
// writes the numbers as DynamoDB does.
func (it item) valid() error {
	for name, v := range it {
		if name == "" {
			return invalid("One or more parameter values were invalid: an attribute must have a name")
		}
		if err := validValue(v, maxDepth); err != nil {
			return invalid("One or more parameter values were invalid: %s: %v", name, err)
		}
	}
	return nil
}

func validValue(v *value, depth int) error {
	switch {
	case v == nil:
		return errors.New("the value has no type")
	case depth == 0:
		return errors.New("Nesting Levels have exceeded supported limits")
	}
	set := 0
	for _, is := range []bool{v.S != nil, v.N != nil, v.B != nil, v.BOOL != nil, v.NULL != nil, v.M != nil, v.L != nil, v.SS != nil, v.NS != nil, v.BS != nil} {
		if is {
			set++
		}
	}
	if set != 1 {
		return errors.New("Supplied AttributeValue must contain exactly one of the supported datatypes")
	}
	for _, n := range slices.Concat(v.NS, []*string{v.N}) {
		if n == nil {
			continue
		}
		written, err := canonical(*n)
		if err != nil {
			return err
		}
		if written != *n { // a stored one, which others may read, is so already
			*n = written
		}
	}
	if v.SS != nil && len(v.SS) == 0 || v.NS != nil && len(v.NS) == 0 || v.BS != nil && len(v.BS) == 0 {
		return errors.New("a set may not be empty")
	}
	for _, list := range [][]*string{v.SS, v.NS} {
		for _, s := range list {
			if s == nil {
				return errors.New("a set's member is null")
			}
		}
	}
	for _, e := range v.L {
		if err := validValue(e, depth-1); err != nil {
			return err
		}
	}
	for name, e := range v.M {
		if name == "" {
			return errors.New("an attribute must have a name")
		}
		if err := validValue(e, depth-1); err != nil {
			return err
		}
	}
	return types.ValidateItemAttributeValue(v)
}

// size is about what DynamoDB counts: the bytes of names and values.
func (it item) size() int {
	total := 0
	for k, v := range it {
		total += len(k) + sizeOf(v)
	}
	return total
}

func sizeOf(v *value) int {
	size := len(v.B)
	if v.BOOL != nil || v.NULL != nil {
		size++
	}
	if v.S != nil {
		size += len(*v.S)
	}
	for _, s := range v.SS {
		size += len(*s)
	}
	for _, n := range slices.Concat(v.NS, []*string{v.N}) {
		if n != nil {
			size += len(*n)/2 + 1
		}
	}
	for _, b := range v.BS {
		size += len(b)
	}
	if v.L != nil || v.M != nil {
		size += 3
	}
	for _, e := range v.L {
		size += 1 + sizeOf(e)
	}
	for name, e := range v.M {
		size += 1 + len(name) + sizeOf(e)
	}
	return size
}

// An order is a key attribute's value, made comparable: numbers by their
// amount, text and binary by their bytes.
type order struct {
	text   string
	number *big.Rat
}

func (o order) compare(p order) int {
	if o.number != nil && p.number != nil {
		return o.number.Cmp(p.number)
	}
	return strings.Compare(o.text, p.text)
}

// String is equal for equal keys, and differs for others of the same attribute.
func (o order) String() string {
	if o.number != nil {
		return o.number.RatString()
	}
	return o.text
}

// orderOf makes a key value comparable, or says why it can't be a key of this type.
func orderOf(v *value, kind string) (order, error) {
	switch {
	case kind == "S" && v.S != nil && *v.S != "":
		return order{text: *v.S}, nil
	case kind == "B" && len(v.B) > 0:
		return order{text: string(v.B)}, nil
	case kind == "N" && v.N != nil:
		written, err := canonical(*v.N)
		if err != nil {
			return order{}, err
		}
		n, ok := new(big.Rat).SetString(written)
		if !ok {
			return order{}, fmt.Errorf("the number is not valid")
		}
		return order{number: n}, nil
	case v.S != nil && kind == "S", v.B != nil && kind == "B":
		return order{}, fmt.Errorf("an empty value is not supported for a key")
	}
	return order{}, fmt.Errorf("type mismatch: the key's type is %s", kind)
}
