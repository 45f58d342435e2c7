package mapping_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/waypost/waypost/shared/fault"
	"github.com/waypost/waypost/shared/mapping"
	"github.com/waypost/waypost/shared/schema"
)

// What a list comes to, with what an error says in the end.
func TestEach(t *testing.T) {
	env := environment(t)
	for _, tc := range []struct{ name, in, want, err string }{
		{name: "objects", in: `{"each": "{{ event.items }}", "as": "line", "with": {"id": "{{ line.sku }}", "unit": "pc", "cents": "{{ line.price * 100 }}"}}`,
			want: `[{"cents":1000,"id":"a","unit":"pc"},{"cents":2050,"id":"b","unit":"pc"},{"cents":null,"id":"c","unit":"pc"}]`},
		{name: "an item without a name, of an expression without braces", in: `{"each": "event.tags", "with": "{{ item }}!"}`, want: `["x!","y!"]`},
		{name: "filtered", in: `{"each": "{{ filter(event.items, .gift) }}", "with": ["{{ item.sku }}"]}`, want: `[["a"]]`},
		{name: "nested, and what stands outside", in: `{"each": "{{ event.items }}", "as": "line", "with": {"sku": "{{ line.sku }}",
			"tags": {"each": "{{ event.tags }}", "as": "tag", "with": "{{ line.sku }}/{{ tag }}/{{ event.orderId }}/{{ profile.firstName }}"}}}`,
			want: `[{"sku":"a","tags":["a/x/A-7/Zoë","a/y/A-7/Zoë"]},{"sku":"b","tags":["b/x/A-7/Zoë","b/y/A-7/Zoë"]},{"sku":"c","tags":["c/x/A-7/Zoë","c/y/A-7/Zoë"]}]`},
		{name: "a list of the item", in: `{"each": "{{ [[1, 2], [], nil, [3]] }}", "as": "row", "with": {"each": "row", "as": "n", "with": "{{ n + len(row) }}"}}`,
			want: `[[3,4],[],null,[4]]`},
		{name: "beside others", in: `{"a": {"each": "event.tags", "with": "{{ item }}"}, "b": {"each": "event.numbers", "with": "{{ item }}"}}`, want: `{"a":["x","y"],"b":[3,1,2]}`},
		{name: "variables and items of functions beside", in: `{"each": "event.numbers", "as": "n", "with": "{{ let m = n; sum(map(event.numbers, # * m)) + n }}"}`, want: `[21,7,14]`},
		{name: "times", in: `{"each": "{{ [now()] }}", "as": "t", "with": "{{ t }}"}`, want: `["2026-01-31T09:30:00Z"]`},
		{name: "constants alone", in: `{"each": "event.tags", "with": {"a": 1}}`, want: `[{"a":1},{"a":1}]`},
		{name: "empty", in: `{"each": "{{ [] }}", "with": {"a": 1}}`, want: `[]`},
		{name: "absent", in: `{"each": "{{ event.nothing }}", "with": {"a": 1}}`, want: `null`},
		{name: "below what is absent", in: `{"each": "{{ profile.work.places }}", "with": {"a": 1}}`, want: `null`},
		{name: "each alone is a key as any", in: `{"each": "{{ event.tags }}", "when": 2}`, want: `{"each":["x","y"],"when":2}`},
		{name: "these keys as an object", in: `"{{ {'each': 1, 'with': 2} }}"`, want: `{"each":1,"with":2}`},

		{name: "no list", in: `{"a": {"each": "{{ event.orderId }}", "with": 1}}`, err: "a.each: it must be a list, this is a string"},
		{name: "an item that fails", in: `{"a": {"each": "event.items", "as": "line", "with": {"b": ["{{ line.sku }}", "{{ upper(line.price) }}"]}}}`,
			err: "a.0.b.1: upper needs a string, has a number"},
		{name: "an inner item that fails", in: `{"each": "{{ [[1], [2, 'x']] }}", "as": "row", "with": {"n": {"each": "row", "as": "n", "with": "{{ n + 1 }}"}}}`,
			err: "1.n.1: + needs two numbers, two strings, or a time and a duration, has a string and a number"},
		{name: "as many as may be", in: `{"n": "{{ 1 }}", "l": {"each": "1..1001", "with": 1}}`, err: "l.each: it has 1001 items, and at most 1000 are mapped"},
		{name: "work without end", in: `{"each": "1..1000", "as": "a", "with": {"each": "1..1000", "as": "b", "with": 1}}`,
			err: "it takes too much work; lists or texts are too large for it"},
		{name: "a constant without end", in: `{"each": "1..1000", "with": {"a": "` + strings.Repeat("x", 2000) + `"}}`,
			err: "each: it takes too much work; lists or texts are too large for it"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			template, err := mapping.Parse(decode(t, tc.in))
			if err != nil {
				t.Fatal(err)
			}
			got, err := template.Eval(env)
			if tc.err != "" {
				if !fault.Is(err, fault.Invalid) || !strings.HasSuffix(err.Error(), tc.err) {
					t.Errorf("got %s and the error %v, want the error %s", mapping.Text(got), err, tc.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if text, err := schema.Encode(got); err != nil || string(text) != tc.want {
				t.Errorf("got  %s, %v\nwant %s", text, err, tc.want)
			}
		})
	}
}

// What Parse and Check refuse, each with its path.
func TestEachRefuses(t *testing.T) {
	const around = `{"a": {"each": "{{ event.items }}", "as": "line", "with": %s}}`
	for _, tc := range []struct{ in, want string }{
		{`{"each": ["x"], "with": 1}`, "each: must be one expression that gives a list, such as {{ event.lines }}"},
		{`{"each": "{{ event.tags }} ", "with": 1}`, "each: must be one expression that gives a list, such as {{ event.lines }}"},
		{`{"each": "", "with": 1}`, "each: the expression ends too early"},
		{`{"each": "event.", "with": 1}`, "each: unexpected end of expression"},
		{`{"each": "{{ evnt.tags }}", "with": 1}`, "each: there is no evnt; in scope are event, entry, profile, data, steps, journey and now(); did you mean event?"},
		{`{"each": "event.tags", "as": 7, "with": 1}`, "as: must be a name of at most 30 letters, digits and _, such as line"},
		{`{"each": "event.tags", "as": "a-b", "with": 1}`, "as: must be a name of at most 30 letters, digits and _, such as line"},
		{`{"each": "event.tags", "as": "profile", "with": 1}`, "as: profile is already a name here; give the item one of its own"},
		{`{"each": "event.tags", "as": "now", "with": 1}`, "as: now is already a name here; give the item one of its own"},
		{`{"each": "event.tags", "as": "map", "with": 1}`, "as: map is already a name here; give the item one of its own"},
		{`{"each": "event.tags", "as": "nil", "with": 1}`, "as: nil is already a name here; give the item one of its own"},
		{`{"each": "event.tags", "as": "let", "with": 1}`, "as: let is already a name here; give the item one of its own"},
		{`{"each": "event.tags", "as": "tag", "wiht": {"a": "{{ tag }}"}}`, "wiht: is not a key of a list's mapping, which has each, as and with; did you mean with?\nwith: is required: it is what each item is mapped to"},
		{`{"each": "event.tags", "with": 1, "when": 2}`, "when: is not a key of a list's mapping, which has each, as and with"},
		{fmt.Sprintf(around, `{"each": "event.tags", "as": "line", "with": 1}`), "a.with.as: line is already a name here; give the item one of its own"},
		{`{"each": "event.tags", "with": {"b": {"each": "event.tags", "with": 1}}}`, "with.b.as: is missing: a list around this one calls its items item already, so give these another name"},
		{fmt.Sprintf(around, `"{{ lin.sku }}"`), "a.with: there is no lin; in scope are line, event, entry, profile, data, steps, journey and now(); did you mean line?"},
		{fmt.Sprintf(around, `"{{ let line = 1; line }}"`), "a.with: line is already a name here"},
		{`["{{ line }}", ` + fmt.Sprintf(around, `1`) + `]`, "0: there is no line; in scope are event, entry, profile, data, steps, journey and now()"},
		// Check.
		{fmt.Sprintf(around, `{"b": "{{ line.skuu }}", "c": ["{{ line.price.x }}"]}`), "a.with.b: line.skuu: line has no skuu; did you mean sku?\na.with.c.0: line.price is a number, which has no attributes"},
		{fmt.Sprintf(around, `{"each": "line.sku", "as": "x", "with": "{{ x.anything }}"}`), "a.with.each: must be an array, and the expression gives a string"},
		{`{"each": "event.open", "with": 1}`, "each: must be an array, and the expression gives an object"},
		{`{"each": "{{ nil }}", "with": 1}`, "each: must be an array, and the expression gives null"},
		{`{"each": "event.itms", "with": "{{ item.sku }}"}`, "each: event.itms: the event's schema has no itms; did you mean items?"},
		{`{"each": "profile.addresses", "as": "home", "with": "{{ home.cty }}"}`, "with: home.cty: home has no cty; did you mean city?"},
		{fmt.Sprintf(around, `{"each": "event.tags", "as": "tag", "with": "{{ upper(line.price) }}{{ tag.x }}"}`),
			"a.with.with: upper needs a string, line.price is a number; string(…) makes one of it\na.with.with: tag is a string, which has no attributes"},
	} {
		template, err := mapping.Parse(decode(t, tc.in))
		if err == nil {
			_, err = template.Check(scope(t))
		}
		e, _ := errors.AsType[*fault.Error](err)
		if e == nil {
			t.Errorf("%s: got %v, want a fault", tc.in, err)
			continue
		}
		var got []string
		for _, d := range e.Details {
			got = append(got, d.String())
		}
		if diff := cmp.Diff(tc.want, strings.Join(got, "\n")); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tc.in, diff)
		}
	}
}

func TestEachTypeAndReferences(t *testing.T) {
	template, err := mapping.Parse(decode(t, `{"each": "{{ profile.addresses }}", "as": "home", "with": {"city": "{{ home.city }}", "for": "{{ profile.firstName }}", "n": 1,
		"lines": {"each": "{{ event.items }}", "as": "line", "with": {"sku": "{{ line.sku }}", "at": "{{ home.city }}, {{ data.weather.sky }}", "sid": "{{ steps.text.response.sid }}"}}}}`))
	if err != nil {
		t.Fatal(err)
	}
	got, err := template.Check(scope(t))
	if err != nil {
		t.Fatal(err)
	}
	text := schema.String()
	want := schema.Array(schema.Object(map[string]schema.Type{"city": text.OrNull(), "for": text.OrNull(), "n": schema.Integer(),
		"lines": schema.Array(schema.Object(map[string]schema.Type{"sku": text, "at": text.OrNull(), "sid": text.OrNull()}))})).OrNull()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the type (-want +got):\n%s", diff)
	}
	reads := mapping.References{Profile: mapping.Paths{List: [][]string{{"addresses"}, {"firstName"}}}, Event: mapping.Paths{List: [][]string{{"items"}}},
		Sources: []string{"weather"}, Steps: []string{"text"}}
	if diff := cmp.Diff(reads, template.References()); diff != "" {
		t.Errorf("the references (-want +got):\n%s", diff)
	}
}

// TestEachIsMap: a list of a list gives what mapping its items one by one gives.
func TestEachIsMap(t *testing.T) {
	both, err := mapping.Parse(map[string]any{"each": "event.rows", "as": "row", "with": map[string]any{
		"a": "{{ row.a ?? 'none' }}", "c": true, "in": map[string]any{"each": "row.in", "as": "n", "with": "{{ n }} of {{ row.a }}"}}})
	if err != nil {
		t.Fatal(err)
	}
	one, err := mapping.Parse(map[string]any{"a": "{{ event.a ?? 'none' }}", "c": true})
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		rows, want := []any{}, []any{}
		for range rapid.IntRange(0, 5).Draw(t, "rows") {
			row := map[string]any{}
			if rapid.Bool().Draw(t, "has a") {
				row["a"] = rapid.String().Draw(t, "a")
			}
			v, err := one.Eval(mapping.Env{Event: row})
			if err != nil {
				t.Fatal(err)
			}
			made := v.(map[string]any)
			made["in"] = nil
			if rapid.Bool().Draw(t, "has in") {
				in, texts := []any{}, []any{}
				for range rapid.IntRange(0, 3).Draw(t, "in") {
					n := rapid.Int64().Draw(t, "n")
					in = append(in, n)
					var text any
					if row["a"] != nil {
						text = fmt.Sprintf("%d of %s", n, row["a"])
					}
					texts = append(texts, text)
				}
				row["in"], made["in"] = in, texts
			}
			rows, want = append(rows, row), append(want, made)
		}
		got, err := both.Eval(mapping.Env{Event: map[string]any{"rows": rows}})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(any(want), got); diff != "" {
			t.Fatalf("(-want +got):\n%s", diff)
		}
	})
}
