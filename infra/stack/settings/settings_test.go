package settings_test

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/waypost/waypost/infra/stack/settings"
)

// lookup answers as CDK's context does.
func lookup(t *testing.T, doc string) func(string) any {
	t.Helper()
	var m map[string]any
	if err := json.Unmarshal([]byte(doc), &m); err != nil {
		t.Fatal(err)
	}
	return func(key string) any { return m[key] }
}

// What the command line gives is laid over what cdk.json has.
func TestRead(t *testing.T) {
	got, err := settings.Read(lookup(t, `{"environment": "prod", "account": "012345678901", "logDays": "30", "protect": "false", "egressAllow": "https://intranet.example:8443",
		"profileTable": "{\"name\": \"customers\", \"key\": \"customerId\"}",
		"environments": {"prod": {"protect": true, "functions": {"sms": {"reserved": 20, "provisioned": 5}}}}}`), []string{"sms"})
	if err != nil {
		t.Fatal(settings.Explain(err))
	}
	want := settings.Settings{Environment: "prod", Account: "012345678901", LogDays: 30, EgressAllow: "https://intranet.example:8443",
		ProfileTable: &settings.ProfileTable{Name: "customers", Key: "customerId"}, Functions: map[string]settings.FunctionSettings{"sms": {Reserved: 20, Provisioned: 5}}}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

// Wrong context is answered with a sentence that says what to give.
func TestWrongContext(t *testing.T) {
	with := func(dev string) string {
		return `{"environment": "dev", "environments": {"dev": ` + dev + `, "prod": {}}}`
	}
	for _, tc := range []struct{ name, context, want string }{
		{"no environments", `{"environment": "dev"}`, `cdk.json must say what there are, such as "environments": {"dev": {}}`},
		{"none chosen", `{"environments": {"dev": {}, "prod": {}}}`, "give -c environment=NAME, with one of dev, prod"},
		{"an unknown one", `{"environment": "stage", "environments": {"dev": {}, "prod": {}}}`, "there is no environment stage in cdk.json's context: give -c environment=NAME, with one of dev, prod"},
		{"a name that machines can't have", `{"environment": "My-Env", "environments": {"My-Env": {}}}`, "1 to 16 of a-z and 0-9"},
		{"a profile table without a key", with(`{"profileTable": {"name": "customers"}}`), "profileTable.key: is missing: the attribute that is the table's partition key, such as customerId"},
		{"a profile table without a name", with(`{"profileTable": {"key": "id"}}`), "profileTable.name: is missing"},
		{"an unknown key", with(`{"logDay": 3}`), "logDays"},
		{"a wrong type", with(`{"protect": "yes"}`), "protect"},
		{"a retention that there is none of", with(`{"logDays": 10}`), "must be one of 1, 3, 5, 7, 14, 30"},
		{"an unknown function", with(`{"functions": {"smss": {}}}`), "sms"},
		{"too little memory", with(`{"functions": {"sms": {"memoryMB": 64}}}`), "functions.sms.memoryMB: must be from 128 to 10240"},
		{"more kept warm than reserved", with(`{"functions": {"sms": {"reserved": 1, "provisioned": 2}}}`), "functions.sms.provisioned: must be from 0 to what is reserved"},
		{"a secret that is not Waypost's", with(`{"functions": {"sms": {"secrets": ["other/twilio"]}}}`), "functions.sms.secrets.0: must be the name of a secret below waypost/"},
		{"a network without subnets", with(`{"vpc": {"id": "vpc-1"}}`), "vpc.subnets: must name one private subnet"},
		{"an alias of a key", with(`{"kmsKeys": ["arn:aws:kms:eu-west-1:012345678901:alias/mine"]}`), "kmsKeys.0: must be a key's ARN, not an alias's"},
		{"a wrong route", with(`{"egressRoutes": "api.twilio.com"}`), "egressRoutes: WAYPOST_EGRESS_ROUTES: \"api.twilio.com\": write host=URL"},
		{"a wrong callback URL", with(`{"callbackUrl": "http://callbacks.example.com/callback"}`), "callbackUrl: must be an https URL without a query, such as https://callbacks.example.com/callback"},
		{"a wrong endpoint", with(`{"awsEndpoint": "127.0.0.1:4566"}`), "awsEndpoint: must be the http or https URL of an emulator, such as http://127.0.0.1:4566"},
		{"stand-ins in a protected environment", with(`{"protect": true, "egressRoutes": "api.twilio.com=http://127.0.0.1:1"}`), "protect: is set: a protected environment has neither egressRoutes nor awsEndpoint"},
		{"a wrong allow-list", with(`{"egressAllow": "ftp://intranet.example"}`), "the scheme must be https or http"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := settings.Read(lookup(t, tc.context), []string{"sms", "webhook"})
			if err == nil {
				t.Fatal("it was accepted")
			}
			if got := settings.Explain(err); !strings.Contains(got, tc.want) {
				t.Errorf("got %s\nwant …%s…", got, tc.want)
			}
		})
	}
}

// cdk.json's own environments are valid, and dev is what a bare cdk synth takes.
func TestOwnContext(t *testing.T) {
	data, err := os.ReadFile("../../../cdk.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct{ Context json.RawMessage }
	if err := json.Unmarshal(data, &file); err != nil {
		t.Fatal(err)
	}
	context := lookup(t, string(file.Context))
	for _, name := range []string{"dev", "prod"} {
		s, err := settings.Read(func(key string) any {
			if key == "environment" && name != "dev" {
				return name
			}
			return context(key)
		}, nil)
		if err != nil {
			t.Error(settings.Explain(err))
		}
		if got := s.Environment; got != name {
			t.Errorf("got the environment %s, want %s", got, name)
		}
		if got, want := s.Protect, name == "prod"; got != want {
			t.Errorf("%s is protected: %v, want %v", name, got, want)
		}
	}
}

// A cdk.json is read as CDK's command line reads it, with -c on top.
func TestFromFile(t *testing.T) {
	context, err := settings.FromFile([]byte(`{"context": {"environment": "dev", "environments": {"dev": {}, "prod": {"account": "111111111111", "region": "eu-west-1"}}}}`),
		[]string{"environment=prod", "region=us-east-1", "egressRoutes=api.twilio.com=http://127.0.0.1:1"})
	if err != nil {
		t.Fatal(err)
	}
	got, err := settings.Read(context, nil)
	if err != nil {
		t.Fatal(settings.Explain(err))
	}
	want := settings.Settings{Environment: "prod", Account: "111111111111", Region: "us-east-1", LogDays: settings.DefaultLogDays,
		EgressRoutes: "api.twilio.com=http://127.0.0.1:1"}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if _, err := settings.FromFile([]byte(`{}`), []string{"region"}); err == nil || !strings.Contains(err.Error(), "must be KEY=VALUE") {
		t.Errorf("got %v for a setting without a value", err)
	}
	if _, err := settings.FromFile([]byte(`{`), nil); err == nil || !strings.Contains(err.Error(), "not JSON") {
		t.Errorf("got %v for half a file", err)
	}
}
