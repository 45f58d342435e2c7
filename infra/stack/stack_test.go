package main

import (
	"encoding/json"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/assertions"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/jsii-runtime-go"
	"github.com/google/go-cmp/cmp"

	"github.com/waypost/waypost/infra/stack/settings"
)

var update = flag.Bool("update", false, "write the golden template anew")

// A template is a synthesized stack as CloudFormation reads it.
type template struct {
	Resources map[string]resource
	Outputs   map[string]map[string]any
}

type resource struct {
	Type           string
	Properties     map[string]any
	DeletionPolicy string
}

// The templates that the tests look at; making one takes a second.
var templates = map[string]map[string]any{}

// synth makes an environment's template, with a package that stands for the
// functions'. It needs Node, which CDK's constructs run in.
func synth(t *testing.T, s settings.Settings) template {
	t.Helper()
	if _, err := exec.LookPath("node"); err != nil {
		t.Skip("node is not installed: CDK's constructs need Node 20 or later")
	}
	key, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	if templates[string(key)] == nil {
		stack := NewStack(awscdk.NewApp(nil), s, func(string) awslambda.Code {
			return awslambda.Code_FromAsset(jsii.String("testdata/package"), nil)
		})
		templates[string(key)] = *assertions.Template_FromStack(stack, nil).ToJSON()
	}
	data, err := json.Marshal(templates[string(key)])
	if err != nil {
		t.Fatal(err)
	}
	var out template
	if err := json.Unmarshal(data, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

func TestMain(m *testing.M) {
	code := m.Run()
	jsii.Close()
	os.Exit(code)
}

func dev() settings.Settings {
	return settings.Settings{Environment: "dev", LogDays: settings.DefaultLogDays}
}

// of gives the resources of a type, by their logical ids.
func (t template) of(kind string) map[string]map[string]any {
	out := map[string]map[string]any{}
	for id, r := range t.Resources {
		if r.Type == kind {
			out[id] = r.Properties
		}
	}
	return out
}

// constructID is a resource's logical id without CDK's hash.
func constructID(logical string) string { return logical[:len(logical)-8] }

func TestGoldenTemplate(t *testing.T) {
	synth(t, dev())
	key, _ := json.Marshal(dev())
	got, err := json.MarshalIndent(templates[string(key)], "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join("testdata", "waypost-dev.template.json")
	if *update {
		if err := os.WriteFile(file, append(got, '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(string(got)+"\n", "\n")); d != "" {
		t.Errorf("the template has changed; if that is meant, run go test ./infra/stack -update:\n%s", d)
	}
}

// A folder in functions/ is a function of the stack, and the other way round.
func TestFunctions(t *testing.T) {
	folders, err := filepath.Glob("../../functions/*/main.go")
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for _, f := range folders {
		want = append(want, filepath.Base(filepath.Dir(f)))
	}
	got := functionNames()
	slices.Sort(got)
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	for id, f := range synth(t, dev()).of("AWS::Lambda::Function") {
		if f["Runtime"] != "provided.al2023" || f["Handler"] != "bootstrap" || !cmp.Equal(f["Architectures"], []any{"arm64"}) ||
			dig(f, "LoggingConfig", "LogFormat") != "JSON" || dig(f, "LoggingConfig", "LogGroup") == nil || dig(f, "TracingConfig", "Mode") != "Active" {
			t.Errorf("%s lacks a default of the house: %v", id, f)
		}
	}
}

func dig(v any, path ...string) any {
	for _, key := range path {
		m, _ := v.(map[string]any)
		v = m[key]
	}
	return v
}

// Every queue has a dead-letter queue but those that are one, and every one an
// alarm.
func TestQueues(t *testing.T) {
	tpl := synth(t, dev())
	alarmed := map[string]bool{}
	for _, a := range tpl.of("AWS::CloudWatch::Alarm") {
		for _, d := range asList(a["Dimensions"]) {
			if target, ok := dig(d, "Value", "Fn::GetAtt").([]any); ok && a["MetricName"] == "ApproximateNumberOfMessagesVisible" {
				alarmed[target[0].(string)] = len(asList(a["AlarmActions"])) > 0
			}
		}
	}
	queues := tpl.of("AWS::SQS::Queue")
	if len(queues) == 0 {
		t.Error("there are no queues")
	}
	for id, q := range queues {
		if !alarmed[id] {
			t.Errorf("%s has no alarm for the messages that it holds", id)
		}
		if q["SqsManagedSseEnabled"] != true {
			t.Errorf("%s is not encrypted", id)
		}
		if strings.HasSuffix(constructID(id), "Dlq") {
			continue
		}
		if dig(q, "RedrivePolicy", "deadLetterTargetArn") == nil {
			t.Errorf("%s has no dead-letter queue", id)
		}
	}
}

func asList(v any) []any {
	if list, ok := v.([]any); ok {
		return list
	}
	if v == nil {
		return nil
	}
	return []any{v}
}

func TestFunctionURLs(t *testing.T) {
	tpl := synth(t, dev())
	urls := tpl.of("AWS::Lambda::Url")
	if got, want := len(urls), 3; got != want {
		t.Errorf("%d function URLs, want those of admin, callback and entry", got)
	}
	for id, u := range urls {
		want := "AWS_IAM"
		if strings.HasPrefix(id, "Callback") {
			want = "NONE"
		}
		if u["AuthType"] != want || u["InvokeMode"] != "BUFFERED" {
			t.Errorf("%s: got %v, want %s and BUFFERED", id, u, want)
		}
	}
	// Anybody may call one function, by its URL and in no other way.
	var open []string
	for id, p := range tpl.of("AWS::Lambda::Permission") {
		if p["Principal"] != "*" {
			continue
		}
		if on := toJSON(p["FunctionName"]); !strings.Contains(on, "CallbackLive") || p["FunctionUrlAuthType"] != "NONE" && p["InvokedViaFunctionUrl"] != true {
			t.Errorf("%s lets anybody call %s: %v", id, on, p)
		}
		open = append(open, p["Action"].(string))
	}
	slices.Sort(open)
	if d := cmp.Diff([]string{"lambda:InvokeFunction", "lambda:InvokeFunctionUrl"}, open); d != "" {
		t.Errorf("what anybody may do: %s", d)
	}
}

// The channels are told where providers are to report: the callback function's
// URL, or the operator's own, of which the callback function is told too.
func TestCallbackURL(t *testing.T) {
	own := dev()
	own.CallbackURL = "https://callbacks.example.com/callback"
	for _, s := range []settings.Settings{dev(), own} {
		tpl := synth(t, s)
		for _, f := range functions() {
			for id, props := range tpl.of("AWS::Lambda::Function") {
				if !strings.HasPrefix(id, title(f.name)+"Function") {
					continue
				}
				got, want := toJSON(dig(props, "Environment", "Variables", "WAYPOST_CALLBACK_URL")), "null"
				switch {
				case s.CallbackURL != "" && (f.kind == channel || f.kind == public):
					want = `"https://callbacks.example.com/callback"`
				case f.kind == channel:
					want = `"FunctionUrl"]},"callback"]]}`
				}
				if !strings.HasSuffix(got, want) {
					t.Errorf("%s is told %s, want …%s", f.name, got, want)
				}
			}
		}
	}
}

func TestLogsHaveRetention(t *testing.T) {
	tpl := synth(t, dev())
	groups := tpl.of("AWS::Logs::LogGroup")
	if got, want := len(groups), len(functions()); got != want {
		t.Errorf("%d log groups, want %d", got, want)
	}
	for id, g := range groups {
		if g["RetentionInDays"] != float64(settings.DefaultLogDays) {
			t.Errorf("%s keeps logs for %v days", id, g["RetentionInDays"])
		}
	}
}

// A protected environment keeps its tables, whatever is deleted.
func TestTables(t *testing.T) {
	for _, protect := range []bool{false, true} {
		s := dev()
		s.Protect = protect
		tpl := synth(t, s)
		for id, table := range tpl.of("AWS::DynamoDB::Table") {
			if table["BillingMode"] != "PAY_PER_REQUEST" || dig(table, "SSESpecification", "SSEEnabled") != true ||
				dig(table, "PointInTimeRecoverySpecification", "PointInTimeRecoveryEnabled") != true || table["DeletionProtectionEnabled"] != protect {
				t.Errorf("protect %v: %s lacks a default of the house: %v", protect, id, table)
			}
			ttl := dig(table, "TimeToLiveSpecification", "AttributeName")
			if temporary := strings.HasPrefix(id, "Ledger") || strings.HasPrefix(id, "Limits"); temporary != (ttl == expires) {
				t.Errorf("%s: TTL by %v", id, ttl)
			}
		}
	}
}

// An environment brings its own profiles, network, limits and warmth.
func TestSettingsReachTheTemplate(t *testing.T) {
	s := settings.Settings{Environment: "prod", LogDays: 90, AlarmEmail: "oncall@example.com", EgressAllow: "https://intranet.example",
		ProfileTable: &settings.ProfileTable{Name: "customers", Key: "customerId", Path: "attributes"},
		VPC:          &settings.VPC{ID: "vpc-1", AvailabilityZones: []string{"a", "b"}, Subnets: []string{"subnet-1", "subnet-2"}},
		Functions:    map[string]settings.FunctionSettings{"sms": {MemoryMB: 1024, Reserved: 50, Provisioned: 2, Secrets: []string{"waypost/twilio"}}}}
	tpl := synth(t, s)
	for id, f := range tpl.of("AWS::Lambda::Function") {
		env := dig(f, "Environment", "Variables").(map[string]any)
		if env["WAYPOST_PROFILES_TABLE"] != "customers" || env["WAYPOST_PROFILE_KEY"] != "customerId" || env["WAYPOST_PROFILE_PATH"] != "attributes" {
			t.Errorf("%s does not find the profiles: %v", id, env)
		}
		if got, want := f["VpcConfig"] != nil, !strings.HasPrefix(id, "Admin") && !strings.HasPrefix(id, "Entry") && !strings.HasPrefix(id, "Callback") && !strings.HasPrefix(id, "Sweep"); got != want {
			t.Errorf("%s runs in the network: %v, want %v", id, got, want)
		}
		if strings.HasPrefix(id, "Sms") && (f["MemorySize"] != 1024.0 || f["ReservedConcurrentExecutions"] != 50.0 || env["WAYPOST_EGRESS_ALLOW"] != "https://intranet.example") {
			t.Errorf("%s: %v", id, f)
		}
	}
	if got, want := len(tpl.of("AWS::EC2::SecurityGroup")), 1; got != want || tpl.Outputs["SecurityGroup"] == nil {
		t.Errorf("%d security groups, want %d, and its output", got, want)
	}
	for id, table := range tpl.of("AWS::DynamoDB::Table") {
		if strings.HasPrefix(id, "Profiles") {
			t.Errorf("a table of profiles is made beside the given one: %v", table)
		}
	}
	for id, a := range tpl.of("AWS::Lambda::Alias") {
		if got, want := dig(a, "ProvisionedConcurrencyConfig", "ProvisionedConcurrentExecutions"), any(2.0); strings.HasPrefix(id, "Sms") && got != want {
			t.Errorf("%s: provisioned %v, want %v", id, got, want)
		}
	}
	if got := strings.Join(tpl.allowed("Sms")["secretsmanager:GetSecretValue"], " "); !strings.Contains(got, "secret:waypost/twilio-??????") {
		t.Errorf("sms may read %s", got)
	}
	if got := len(tpl.of("AWS::SNS::Subscription")); got != 1 {
		t.Errorf("%d subscriptions to the alarms, want 1", got)
	}
}

// For a try, functions are told of an emulator, and those that call endpoints
// of stand-ins; without the settings there is no trace of either.
func TestStandInsAndEmulators(t *testing.T) {
	const routes, endpoint = "api.twilio.com=http://127.0.0.1:8480/providers/twilio", "http://127.0.0.1:4566"
	for _, s := range []settings.Settings{{Environment: "dev", LogDays: 14}, {Environment: "dev", LogDays: 14, EgressRoutes: routes, AWSEndpoint: endpoint}} {
		for id, f := range synth(t, s).of("AWS::Lambda::Function") {
			env := dig(f, "Environment", "Variables").(map[string]any)
			gotRoutes, _ := env["WAYPOST_EGRESS_ROUTES"].(string)
			gotEndpoint, _ := env["AWS_ENDPOINT_URL"].(string)
			calls := !strings.HasPrefix(id, "Entry") && !strings.HasPrefix(id, "Callback") && !strings.HasPrefix(id, "Sweep")
			if gotEndpoint != s.AWSEndpoint || calls && gotRoutes != s.EgressRoutes || !calls && gotRoutes != "" {
				t.Errorf("%s: with routes %q and endpoint %q it has %q and %q", id, s.EgressRoutes, s.AWSEndpoint, gotRoutes, gotEndpoint)
			}
		}
	}
}
