package local

import (
	"reflect"
	"testing"

	"github.com/waypost/waypost/shared/egress"
)

// What may be called is the same with stand-ins and, live, without.
func TestAllowListIsEgressLocal(t *testing.T) {
	got, err := egress.ParsePolicy(allowLoopback, "")
	if err != nil {
		t.Fatal(err)
	}
	if want := egress.Local(); !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}
