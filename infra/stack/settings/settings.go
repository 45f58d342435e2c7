// Package settings reads what an environment chooses of CDK's context. It knows
// nothing of the CDK: the app that makes the stack reads settings by it, and so
// does the command line that deploys it.
package settings

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/waypost/waypost/shared/egress"
	"github.com/waypost/waypost/shared/fault"
	"github.com/waypost/waypost/shared/schema"
)

// Settings are what one environment chooses. They stand in cdk.json's context
// under environments.NAME; `-c environment=NAME` picks one, and `-c KEY=VALUE`
// sets any key of it on top, with JSON for what is not text.
type Settings struct {
	Environment string `json:"-"`

	// Account and Region are where it is deployed; those of the AWS
	// credentials at hand where empty.
	Account string `json:"account"`
	Region  string `json:"region"`
	// Protect keeps the tables when the stack goes, and forbids deleting them.
	Protect bool `json:"protect"`
	// LogDays is how long logs are kept: 14 where it is not given.
	LogDays int `json:"logDays"`
	// AlarmEmail hears of alarms; so does whoever subscribes to the stack's topic.
	AlarmEmail string `json:"alarmEmail"`
	// ProfileTable is one that exists already, instead of the stack's own.
	ProfileTable *ProfileTable `json:"profileTable"`
	// VPC is where the functions run that call endpoints and sources; none where nil.
	VPC *VPC `json:"vpc"`
	// KMSKeys are the ARNs of customer-managed keys that encrypt secrets and the
	// profile table: the functions that read those may decrypt by them.
	KMSKeys []string `json:"kmsKeys"`
	// EgressAllow is what egress.ParsePolicy reads: the addresses beyond public
	// https that actions may call.
	EgressAllow string `json:"egressAllow"`
	// EgressRoutes is what egress.ParsePolicy reads: hosts whose calls go to
	// stand-ins instead. It is for trying a deployment, never for production.
	EgressRoutes string `json:"egressRoutes"`
	// CallbackURL is where providers report, where that is not the callback
	// function's own URL: a domain of yours, or a proxy, that passes what comes
	// below it on to /callback/ there. The kind and the token follow it.
	CallbackURL string `json:"callbackUrl"`
	// AWSEndpoint is where functions find AWS's APIs: AWS itself where empty. It
	// is for emulators that do not tell functions themselves, such as SAM's.
	AWSEndpoint string `json:"awsEndpoint"`
	// Functions change the defaults of single functions.
	Functions map[string]FunctionSettings `json:"functions"`
}

// ProfileTable is a DynamoDB table of customers.
type ProfileTable struct {
	Name string `json:"name"`
	// Key is its partition key's attribute. It has no sort key.
	Key string `json:"key"`
	// Path is the attribute that holds the customer's attributes; they are the
	// item's own where it is empty.
	Path string `json:"path"`
}

// VPC is a network that exists already. Its subnets need a way to DynamoDB,
// Secrets Manager and SQS: endpoints, or a NAT gateway.
type VPC struct {
	ID                string   `json:"id"`
	AvailabilityZones []string `json:"availabilityZones"`
	Subnets           []string `json:"subnets"` // one for each zone, in their order
}

// FunctionSettings are one function's. Zero keeps the default of its kind.
type FunctionSettings struct {
	MemoryMB int `json:"memoryMB"`
	// Reserved concurrency is set aside for the function, and bounds it.
	Reserved int `json:"reserved"`
	// Provisioned concurrency is kept warm, and paid for by the hour.
	Provisioned int `json:"provisioned"`
	// Secrets narrow which secrets a function may read: names, which may end in
	// an asterisk. All of waypost/… where empty.
	Secrets []string `json:"secrets"`
}

// DefaultLogDays is how long logs are kept where nothing is said.
const DefaultLogDays = 14

// LogRetentions are those of CloudWatch Logs, in days: no others are to be had.
var LogRetentions = []int{1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653}

var (
	environmentName = regexp.MustCompile(`^[a-z][a-z0-9]{0,15}$`)
	keyARN          = regexp.MustCompile(`^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]+$`)
	secretName      = regexp.MustCompile(`^waypost/[A-Za-z0-9/_+=.@-]*\*?$`)
)

// Read reads the settings of the environment that context names. The functions
// that settings may name are these; any where nil. Its error says what is wrong,
// where, and what would be right.
func Read(context func(key string) any, functions []string) (Settings, error) {
	environments, _ := context("environments").(map[string]any)
	known := strings.Join(slices.Sorted(maps.Keys(environments)), ", ")
	name, _ := context("environment").(string)
	chosen, found := environments[name].(map[string]any)
	switch {
	case len(environments) == 0:
		return Settings{}, fault.New(fault.Invalid, "the context has no environments: cdk.json must say what there are, such as \"environments\": {\"dev\": {}}")
	case name == "":
		return Settings{}, fault.New(fault.Invalid, "no environment is chosen: give -c environment=NAME, with one of %s", known)
	case !found:
		return Settings{}, fault.New(fault.Invalid, "there is no environment %s in cdk.json's context: give -c environment=NAME, with one of %s", name, known)
	case !environmentName.MatchString(name):
		return Settings{}, fault.New(fault.Invalid, "the environment's name %s must be 1 to 16 of a-z and 0-9, and begin with a letter", name)
	}
	doc := maps.Clone(chosen)
	for _, key := range settingKeys() {
		if v := context(key); v != nil {
			doc[key] = given(v)
		}
	}
	data, err := json.Marshal(doc)
	if err != nil {
		return Settings{}, fmt.Errorf("reading the context: %w", err)
	}
	s := Settings{Environment: name, LogDays: DefaultLogDays}
	if err := schema.Into(data, &s); err != nil {
		return Settings{}, fault.Document("the environment "+name+" is not valid", fault.Details(err))
	}
	return s, fault.Document("the environment "+name+" is not valid", s.check(functions))
}

// FromFile gives the context of a cdk.json with settings on top, as KEY=VALUE:
// what CDK's own command line makes of it and of -c.
func FromFile(data []byte, given []string) (func(key string) any, error) {
	var file struct {
		Context map[string]any `json:"context"`
	}
	if err := json.Unmarshal(data, &file); err != nil {
		return nil, fmt.Errorf("it is not JSON as cdk.json must be: %w", err)
	}
	over := map[string]any{}
	for _, g := range given {
		key, value, ok := strings.Cut(g, "=")
		if !ok {
			return nil, fmt.Errorf("the setting %q must be KEY=VALUE, such as logDays=30", g)
		}
		over[key] = value
	}
	return func(key string) any {
		if v, ok := over[key]; ok {
			return v
		}
		return file.Context[key]
	}, nil
}

// Explain says what is wrong with settings, a line for each place.
func Explain(err error) string {
	if fault.CodeOf(err) == fault.Internal { // of this program, with no public side
		return err.Error()
	}
	text := fault.Public(err)
	for _, d := range fault.Details(err) {
		text += "\n  " + d.String()
	}
	return text
}

func settingKeys() []string {
	return []string{"account", "region", "protect", "logDays", "alarmEmail", "profileTable", "vpc", "kmsKeys", "egressAllow", "egressRoutes", "callbackUrl", "awsEndpoint", "functions"}
}

// given reads what the command line gave: JSON, or text where it is none.
func given(v any) any {
	text, ok := v.(string)
	var parsed any
	if !ok || json.Unmarshal([]byte(text), &parsed) != nil {
		return v
	}
	if _, number := parsed.(float64); number && len(text) == 12 {
		return text // an account's id
	}
	return parsed
}

// check finds what is wrong with settings.
func (s *Settings) check(functions []string) []fault.Detail {
	var details []fault.Detail
	say := func(path, format string, args ...any) {
		details = append(details, fault.Detail{Path: path, Message: fmt.Sprintf(format, args...)})
	}
	if !slices.Contains(LogRetentions, s.LogDays) {
		say("logDays", "must be one of %s: CloudWatch Logs has no others", strings.Trim(strings.ReplaceAll(fmt.Sprint(LogRetentions), " ", ", "), "[]"))
	}
	if t := s.ProfileTable; t != nil {
		if t.Name == "" {
			say("profileTable.name", "is missing: the name of the table that has the profiles")
		}
		if t.Key == "" {
			say("profileTable.key", "is missing: the attribute that is the table's partition key, such as customerId")
		}
	}
	if v := s.VPC; v != nil {
		if v.ID == "" {
			say("vpc.id", "is missing: the network's id, such as vpc-0a1b2c3d")
		}
		if len(v.Subnets) == 0 || len(v.Subnets) != len(v.AvailabilityZones) {
			say("vpc.subnets", "must name one private subnet for each of vpc.availabilityZones, and at least one")
		}
	}
	for i, key := range s.KMSKeys {
		if !keyARN.MatchString(key) {
			say(fmt.Sprintf("kmsKeys.%d", i), "must be a key's ARN, not an alias's: such as arn:aws:kms:eu-west-1:012345678901:key/1234abcd-12ab-34cd-56ef-1234567890ab")
		}
	}
	if _, err := egress.ParsePolicy(s.EgressAllow, ""); err != nil {
		say("egressAllow", "%s", fault.Public(err))
	}
	if _, err := egress.ParsePolicy("", s.EgressRoutes); err != nil {
		say("egressRoutes", "%s", fault.Public(err))
	}
	if s.Protect && s.EgressRoutes+s.AWSEndpoint != "" {
		say("protect", "is set: a protected environment has neither egressRoutes nor awsEndpoint, which are for stand-ins and emulators")
	}
	if u, err := url.Parse(s.AWSEndpoint); s.AWSEndpoint != "" && (err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "") {
		say("awsEndpoint", "must be the http or https URL of an emulator, such as http://127.0.0.1:4566")
	}
	if u, err := url.Parse(s.CallbackURL); s.CallbackURL != "" && (err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil || u.RawQuery+u.Fragment != "") {
		say("callbackUrl", "must be an https URL without a query, such as https://callbacks.example.com/callback")
	}
	for name, f := range s.Functions {
		at := "functions." + name
		if functions != nil && !slices.Contains(functions, name) {
			details = append(details, fault.Detail{Path: at, Message: "is not a function of Waypost", Suggestion: fault.Nearest(name, functions)})
			continue
		}
		if f.MemoryMB != 0 && (f.MemoryMB < 128 || f.MemoryMB > 10240) {
			say(at+".memoryMB", "must be from 128 to 10240")
		}
		if f.Provisioned < 0 || f.Reserved < 0 || f.Reserved > 0 && f.Provisioned > f.Reserved {
			say(at+".provisioned", "must be from 0 to what is reserved")
		}
		for i, secret := range f.Secrets {
			if !secretName.MatchString(secret) {
				say(fmt.Sprintf("%s.secrets.%d", at, i), "must be the name of a secret below waypost/, and may end in *: such as waypost/twilio or waypost/sms/*")
			}
		}
	}
	slices.SortFunc(details, func(a, b fault.Detail) int { return strings.Compare(a.Path, b.Path) })
	return details
}
