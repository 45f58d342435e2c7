package dynamo_test

import (
	"testing"
	"time"

	"github.com/waypost/waypost/shared/delivery"
	"github.com/waypost/waypost/shared/dynamo"
)

var _ delivery.Turns = (*dynamo.Limits)(nil)

// A target's version only rises, and is the target's own.
func TestTurns(t *testing.T) {
	_, client := openLimits(t)
	turns := dynamo.NewLimits(client, "limits")
	for _, tc := range []struct {
		target        string
		note, version int64
	}{{"a", 0, 0}, {"a", 5, 5}, {"a", 3, 5}, {"a", 5, 5}, {"b", 2, 2}, {"a", 6, 6}} {
		if tc.note > 0 {
			if err := turns.Note(t.Context(), tc.target, tc.note, time.Now()); err != nil {
				t.Fatal(err)
			}
		}
		if got, err := turns.Newest(t.Context(), tc.target); err != nil || got != tc.version {
			t.Errorf("%s after %d: got %d, %v; want %d", tc.target, tc.note, got, err, tc.version)
		}
	}
}
