package schema_test

import (
	"testing"

	"github.com/waypost/waypost/shared/schema"
)

func TestEncode(t *testing.T) {
	got, err := schema.Encode(map[string]any{"b": []any{int64(1), 1.5, 1e20, nil}, "a": "<&> \"é\""})
	if want := `{"a":"<&> \"é\"","b":[1,1.5,100000000000000000000,null]}`; err != nil || string(got) != want {
		t.Errorf("got %s, %v; want %s", got, err, want)
	}
	if _, err := schema.Encode(func() {}); err == nil {
		t.Error("a function was encoded")
	}
}
