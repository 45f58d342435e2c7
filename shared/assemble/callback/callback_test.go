package callback

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/waypost/waypost/shared/assemble/admin"
)

// What authors may ask for is understood: each kind of callbacks that a channel
// has has its reporter, and each reporter is some channel's.
func TestEveryKindHasItsReporter(t *testing.T) {
	authored, served, understood := map[string]bool{}, map[string]bool{}, map[string]bool{}
	for _, c := range admin.Channels() {
		authored[c.Channel+"/"+c.Provider+"/"+c.Callback] = true
	}
	kinds := map[string]bool{}
	for _, c := range Channels() {
		served[c.Channel+"/"+c.Provider+"/"+c.Callback] = true
		if c.Callback != "" {
			kinds[c.Callback] = true
		}
	}
	for kind := range Reporters() {
		understood[kind] = true
	}
	if d := cmp.Diff(authored, served); d != "" {
		t.Errorf("the callback function knows other channels than the admin function: %s", d)
	}
	if d := cmp.Diff(kinds, understood); d != "" {
		t.Errorf("kinds and reporters differ: %s", d)
	}
}
