package main

import (
	"strings"
	"testing"
)

func TestBuildMissing(t *testing.T) {
	_, err := BuiltIn(t.TempDir())
	if err == nil {
		t.Fatal("nothing was missed")
	}
	if got := err.Error(); !strings.HasSuffix(got, "bootstrap is missing: run make build first") {
		t.Errorf("got %q", got)
	}
}
