package main

import (
	"maps"
	"slices"
	"strings"

	"github.com/waypost/waypost/infra/local"
	"github.com/waypost/waypost/shared/assemble/admin"
)

// functions are the names of all functions, sorted: those of the local runtime,
// which a test of infra/stack holds to the stack's.
func functions() []string { return slices.Sorted(maps.Keys(local.Functions())) }

// channels give the function that serves each channel.
func channels() map[string]string {
	serves := map[string]string{}
	for _, t := range admin.Channels() {
		serves[t.Channel] = t.Function
	}
	return serves
}

// channelFunctions are the functions that serve channels, sorted.
func channelFunctions() []string { return slices.Compact(slices.Sorted(maps.Values(channels()))) }

// construct is what the logical ids of a function's resources begin with.
func construct(function string) string { return title(function) }

// title begins a name with a capital, as the stack's constructs and metrics do.
func title(name string) string { return strings.ToUpper(name[:1]) + name[1:] }
