package main

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/waypost/waypost/infra/local"
)

// Every function's cold start is measured, once, beside an empty handler that
// there is.
func TestBaselines(t *testing.T) {
	var got []string
	for _, b := range baselines {
		got = append(got, b.function)
		if _, err := os.Stat(filepath.Join("empty", b.empty, "main.go")); err != nil {
			t.Errorf("%s: %v", b.function, err)
		}
	}
	slices.Sort(got)
	if d := cmp.Diff(slices.Sorted(maps.Keys(local.Functions())), got); d != "" {
		t.Error(d)
	}
}
