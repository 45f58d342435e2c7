package mapping_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/waypost/waypost/shared/fault"
	"github.com/waypost/waypost/shared/mapping"
	"github.com/waypost/waypost/shared/schema"
)

func decode(t testing.TB, text string) any {
	t.Helper()
	v, err := schema.Decode([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// environment is what the tests read.
func environment(t testing.TB) mapping.Env {
	return mapping.Env{
		Event: decode(t, `{"orderId": "A-7", "total": 41.5, "count": 3, "whole": 40.0, "big": 9223372036854775807, "zero": 0, "none": null,
			"items": [{"sku": "a", "price": 10, "gift": true}, {"sku": "b", "price": 20.5, "gift": false}, {"sku": "c"}],
			"tags": ["x", "y"], "numbers": [3, 1, 2], "gaps": [1, null], "table": "2026-03-01T18:30:00Z"}`),
		Entry: mapping.Entry{ID: "e-1", Source: "/shop", Type: "order.ready", Time: "2026-01-31T09:00:00Z"},
		Profile: decode(t, `{"firstName": "Zoë", "first name": "Zoë", "phone": "+15005550006", "vip": true, "optedOut": false,
			"loyalty": {"tier": "gold", "points": 120}, "addresses": [{"city": "Bern"}, {"city": "Basel"}]}`).(map[string]any),
		Data:  map[string]any{"weather": decode(t, `{"sky": "clear"}`)},
		Steps: map[string]any{"text": decode(t, `{"outcome": "sent", "code": 201, "response": {"sid": "SM1"}, "error": null}`)},
		Journey: mapping.Journey{
			Name: "order_ready", Version: 2, Execution: "abc",
		},
		Now: time.Date(2026, 1, 31, 9, 30, 0, 0, time.UTC),
	}
}

// TestEval has a case for each sentence of "One language for mapping" that
// tells what an expression gives. nil is <nil>; err is what an error holds.
func TestEval(t *testing.T) {
	type list = []any
	type object = map[string]any
	env := environment(t)
	for _, tc := range []struct {
		name string
		in   any
		want any
		err  string
	}{
		// A string is a template; alone, an expression keeps its type; other values are constants.
		{name: "text", in: "plain", want: "plain"},
		{name: "text around", in: "Hi {{ profile.firstName }}, order {{event.orderId}}!", want: "Hi Zoë, order A-7!"},
		{name: "alone keeps its type", in: "{{ floor(event.total) }}", want: int64(41)},
		{name: "alone boolean", in: "{{ profile.vip }}", want: true},
		{name: "alone object", in: "{{ profile.loyalty }}", want: object{"tier": "gold", "points": int64(120)}},
		{name: "a space is text around", in: " {{ event.count }}", want: " 3"},
		{name: "constant number", in: int64(7), want: int64(7)},
		{name: "constant null", in: nil, want: nil},
		{name: "object", in: object{"a": "{{ event.count }}", "b": list{"n: {{ event.count }}", true}}, want: object{"a": int64(3), "b": list{"n: 3", true}}},
		{name: "keys are no templates", in: object{"{{ a }}": "{{ event.count }}"}, want: object{"{{ a }}": int64(3)}},
		// }} ends an expression only where it could end.
		{name: "object literal", in: `{{ {"a": {"b": 1}} }}`, want: object{"a": object{"b": int64(1)}}},
		{name: "object literal, tight", in: `{{{"a": {"b": 1}}}}`, want: object{"a": object{"b": int64(1)}}},
		{name: "braces in a string", in: `{{ profile.firstName + '}}' }}!`, want: "Zoë}}!"},
		{name: "an opening brace", in: `{{ '{{' }} x }}`, want: "{{ x }}"},
		{name: "lone braces are text", in: "a } b }} c { d", want: "a } b }} c { d"},
		// What is in scope.
		{name: "entry", in: "{{ entry.id }} {{ entry.source }} {{ entry.type }} {{ entry.time }}", want: "e-1 /shop order.ready 2026-01-31T09:00:00Z"},
		{name: "no subject", in: "{{ entry.subject }}", want: nil},
		{name: "data", in: "{{ data.weather.sky }}", want: "clear"},
		{name: "no answer", in: "{{ data.other.sky }}", want: nil},
		{name: "steps", in: "{{ steps.text.outcome }} {{ steps.text.code }} {{ steps.text.response.sid }}", want: "sent 201 SM1"},
		{name: "step's status, where there is none", in: "{{ steps.text.status ?? 'none' }}", want: "none"},
		{name: "step's error", in: "{{ steps.text.error.code }}", want: nil},
		{name: "journey", in: "{{ journey.name }} {{ journey.version }} {{ journey.execution }}", want: "order_ready 2 abc"},
		{name: "whole entry", in: "{{ entry }}", want: object{"id": "e-1", "source": "/shop", "type": "order.ready", "time": "2026-01-31T09:00:00Z", "subject": nil}},
		{name: "now", in: "{{ now() }}", want: "2026-01-31T09:30:00Z"},
		{name: "odd name", in: `{{ profile["first name"] }}`, want: "Zoë"},
		// Absent is nil, below a missing parent too.
		{name: "absent", in: "{{ profile.lastName }}", want: nil},
		{name: "below absent", in: "{{ profile.work.address.city }}", want: nil},
		{name: "below null", in: "{{ event.none.a.b }}", want: nil},
		{name: "below a string", in: "{{ profile.phone.country }}", want: nil},
		{name: "beyond a list", in: "{{ profile.addresses[9].city }}", want: nil},
		{name: "from the end", in: "{{ profile.addresses[-1].city }}", want: "Basel"},
		{name: "index of nil", in: "{{ profile.nothing[0] }}", want: nil},
		{name: "optional chain", in: "{{ profile?.work?.city }}", want: nil},
		// == nil and != nil test; any other comparison with nil is nil.
		{name: "== nil", in: "{{ profile.lastName == nil }}", want: true},
		{name: "nil ==", in: "{{ nil == profile.firstName }}", want: false},
		{name: "!= nil", in: "{{ profile.lastName != nil }}", want: false},
		{name: "!= nil of a value", in: "{{ profile.firstName != nil }}", want: true},
		{name: "absent == value", in: "{{ profile.lastName == 'x' }}", want: nil},
		{name: "absent != value", in: "{{ profile.lastName != 'x' }}", want: nil},
		{name: "absent == absent", in: "{{ profile.a == profile.b }}", want: nil},
		{name: "absent < value", in: "{{ profile.age < 3 }}", want: nil},
		{name: "chain of comparisons", in: "{{ 10 <= event.total < 50 }}", want: true},
		{name: "chain with nil", in: "{{ 10 <= profile.age < 50 }}", want: nil},
		// Arithmetic and functions with nil give nil.
		{name: "nil + 1", in: "{{ profile.age + 1 }}", want: nil},
		{name: "-nil", in: "{{ -profile.age }}", want: nil},
		{name: "string + nil", in: "{{ 'a' + profile.lastName }}", want: nil},
		{name: "upper(nil)", in: "{{ upper(profile.lastName) }}", want: nil},
		{name: "len(nil)", in: "{{ len(profile.lastName) }}", want: nil},
		{name: "filter(nil)", in: "{{ filter(profile.things, true) }}", want: nil},
		{name: "nil in list", in: "{{ profile.lastName in ['a'] }}", want: nil},
		{name: "in nil", in: "{{ 'a' in profile.things }}", want: nil},
		{name: "not in nil", in: "{{ 'a' not in profile.things }}", want: nil},
		{name: "contains nil", in: "{{ profile.lastName contains 'a' }}", want: nil},
		{name: "matches nil", in: "{{ profile.lastName matches '^a' }}", want: nil},
		{name: "slice of nil", in: "{{ profile.lastName[0:2] }}", want: nil},
		{name: "range with nil", in: "{{ 1..profile.age }}", want: nil},
		// and, or, not are three-valued.
		{name: "false and nil", in: "{{ false and profile.x }}", want: false},
		{name: "nil and false", in: "{{ profile.x and false }}", want: false},
		{name: "true and nil", in: "{{ true and profile.x }}", want: nil},
		{name: "nil and true", in: "{{ profile.x && true }}", want: nil},
		{name: "nil and nil", in: "{{ profile.x and profile.y }}", want: nil},
		{name: "true or nil", in: "{{ true or profile.x }}", want: true},
		{name: "nil or true", in: "{{ profile.x || true }}", want: true},
		{name: "false or nil", in: "{{ false or profile.x }}", want: nil},
		{name: "nil or false", in: "{{ profile.x or false }}", want: nil},
		{name: "not nil", in: "{{ not profile.x }}", want: nil},
		{name: "not true", in: "{{ !profile.vip }}", want: false},
		{name: "the right is not looked at", in: "{{ event.zero != 0 and 1 / event.zero > 1 }}", want: false},
		// ?? gives a default.
		{name: "?? of nil", in: "{{ profile.lastName ?? 'there' }}", want: "there"},
		{name: "?? of a value", in: "{{ profile.firstName ?? 'there' }}", want: "Zoë"},
		{name: "?? of false", in: "{{ profile.optedOut ?? true }}", want: false},
		{name: "?? of ??", in: "{{ profile.a ?? profile.b ?? 3 }}", want: int64(3)},
		// A nil condition is false.
		{name: "nil ? :", in: "{{ profile.x ? 1 : 2 }}", want: int64(2)},
		{name: "if", in: "{{ if profile.vip { 'a' } else { 'b' } }}", want: "a"},
		{name: "?:", in: "{{ profile.x ?: 5 }}", want: int64(5)},
		{name: "a condition that is none", in: "{{ event.count ? 1 : 2 }}", err: "a condition must be true or false, this is a number"},
		// A template with text around an expression that is nil is nil as a whole.
		{name: "text and nil", in: "Hi {{ profile.lastName }}!", want: nil},
		{name: "text and nil in an object", in: object{"a": "Hi {{ profile.lastName }}!"}, want: object{"a": nil}},
		// Bodies follow the same rules; a nil condition in one is false.
		{name: "filter", in: "{{ map(filter(event.items, .price > 5), .sku) }}", want: list{"a", "b"}},
		{name: "any with nil", in: "{{ any(event.items, .price > 50) }}", want: false},
		{name: "all with nil", in: "{{ all(event.items, .price > 5) }}", want: false},
		{name: "none with nil", in: "{{ none(event.items, .price > 50) }}", want: true},
		{name: "map with nil", in: "{{ map(event.items, .price) }}", want: list{int64(10), 20.5, nil}},
		{name: "sum with nil", in: "{{ sum(event.items, .price) }}", want: nil},
		{name: "sum with a default", in: "{{ sum(event.items, .price ?? 0) }}", want: 30.5},
		{name: "count", in: "{{ count(event.items, .gift) }}", want: int64(1)},
		{name: "one", in: "{{ one(event.items, .gift) }}", want: true},
		{name: "find", in: "{{ find(event.items, .sku == 'b').price }}", want: 20.5},
		{name: "find nothing", in: "{{ find(event.items, .sku == 'z').price }}", want: nil},
		{name: "findIndex", in: "{{ findIndex(event.items, .sku == 'b') }}", want: int64(1)},
		{name: "findLast", in: "{{ findLast(event.items, .price > 5).sku }}", want: "b"},
		{name: "findLastIndex", in: "{{ findLastIndex(event.items, .price > 5) }}", want: int64(1)},
		{name: "groupBy", in: "{{ groupBy(event.tags, #) }}", want: object{"x": list{"x"}, "y": list{"y"}}},
		{name: "sortBy", in: "{{ map(sortBy(event.items, .price, 'desc'), .sku) }}", want: list{"b", "a", "c"}},
		{name: "reduce", in: "{{ reduce(event.numbers, #acc + #, 10) }}", want: int64(16)},
		{name: "reduce of nothing", in: "{{ reduce([], #acc + #) }}", want: nil},
		{name: "#index", in: "{{ map(event.tags, #index) }}", want: list{int64(0), int64(1)}},
		{name: "nested bodies", in: "{{ map(event.numbers, sum(event.numbers, #) + #) }}", want: list{int64(9), int64(7), int64(8)}},
		{name: "let", in: "{{ let n = event.count; n * n }}", want: int64(9)},
		{name: "pipe", in: "{{ profile.firstName | upper() }}", want: "ZOË"},
		{name: "body that is no condition", in: "{{ filter(event.numbers, #) }}", err: "the body of filter must be true or false, it is a number"},
		// Integers stay integers; / gives a fraction; numbers print as JSON does.
		{name: "integer +", in: "{{ event.count + 1 }}", want: int64(4)},
		{name: "float +", in: "{{ event.total + 1 }}", want: 42.5},
		{name: "/", in: "{{ event.count / 2 }}", want: 1.5},
		{name: "whole /", in: "{{ 4 / 2 }}", want: 2.0},
		{name: "%", in: "{{ event.whole % 7 }}", want: int64(5)},
		{name: "% of a fraction", in: "{{ event.total % 7 }}", err: "% needs two whole numbers, has a number and a number"},
		{name: "**", in: "{{ 2 ** 10 }}", want: int64(1024)},
		{name: "** of a fraction", in: "{{ 2 ** -1 }}", want: 0.5},
		{name: "overflow", in: "{{ event.big + 1 }}", err: "the result is too large for an integer"},
		{name: "overflow of *", in: "{{ event.big * 2 }}", err: "the result is too large for an integer"},
		{name: "not finite", in: "{{ 1e308 * 10 }}", err: "the result is not a finite number"},
		{name: "/ 0", in: "{{ 1 / event.zero }}", err: "division by zero"},
		{name: "% 0", in: "{{ 1 % event.zero }}", err: "division by zero"},
		{name: "whole float prints", in: "{{ event.whole }} {{ 4 / 2 }}", want: "40 2"},
		{name: "large float prints", in: "{{ 1e21 }} {{ 1e20 }} {{ 0.0000001 }} {{ 0.1 }}!", want: "1e+21 100000000000000000000 1e-7 0.1!"},
		{name: "boolean prints", in: "{{ profile.vip }}!", want: "true!"},
		{name: "object prints", in: "{{ profile.loyalty }}!", want: `{"points":120,"tier":"gold"}!`},
		{name: "array prints", in: "{{ ['<a>', 1.0, nil] }}!", want: `["<a>",1,null]!`},
		{name: "time prints", in: "at {{ now() }}", want: "at 2026-01-31T09:30:00Z"},
		{name: "time in an object", in: "{{ {at: now(), took: duration('90s')} }}", want: object{"at": "2026-01-31T09:30:00Z", "took": "1m30s"}},
		// Numbers compare by value; kinds that differ are not equal.
		{name: "1 == 1.0", in: "{{ event.whole == 40 }}", want: true},
		{name: "string == number", in: "{{ event.orderId == event.count }}", want: false},
		{name: "deep equality", in: "{{ event.numbers == [3, 1, 2.0] }}", want: true},
		{name: "large integers", in: "{{ event.big == 9223372036854775806 }}", want: false},
		{name: "string < number", in: "{{ event.orderId < 3 }}", err: "a string and a number cannot be compared"},
		{name: "in", in: "{{ 'x' in event.tags }}", want: true},
		{name: "not in", in: "{{ 'z' not in event.tags }}", want: true},
		{name: "key in", in: "{{ 'tier' in profile.loyalty }}", want: true},
		{name: "in a string", in: "{{ 'a' in event.orderId }}", err: "in needs a list or an object on its right, has a string"},
		{name: "startsWith", in: "{{ event.orderId startsWith 'A-' and event.orderId endsWith '7' }}", want: true},
		{name: "matches", in: "{{ profile.phone matches '^[+]1' }}", want: true},
		{name: "cut", in: "{{ profile.firstName[2:] }}", want: "ë"},
		{name: "cut a list", in: "{{ event.numbers[1:] }}", want: list{int64(1), int64(2)}},
		{name: "range", in: "{{ 1..3 }}", want: list{int64(1), int64(2), int64(3)}},
		{name: "range without end", in: "{{ 1..event.big }}", err: "it takes too much work; lists or texts are too large for it"},
		{name: "work without end", in: "{{ count(1..9999, count(1..9999, true) > 0) }}", err: "it takes too much work; lists or texts are too large for it"},
		{name: "text without end", in: "{{ repeat('ab', 999999) }}", err: "it takes too much work; lists or texts are too large for it"},
		{name: "text without end, by lists", in: "{{ toJSON(map(1..9999, map(1..9999, event))) }}", err: "it takes too much work; lists or texts are too large for it"},
		{name: "a value without end", in: "{{ let a = 1..99; let b = map(a, a); let c = map(b, b); map(c, c) }}", err: "it takes too much work; lists or texts are too large for it"},
		{name: "too deep", in: "{{ reduce(1..200, [#acc], 1) }}", err: "the value is nested too deep"},
		{name: "string + number", in: "{{ event.orderId + 1 }}", err: "+ needs two numbers, two strings, or a time and a duration, has a string and a number"},
		{name: "wrong argument", in: "{{ upper(event.count) }}", err: "upper needs a string, has a number"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			template, err := mapping.Parse(tc.in)
			if err != nil {
				t.Fatal(err)
			}
			got, err := template.Eval(env)
			if tc.err != "" {
				if !fault.Is(err, fault.Invalid) || !strings.HasSuffix(err.Error(), tc.err) {
					t.Fatalf("got %v and the error %v, want the error %s", got, err, tc.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("%v (-want +got):\n%s", tc.in, diff)
			}
		})
	}
}

func TestFunctions(t *testing.T) {
	env := environment(t)
	for _, tc := range []struct{ in, want string }{
		{`upper('aé') + lower('AÉ')`, `"AÉaé"`},
		{`trim('  a ') + trim('xax', 'x') + trimPrefix('ab', 'a') + trimSuffix('ab', 'b')`, `"aaba"`},
		{`split('a,b,c', ',')`, `["a","b","c"]`},
		{`split('a,b,c', ',', 2)`, `["a","b,c"]`},
		{`replace('aaa', 'a', 'b') + replace('aaa', 'a', 'b', 1)`, `"bbbbaa"`},
		{`repeat('ab', 2)`, `"abab"`},
		{`[indexOf('ëa', 'a'), lastIndexOf('aëa', 'a'), indexOf('a', 'z')]`, `[1,2,-1]`},
		{`[hasPrefix('ab', 'a'), hasSuffix('ab', 'a')]`, `[true,false]`},
		{`[string(1.0), string(true), string('a'), string([1])]`, `["1","true","a","[1]"]`},
		{`[len('Zoë'), len([1, 2]), len({a: 1})]`, `[3,2,1]`},
		{`[abs(-3), abs(2.5), abs(-2.5)]`, `[3,2.5,2.5]`},
		{`[ceil(1.2), floor(-1.2), round(2.5), round(3), floor(1e300)]`, `[2,-2,3,3,1e+300]`},
		{`[int('12'), int(3.9), int('2.9'), float('1.5'), float(2)]`, `[12,3,2,1.5,2]`},
		{`[min(3, 1.5), max([1, 2]), min('b', 'a'), max([]), min([1, nil])]`, `[1.5,2,"a",null,null]`},
		{`[mean([1, 2]), median([3, 1, 2]), median(1, 2), mean([]), sum([1, 2]), sum([])]`, `[1.5,2,1.5,null,3,0]`},
		{`[first([1, 2]), last([1, 2]), first([]), take([1, 2, 3], 2)]`, `[1,2,null,[1,2]]`},
		{`[reverse([1, 2]), sort([3, 1, 2]), sort(['b', 'a'], 'desc'), uniq([1, 1.0, 2])]`, `[[2,1],[1,2,3],["b","a"],[1,2]]`},
		{`[concat([1], [2, 3]), flatten([1, [2, [3]]])]`, `[[1,2,3],[1,2,3]]`},
		{`[join(['a', 'b'], '-'), join(['a', 'b']), join(['a', nil])]`, `["a-b","ab",null]`},
		{`[keys({b: 1, a: 2}), values({b: 1, a: 2})]`, `[["a","b"],[2,1]]`},
		{`toJSON({b: [1, '<']})`, `"{\"b\":[1,\"<\"]}"`},
		{`fromJSON('{"a": 1.0}').a`, `1`},
		{`fromBase64(toBase64('Zoë'))`, `"Zoë"`},
		{`date(event.table).In('Europe/Zurich').Format('15:04')`, `"19:30"`},
		{`date('31.01.2026', '02.01.2006').Weekday()`, `"Saturday"`},
		{`date('2026-07-01 12:00:00', '2006-01-02 15:04:05', 'Europe/Zurich').Unix()`, `1782900000`},
		{`[now().Year(), now().Month(), now().Day(), now().Hour(), now().Minute(), now().Second()]`, `[2026,1,31,9,30,0]`},
		{`now() + duration('1h') > now() and now() - duration('1h') < now()`, `true`},
		{`(date('2026-02-01') - date('2026-01-31')).Hours()`, `24`},
		{`[(duration('1h') * 2).Minutes(), (2 * duration('30s')).Seconds(), (duration('1h') - duration('30m')).Minutes()]`, `[120,60,30]`},
		{`max([date('2026-02-01'), now()])`, `"2026-02-01T00:00:00Z"`},
	} {
		x, err := mapping.ParseExpression(tc.in)
		if err != nil {
			t.Errorf("%s: %v", tc.in, err)
			continue
		}
		got, err := x.Eval(env)
		if err != nil {
			t.Errorf("%s: %v", tc.in, err)
			continue
		}
		if diff := cmp.Diff(floated(decode(t, tc.want)), floated(got)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tc.in, diff)
		}
		// What runs must also pass a check in a scope that knows nothing.
		if _, err := x.Check(mapping.Scope{Event: schema.Any(), Profile: schema.Any()}); err != nil {
			t.Errorf("%s: %v", tc.in, err)
		}
	}
}

// floated makes all numbers float64: cases are written in JSON.
func floated(v any) any {
	switch v := v.(type) {
	case int64:
		return float64(v)
	case []any:
		list := make([]any, len(v))
		for i := range v {
			list[i] = floated(v[i])
		}
		return list
	}
	return v
}

func TestFunctionErrors(t *testing.T) {
	env := environment(t)
	for _, tc := range []struct{ in, want string }{
		{`int('abc')`, "int needs a number, or a string that holds one"},
		{`float('1 2')`, "float needs a number, or a string that holds one"},
		{`int(1e300)`, "the result is too large for an integer"},
		{`date('soon')`, "date needs a string that holds a date, such as 2026-01-31 or 2026-01-31T09:30:00Z, or a layout that fits it"},
		{`duration('soon')`, "duration needs a string such as 1h30m or 45s"},
		{`now().In('Local')`, "a zone's name is as in Europe/Zurich"},
		{`fromJSON('{')`, "fromJSON needs a string that holds JSON"},
		{`fromBase64('*')`, "fromBase64 needs a string that holds text in base64"},
		{`join([1])`, "join needs a list of strings, an item is a number"},
		{`sort([1, 'a'])`, "a string and a number cannot be compared"},
		{`sort([1], 'up')`, "the order of sort is asc or desc"},
		{`max(true, 1)`, "max needs a string or a number or a list or a time or a duration, has a boolean"},
		{`mean(['a'])`, "mean needs numbers, has a string"},
		{`repeat('a', -1)`, "repeat needs a number of at least 0"},
		{`sum(['a'])`, "sum needs numbers, has a string"},
		{`not 1`, "not needs a boolean, has a number"},
		{`1 and true`, "and needs booleans, has a number"},
		{`event.tags[1.5]`, "an index must be a whole number, this is a number"},
		{`{(1): 2}`, "a key must be a string, this is a number"},
		{`-event.orderId`, "a sign needs a number, has a string"},
		{`all(event.orderId, true)`, "all needs a list, has a string"},
	} {
		x, err := mapping.ParseExpression(tc.in)
		if err != nil {
			t.Errorf("%s: %v", tc.in, err)
			continue
		}
		_, err = x.Eval(env)
		e, ok := errors.AsType[*fault.Error](err)
		if !ok || len(e.Details) != 1 || e.Details[0].Message != tc.want {
			t.Errorf("%s\n got %v\nwant %s", tc.in, err, tc.want)
			continue
		}
		if !strings.Contains(e.Message, tc.in) {
			t.Errorf("%s: the message does not name the expression: %s", tc.in, e.Message)
		}
	}
}

// TestErrorsHoldNoValues: what an evaluation says goes into histories.
func TestErrorsHoldNoValues(t *testing.T) {
	env := mapping.Env{Profile: map[string]any{"a": "SECRET", "n": int64(424242), "l": []any{"SECRET"}, "o": map[string]any{"SECRET": int64(1)}}}
	for _, in := range []string{
		"profile.a + 1", "-profile.a", "profile.n + 'x'", "int(profile.a)", "float(profile.a)", "date(profile.a)", "duration(profile.a)",
		"now().In(profile.a)", "fromJSON(profile.a)", "fromBase64(profile.a + '*')", "profile.a < 3", "profile.o[profile.n]",
		"sort([profile.a, 1])", "upper(profile.l)", "profile.a ? 1 : 2", "filter(profile.l, #)", "{(profile.n): 1}", "profile.a and true",
		"sum(profile.l)", "join([profile.n])", "sort([1], profile.a)", "repeat(profile.a, profile.n)", "1 in profile.a", "profile.a in profile.n",
	} {
		x, err := mapping.ParseExpression(in)
		if err != nil {
			t.Fatal(err)
		}
		_, err = x.Eval(env)
		if err == nil {
			t.Errorf("%s: no error", in)
			continue
		}
		if strings.Contains(err.Error(), "SECRET") || strings.Contains(err.Error(), "424242") {
			t.Errorf("%s: the error holds a value: %v", in, err)
		}
	}
}

func TestTrue(t *testing.T) {
	env := environment(t)
	for _, tc := range []struct {
		in   string
		want bool
		err  string
	}{
		{in: "event.total >= 20", want: true},
		{in: "event.total >= 50"},
		{in: "profile.age >= 50"},
		{in: "profile.loyalty.tier == 'gold'", want: true},
		{in: "event.total", err: "a condition must be true or false, this is a number"},
	} {
		x, err := mapping.ParseExpression(tc.in)
		if err != nil {
			t.Fatal(err)
		}
		got, err := x.True(env)
		if got != tc.want || (err != nil) != (tc.err != "") || err != nil && !strings.HasSuffix(err.Error(), tc.err) {
			t.Errorf("%s = %v, %v; want %v, %s", tc.in, got, err, tc.want, tc.err)
		}
	}
}
