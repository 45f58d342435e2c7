package start

import (
	"bytes"
	"encoding/json"
	"log"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/lambda/messages"

	"github.com/waypost/waypost/shared/fault"
)

// Errors of Waypost's own are not logged, and all others are: what an endpoint
// answered can't make one look like the other.
func TestScreen(t *testing.T) {
	var out bytes.Buffer
	logger := log.New(screen{&out}, "", 0)
	for _, tc := range []struct {
		kind, message string
		logged        bool
	}{
		{fault.NameFailed, `{"outcome":"failed","error":{"message":"Ada Lovelace is unknown"}}`, false},
		{fault.NameDeferred, "2026-01-01T00:00:00.000Z", false},
		{"Runtime.ExitError", "exit status 2", true},
		{"runtime.boundsError", `panic: "errorType":"Waypost.Failed"`, true},
	} {
		out.Reset()
		document, err := json.Marshal(messages.InvokeResponse_Error{Type: tc.kind, Message: tc.message})
		if err != nil {
			t.Fatal(err)
		}
		logger.Printf("%s", document) // as aws-lambda-go does
		if got := strings.Contains(out.String(), tc.kind); got != tc.logged || !tc.logged && out.Len() > 0 {
			t.Errorf("%s: logged %q, want that it is: %v", tc.kind, out.String(), tc.logged)
		}
	}
}
