package mapping_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/waypost/waypost/shared/fault"
	"github.com/waypost/waypost/shared/mapping"
)

func TestParseRefuses(t *testing.T) {
	for _, tc := range []struct{ in, want string }{ // want is line:column message
		{"{{ }}", "1:1 there is no expression between {{ and }}"},
		{"a {{ b", "1:3 {{ begins an expression, but no }} ends it; to write {{ itself, put {{ '{{' }}"},
		{"{{ upper( }}", "1:10 the expression ends too early"},
		{"{{ event.a event.b }}", "1:12 unexpected event"},
		{"é\n {{ 1 + )}}", "2:9 unexpected )"},
		{"{{ 'a }}", "1:7 literal not terminated"},
		{"{{ {in: 1} }}", "1:5 a map key must be a quoted string, a number, a identifier, or an expression enclosed in parentheses; unexpected in"},
		{"{{ 99999999999999999999 }}", "1:24 invalid integer literal"},
		{"{{ foo }}", "1:4 there is no foo; in scope are event, entry, profile, data, steps, journey and now()"},
		{"{{ profil.x }}", "1:4 there is no profil; in scope are event, entry, profile, data, steps, journey and now(); did you mean profile?"},
		{"{{ $env }}", "1:4 there is no $env; in scope are event, entry, profile, data, steps, journey and now()"},
		{"{{ uper('a') }}", "1:4 there is no function uper(); did you mean upper?"},
		{"{{ get(profile, 'x') }}", "1:4 there is no function get()"},
		{"{{ upper }}", "1:4 upper is a function: write upper(…)"},
		{"{{ upper() }}", "1:4 upper takes 1 argument, has 0"},
		{"{{ now(1) }}", "1:4 now takes no arguments, has 1"},
		{"{{ trim('a', 'b', 'c') }}", "1:4 trim takes 1 or 2 arguments, has 3"},
		{"{{ min() }}", "1:4 min takes 1 to 16 arguments, has 0"},
		{"{{ now().Format() }}", "1:10 .Format takes 1 argument, has 0"},
		{"{{ now().Foo() }}", "1:10 there is no function .Foo()"},
		{"{{ filter(event.x, #foo) }}", "1:20 there is no #foo here; there are # and #index, and #acc in reduce"},
		{"{{ data }}", "1:4 data must be followed by a source's name, as in data.weather"},
		{"{{ steps }}", "1:4 steps must be followed by a step's id, as in steps.text"},
		{"{{ steps[event.x] }}", "1:9 the name after steps must be a literal one, since what is read must be known beforehand"},
		{"{{ let profile = 1; 2 }}", "1:8 profile is already a name here"},
		{"{{ 'a' matches event.x }}", "1:22 the pattern of matches must be a literal string"},
		{"{{ 'a' matches '(' }}", "1:16 the pattern is not a regular expression that Go's regexp (RE2) can read"},
		{"{{ 1; 2 }}", "1:4 an expression is one value; ; may only end a let"},
		{"{{ b'x' }}", "1:4 byte strings are not part of the mapping language"},
		{"{{ '" + strings.Repeat("a", 4096) + "' }}", "1:3 the expression is too long: 4100 bytes, where 4096 are allowed"},
	} {
		_, err := mapping.Parse(tc.in)
		e, ok := errors.AsType[*fault.Error](err)
		if !ok || e.Code != fault.Invalid || len(e.Details) != 1 {
			t.Errorf("%q: got %v, want one fault", tc.in, err)
			continue
		}
		d := e.Details[0]
		if got := fmt.Sprintf("%d:%d %s", d.Line, d.Column, d.Message); got != tc.want {
			t.Errorf("%q\n got %s\nwant %s", tc.in, got, tc.want)
		}
	}
}

func TestParseListsAll(t *testing.T) {
	_, err := mapping.Parse(map[string]any{"a": []any{"x", "{{ foo }}"}, "b": "{{ }}"})
	e, _ := errors.AsType[*fault.Error](err)
	var got []string
	for _, d := range e.Details {
		got = append(got, d.Path)
	}
	if diff := cmp.Diff([]string{"a.1", "b"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if _, err := mapping.ParseExpression("event.a +"); !fault.Is(err, fault.Invalid) {
		t.Errorf("got %v, want invalid", err)
	}
}

// TestParseDoesNotDouble: the parser shares nodes, so a walk that visited each
// of them each time would take 2^200 steps here.
func TestParseDoesNotDouble(t *testing.T) {
	elvis, chain := "event.a", "event.a"
	for range 200 {
		elvis = "(" + elvis + " ?: 1)"
		chain = "(1 < " + chain + " < 2)"
	}
	for _, in := range []string{elvis, chain} {
		x, err := mapping.ParseExpression(in)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := x.Check(mapping.Scope{}); err == nil && in == chain {
			t.Error("a comparison of booleans passed")
		}
		x.References()
		_, _ = x.Eval(mapping.Env{Event: map[string]any{"a": int64(1)}})
	}
}

func TestReferences(t *testing.T) {
	for _, tc := range []struct {
		in      string
		profile mapping.Paths
		event   mapping.Paths
		sources []string
		steps   []string
	}{
		{in: "1 + 2"},
		{in: "profile.phone", profile: mapping.Paths{List: [][]string{{"phone"}}}},
		{in: "profile.loyalty.tier == 'gold' and profile.phone != nil", profile: mapping.Paths{List: [][]string{{"loyalty", "tier"}, {"phone"}}}},
		{in: "profile.a.b ?? profile.a ?? profile.a.c", profile: mapping.Paths{List: [][]string{{"a"}}}},
		{in: "profile.a.b ?? profile.ab ?? profile.a.b.c", profile: mapping.Paths{List: [][]string{{"a", "b"}, {"ab"}}}},
		{in: "profile.addresses[0].city", profile: mapping.Paths{List: [][]string{{"addresses"}}}},
		{in: "profile?.work?.city", profile: mapping.Paths{List: [][]string{{"work", "city"}}}},
		{in: `profile["first name"]["a.b"]`, profile: mapping.Paths{List: [][]string{{"first name", "a.b"}}}},
		{in: "profile.a[event.key].b", profile: mapping.Paths{List: [][]string{{"a"}}}, event: mapping.Paths{List: [][]string{{"key"}}}},
		{in: "profile[event.key]", profile: mapping.Paths{All: true}, event: mapping.Paths{List: [][]string{{"key"}}}},
		{in: "toJSON(profile) + profile.phone", profile: mapping.Paths{All: true}},
		{in: "let p = profile; p.a", profile: mapping.Paths{All: true}},
		{in: `profile[""]`, profile: mapping.Paths{All: true}},
		{in: `profile.a[""].b`, profile: mapping.Paths{List: [][]string{{"a"}}}},
		{in: "filter(profile.orders, .total > event.total and profile.vip)", profile: mapping.Paths{List: [][]string{{"orders"}, {"vip"}}}, event: mapping.Paths{List: [][]string{{"total"}}}},
		{in: "profile.born.Year()", profile: mapping.Paths{List: [][]string{{"born"}}}},
		{in: "profile.name[0:2]", profile: mapping.Paths{List: [][]string{{"name"}}}},
		{in: "event", event: mapping.Paths{All: true}},
		{in: "data.b.x ?? data.a ?? data['b'].y", sources: []string{"a", "b"}},
		{in: "steps.text.code == 201 or steps.other.outcome == 'sent'", steps: []string{"other", "text"}},
		{in: "1 < profile.a < 2", profile: mapping.Paths{List: [][]string{{"a"}}}},
	} {
		x, err := mapping.ParseExpression(tc.in)
		if err != nil {
			t.Errorf("%s: %v", tc.in, err)
			continue
		}
		want := mapping.References{Profile: tc.profile, Event: tc.event, Sources: tc.sources, Steps: tc.steps}
		if diff := cmp.Diff(want, x.References()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tc.in, diff)
		}
	}
}

func TestReferencesOfTemplate(t *testing.T) {
	template, err := mapping.Parse(map[string]any{
		"to": "{{ profile.phone }}", "text": "Hi {{ profile.name.first }} {{ profile.name }}", "list": []any{"{{ data.weather.sky }}", "{{ event.id }}"},
	})
	if err != nil {
		t.Fatal(err)
	}
	got := template.References()
	want := mapping.References{
		Profile: mapping.Paths{List: [][]string{{"name"}, {"phone"}}},
		Event:   mapping.Paths{List: [][]string{{"id"}}},
		Sources: []string{"weather"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if !(mapping.References{}).Profile.Empty() || got.Profile.Empty() {
		t.Error("Empty is wrong")
	}
	merged := got.Merge(mapping.References{Profile: mapping.Paths{All: true}, Steps: []string{"text"}, Sources: []string{"a", "weather"}})
	want = mapping.References{Profile: mapping.Paths{All: true}, Event: want.Event, Sources: []string{"a", "weather"}, Steps: []string{"text"}}
	if diff := cmp.Diff(want, merged); diff != "" {
		t.Errorf("merged (-want +got):\n%s", diff)
	}
}
