package main

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/waypost/waypost/infra/stack/settings"
)

// wide are the actions for which AWS has no resource but all, and why.
var wide = map[string]string{
	"xray:PutTraceSegments":    "a trace has no ARN",
	"xray:PutTelemetryRecords": "a trace has no ARN",
	"states:ListStateMachines": "machines are listed as a whole",
}

// No policy allows an action by a pattern, and none a resource but where AWS
// has no finer one.
func TestLeastPrivilege(t *testing.T) {
	narrow := dev()
	narrow.Functions = map[string]settings.FunctionSettings{"sms": {Secrets: []string{"waypost/twilio", "waypost/sms/*"}}}
	network := dev()
	network.VPC = &settings.VPC{ID: "vpc-1", AvailabilityZones: []string{"a"}, Subnets: []string{"subnet-1"}}
	for _, s := range []settings.Settings{dev(), narrow, network} {
		tpl := synth(t, s)
		statements := 0
		for id, p := range tpl.of("AWS::IAM::Policy") {
			for _, st := range asList(dig(p, "PolicyDocument", "Statement")) {
				statements++
				for _, a := range asList(dig(st, "Action")) {
					action := a.(string)
					if strings.Contains(action, "*") {
						t.Errorf("%s allows %s", id, action)
					}
					for _, r := range asList(dig(st, "Resource")) {
						if r == "*" && wide[action] == "" {
							t.Errorf("%s allows %s on everything", id, action)
						}
					}
				}
			}
		}
		if statements == 0 {
			t.Error("there are no policies")
		}
		for id, r := range tpl.of("AWS::IAM::Role") {
			for _, policy := range asList(r["ManagedPolicyArns"]) {
				if inNetwork := s.VPC != nil && strings.Contains(toJSON(policy), networkPolicy); !inNetwork {
					t.Errorf("%s has the managed policy %s", id, toJSON(policy))
				}
			}
			if states := strings.Contains(toJSON(r), "states.amazonaws.com"); states && !strings.Contains(toJSON(r["AssumeRolePolicyDocument"]), "aws:SourceAccount") {
				t.Errorf("%s can be taken for another account", id)
			}
		}
	}
}

// A function writes its own log group, and no other.
func TestLogsAreTheFunctionsOwn(t *testing.T) {
	tpl := synth(t, dev())
	for _, f := range functions() {
		got := tpl.allowed(title(f.name) + "Role")
		for _, action := range []string{"logs:CreateLogStream", "logs:PutLogEvents"} {
			if on := strings.Join(got[action], " "); !strings.Contains(on, title(f.name)+"Logs") || strings.Contains(on, "*") {
				t.Errorf("%s may %s on %q, want its own log group", f.name, action, on)
			}
		}
	}
}

// The versions before a deploy stay, to roll back to.
func TestVersionsStay(t *testing.T) {
	tpl := synth(t, dev())
	versions := 0
	for id, r := range tpl.Resources {
		if r.Type != "AWS::Lambda::Version" {
			continue
		}
		versions++
		if got, want := r.DeletionPolicy, "RetainExceptOnCreate"; got != want {
			t.Errorf("%s: got %q, want %q", id, got, want)
		}
	}
	if got, want := versions, len(functions()); got != want {
		t.Errorf("%d versions, want %d", got, want)
	}
}

// A customer's keys decrypt for who reads secrets or profiles, through the
// services that keep them alone.
func TestKeys(t *testing.T) {
	const key = "arn:aws:kms:eu-west-1:012345678901:key/1234abcd"
	s := dev()
	s.KMSKeys = []string{key}
	tpl := synth(t, s)
	got := map[string]string{}
	for id, p := range tpl.of("AWS::IAM::Policy") {
		for _, st := range asList(dig(p, "PolicyDocument", "Statement")) {
			if dig(st, "Action") == "kms:Decrypt" && dig(st, "Resource") == key {
				got[strings.TrimSuffix(constructID(id), "RoleDefaultPolicy")] = toJSON(dig(st, "Condition", "StringEquals", "kms:ViaService"))
			}
		}
	}
	for _, f := range functions() {
		via := got[title(f.name)]
		secrets, profiles := f.kind == channel || f.kind == condition || f.kind == public, f.kind == channel || f.kind == condition || f.name == "admin"
		if strings.Contains(via, "secretsmanager.") != secrets || strings.Contains(via, "dynamodb.") != profiles {
			t.Errorf("%s decrypts through %q", f.name, via)
		}
	}
}

func toJSON(v any) string {
	data, _ := json.Marshal(v)
	return string(data)
}

// actionsOf lists what the policies of one role allow, each with its resources.
func (t template) allowed(role string) map[string][]string {
	out := map[string][]string{}
	for id, p := range t.of("AWS::IAM::Policy") {
		if !strings.HasPrefix(id, role) {
			continue
		}
		for _, st := range asList(dig(p, "PolicyDocument", "Statement")) {
			for _, a := range asList(dig(st, "Action")) {
				out[a.(string)] = append(out[a.(string)], toJSON(dig(st, "Resource")))
			}
		}
	}
	return out
}

// What each function and role may do: the promises of least privilege.
func TestWhoMayDoWhat(t *testing.T) {
	tpl := synth(t, dev())
	for role, want := range map[string][]string{
		"JourneysRole": {"lambda:InvokeFunction", "states:StartExecution"},
		"DeliveryRole": {"lambda:InvokeFunction"},
		"Sms":          {"dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem", "secretsmanager:GetSecretValue", "sqs:SendMessage", "states:SendTaskFailure", "states:SendTaskSuccess"},
		"Loyalty":      {"dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem", "secretsmanager:GetSecretValue", "sqs:SendMessage", "states:SendTaskFailure", "states:SendTaskSuccess"},
		"Signage":      {"dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem", "secretsmanager:GetSecretValue", "sqs:SendMessage", "states:SendTaskFailure", "states:SendTaskSuccess"},
		"Private":      {"dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem", "secretsmanager:GetSecretValue", "sqs:SendMessage", "states:SendTaskFailure", "states:SendTaskSuccess"},
		"Webhook":      {"dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem", "secretsmanager:GetSecretValue", "sqs:SendMessage", "states:SendTaskFailure", "states:SendTaskSuccess"},
		"Decide":       {"dynamodb:GetItem", "secretsmanager:GetSecretValue"},
		"Callback": {"dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem", "secretsmanager:GetSecretValue",
			"states:SendTaskFailure", "states:SendTaskSuccess"},
		"Entry": {"dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Query", "dynamodb:UpdateItem", "states:StartExecution", "sqs:SendMessage"},
		"Sweep": {"dynamodb:DeleteItem", "dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Query", "dynamodb:UpdateItem", "sqs:SendMessage",
			"states:DescribeExecution", "states:SendTaskFailure", "states:SendTaskSuccess", "states:StartExecution"},
		"Admin": {"dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Query", "dynamodb:UpdateItem", "iam:PassRole", "states:CreateStateMachine",
			"states:DescribeExecution", "states:GetExecutionHistory", "states:ListStateMachines", "states:StartExecution",
			"states:TagResource", "states:UpdateStateMachine"},
	} {
		var got []string
		for a := range tpl.allowed(role) {
			if !strings.HasPrefix(a, "xray:") && !strings.HasPrefix(a, "logs:") && a != "sqs:GetQueueAttributes" && a != "sqs:GetQueueUrl" {
				got = append(got, a)
			}
		}
		slices.Sort(got)
		slices.Sort(want)
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s: %s", role, d)
		}
	}
	// The limits' table has the opt-outs, which few may touch.
	for _, f := range functions() {
		var got []string
		for action, on := range tpl.allowed(title(f.name) + "Role") {
			if strings.HasPrefix(action, "dynamodb:") && strings.Contains(strings.Join(on, " "), "Limits") {
				got = append(got, strings.TrimPrefix(action, "dynamodb:"))
			}
		}
		slices.Sort(got)
		var want []string
		switch {
		case f.name == "admin" || f.name == "sms":
			want = []string{"GetItem", "PutItem", "UpdateItem"}
		case f.name == "signage":
			want = []string{"GetItem", "UpdateItem"}
		case f.kind == channel:
			want = []string{"UpdateItem"}
		case f.kind == public:
			want = []string{"PutItem"}
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s on the limits: %s", f.name, d)
		}
	}
	for action, contains := range map[string]string{"states:CreateStateMachine": "stateMachine:waypost-dev-*", "iam:PassRole": "JourneysRole",
		"states:StartExecution": `{"Ref":"Delivery`} { // no journey's machine: entry starts those
		if got := strings.Join(tpl.allowed("Admin")[action], " "); !strings.Contains(got, contains) {
			t.Errorf("admin may %s on %s, want %s alone", action, got, contains)
		}
	}
	for _, role := range []string{"Sms", "Sweep"} {
		if got := strings.Join(tpl.allowed(role)["states:SendTaskSuccess"], " "); !strings.Contains(got, "stateMachine:waypost-dev-*") {
			t.Errorf("%s may wake the steps of %s, want those of this deployment's journeys alone", role, got)
		}
	}
	if got := strings.Join(tpl.allowed("Sms")["secretsmanager:GetSecretValue"], " "); !strings.Contains(got, "secret:waypost/*") {
		t.Errorf("sms may read the secrets %s", got)
	}
}
