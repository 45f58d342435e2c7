package action_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/waypost/waypost/shared/action"
	"github.com/waypost/waypost/shared/fault"
	"github.com/waypost/waypost/shared/schema"
)

// An order's lines stand in the body as one item; its notes and parcels as fields.
const order = `{"body": {
  "id": {"toBeMapped": true, "type": "string"},
  "lines": [{
    "sku": {"toBeMapped": true, "type": "string", "maxLength": 5}, "qty": {"toBeMapped": true, "type": "integer", "default": 1}, "unit": "pc",
    "price": {"net": {"toBeMapped": true, "type": "number", "nullable": true}, "currency": "EUR"},
    "options": [{"name": {"toBeMapped": true, "type": "string", "optional": true}}]
  }],
  "notes": {"toBeMapped": true, "type": "array", "label": "Notes", "optional": true, "maxItems": 2, "each": {"path": {"text": {"toBeMapped": true, "type": "string"}}}},
  "parcels": {"toBeMapped": true, "type": "array", "minItems": 1, "uniqueItems": true, "each": {
    "no": {"toBeMapped": true, "type": "string"}, "fixed": ["a", {"b": null}],
    "stops": {"toBeMapped": true, "type": "array", "nullable": true, "each": {"city": {"toBeMapped": true, "type": "string"}}}}}
}}`

func TestFieldsOfLists(t *testing.T) {
	a := parse(t, order)
	names := func(fields []*action.Field) string {
		var all []string
		for _, f := range fields {
			name := f.Name
			if f.Required() {
				name += "!"
			}
			all = append(all, name)
		}
		return strings.Join(all, " ")
	}
	for _, tc := range []struct {
		what, want string
		fields     []*action.Field
	}{
		{"the body", "id! lines lines.0.options lines.0.options.0.name lines.0.price.net lines.0.qty lines.0.sku notes parcels!", a.Fields},
		{"a line", "options options.0.name price.net qty sku!", a.Field("lines").Item.Fields},
		{"an option of a line", "name", a.Field("body.lines").Item.Field("options").Item.Fields},
		{"an option of the one line", "name", a.Field("lines.0.options").Item.Fields},
		{"a note", "path.text!", a.Field("notes").Item.Fields},
		{"a parcel", "no! stops", a.Field("parcels").Item.Fields},
	} {
		if got := names(tc.fields); got != tc.want {
			t.Errorf("%s has the fields %s, want %s", tc.what, got, tc.want)
		}
	}
	if got, want := a.Field("lines").Type.String(), "an array of objects"; got != want {
		t.Errorf("lines is %s, want %s", got, want)
	}
	if a.Field("lines.0.sku").Item != nil || a.Field("lines.1.sku") != nil || a.Field("lines").Item.Field("unit") != nil {
		t.Error("there is a field too many")
	}
}

func TestComposeLists(t *testing.T) {
	a := parse(t, order)
	type object = map[string]any
	type list = []any
	parcels := list{object{"no": "P"}}
	const one = `{"fixed":["a",{"b":null}],"no":"P","stops":null}`
	for _, tc := range []struct {
		name, want, wrong string
		values            object
	}{
		{name: "items, and what is in them", values: object{"lines": list{
			object{"sku": "a", "qty": 2.0, "price.net": 1.5, "options": list{object{"name": "red"}, object{"name": nil}, object{}}}, object{"sku": "b"}}},
			want: `"lines":[{"options":[{"name":"red"},{},{}],"price":{"currency":"EUR","net":1.5},"qty":2,"sku":"a","unit":"pc"},` +
				`{"options":[{}],"price":{"currency":"EUR","net":null},"qty":1,"sku":"b","unit":"pc"}],"parcels":[` + one + `]`},
		{name: "a list that came out nil is empty", values: object{"lines": nil}, want: `"lines":[],"parcels":[` + one + `]`},
		{name: "an inner one too", values: object{"lines": list{object{"sku": "a", "options": nil}}},
			want: `"lines":[{"options":[],"price":{"currency":"EUR","net":null},"qty":1,"sku":"a","unit":"pc"}],"parcels":[` + one + `]`},
		{name: "the one item of the body", values: object{"lines.0.sku": "a", "lines.0.options.0.name": "red"},
			want: `"lines":[{"options":[{"name":"red"}],"price":{"currency":"EUR","net":null},"qty":1,"sku":"a","unit":"pc"}],"parcels":[` + one + `]`},
		{name: "a list in the one item of the body", values: object{"lines.0.sku": "a", "lines.0.options": list{object{"name": "red"}, object{}}},
			want: `"lines":[{"options":[{"name":"red"},{}],"price":{"currency":"EUR","net":null},"qty":1,"sku":"a","unit":"pc"}],"parcels":[` + one + `]`},
		{name: "optional and nullable lists", values: object{"lines": list{}, "notes": list{object{"path.text": "n"}},
			"parcels": list{object{"no": "P", "stops": list{object{"city": "Graz"}}}, object{"no": "Q", "stops": list{}}}},
			want: `"lines":[],"notes":[{"path":{"text":"n"}}],"parcels":[{"fixed":["a",{"b":null}],"no":"P","stops":[{"city":"Graz"}]},{"fixed":["a",{"b":null}],"no":"Q","stops":[]}]`},

		{name: "what is wrong in an item", values: object{"lines": list{object{"sku": "a"}, object{"sku": "secret"}, object{"qty": 1.5}, 7, object{"skuu": 1, "sku": "b"}},
			"parcels": list{object{"no": "P", "stops": list{object{"city": nil}}}}},
			wrong: "lines.1.sku: must have at most 5 characters, has 6\nlines.2.qty: must be an integer, is a number\n" +
				"lines.2.sku: is required, and came out empty: what it is mapped from is absent\nlines.3: must be an object of the item's fields\n" +
				"lines.4.skuu: is not a field of the list's items, which have options, options.0.name, price.net, qty, sku\n" +
				"parcels.0.stops.0.city: is required, and came out empty: what it is mapped from is absent"},
		{name: "the list's own rules", values: object{"lines": "secret", "notes": list{object{"path.text": "1"}, object{"path.text": "2"}, object{"path.text": "3"}}, "parcels": nil},
			wrong: "lines: must be a list\nnotes: must have at most 2 items, has 3\nparcels: must have at least 1 item, has 0"},
		{name: "the same item twice", values: object{"lines": list{}, "parcels": list{object{"no": "P"}, object{"no": "P"}}},
			wrong: "parcels: must have no two equal items; items 0 and 1 are equal"},
		{name: "too many", values: object{"lines": make(list, 1001)}, wrong: "lines: must have at most 1000 items, has 1001"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			values := object{"id": "o", "parcels": parcels}
			for name, v := range tc.values {
				values[name] = v
			}
			m, err := a.Compose(values)
			if tc.wrong != "" {
				if diff := cmp.Diff(tc.wrong, details(err)); diff != "" || strings.Contains(fmt.Sprint(err), "secret") {
					t.Errorf("%v %s", err, diff)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			body, err := m.JSON()
			if want := `{"id":"o",` + tc.want + `}`; err != nil || string(body) != want {
				t.Errorf("body %v\n got %s\nwant %s", err, body, want)
			}
		})
	}
}

// A thousand items that are wrong the same way fill no record.
func TestComposeListsStop(t *testing.T) {
	a := parse(t, order)
	lines := make([]any, 1000)
	for i := range lines {
		lines[i] = map[string]any{}
	}
	_, err := a.Compose(map[string]any{"lines": lines})
	if got := len(fault.Details(err)); got < 20 || got > 30 {
		t.Errorf("%d faults", got)
	}
}

// What a contract says of each item is counted before it is made as often as a
// list has items.
func TestComposeListsAreBounded(t *testing.T) {
	const each, text = `{"toBeMapped": true, "type": "array", "each": {`, `{"toBeMapped": true, "type": "string", "optional": true}`
	big, ten := `"`+strings.Repeat("x", 30_000)+`"`, make([]any, 10)
	for i := range ten {
		ten[i] = map[string]any{}
	}
	full := make([]any, 10)
	for i := range full {
		full[i] = map[string]any{"inner": ten}
	}
	for _, tc := range []struct {
		name, lines string
		list        []any
		wrong       string
	}{
		{"a constant", each + `"big": ` + big + `, "a": ` + text + `}}`, ten, "lines"},
		{"as often as fits", each + `"big": ` + big + `, "a": ` + text + `}}`, ten[:8], ""},
		{"a default", each + `"a": {"toBeMapped": true, "type": "string", "default": ` + big + `}}}`, ten, "lines"},
		{"in an inner list", each + `"inner": ` + each + `"big": ` + big[:5_000] + `", "a": ` + text + `}}}}`, full, "lines.5.inner"},
		{"in the one item of an inner list", each + `"inner": [{"big": ` + big + `, "a": ` + text + `}]}}`, ten, "lines"},
		{"beside a list", each + `"big": ` + big + `, "a": ` + text + `}}, "more": ` + big, ten[:8], "body"},
	} {
		a := parse(t, `{"body": {"lines": `+tc.lines+`}}`)
		m, err := a.Compose(map[string]any{"lines": tc.list})
		want := ""
		if tc.wrong != "" {
			want = tc.wrong + ": comes to more than the 262144 bytes that a body may have"
		} else if body, failed := m.JSON(); failed != nil || len(body) > action.MaxBody {
			t.Errorf("%s: %d bytes, %v", tc.name, len(body), failed)
		}
		if diff := cmp.Diff(want, details(err)); diff != "" {
			t.Errorf("%s: %s", tc.name, diff)
		}
	}
}

func TestBodyIsAList(t *testing.T) {
	items := []any{map[string]any{"a": 1.0}, map[string]any{"a": 2.0}}
	for _, tc := range []struct {
		body, want string
		values     map[string]any
	}{
		{`[{"a": {"toBeMapped": true, "type": "integer"}, "b": 0}]`, `[{"a":1,"b":0},{"a":2,"b":0}]`, map[string]any{"body": items}},
		{`[{"a": {"toBeMapped": true, "type": "integer"}, "b": 0}]`, `[{"a":3,"b":0}]`, map[string]any{"0.a": 3.0}},
		{`{"toBeMapped": true, "type": "array", "each": {"a": {"toBeMapped": true, "type": "integer"}}}`, `[{"a":1},{"a":2}]`, map[string]any{"body": items}},
		{`{"toBeMapped": true, "type": "array", "default": [{"a": 9}], "each": {"a": {"toBeMapped": true, "type": "integer"}}}`, `[{"a":9}]`, nil},
		// An array whose one item is a field is that field, and no list.
		{`[{"toBeMapped": true, "type": "integer"}]`, `[1]`, map[string]any{"0": 1.0}},
		{`[[{"a": {"toBeMapped": true, "type": "integer"}}]]`, `[[{"a":1},{"a":2}]]`, map[string]any{"0": items}},
	} {
		m, err := parse(t, `{"body": `+tc.body+`}`).Compose(tc.values)
		if err != nil {
			t.Errorf("%s: %v", tc.body, err)
			continue
		}
		if got, err := m.JSON(); err != nil || string(got) != tc.want {
			t.Errorf("%s: %s, %v; want %s", tc.body, got, err, tc.want)
		}
	}
}

// What must be mapped where this is.
func TestUnmapped(t *testing.T) {
	a := parse(t, `{"body": {"id": {"toBeMapped": true, "type": "string"}, "notes": [{"text": {"toBeMapped": true, "type": "string", "optional": true}}],
		"lines": [{"sku": {"toBeMapped": true, "type": "string"}, "qty": {"toBeMapped": true, "type": "string"}, "options": [{"name": {"toBeMapped": true, "type": "string"}}]}]}}`)
	for mapped, want := range map[string]string{
		"": "id lines", "id": "lines", "id lines": "", "id lines.0.sku": "lines.0.options lines.0.qty", "id lines.0.sku lines.0.options": "lines.0.qty",
		"id lines.0.options.0.name": "lines.0.qty lines.0.sku", "id lines.0.qty lines.0.sku lines.0.options.0.name": "", "id notes lines": "",
	} {
		names := map[*action.Field]bool{}
		for name := range strings.FieldsSeq(mapped) {
			names[a.Field(name)] = true
		}
		var got []string
		for _, f := range action.Unmapped(a.Fields, func(f *action.Field) bool { return names[f] }) {
			got = append(got, f.Name)
		}
		if got := strings.Join(got, " "); got != want {
			t.Errorf("with %q mapped: %q, want %q", mapped, got, want)
		}
	}
}

func TestListsRefused(t *testing.T) {
	const field = `{"toBeMapped": true, "type": "string"}`
	for _, tc := range []struct{ list, want string }{
		{`"type": "string", "each": {"a": ` + field + `}`, "contract.body.l.each: is only for a field of type array"},
		{`"type": "array", "each": []`, "contract.body.l.each: must be an object: an item as it stands in the body, with fields to be mapped"},
		{`"type": "array", "each": {"a": 1}`, `contract.body.l.each: has no field: mark what is mapped for each item with "toBeMapped": true`},
		{`"type": "array", "each": ` + field, "contract.body.l.each: must be an object with fields, and is one itself: describe such items by items, in JSON Schema"},
		{`"type": "array", "items": {"type": "object"}, "each": {"a": ` + field + `}`, "contract.body.l.items: is not for a list with each, which says what an item is"},
		{`"type": "array", "maxItems": 1001, "each": {"a": ` + field + `}`, "contract.body.l.maxItems: must be at most 1000"},
		{`"type": "array", "default": 1, "each": {"a": ` + field + `}`, "contract.body.l.default: must be an array, is a number"},
		{`"type": "array", "each": {"a.b": ` + field + `, "c": {"toBeMapped": true}}`, "contract.body.l.each.a.b: a body key must not contain a dot; a dot separates the steps of a field's path\n" +
			"contract.body.l.each.c.type: is missing; give string, number, integer, boolean, object or array"},
		{`"type": "array", "items": {"type": "object", "properties": {"a": ` + field + `}}`, "contract.body.l.items.properties.a.toBeMapped: is in a schema, where nothing is mapped: " +
			"to map the fields of each item, write each instead of items, with an item as it stands in the body"},
	} {
		_, err := action.Parse([]byte(`{"name": "shop", "channel": "webhook", "contract": {"body": {"l": {"toBeMapped": true, `+tc.list+`}}}, "settings": {"url": "https://shop.example.com"}}`), anyURL{})
		if diff := cmp.Diff(tc.want, details(err)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tc.list, diff)
		}
	}
	// What is wrong in the one item of an array is said once.
	_, err := action.Parse([]byte(`{"name": "shop", "channel": "webhook", "contract": {"body": {"l": [{"$a": 1, "b": `+field+`, "c": {"toBeMapped": 1, "type": "string"}}]}},
		"settings": {"url": "https://shop.example.com"}}`), anyURL{})
	want := "contract.body.l.0.$a: a body key must not begin with $\ncontract.body.l.0.c.toBeMapped: must be true; a constant is written as a plain value, without toBeMapped"
	if diff := cmp.Diff(want, details(err)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// A field that the contract itself reads of each message is in no list.
func TestPinned(t *testing.T) {
	a := parse(t, `{"method": "POST", "award": {"key": "headers.X-Key", "reference": "body.awards.0.for.0.order"},
		"body": {"awards": [{"for": [{"order": {"toBeMapped": true, "type": "string"}}], "tags": [{"t": {"toBeMapped": true, "type": "string"}}]}]}}`)
	if diff := cmp.Diff([]string{"awards.0.for.0.order", "awards.0.tags", "awards.0.tags.0.t"}, a.FieldNames()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if !a.Field("awards.0.for.0.order").Required() {
		t.Error("the reference need not be mapped")
	}
	m, err := a.Compose(map[string]any{"awards.0.for.0.order": "o", "awards.0.tags": []any{map[string]any{"t": "x"}}})
	if err != nil {
		t.Fatal(err)
	}
	if got, _ := m.JSON(); string(got) != `{"awards":[{"for":[{"order":"o"}],"tags":[{"t":"x"}]}]}` {
		t.Errorf("body %s", got)
	}
}

// A list's items are composed as bodies of the same shape are, and lists in
// lists cost no more than their fields.
func TestItemsAreBodies(t *testing.T) {
	const shape = `{"a": {"toBeMapped": true, "type": "string"}, "b": {"c": {"toBeMapped": true, "type": "integer", "optional": true}, "d": [1, null]}}`
	list, alone := parse(t, `{"body": {"l": [`+shape+`]}}`), parse(t, `{"body": `+shape+`}`)
	rapid.Check(t, func(t *rapid.T) {
		items, want, failed := []any{}, []any{}, 0
		for range rapid.IntRange(0, 4).Draw(t, "items") {
			item := map[string]any{}
			for name, value := range map[string]*rapid.Generator[any]{"a": rapid.String().AsAny(), "b.c": rapid.IntRange(-9, 9).AsAny()} {
				if rapid.Bool().Draw(t, "has "+name) {
					item[name] = value.Draw(t, name)
				}
			}
			items = append(items, item)
			m, err := alone.Compose(item)
			failed += len(details(err))
			if err == nil {
				want = append(want, m.Body)
			}
		}
		m, err := list.Compose(map[string]any{"l": items})
		if (err != nil) != (failed > 0) {
			t.Fatalf("%v, where %d faults are alone", err, failed)
		}
		if err != nil {
			return
		}
		if diff := cmp.Diff(map[string]any{"l": want}, m.Body); diff != "" {
			t.Fatalf("(-want +got):\n%s", diff)
		}
	})
	deep := `{"f": {"toBeMapped": true, "type": "string"}}`
	for range 40 {
		deep = `{"l": [` + deep + `]}`
	}
	if got, want := len(parse(t, `{"body": `+deep+`}`).Fields), 41; got != want {
		t.Errorf("%d fields, want %d", got, want)
	}
	if got := parse(t, `{"body": `+deep+`}`).Field("l").Type; got.Kind != schema.ArrayKind {
		t.Errorf("l is %s", got)
	}
}
