package profile_test

import (
	"testing"

	"github.com/waypost/waypost/shared/fault"
	"github.com/waypost/waypost/shared/profile"
)

// A table holds no attribute without a name, at any depth.
func TestParseRefusesNamelessAttributes(t *testing.T) {
	for _, doc := range []string{`{"": "x"}`, `{"address": {"": "x"}}`, `{"orders": [{"": 1}]}`} {
		if _, err := profile.Parse([]byte(doc), nil, "id"); !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: got %v, want it refused as invalid", doc, err)
		}
	}
}
