package main

import (
	"slices"
	"testing"

	"github.com/waypost/waypost/infra/local"
)

// The local runtime has the stack's functions, and gives each the time that it
// has on AWS.
func TestLocalRuntimeHasTheFunctions(t *testing.T) {
	for _, f := range functions() {
		if got, want := local.Timeout(f.name), f.kind.timeout(); got != want {
			t.Errorf("%s: the local runtime gives it %v, want %v", f.name, got, want)
		}
	}
	for name := range local.Functions() {
		if !slices.Contains(functionNames(), name) {
			t.Errorf("the local runtime has %s, and the stack has not", name)
		}
	}
}
