package fault_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/waypost/waypost/shared/fault"
)

func TestNearest(t *testing.T) {
	names := []string{"firstName", "phone", "loyalty", "consents"}
	for _, tc := range []struct{ name, want string }{
		{"fristName", "firstName"},
		{"fone", "phone"},
		{"phon", "phone"},
		{"loyalti", "loyalty"},
		{"consent", "consents"},
		{"zzz", ""},
		{"", ""},
	} {
		if got := fault.Nearest(tc.name, names); got != tc.want {
			t.Errorf("Nearest(%q) = %q, want %q", tc.name, got, tc.want)
		}
	}
}

func TestPublicShowsNoCause(t *testing.T) {
	err := fmt.Errorf("settling: %w", fault.Wrap(errors.New("dial tcp 10.0.0.1"), fault.Unavailable, "the ledger did not answer"))
	if got, want := fault.Public(err), "the ledger did not answer"; got != want {
		t.Errorf("Public = %q, want %q", got, want)
	}
	if got, want := fault.CodeOf(err), fault.Unavailable; got != want {
		t.Errorf("CodeOf = %q, want %q", got, want)
	}
	if got := fault.Public(errors.New("dial tcp 10.0.0.1")); got != "an internal error; its details are in the log" {
		t.Errorf("Public of an unknown error = %q", got)
	}
}

func TestErrorListsDetails(t *testing.T) {
	err := fault.Document("the action is not valid", []fault.Detail{
		{Path: "contract.method", Message: "must be one of GET, POST"},
		{Message: "has no name"},
	})
	if got, want := err.Error(), "the action is not valid: contract.method: must be one of GET, POST; has no name"; got != want {
		t.Errorf("Error() = %q, want %q", got, want)
	}
	if fault.Document("fine", nil) != nil {
		t.Error("Document without details is an error")
	}
}

// What passes by itself in a network is retried; what an operator must mend is not.
func TestTransientNames(t *testing.T) {
	for name, want := range map[string]bool{
		"Lambda.ResourceNotReadyException": true, "Lambda.ENINotReadyException": true, "Lambda.ENILimitReachedException": true,
		"Lambda.EC2ThrottledException": true, "Lambda.EC2UnexpectedException": true, "Lambda.SubnetIPAddressLimitReachedException": true,
		"Lambda.EC2AccessDeniedException": false, "Lambda.InvalidSubnetIDException": false, "Lambda.ResourceNotFoundException": false, fault.NameDeferred: false,
	} {
		if got := slices.Contains(fault.TransientNames(), name); got != want {
			t.Errorf("%s is transient: %v, want %v", name, got, want)
		}
	}
}
