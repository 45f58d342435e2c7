package mapping_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/waypost/waypost/shared/fault"
	"github.com/waypost/waypost/shared/mapping"
	"github.com/waypost/waypost/shared/schema"
)

// scope is the environment's types.
func scope(t testing.TB) mapping.Scope {
	typ := func(text string) schema.Type {
		s, err := schema.Compile([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		return s.Type()
	}
	return mapping.Scope{
		Event: typ(`{"type": "object", "required": ["orderId", "total", "count", "items"], "properties": {
			"orderId": {"type": "string"}, "total": {"type": "number"}, "count": {"type": "integer"}, "open": {"type": "object"},
			"items": {"type": "array", "items": {"type": "object", "required": ["sku", "price"], "properties": {
				"sku": {"type": "string"}, "price": {"type": "number"}, "gift": {"type": "boolean"}}}},
			"tags": {"type": "array", "items": {"type": "string"}}, "table": {"type": "string", "format": "date-time"}}}`),
		Profile: typ(`{"type": "object", "properties": {
			"firstName": {"type": "string"}, "first name": {"type": "string"}, "phone": {"type": "string"}, "vip": {"type": "boolean"},
			"loyalty": {"type": "object", "properties": {"tier": {"enum": ["gold", "silver"]}, "points": {"type": "integer"}}},
			"addresses": {"type": "array", "items": {"type": "object", "properties": {"city": {"type": "string"}}}},
			"consents": {"type": "object", "additionalProperties": {"type": "string"}}, "mixed": {"type": ["string", "integer"]}}}`),
		Data:  map[string]schema.Type{"weather": typ(`{"type": "object", "properties": {"sky": {"type": "string"}}, "required": ["sky"]}`)},
		Steps: map[string]mapping.StepTypes{"text": {Response: typ(`{"type": "object", "properties": {"sid": {"type": "string"}}}`), Error: schema.Any()}},
	}
}

func TestCheckRefuses(t *testing.T) {
	for _, tc := range []struct{ in, want, suggestion string }{
		// Unknown names, at every depth.
		{"profile.fristName", "profile.fristName: the profile schema has no fristName; did you mean firstName?", "firstName"},
		{"profile.zzz.a.b", "profile.zzz: the profile schema has no zzz", ""},
		{"profile.loyalty.teir", "profile.loyalty.teir: profile.loyalty has no teir; did you mean tier?", "tier"},
		{`profile["frist name"]`, `profile["frist name"]: the profile schema has no frist name; did you mean first name?`, "first name"},
		{"profile?.fristName", "profile.fristName: the profile schema has no fristName; did you mean firstName?", "firstName"},
		{"event.totl", "event.totl: the event's schema has no totl; did you mean total?", "total"},
		{"data.wether.sky", "data.wether: there is no source wether; did you mean weather?", "weather"},
		{"data.weather.skye", "data.weather.skye: the response of source weather has no skye; did you mean sky?", "sky"},
		{"steps.txt.code", "steps.txt: there is no step txt before this one; did you mean text?", "text"},
		{"steps.text.outcom", "steps.text.outcom: steps.text has no outcom; did you mean outcome?", "outcome"},
		{"steps.text.response.side", "steps.text.response.side: steps.text.response has no side; did you mean sid?", "sid"},
		{"entry.sorce", "entry.sorce: entry has no sorce; did you mean source?", "source"},
		{"journey.nam", "journey.nam: journey has no nam; did you mean name?", "name"},
		{"profile.addresses[0].cty", "profile.addresses[0].cty: profile.addresses[0] has no cty; did you mean city?", "city"},
		{"first(profile.addresses).cty", "first(…).cty: first(…) has no cty; did you mean city?", "city"},
		{"filter(event.items, .prise > 1)", "event.items[].prise: event.items[] has no prise; did you mean price?", "price"},
		{"map(filter(event.items, .price > 1), .skuu)", "filter(…)[].skuu: filter(…)[] has no skuu; did you mean sku?", "sku"},
		{"let p = profile; p.fristName", "p.fristName: p has no fristName; did you mean firstName?", "firstName"},
		{"(profile.vip ? profile.loyalty : nil).teir", "this.teir: this has no teir; did you mean tier?", "tier"},
		{"{a: 1}.b", "this.b: this has no b; did you mean a?", "a"},
		{"profile.phone.country", "profile.phone is a string, which has no attributes", ""},
		{"profile.addresses.city", "profile.addresses is an array: read an item of it, as in profile.addresses[0].city, or use map", ""},
		// Wrong types.
		{"upper(event.total)", "upper needs a string, event.total is a number; string(…) makes one of it", ""},
		{"event.total + 'x'", "event.total is a number and 'x' is a string: they cannot stand on the two sides of +", ""},
		{"event.orderId - 1", "event.orderId is a string and 1 is an integer: they cannot stand on the two sides of -", ""},
		{"event.total == 'x'", "event.total is a number and 'x' is a string: they are never equal", ""},
		{"event.total < 'x'", "event.total is a number and 'x' is a string: they cannot be compared", ""},
		{"event.table > now()", "event.table is a string and now(…) is a time: they cannot be compared; date(…) makes a time of a string", ""},
		{"event.tags < 3", "< needs a string or a number or a time or a duration, event.tags is an array of strings", ""},
		{"event.total and true", "the left of and must be a boolean, event.total is a number", ""},
		{"true or event.total", "the right of or must be a boolean, event.total is a number", ""},
		{"not event.orderId", "what follows not must be a boolean, event.orderId is a string", ""},
		{"event.orderId ? 1 : 2", "a condition must be a boolean, event.orderId is a string", ""},
		{"-event.orderId", "- needs a number, event.orderId is a string", ""},
		{"event.orderId contains 3", "contains needs a string, 3 is an integer", ""},
		{"event.total matches '4'", "matches needs a string, event.total is a number", ""},
		{"1 in event.tags", "1 is an integer, and the items of event.tags are not", ""},
		{"1 in event.orderId", "in needs a list or an object, event.orderId is a string", ""},
		{"1 in profile.loyalty", "in needs a string, 1 is an integer", ""},
		{"1..event.orderId", ".. needs a number, event.orderId is a string", ""},
		{"event.items['a' + 'b']", "an index must be an integer, this is a string", ""},
		{"event.open[1]", "an attribute's name must be a string, 1 is an integer", ""},
		{"event.total[0]", "event.total is a number, which has no items", ""},
		{"event.total[1:]", "only a string or an array can be cut, event.total is a number", ""},
		{"event.orderId['a':]", "an index must be an integer, 'a' is a string", ""},
		{"filter(event.total, true)", "filter needs a list, event.total is a number", ""},
		{"filter(event.items, .price)", "the body of filter must be a boolean, #.price is a number", ""},
		{"sum(event.items, .sku)", "sum needs numbers, its items are not: a string", ""},
		{"sortBy(event.items, .sku, 1)", "the order of sortBy must be 'asc' or 'desc', this is an integer", ""},
		{"event.total.Year()", ".Year needs a time, event.total is a number", ""},
		{"{(1): 2}", "a key must be a string, this is an integer", ""},
	} {
		x, err := mapping.ParseExpression(tc.in)
		if err != nil {
			t.Errorf("%s: %v", tc.in, err)
			continue
		}
		_, err = x.Check(scope(t))
		e, ok := errors.AsType[*fault.Error](err)
		if !ok || e.Code != fault.Invalid || len(e.Details) != 1 {
			t.Errorf("%s: got %v, want %s", tc.in, err, tc.want)
			continue
		}
		if d := e.Details[0]; d.Message != tc.want || d.Suggestion != tc.suggestion {
			t.Errorf("%s\n got %s [%s]\nwant %s [%s]", tc.in, d.Message, d.Suggestion, tc.want, tc.suggestion)
		}
	}
}

func TestCheckTypes(t *testing.T) {
	null := schema.Type.OrNull
	str, num, integer, boolean := schema.String(), schema.Number(), schema.Integer(), schema.Boolean()
	for _, tc := range []struct {
		in   string
		want schema.Type
	}{
		{"event.orderId", str},
		{"profile.firstName", null(str)},
		{"profile.firstName ?? 'there'", str},
		{"profile.firstName ?? profile.phone", null(str)},
		{"profile.firstName ?? 3", schema.Type{}},
		{"event.orderId ?? 3", str},
		{"profile.loyalty.points + 1", null(integer)},
		{"event.count + 1", integer},
		{"event.count + 1.5", num},
		{"event.count / 2", num},
		{"event.total % 2", integer},
		{"event.count ** 2", num},
		{"'a' + event.orderId", str},
		{"floor(event.total)", num},
		{"floor(event.count)", integer},
		{"upper(profile.firstName)", null(str)},
		{"profile.loyalty.tier == 'gold'", null(boolean)},
		{"profile.loyalty.tier == nil", boolean},
		{"event.total > 3 and profile.vip", null(boolean)},
		{"not profile.vip", null(boolean)},
		{"profile.consents.sms", null(str)},
		{"event.open.what.ever", schema.Any()},
		{"profile.mixed", schema.Any()},
		{"profile.addresses[0].city", null(str)},
		{"event.items[0].price", null(num)},
		{"map(event.items, .price)", schema.Array(num)},
		{"sum(event.items, .price)", num},
		{"sum(event.items, #.price * 2)", num},
		{"count(event.items, .gift)", integer},
		{"find(event.items, .gift).sku", null(str)},
		{"max(map(event.items, .price))", null(num)},
		{"max(event.count, 1.5)", num},
		{"first(event.tags)", null(str)},
		{"split(event.orderId, '-')", schema.Array(str)},
		{"join(event.tags, ',')", null(str)},
		{"len(event.items)", integer},
		{"groupBy(event.items, .sku)['a'][0].price", null(num)},
		{"steps.text.code", null(integer)},
		{"steps.text.status", null(str)},
		{"steps.text.response.sid", null(str)},
		{"data.weather.sky", null(str)},
		{"entry.id", str},
		{"entry.subject", null(str)},
		{"journey.version", integer},
		{"now()", str},
		{"[{at: now()}]", schema.Array(schema.Object(map[string]schema.Type{"at": str}))},
		{"now() - date(event.table ?? '2026-01-01') > duration('1h')", boolean},
		{"date('2026-01-01').Year()", integer},
		{"profile.vip ? 1 : nil", null(integer)},
		{"profile.vip ? 1 : 2.5", num},
		{"profile.vip ? 1 : 'a'", schema.Type{}},
		{"{a: 1, b: profile.vip}", schema.Object(map[string]schema.Type{"a": integer, "b": null(boolean)})},
		{"[1, 2.5]", schema.Array(num)},
		{"1..3", schema.Array(integer)},
		{"event.orderId[1:]", str},
		{"nil", schema.Null()},
		{"fromJSON('1').a", schema.Any()},
		{"reduce(event.items, #acc + .price, 0)", schema.Any()},
		{"let p = profile.loyalty; p.points", null(integer)},
		{"'tier' in profile.loyalty", null(boolean)},
		{"event.count in [1, 2.5]", boolean},
		{"event.orderId in ['a']", boolean},
	} {
		x, err := mapping.ParseExpression(tc.in)
		if err != nil {
			t.Errorf("%s: %v", tc.in, err)
			continue
		}
		got, err := x.Check(scope(t))
		if err != nil {
			t.Errorf("%s: %v", tc.in, err)
			continue
		}
		if diff := cmp.Diff(tc.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tc.in, diff)
		}
	}
}

func TestCheckTemplate(t *testing.T) {
	template, err := mapping.Parse(map[string]any{
		"a": "{{ event.count }}", "b": []any{"n: {{ profile.firstName }}", int64(1)}, "c": map[string]any{"d": "x"}, "e": "{{ event.orderId }}!",
	})
	if err != nil {
		t.Fatal(err)
	}
	got, err := template.Check(scope(t))
	if err != nil {
		t.Fatal(err)
	}
	want := schema.Object(map[string]schema.Type{
		"a": schema.Integer(), "b": schema.Array(schema.Any()), "e": schema.String(),
		"c": schema.Object(map[string]schema.Type{"d": schema.String()}),
	})
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestCheckPlaces: all that is wrong is listed, with the path in the mapping
// and the line and column in the string.
func TestCheckPlaces(t *testing.T) {
	template, err := mapping.Parse(map[string]any{"body": map[string]any{
		"to":   "{{ profile.phoen }}",
		"text": []any{"é {{ profile.firstName }},\n  {{ upper(event.count) }} {{ event.ttal }}"},
	}})
	if err != nil {
		t.Fatal(err)
	}
	_, err = template.Check(scope(t))
	e, _ := errors.AsType[*fault.Error](err)
	want := []fault.Detail{
		{Path: "body.text.0", Rule: "expression", Line: 2, Column: 18, Message: "upper needs a string, event.count is an integer; string(…) makes one of it"},
		{Path: "body.text.0", Rule: "expression", Line: 2, Column: 37, Message: "event.ttal: the event's schema has no ttal; did you mean total?", Suggestion: "total"},
		{Path: "body.to", Rule: "expression", Line: 1, Column: 12, Message: "profile.phoen: the profile schema has no phoen; did you mean phone?", Suggestion: "phone"},
	}
	if diff := cmp.Diff(want, e.Details); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
