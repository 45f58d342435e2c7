package admin

import (
	"testing"

	"github.com/waypost/waypost/shared/ledger"
)

// A trace says why an execution ended, and nothing of what its endpoint answered.
func TestCause(t *testing.T) {
	t.Parallel()
	const history = "Step Functions has it in the execution's history: it may hold the event's data"
	for _, tc := range []struct{ name, cause, want string }{
		{"", "", ""},
		{"Waypost.Failed", `{"errorMessage":"{\"outcome\":\"failed\",\"code\":400,\"response\":null,\"error\":{\"m\":\"planted\"},\"reason\":\"the endpoint answered 400\"}","errorType":"Waypost.Failed"}`,
			"failed, 400: the endpoint answered 400"},
		{"Waypost.Dead", `{"errorMessage":"{\"outcome\":\"dead\",\"code\":0,\"reason\":\"given up\"}"}`, "dead: given up"},
		{"Waypost.Unavailable", `{"errorMessage":"the profiles table did not answer","errorType":"Waypost.Unavailable"}`, "the profiles table did not answer"},
		{"Waypost.Failed", `{"errorMessage":"{\"outcome\":\"failed\",\"error\":\"planted`, history},
		{"States.Runtime", "The Parameters '{planted}' could not be used to start the Task", history},
		{"Runtime.ExitError", `{"errorMessage":"planted"}`, history},
		{"Stopped", "planted", history},
	} {
		if got := causeOf(ledger.Run{Error: tc.name, Cause: tc.cause}); got != tc.want {
			t.Errorf("%s %s: got %q, want %q", tc.name, tc.cause, got, tc.want)
		}
	}
}
