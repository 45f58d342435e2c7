package schema_test

import (
	"encoding/json"
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/waypost/waypost/shared/fault"
	"github.com/waypost/waypost/shared/schema"
)

func TestDecode(t *testing.T) {
	for _, tc := range []struct {
		in   string
		want any
	}{
		{`null`, nil},
		{` true `, true},
		{`3`, int64(3)},
		{`-0`, int64(0)},
		{`3.0`, 3.0},
		{`1e3`, 1000.0},
		{`9223372036854775807`, int64(math.MaxInt64)},
		{`9223372036854775808`, 9223372036854775808.0},
		{`"a\"\\\/\b\f\n\r\té😀"`, "a\"\\/\b\f\n\r\té😀"},
		{`"Zoë"`, "Zoë"},
		{`[]`, []any{}},
		{`{"a": [1, {"b": null}], "c": ""}`, map[string]any{"a": []any{int64(1), map[string]any{"b": nil}}, "c": ""}},
	} {
		got, err := schema.Decode([]byte(tc.in))
		if err != nil {
			t.Errorf("Decode(%s): %v", tc.in, err)
		}
		if diff := cmp.Diff(tc.want, got); diff != "" {
			t.Errorf("Decode(%s) (-want +got):\n%s", tc.in, diff)
		}
	}
}

func TestDecodeRefuses(t *testing.T) {
	for _, tc := range []struct {
		in           string
		line, column int
		want         string
	}{
		{"", 1, 1, "expected a JSON value, found nothing"},
		{"{} x", 1, 4, "expected the end after the JSON value, found x"},
		{"{\n  \"a\": 1\n  \"b\": 2\n}", 3, 3, "expected , or }, found \""},
		{"{\n  \"a\": 1,\n}", 2, 9, "a comma stands before the closing }; remove it"},
		{"[1,]", 1, 3, "a comma stands before the closing ]; remove it"},
		{"[1 2]", 1, 4, "expected , or ], found 2"},
		{"[1", 1, 3, "expected , or ], found the end of the text"},
		{`{"é": 1, "é": 2}`, 1, 10, `the key "é" is already in this object`},
		{`{a: 1}`, 1, 2, "expected a key in double quotes, found a"},
		{`{"a" 1}`, 1, 6, "expected : after the key, found 1"},
		{`{'a': 1}`, 1, 2, "expected a key in double quotes, found '"},
		{`'a'`, 1, 1, "expected a value, found ': strings stand in double quotes"},
		{`True`, 1, 1, "expected a value; write true in lower case"},
		{`secret`, 1, 1, "expected a value, found a bare word: strings stand in double quotes"},
		{`01`, 1, 1, "a number may not start with 0"},
		{`-`, 1, 2, "expected a digit, found the end of the text"},
		{`1.`, 1, 3, "expected a digit after the decimal point, found the end of the text"},
		{`1e+`, 1, 4, "expected a digit in the exponent, found the end of the text"},
		{`1e999`, 1, 1, "the number is too large"},
		{`"a`, 1, 1, "the string does not end"},
		{"\"a\nb\"", 1, 1, `the string does not end on its line; write a line break as \n`},
		{"\"a\tb\"", 1, 3, `a control character in a string; write it as \u0009`},
		{`"\x"`, 1, 2, `unknown escape; after \ stands one of " \ / b f n r t u`},
		{`"\u12"`, 1, 2, `expected four hexadecimal digits after \u`},
		{`"\ud83d"`, 1, 2, "half a surrogate pair, which is no character"},
		{"\"\xff\"", 1, 2, "the byte 0xff is not UTF-8"},
		{strings.Repeat("[", 101), 1, 101, "nested deeper than 100 levels"},
	} {
		_, err := schema.Decode([]byte(tc.in))
		e, ok := errors.AsType[*fault.Error](err)
		if !ok || e.Code != fault.Malformed || len(e.Details) != 1 {
			t.Errorf("Decode(%q) = %v, want one detail of code malformed", tc.in, err)
			continue
		}
		want := fault.Detail{Line: tc.line, Column: tc.column, Message: tc.want}
		if diff := cmp.Diff(want, e.Details[0]); diff != "" {
			t.Errorf("Decode(%q) (-want +got):\n%s", tc.in, diff)
		}
	}
}

// FuzzDecode holds Decode against encoding/json: what Decode takes, it takes
// too, with the same value; what Decode refuses beyond it is named here.
func FuzzDecode(f *testing.F) {
	for _, s := range []string{`{"a":[1,2.5e3,"\u00e9\ud83d\ude00"],"b":null}`, `[1,]`, `{"a":1,"a":2}`, "\"\xff\"", `-0`, `"\ud800"`} {
		f.Add([]byte(s))
	}
	stricter := []string{"already in this object", "not UTF-8", "surrogate", "nested deeper"}
	f.Fuzz(func(t *testing.T, data []byte) {
		got, err := schema.Decode(data)
		var want any
		wantErr := json.Unmarshal(data, &want)
		if err != nil {
			for _, s := range stricter {
				if strings.Contains(err.Error(), s) {
					return
				}
			}
			if wantErr == nil {
				t.Fatalf("Decode refuses what encoding/json takes: %v", err)
			}
			return
		}
		if wantErr != nil {
			t.Fatalf("Decode takes what encoding/json refuses: %v", wantErr)
		}
		if diff := cmp.Diff(want, floats(got)); diff != "" {
			t.Fatalf("(-want +got):\n%s", diff)
		}
	})
}

// floats turns integers into the float64s that encoding/json gives.
func floats(v any) any {
	switch v := v.(type) {
	case int64:
		return float64(v)
	case []any:
		for i := range v {
			v[i] = floats(v[i])
		}
	case map[string]any:
		for k := range v {
			v[k] = floats(v[k])
		}
	}
	return v
}

type level string

func (l *level) UnmarshalJSON(data []byte) error {
	if string(data) != `"low"` && string(data) != `"high"` {
		return fault.New(fault.Invalid, "must be low or high")
	}
	*l = level(data[1 : len(data)-1])
	return nil
}

type document struct {
	Name    string            `json:"name"`
	Version int               `json:"version"`
	Ratio   float64           `json:"ratio,omitempty"`
	Active  *bool             `json:"active"`
	Tags    []string          `json:"tags"`
	Labels  map[string]string `json:"labels"`
	Steps   []step            `json:"steps"`
	Body    any               `json:"body"`
	Raw     json.RawMessage   `json:"raw"`
	Level   level             `json:"level"`
	Hidden  string            `json:"-"`
	embedded
}

type embedded struct {
	At time.Time `json:"at"`
}

type step struct {
	ID string `json:"id"`
}

func TestInto(t *testing.T) {
	var got document
	err := schema.Into([]byte(`{"name":"n","version":1.0,"ratio":2,"active":true,"tags":["a"],"labels":{"k":"v"},
		"steps":[{"id":"s"}],"body":{"n":1},"raw":[1, 2],"level":"low","at":"2026-01-31T09:30:00Z"}`), &got)
	if err != nil {
		t.Fatal(err)
	}
	yes := true
	want := document{
		Name: "n", Version: 1, Ratio: 2, Active: &yes, Tags: []string{"a"}, Labels: map[string]string{"k": "v"},
		Steps: []step{{ID: "s"}}, Body: map[string]any{"n": int64(1)}, Raw: json.RawMessage("[1, 2]"), Level: "low",
		embedded: embedded{At: time.Date(2026, 1, 31, 9, 30, 0, 0, time.UTC)},
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(document{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestIntoRefuses(t *testing.T) {
	var v document
	err := schema.Into([]byte(`{"nmae":"n","Name":"n","version":1.5,"ratio":"x","active":1,"tags":{},"labels":{"k":1},
		"steps":[{"id":"s","ID":"t"},7],"level":"mid","at":"soon","name":null}`), &v)
	e, ok := errors.AsType[*fault.Error](err)
	if !ok || e.Code != fault.Invalid {
		t.Fatalf("got %v, want an invalid document", err)
	}
	want := []fault.Detail{
		{Path: "name", Rule: "type", Message: "must be a string, is null"},
		{Path: "version", Rule: "type", Message: "must be an integer of 64 bits, is a number"},
		{Path: "ratio", Rule: "type", Message: "must be a number, is a string"},
		{Path: "active", Rule: "type", Message: "must be a boolean, is a number"},
		{Path: "tags", Rule: "type", Message: "must be an array, is an object"},
		{Path: "labels.k", Rule: "type", Message: "must be a string, is a number"},
		{Path: "steps.0.ID", Rule: "additionalProperties", Message: "is not a known property"},
		{Path: "steps.1", Rule: "type", Message: "must be an object, is a number"},
		{Path: "level", Message: "must be low or high"},
		{Path: "at", Message: "is not valid"},
		{Path: "Name", Rule: "additionalProperties", Message: "is not a known property; did you mean name?", Suggestion: "name"},
		{Path: "nmae", Rule: "additionalProperties", Message: "is not a known property; did you mean name?", Suggestion: "name"},
	}
	if diff := cmp.Diff(want, e.Details); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if err := schema.Into([]byte(`{"name":"n",}`), &v); !fault.Is(err, fault.Malformed) {
		t.Errorf("Into of broken JSON = %v, want malformed", err)
	}
}
