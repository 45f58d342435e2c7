package value_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/waypost/waypost/infra/local/states/value"
)

func TestRoundTrip(t *testing.T) {
	for _, tc := range []struct{ in, want string }{
		{` {"b" : 1, "a":[null,true,false,1.50,-0,1e3,12345678901234567890] , "":{} } `, `{"b":1,"a":[null,true,false,1.50,-0,1e3,12345678901234567890],"":{}}`},
		{`{"a":1,"b":2,"a":3}`, `{"a":3,"b":2}`},
		{`"<&> ü \u00fc \u2028 \n\t\u0001\"\\"`, "\"<&> ü ü \u2028 \\n\\t\\u0001\\\"\\\\\""},
		{`[]`, `[]`},
	} {
		v, err := value.Decode([]byte(tc.in))
		if err != nil {
			t.Errorf("%s: %v", tc.in, err)
			continue
		}
		if got := value.Encode(v); got != tc.want {
			t.Errorf("%s: got %s, want %s", tc.in, got, tc.want)
		}
		if got, want := value.Size(v), len(tc.want); got != want {
			t.Errorf("%s: size %d, want %d", tc.in, got, want)
		}
	}
}

func TestDecodeRefuses(t *testing.T) {
	for _, in := range []string{``, `{`, `[1,]`, `{"a":}`, `{} {}`, `{}x`, `nul`, `'a'`, strings.Repeat("[", 2000)} {
		if v, err := value.Decode([]byte(in)); err == nil {
			t.Errorf("%.20q: got %v, want an error", in, v)
		}
	}
}

func TestEqual(t *testing.T) {
	for _, tc := range []struct {
		a, b string
		want bool
	}{
		{`1`, `1.0`, true}, {`1`, `"1"`, false}, {`12345678901234567890`, `12345678901234567891`, false}, {`1e2`, `100`, true},
		{`{"a":1,"b":[2]}`, `{"b":[2],"a":1}`, true}, {`{"a":1}`, `{"a":1,"b":null}`, false}, {`[1,2]`, `[2,1]`, false},
		{`null`, `null`, true}, {`null`, `false`, false}, {`[]`, `{}`, false}, {`null`, `[]`, false}, {`true`, `true`, true},
	} {
		a, _ := value.Decode([]byte(tc.a))
		b, _ := value.Decode([]byte(tc.b))
		if got := value.Equal(a, b); got != tc.want {
			t.Errorf("%s and %s: got %v, want %v", tc.a, tc.b, got, tc.want)
		}
	}
}

func TestObject(t *testing.T) {
	o := &value.Object{}
	for i := range 40 { // beyond where a map finds the keys
		o.Set(string(rune('A'+i)), value.Int(i))
	}
	p := o.With("A", "new")
	if a, _ := o.Get("A"); a != value.Int(0) {
		t.Errorf("With changed its object: got %v", a)
	}
	k, v := p.At(0)
	if last, _ := p.Get("h"); k != "A" || v != "new" || last != value.Int(39) || p.Len() != 40 {
		t.Errorf("got %s=%v, h=%v, %d keys", k, v, last, p.Len())
	}
}

// Decode takes what encoding/json takes, but for what nests too deep, and
// encodes it to the same JSON.
func FuzzDecode(f *testing.F) {
	for _, s := range []string{`{"a":[1,{"b":null}]}`, `[1,2`, `"\ud800"`, `1e400`, `{"a":1,"a":2}`, ` [ ] `} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		v, err := value.Decode(data)
		valid := json.Valid(data)
		if err == nil != valid && (err == nil || !strings.Contains(err.Error(), "deeper")) {
			t.Fatalf("%q: error %v, but valid is %v", data, err, valid)
		}
		if err != nil {
			return
		}
		text := value.Encode(v)
		again, err := value.Decode([]byte(text))
		if err != nil || !value.Equal(v, again) || value.Size(v) != len(text) {
			t.Errorf("%q became %s (%v)", data, text, err)
		}
	})
}
