package mapping_test

import (
	"encoding/json"
	"math"
	"math/big"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/waypost/waypost/shared/mapping"
	"github.com/waypost/waypost/shared/schema"
)

// FuzzParse: whatever is read, read again, checked and run does not panic, and
// gives JSON values alone.
func FuzzParse(f *testing.F) {
	for _, s := range []string{
		"Hi {{ profile.firstName ?? 'there' }}, order {{ event.orderId }} is ready.",
		`{{ {"a": {"b": 1}} }}`, "{{ '}}' }}", "{{ filter(event.items, .price > 5)[0].sku }}", "{{ let x = event; x?.a[1:] }}",
		"{{ 1..5 | map(# * 2) | sum() }}", "{{ not (event.a in [1, nil]) ? now() : date('2026-01-01').In('UTC').Format('2006') }}",
		"{{ reduce(event.numbers, #acc + #, 0) }}", "{{ groupBy(event.items, .sku) }}{{ 2 ** 3 % 4 }}", "{{ max(event.numbers, 1) + -3 }}",
		"{{ 'a' matches '^a' and sortBy(event.items, .price, 'desc') == nil }}", "{{ split(event.orderId, '-', 2) }}", "{{ repeat('x', 5)[-2:] }}",
		`{{ a.b?.c[0]["x"] }} {{`, "{{ 1 < event.count <= 3 }}", "{{ fromJSON('[1]') == [1.0] }}", "{{ if true { 1 } else { 2 } }}", "{{ .5e3 ?: 0x1f }}",
	} {
		f.Add(s, `{"a": [1, "x", null, {"price": 2}], "items": [{"price": 1e300}]}`)
	}
	full := environment(f)
	types := scope(f)
	f.Fuzz(func(t *testing.T, text, document string) {
		template, err := mapping.Parse(text)
		x, xErr := mapping.ParseExpression(text)
		env := mapping.Env{}
		if v, err := schema.Decode([]byte(document)); err == nil {
			env.Event = v
			env.Profile, _ = v.(map[string]any)
		}
		for _, env := range []mapping.Env{env, full} {
			if err == nil {
				template.References()
				_, _ = template.Check(types)
				if v, err := template.Eval(env); err == nil {
					isJSON(t, v)
				}
			}
			if xErr == nil {
				x.References()
				_, _ = x.Check(types)
				if v, err := x.Eval(env); err == nil {
					isJSON(t, v)
				}
				_, _ = x.True(env)
			}
		}
	})
}

// FuzzEach does the same to a JSON document as a mapping, in which objects may
// map lists; what it reads is the document too.
func FuzzEach(f *testing.F) {
	for _, s := range []string{
		`{"each": "{{ event.items }}", "as": "line", "with": {"sku": "{{ line.sku }}", "n": 1, "tags": {"each": "event.tags", "with": "{{ line.sku }}-{{ item }}"}}, "items": [{"sku": "a"}], "tags": ["x", null, 3]}`,
		`{"each": "event.items", "with": {"each": "{{ item }}", "as": "x", "with": ["{{ x }}", {"each": "{{ [x] }}", "as": "y", "with": "{{ y == x }}"}]}}`,
		`{"a": {"each": "1..event.n", "with": {"each": "1..event.n", "as": "k", "with": "{{ let z = item; k + z }}"}}, "n": 2000}`,
		`{"each": "{{ event.a }} {{ event.b }}", "as": "event", "with": null}`, `{"each": 7, "as": "if", "with": "{{ item.a }}"}`,
		`[{"each": "{{ [now()] }}", "as": "t", "with": {"t": "{{ t }}", "year": "{{ date(t).Year() }}"}}, "{{ t }}"]`,
	} {
		f.Add(s)
	}
	types := scope(f)
	full := environment(f)
	f.Fuzz(func(t *testing.T, document string) {
		v, err := schema.Decode([]byte(document))
		if err != nil {
			return
		}
		for _, of := range []any{v, map[string]any{"each": "event", "as": "outer", "with": v}} {
			template, err := mapping.Parse(of)
			if err != nil {
				continue
			}
			template.References()
			_, _ = template.Check(types)
			for _, env := range []mapping.Env{{Event: v}, {Event: []any{v, v}}, full} {
				if v, err := template.Eval(env); err == nil {
					isJSON(t, v)
				}
			}
		}
	})
}

// isJSON fails unless v is a value as schema.Decode gives them.
func isJSON(t *testing.T, v any) {
	t.Helper()
	switch v := v.(type) {
	case nil, string, bool, int64:
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			t.Fatalf("a result is %v", v)
		}
	case []any:
		for _, item := range v {
			isJSON(t, item)
		}
	case map[string]any:
		for _, item := range v {
			isJSON(t, item)
		}
	default:
		t.Fatalf("a result is a %T", v)
	}
}

// TestLogic holds and, or and not against Kleene's tables, worked out by ranks:
// false < nil < true, and is the lesser, or the greater.
func TestLogic(t *testing.T) {
	values := []any{false, nil, true}
	rapid.Check(t, func(t *rapid.T) {
		a, b := rapid.IntRange(0, 2).Draw(t, "a"), rapid.IntRange(0, 2).Draw(t, "b")
		env := mapping.Env{Event: map[string]any{"a": values[a], "b": values[b]}}
		for in, want := range map[string]int{
			"event.a and event.b": min(a, b), "event.a or event.b": max(a, b), "not event.a": 2 - a,
			"not (event.a and event.b) ": 2 - min(a, b), "(not event.a) or (not event.b)": 2 - min(a, b),
		} {
			x, err := mapping.ParseExpression(in)
			if err != nil {
				t.Fatal(err)
			}
			got, err := x.Eval(env)
			if err != nil || got != values[want] {
				t.Fatalf("%s of %v and %v = %v, %v; want %v", in, values[a], values[b], got, err, values[want])
			}
		}
	})
}

// TestTextIsJSON: numbers print as encoding/json prints them, but whole ones
// always without a fraction.
func TestTextIsJSON(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := rapid.Float64().Draw(t, "f")
		if math.IsNaN(f) || math.IsInf(f, 0) || f == 0 {
			return
		}
		want, err := json.Marshal(f)
		if err != nil {
			t.Fatal(err)
		}
		if got := mapping.Text(f); got != string(want) {
			t.Fatalf("Text(%v) = %s, want %s", f, got, want)
		}
	})
	for _, tc := range []struct {
		in   any
		want string
	}{
		{nil, ""}, {"<a>", "<a>"}, {int64(-3), "-3"}, {3, "3"}, {3.0, "3"}, {math.Copysign(0, -1), "0"}, {true, "true"},
		{time.Date(2026, 1, 31, 9, 30, 0, 5, time.UTC), "2026-01-31T09:30:00Z"}, {90 * time.Minute, "1h30m0s"},
		{[]any{1.0, "a"}, `[1,"a"]`}, {map[string]any{"b": nil, "a": "<"}, `{"a":"<","b":null}`},
	} {
		if got := mapping.Text(tc.in); got != tc.want {
			t.Errorf("Text(%v) = %q, want %q", tc.in, got, tc.want)
		}
	}
}

// TestArithmetic holds integer arithmetic against big integers: it is exact, or
// an error where the result is no int64.
func TestArithmetic(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := rapid.Int64().Draw(t, "a"), rapid.Int64().Draw(t, "b")
		env := mapping.Env{Event: map[string]any{"a": a, "b": b}}
		x, y := big.NewInt(a), big.NewInt(b)
		for in, exact := range map[string]*big.Int{
			"event.a + event.b": new(big.Int).Add(x, y), "event.a - event.b": new(big.Int).Sub(x, y), "event.a * event.b": new(big.Int).Mul(x, y),
		} {
			expression, err := mapping.ParseExpression(in)
			if err != nil {
				t.Fatal(err)
			}
			got, err := expression.Eval(env)
			switch {
			case err != nil && exact.IsInt64():
				t.Fatalf("%s of %d and %d: %v", in, a, b, err)
			case err == nil && (!exact.IsInt64() || got != exact.Int64()):
				t.Fatalf("%s of %d and %d = %v, want %v", in, a, b, got, exact)
			}
		}
	})
}

// TestConcurrentUse is for the race detector: one template, many goroutines.
func TestConcurrentUse(t *testing.T) {
	template, err := mapping.Parse(map[string]any{"a": "{{ let n = event.count; map(event.items, .sku + string(n)) }}"})
	if err != nil {
		t.Fatal(err)
	}
	env, types := environment(t), scope(t)
	want := map[string]any{"a": []any{"a3", "b3", "c3"}}
	done := make(chan string)
	for range 8 {
		go func() {
			diff := ""
			for range 50 {
				got, err := template.Eval(env)
				if err != nil {
					diff = err.Error()
				}
				diff += cmp.Diff(want, got)
				if _, err := template.Check(types); err != nil {
					diff += err.Error()
				}
				template.References()
			}
			done <- diff
		}()
	}
	for range 8 {
		if diff := <-done; diff != "" {
			t.Error(diff)
		}
	}
}
