package profile_test

import (
	"strings"
	"testing"

	"github.com/waypost/waypost/shared/fault"
	"github.com/waypost/waypost/shared/profile"
)

// Each document has one attribute that no DynamoDB item can hold, or none.
func TestUnstorable(t *testing.T) {
	t.Parallel()
	nested := func(levels int) string {
		return strings.Repeat(`{"a":`, levels) + `1` + strings.Repeat(`}`, levels)
	}
	for _, tc := range []struct{ document, path, says string }{
		{`{"n": 1e125}`, "", ""},
		{`{"n": 9.9999999999999999999999999999999999999E+125}`, "", ""},
		{`{"n": 1e126}`, "n", "beyond 9.99E+125"},
		{`{"n": -1e250}`, "n", "beyond"},
		{`{"n": 0.0001e129}`, "", ""},
		{`{"n": 0.0001e130}`, "n", "beyond"},
		{`{"n": 1e-130}`, "", ""},
		{`{"n": 10e-132}`, "n", "below 1E-130"},
		{`{"n": 1e-99999999999999999999}`, "n", "below"},
		{`{"n": 0e500, "m": -0.00}`, "", ""},
		{`{"n": ` + strings.Repeat("1", 38) + `000}`, "", ""},
		{`{"n": 0.` + strings.Repeat("0", 20) + strings.Repeat("1", 38) + `}`, "", ""},
		{`{"n": ` + strings.Repeat("1", 39) + `}`, "n", "39 significant digits"},
		{`{"a": {"b": [1, {"c": 1e250}]}}`, "a.b.1.c", "beyond"},
		{nested(31), "", ""},
		{nested(32), strings.Repeat("a.", 31) + "a", "nested more than 31 levels"},
		{`{"l": ` + strings.Repeat("[", 40) + strings.Repeat("]", 40) + `}`, "l" + strings.Repeat(".0", 31), "nested"},
	} {
		_, err := profile.Parse([]byte(tc.document), nil, "id")
		if tc.says == "" {
			if err != nil {
				t.Errorf("%.60s: %v", tc.document, err)
			}
			continue
		}
		if !fault.Is(err, fault.Invalid) {
			t.Errorf("%.60s: got %v, want Invalid", tc.document, err)
			continue
		}
		if d := fault.Details(err)[0]; d.Path != tc.path || !strings.Contains(d.Message, tc.says) {
			t.Errorf("%.60s: got %s, want %s: …%s…", tc.document, d, tc.path, tc.says)
		}
	}
}
