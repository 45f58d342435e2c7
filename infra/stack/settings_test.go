package main

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
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
func TestReadSettings(t *testing.T) {
	got, err := ReadSettings(lookup(t, `{"environment": "prod", "account": "012345678901", "logDays": "30", "protect": "false", "egressAllow": "https://intranet.example:8443",
		"profileTable": "{\"name\": \"customers\", \"key\": \"customerId\"}",
		"environments": {"prod": {"protect": true, "functions": {"sms": {"reserved": 20, "provisioned": 5}}}}}`))
	if err != nil {
		t.Fatal(explain(err))
	}
	want := Settings{Environment: "prod", Account: "012345678901", LogDays: 30, EgressAllow: "https://intranet.example:8443",
		ProfileTable: &ProfileTable{Name: "customers", Key: "customerId"}, Functions: map[string]FunctionSettings{"sms": {Reserved: 20, Provisioned: 5}}}
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
		{"a wrong route", with(`{"egressRoutes": "api.twilio.com"}`), "egressRoutes: WAYPOST_EGRESS_ROUTES: \"api.twilio.com\": write host=URL"},
		{"a wrong endpoint", with(`{"awsEndpoint": "127.0.0.1:4566"}`), "awsEndpoint: must be the http or https URL of an emulator, such as http://127.0.0.1:4566"},
		{"stand-ins in a protected environment", with(`{"protect": true, "egressRoutes": "api.twilio.com=http://127.0.0.1:1"}`), "protect: is set: a protected environment has neither egressRoutes nor awsEndpoint"},
		{"a wrong allow-list", with(`{"egressAllow": "ftp://intranet.example"}`), "the scheme must be https or http"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := ReadSettings(lookup(t, tc.context))
			if err == nil {
				t.Fatal("it was accepted")
			}
			if got := explain(err); !strings.Contains(got, tc.want) {
				t.Errorf("got %s\nwant …%s…", got, tc.want)
			}
		})
	}
}

// cdk.json's own environments are valid, and dev is what a bare cdk synth takes.
func TestOwnContext(t *testing.T) {
	data, err := os.ReadFile("../../cdk.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct{ Context json.RawMessage }
	if err := json.Unmarshal(data, &file); err != nil {
		t.Fatal(err)
	}
	context := lookup(t, string(file.Context))
	for _, name := range []string{"dev", "prod"} {
		s, err := ReadSettings(func(key string) any {
			if key == "environment" && name != "dev" {
				return name
			}
			return context(key)
		})
		if err != nil {
			t.Error(explain(err))
		}
		if got := s.Environment; got != name {
			t.Errorf("got the environment %s, want %s", got, name)
		}
		if got, want := s.Protect, name == "prod"; got != want {
			t.Errorf("%s is protected: %v, want %v", name, got, want)
		}
	}
}

func TestBuildMissing(t *testing.T) {
	_, err := BuiltIn(t.TempDir())
	if err == nil {
		t.Fatal("nothing was missed")
	}
	if got := explain(err); !strings.HasSuffix(got, "bootstrap is missing: run make build first") {
		t.Errorf("got %q", got)
	}
}
