package assemble_test

import (
	"strings"
	"testing"

	"github.com/waypost/waypost/shared/assemble"
	"github.com/waypost/waypost/shared/assemble/action"
	"github.com/waypost/waypost/shared/assemble/admin"
	"github.com/waypost/waypost/shared/assemble/callback"
	"github.com/waypost/waypost/shared/assemble/decide"
	"github.com/waypost/waypost/shared/assemble/entry"
	"github.com/waypost/waypost/shared/assemble/sweep"
)

// A function says at its start what its environment lacks.
func TestMissingVariables(t *testing.T) {
	for name, needs := range map[string][]string{
		"admin": admin.Needs(), "entry": entry.Needs(), "callback": callback.Needs(), "decide": decide.Needs(), "sweep": sweep.Needs(), "action": action.Needs(),
	} {
		t.Run(name, func(t *testing.T) {
			for _, missing := range needs {
				environment(t)
				t.Setenv(assemble.VarNames, `{"webhook": "arn:aws:lambda:us-east-1:000000000000:function:webhook"}`)
				if _, err := assemble.ReadEnv(needs...); err != nil {
					t.Fatal(err)
				}
				t.Setenv(missing, "")
				if _, err := assemble.ReadEnv(needs...); err == nil || !strings.Contains(err.Error(), "no "+missing) {
					t.Errorf("without %s: %v", missing, err)
				}
			}
		})
	}
}

// An action function can't do without its limits and its dead letters.
func TestWhatActionsNeed(t *testing.T) {
	environment(t)
	t.Setenv(assemble.VarLimits, "")
	t.Setenv(assemble.VarDeadLetters, "")
	_, err := assemble.Load(t.Context(), action.Needs()...)
	if want := "the environment has no WAYPOST_LIMITS_TABLE, no WAYPOST_DEAD_LETTER_QUEUE, which this function needs"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}
