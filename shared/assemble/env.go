package assemble

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/waypost/waypost/shared/egress"
)

// Env is the environment that a deployment gives each of its functions. The
// AWS SDK's own variables (AWS_REGION, AWS_ENDPOINT_URL, …) come on top.
type Env struct {
	ProfilesTable, ProfileKey, ProfilePath string
	CatalogTable, LedgerTable, LimitsTable string
	DeadLetterQueue                        string // URL
	JourneyRole                            string // ARN; only admin's
	// Names are the ARNs that machines name, by function or machine; only admin's.
	Names  map[string]string
	Prefix string // of the journeys' machines
	// CallbackURL is where providers report, as they see it: kind and token
	// follow. An action function without it asks for no reports.
	CallbackURL string
	Egress      egress.Policy
}

// The variables that Env is read from.
const (
	VarProfiles    = "WAYPOST_PROFILES_TABLE"
	VarProfileKey  = "WAYPOST_PROFILE_KEY"  // default "id"
	VarProfilePath = "WAYPOST_PROFILE_PATH" // default: the item itself
	VarCatalog     = "WAYPOST_CATALOG_TABLE"
	VarLedger      = "WAYPOST_LEDGER_TABLE"
	VarLimits      = "WAYPOST_LIMITS_TABLE"
	VarDeadLetters = "WAYPOST_DEAD_LETTER_QUEUE"
	VarJourneyRole = "WAYPOST_JOURNEY_ROLE"
	VarNames       = "WAYPOST_NAMES" // a JSON object of names to ARNs
	VarPrefix      = "WAYPOST_PREFIX"
	VarCallback    = "WAYPOST_CALLBACK_URL"
	VarAllow       = "WAYPOST_EGRESS_ALLOW"
	VarRoutes      = "WAYPOST_EGRESS_ROUTES"
)

// ReadEnv reads the process's environment, which must have the variables that
// a function needs. Its error names those that are missing, or the one that is wrong.
func ReadEnv(needs ...string) (Env, error) {
	e := Env{
		ProfilesTable: os.Getenv(VarProfiles), ProfileKey: os.Getenv(VarProfileKey), ProfilePath: os.Getenv(VarProfilePath),
		CatalogTable: os.Getenv(VarCatalog), LedgerTable: os.Getenv(VarLedger), LimitsTable: os.Getenv(VarLimits),
		DeadLetterQueue: os.Getenv(VarDeadLetters), JourneyRole: os.Getenv(VarJourneyRole), Prefix: os.Getenv(VarPrefix),
		CallbackURL: os.Getenv(VarCallback),
	}
	if e.ProfileKey == "" {
		e.ProfileKey = "id"
	}
	missing := slices.DeleteFunc(slices.Clone(needs), func(name string) bool { return os.Getenv(name) != "" })
	if len(missing) > 0 {
		return e, fmt.Errorf("the environment has no %s, which this function needs", strings.Join(missing, ", no "))
	}
	if names := os.Getenv(VarNames); names != "" {
		if err := json.Unmarshal([]byte(names), &e.Names); err != nil {
			return e, fmt.Errorf("%s must be a JSON object of names to ARNs: %w", VarNames, err)
		}
	}
	var err error
	e.Egress, err = egress.ParsePolicy(os.Getenv(VarAllow), os.Getenv(VarRoutes))
	return e, err
}
