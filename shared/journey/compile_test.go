package journey_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/waypost/waypost/shared/fault"
	"github.com/waypost/waypost/shared/journey"
)

func parse(t *testing.T, steps string) *journey.Journey {
	t.Helper()
	j, err := journey.Parse([]byte(`{"name": "j", "entry": {"event": "order.ready", "profile": "event.customerId"}, "steps": [` + steps + `]}`))
	if err != nil {
		t.Fatal(err)
	}
	return j
}

// Step Functions takes a definition of 1 MB. A larger one is the author's to mend.
func TestDefinitionTooLarge(t *testing.T) {
	t.Parallel()
	conditions := func(n int) string { // each of 50 steps
		all := make([]string, n)
		for i := range all {
			steps := make([]string, 50)
			for k := range steps {
				steps[k] = fmt.Sprintf(`{"id": "s%d_%d", "action": {"name": "text", "version": 1, "with": {"to": "x", "text": %q}}}`, i, k, strings.Repeat("x", 1600))
			}
			all[i] = fmt.Sprintf(`{"id": "c%d", "condition": {"branches": [{"when": "event.total > 1", "steps": [%s]}]}}`, i, strings.Join(steps, ","))
		}
		return strings.Join(all, ",")
	}
	if m, err := journey.Compile(parse(t, conditions(2)), folder("testdata/catalog"), journey.Placeholder); err != nil || len(m.Definition) < 300_000 {
		t.Errorf("100 steps: %v", err)
	}
	_, err := journey.Compile(parse(t, conditions(5)), folder("testdata/catalog"), journey.Placeholder)
	if d := fault.Details(err); !fault.Is(err, fault.Invalid) || d[0].Path != "steps" || !strings.Contains(d[0].Message, "and Step Functions takes 1048576") {
		t.Errorf("got %v, want what it comes to and what may be", err)
	}
}

// What a deployment has no ARN for stops the publish, at the step that needs it.
func TestMissingFunction(t *testing.T) {
	t.Parallel()
	const send = `"action": {"name": "text", "version": 1, "with": {"to": "x", "text": "y"}`
	for _, tc := range []struct{ missing, steps, path string }{
		{"sms", `{"id": "a", ` + send + `}}`, "steps.0.action"},
		{"decide", `{"id": "a", "wait": {"for": "PT1S"}}, {"id": "b", "condition": {"branches": [{"when": "event.total > 1", "steps": [{"id": "c", "wait": {"for": "PT1S"}}]}]}}`, "steps.1.condition"},
		{"delivery", `{"id": "a", ` + send + `, "await": "none"}}`, "steps.0.action.await"},
	} {
		_, err := journey.Compile(parse(t, tc.steps), folder("testdata/catalog"), func(name string) string {
			if name == tc.missing {
				return ""
			}
			return journey.Placeholder(name)
		})
		if d := fault.Details(err); !fault.Is(err, fault.Invalid) || len(d) != 1 || d[0].Path != tc.path || !strings.Contains(d[0].Message, tc.missing) {
			t.Errorf("without %s: got %v, want it named at %s", tc.missing, err, tc.path)
		}
	}
}
