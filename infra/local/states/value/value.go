// Package value holds JSON as the Step Functions engine passes it from state
// to state: decoded once, shared, and never changed.
//
// A value is nil, bool, string, json.Number, []any or *Object. Numbers keep
// the text they came with, and objects keep the order of their keys, because
// both show: in what States.Format prints, in what a wildcard path selects, in
// an execution's output. Nothing may change a value after it was handed on;
// whoever needs another one makes a copy (With).
package value

import (
	"encoding/json"
	"math/big"
	"strconv"
)

// An Object is a JSON object whose keys keep their order. The zero value is an
// empty object. Set is for whoever builds it; after that it is read only.
type Object struct {
	keys   []string
	values []any
	index  map[string]int // only where there are many keys
}

// indexAbove is the number of keys from which a map finds a key quicker than
// a walk does.
const indexAbove = 12

// NewObject makes an empty object with room for n keys.
func NewObject(n int) *Object {
	return &Object{keys: make([]string, 0, n), values: make([]any, 0, n)}
}

// Of makes an object of a key and a value, another key and its value, and so on.
func Of(pairs ...any) *Object {
	o := NewObject(len(pairs) / 2)
	for i := 0; i+1 < len(pairs); i += 2 {
		key, _ := pairs[i].(string)
		o.Set(key, pairs[i+1])
	}
	return o
}

// Set gives a key its value: a new key goes last, a known one stays in place.
func (o *Object) Set(key string, v any) {
	if i, ok := o.find(key); ok {
		o.values[i] = v
		return
	}
	o.keys = append(o.keys, key)
	o.values = append(o.values, v)
	switch {
	case o.index != nil:
		o.index[key] = len(o.keys) - 1
	case len(o.keys) > indexAbove:
		o.index = make(map[string]int, 2*len(o.keys))
		for i, k := range o.keys {
			o.index[k] = i
		}
	}
}

func (o *Object) find(key string) (int, bool) {
	if o.index != nil {
		i, ok := o.index[key]
		return i, ok
	}
	for i, k := range o.keys {
		if k == key {
			return i, true
		}
	}
	return 0, false
}

// Get gives the value of a key, and whether the key is there.
func (o *Object) Get(key string) (any, bool) {
	if i, ok := o.find(key); ok {
		return o.values[i], true
	}
	return nil, false
}

// Len is the number of keys.
func (o *Object) Len() int { return len(o.keys) }

// At gives the key and value at a place, from 0.
func (o *Object) At(i int) (string, any) { return o.keys[i], o.values[i] }

// With gives a copy in which key has the value v.
func (o *Object) With(key string, v any) *Object {
	c := NewObject(len(o.keys) + 1)
	for i, k := range o.keys {
		c.Set(k, o.values[i])
	}
	c.Set(key, v)
	return c
}

// Int makes a number of an int.
func Int(n int) json.Number { return json.Number(strconv.Itoa(n)) }

// Float gives a number's value; whether v is a number at all is ok.
func Float(v any) (f float64, ok bool) {
	n, ok := v.(json.Number)
	if !ok {
		return 0, false
	}
	f, err := n.Float64()
	return f, err == nil
}

// Whole gives the value of a number without a fraction ("3", "3.0", "3e2").
func Whole(v any) (int64, bool) {
	n, ok := v.(json.Number)
	if !ok {
		return 0, false
	}
	if i, err := n.Int64(); err == nil {
		return i, true
	}
	f, err := n.Float64()
	if err != nil || f != float64(int64(f)) || f > 1e18 || f < -1e18 {
		return 0, false
	}
	return int64(f), true
}

// Equal says whether two values are the same JSON: numbers by their value,
// objects without regard to order.
func Equal(a, b any) bool {
	switch a := a.(type) {
	case json.Number:
		b, ok := b.(json.Number)
		return ok && (a == b || sameNumber(a, b))
	case []any:
		b, ok := b.([]any)
		if !ok || len(a) != len(b) {
			return false
		}
		for i := range a {
			if !Equal(a[i], b[i]) {
				return false
			}
		}
		return true
	case *Object:
		b, ok := b.(*Object)
		if !ok || a.Len() != b.Len() {
			return false
		}
		for i, k := range a.keys {
			if v, ok := b.Get(k); !ok || !Equal(a.values[i], v) {
				return false
			}
		}
		return true
	default: // nil, bool and string compare as Go does
		switch b.(type) {
		case []any, *Object:
			return false
		}
		return a == b
	}
}

// sameNumber compares by value. Numbers that no float holds exactly are
// compared as they are written, unless they are so long that it costs.
func sameNumber(a, b json.Number) bool {
	if len(a) < 16 && len(b) < 16 {
		x, err1 := a.Float64()
		y, err2 := b.Float64()
		return err1 == nil && err2 == nil && x == y
	}
	if len(a) > 400 || len(b) > 400 {
		return false
	}
	i, ok1 := new(big.Int).SetString(string(a), 10)
	j, ok2 := new(big.Int).SetString(string(b), 10)
	if ok1 && ok2 {
		return i.Cmp(j) == 0
	}
	x, err1 := a.Float64()
	y, err2 := b.Float64()
	return err1 == nil && err2 == nil && x == y
}
