package main

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestDestroyAsks(t *testing.T) {
	machine(t, &account{stacks: map[string]map[string]string{"other": {}}})
	if code, got := runs(t, "destroy"); code != 1 || !strings.Contains(got, "there is no stack waypost-dev") {
		t.Errorf("got status %d and %s", code, got)
	}
	for answer, want := range map[string]bool{"waypost-dev\n": true, "yes\n": false, "": false} {
		var out bytes.Buffer
		if got := confirmed(&out, strings.NewReader(answer), "waypost-dev"); got != want || !strings.Contains(out.String(), "Type waypost-dev") {
			t.Errorf("%q: got %v and %s, want %v", answer, got, out.String(), want)
		}
	}
}

// destroyable is an account with a stack, two journeys of it, and machines that
// are somebody else's.
func destroyable() *account {
	return &account{
		stacks:   map[string]map[string]string{"waypost-dev": {"MachinePrefix": "waypost-dev-"}, "bare": {}},
		machines: map[string]int{"waypost-dev-a": 2, "waypost-dev-b": 0, "waypost-dev-foreign": 9, "other": 9, "Delivery1": 3}, own: "Delivery1",
	}
}

// The machines go before the stack, and only those of the environment: without a
// build, and without Node.
func TestDestroy(t *testing.T) {
	a := destroyable()
	machine(t, a)
	t.Setenv("PATH", "/nonexistent")
	code, got := runs(t, "destroy", "--yes")
	if want := "2 state machines of journeys and 1 of the stack, of which 5 executions still run"; code != 0 || !strings.Contains(got, want) || !strings.Contains(got, "deleted the stack waypost-dev") {
		t.Errorf("got status %d and %s, want …%s…", code, got, want)
	}
	if d := cmp.Diff([]string{"waypost-dev-a", "waypost-dev-b", "waypost-dev"}, a.deleted); d != "" {
		t.Errorf("deleted: %s", d)
	}
}

// Nothing is deleted where the stack can't go, or nobody says that it may.
func TestDestroyRefuses(t *testing.T) {
	for _, tc := range []struct {
		name, args string
		account    func(a *account)
		want       string
	}{
		{"a protected stack", "--yes", func(a *account) { a.protected = true },
			"is protected from deletion, so nothing was deleted. To lift that:\n  aws cloudformation update-termination-protection --no-enable-termination-protection --region eu-west-1 --stack-name waypost-dev"},
		{"a stack that changes", "--yes", func(a *account) { a.status = "UPDATE_IN_PROGRESS" }, "is UPDATE_IN_PROGRESS, so nothing was deleted: wait"},
		{"another's stack", "--yes", func(a *account) { a.stacks["waypost-dev"] = nil }, "has no output MachinePrefix: it is not one of Waypost's"},
		{"no answer", "", func(*account) {}, "nothing was deleted"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			a := destroyable()
			tc.account(a)
			machine(t, a)
			stdin := os.Stdin
			t.Cleanup(func() { os.Stdin = stdin })
			os.Stdin = nil // reading it fails: nobody answers
			code, got := runs(t, strings.Fields("destroy "+tc.args)...)
			if code != 1 || !strings.Contains(got, tc.want) {
				t.Errorf("got status %d and %s\nwant …%s…", code, got, tc.want)
			}
			if len(a.deleted) > 0 {
				t.Errorf("deleted %v", a.deleted)
			}
		})
	}
}

// A stack that stays is an error with CloudFormation's reason.
func TestDestroyStuck(t *testing.T) {
	a := destroyable()
	a.stuck = true
	machine(t, a)
	if code, got := runs(t, "destroy", "--yes"); code != 1 || !strings.Contains(got, "the stack waypost-dev is DELETE_FAILED: it holds on. Mend that, and run it again") {
		t.Errorf("got status %d and %s", code, got)
	}
}
