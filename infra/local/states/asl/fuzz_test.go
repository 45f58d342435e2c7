package asl_test

import (
	"testing"

	"github.com/waypost/waypost/infra/local/states/asl"
	"github.com/waypost/waypost/infra/local/states/value"
)

// A path never panics, neither where it is read nor where it selects; what
// Set puts somewhere, Get finds there.
func FuzzPath(f *testing.F) {
	for _, s := range []string{"$", "$.a.b[2].c", "$['we ird']", "$..n", "$.list[?(@.n > 1 && !(@.t == 'x'))]", "$.list[-1:]", "$.a[0,1]", "$$.x", "$.a[*]..b"} {
		f.Add(s, store)
	}
	f.Fuzz(func(t *testing.T, path, data string) {
		v, err := value.Decode([]byte(data))
		if err != nil || len(data) > 2000 || len(path) > 60 {
			return
		}
		p, err := asl.ParsePath(path)
		if err != nil {
			return
		}
		_, _ = p.Get(v, v)
		if p, err = asl.ParseReference(path); err != nil || p.Context() {
			return
		}
		out, err := p.Set(v, "put")
		if err != nil {
			return
		}
		if got, err := p.Get(out, nil); err != nil || got != "put" {
			t.Errorf("%s: got %v (%v) after Set, want what was put", path, got, err)
		}
	})
}

// A function's call never panics, and gives a value that is JSON.
func FuzzIntrinsic(f *testing.F) {
	for _, s := range []string{"States.Format('{} \\{', $.a)", "States.Array(1, 'x', null, States.UUID())", "States.ArrayRange(1, 9, 2)", "States.MathAdd(1, -2.5)",
		"States.StringToJson($.s)", "States.ArrayPartition($.list, 2)", "States.Hash('a', 'MD5')", "States.MathRandom(1, 5, 7)", "States.StringSplit('a,b', ',')",
		"States.JsonMerge($.a, $.a, false)", "States.Base64Decode('eA==')", "States.ArrayUnique($.list)", "States.ArrayGetItem($.list, 0)",
		"States.StringSplit('a\xafb', ',')"} {
		f.Add(s, store)
	}
	f.Fuzz(func(t *testing.T, text, data string) {
		v, err := value.Decode([]byte(data))
		if err != nil || len(data) > 2000 {
			return
		}
		e, err := asl.ParseExpression(text)
		if err != nil {
			return
		}
		out, err := e.Eval("v.$", v, v)
		if err != nil {
			return
		}
		encoded := value.Encode(out)
		if _, err := value.Decode([]byte(encoded)); err != nil {
			t.Errorf("%s: got %s, which is no JSON: %v", text, encoded, err)
		}
		if got, want := value.Size(out), len(encoded); got != want {
			t.Errorf("%s: size %d, want %d", text, got, want)
		}
	})
}
