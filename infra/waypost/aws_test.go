package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// What a deploy lacks, it says before it begins, and how to get it.
func TestDeployLacks(t *testing.T) {
	ready := func() *account { return &account{stacks: map[string]map[string]string{"CDKToolkit": {}}} }
	for _, tc := range []struct {
		name    string
		account *account
		env     map[string]string
		want    string
	}{
		{"node", ready(), map[string]string{"PATH": "/nonexistent"}, "node is not installed: the CDK needs Node 20 or later"},
		{"a region", ready(), map[string]string{"AWS_REGION": ""}, "no AWS region is chosen: set AWS_REGION"},
		{"credentials", ready(), map[string]string{"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""}, "there are no AWS credentials: run aws configure or aws sso login"},
		{"credentials that are taken", &account{unknown: true}, nil, "InvalidClientTokenId: The security token"},
		{"a service", ready(), map[string]string{"AWS_ENDPOINT_URL": "http://127.0.0.1:1"}, "STS could not be reached: look at the network"},
		{"a bootstrapped account", &account{}, nil, "not bootstrapped for the CDK in eu-west-1: run once npx aws-cdk@2.1148.1 bootstrap"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			machine(t, tc.account)
			for key, value := range tc.env {
				t.Setenv(key, value)
			}
			code, got := runs(t, "deploy")
			if code != 1 || !strings.Contains(got, tc.want) || strings.Contains(got, "npx aws") && !strings.Contains(tc.want, "npx") {
				t.Errorf("got status %d and %s\nwant …%s…", code, got, tc.want)
			}
		})
	}
}

func TestOldNode(t *testing.T) {
	machine(t, &account{})
	if err := os.WriteFile(filepath.Join(os.Getenv("PATH"), "node"), []byte("#!/bin/sh\necho v18.20.1\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	if code, got := runs(t, "synth"); code != 1 || !strings.Contains(got, "node is of version 18.20.1: the CDK needs Node 20 or later") {
		t.Errorf("got status %d and %s", code, got)
	}
}

// The CDK is asked for the environment's stack, with its settings.
func TestCDKIsAsked(t *testing.T) {
	machine(t, &account{stacks: map[string]map[string]string{"CDKToolkit": {}, "waypost-prod": {}}})
	for _, tc := range []struct{ args, want string }{
		{"synth", "npx --yes aws-cdk@2.1148.1 synth --quiet waypost-dev --context environment=dev\n"},
		{"diff -e prod", "npx --yes aws-cdk@2.1148.1 diff waypost-prod --context environment=prod\n"},
		{"deploy -e prod -c logDays=30 --yes", "npx --yes aws-cdk@2.1148.1 deploy --require-approval never waypost-prod --context environment=prod --context logDays=30\n"},
	} {
		if code, got := runs(t, strings.Fields(tc.args)...); code != 0 || !strings.HasPrefix(got, tc.want) {
			t.Errorf("%s: got status %d and %s, want %s", tc.args, code, got, tc.want)
		}
	}
}

// Where the environment names nobody who hears of alarms, a deploy says so.
func TestDeploySaysWhoHearsOfAlarms(t *testing.T) {
	const topic = "arn:aws:sns:eu-west-1:000000000000:alarms"
	machine(t, &account{stacks: map[string]map[string]string{"CDKToolkit": {}, "waypost-dev": {"AlarmTopic": topic}, "waypost-prod": {"AlarmTopic": topic}}})
	for args, want := range map[string]bool{"deploy": true, "deploy -c alarmEmail=me@example.com": false, "deploy -e prod": false} {
		code, got := runs(t, strings.Fields(args)...)
		if code != 0 || strings.Contains(got, "nobody subscribes to its alarms yet") != want || strings.Contains(got, "--topic-arn "+topic) != want {
			t.Errorf("%s: got status %d and %s, want that it says how to subscribe: %v", args, code, got, want)
		}
	}
}

// What an environment says of its account and region holds for all that changes
// or reads AWS.
func TestEnvironmentsPlace(t *testing.T) {
	a := &account{stacks: map[string]map[string]string{"CDKToolkit": {}, "waypost-elsewhere": {}, "waypost-here": {}}}
	for _, command := range []string{"diff", "deploy", "destroy --yes"} {
		for _, tc := range []struct {
			args   string
			region string // where AWS is asked, "" where it stops before CloudFormation
			want   string
		}{
			{"-e elsewhere", "", "the environment elsewhere is in the account 111111111111, and the AWS credentials at hand are of 000000000000: set AWS_PROFILE"},
			{"-e dev -c account=111111111111", "", "the environment dev is in the account 111111111111"},
			{"-e dev -c region", "", `the setting "region" must be KEY=VALUE`},
			{"-e none", "", "there is no environment none in cdk.json"},
			{"-e here", "eu-north-1", ""},
		} {
			t.Run(command+" "+tc.args, func(t *testing.T) {
				machine(t, a)
				a.regions = map[string]bool{}
				code, got := runs(t, strings.Fields(command+" "+tc.args)...)
				if tc.want != "" && (code != 1 || !strings.Contains(got, tc.want)) || strings.Contains(got, "npx --yes") && tc.want != "" {
					t.Errorf("got status %d and %s\nwant …%s…", code, got, tc.want)
				}
				if tc.region != "" && (len(a.regions) != 1 || !a.regions[tc.region]) {
					t.Errorf("AWS was asked in %v, want %s alone", a.regions, tc.region)
				}
			})
		}
	}
	machine(t, a)
	if err := os.Remove("cdk.json"); err != nil {
		t.Fatal(err)
	}
	if code, got := runs(t, "diff"); code != 1 || !strings.Contains(got, "there is no cdk.json here: run it in the folder of the checkout") {
		t.Errorf("got status %d and %s", code, got)
	}
}

// A stack is found by its outputs, and its functions' URLs are called with
// signatures that AWS would take.
func TestStackIsCalledSigned(t *testing.T) {
	var refusedBy []string
	function := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		if why := misSigned(r, body); why != "" {
			refusedBy = append(refusedBy, r.URL.Path+": "+why)
			w.WriteHeader(http.StatusForbidden)
			return
		}
		switch {
		case r.URL.Path == "/in/entry/" && r.Method == http.MethodPost:
			w.WriteHeader(http.StatusAccepted)
			fmt.Fprint(w, `{"executions": []}`)
		default:
			w.WriteHeader(http.StatusNotFound)
			fmt.Fprint(w, `{"detail": "there is no execution x"}`)
		}
	}))
	t.Cleanup(function.Close)
	machine(t, &account{stacks: map[string]map[string]string{
		"waypost-dev": {"AdminUrl": function.URL + "/", "EntryUrl": function.URL + "/in/"}, "other": {}}})
	event := filepath.Join(t.TempDir(), "event.json")
	if err := os.WriteFile(event, []byte(`{"id": "1", "source": "t", "type": "order.ready", "data": {}}`), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		args string
		code int
		want string
	}{
		{"send --stack waypost-dev " + event, 0, "accepted; no journey takes it"},
		{"trace --stack waypost-dev x", 1, "there is no execution x"},
		{"trace --stack waypost-prod x", 1, "there is no stack waypost-prod in eu-west-1: deploy it with make deploy"},
		{"trace --stack other x", 1, "the stack other in eu-west-1 has no output AdminUrl"},
	} {
		if code, got := runs(t, strings.Fields(tc.args)...); code != tc.code || !strings.Contains(got, tc.want) {
			t.Errorf("%s: got status %d and %s\nwant …%s…", tc.args, code, got, tc.want)
		}
	}
	if len(refusedBy) > 0 {
		t.Errorf("signatures were refused: %s", refusedBy)
	}
	t.Setenv("AWS_SECRET_ACCESS_KEY", "another")
	if code, got := runs(t, "trace", "--stack", "waypost-dev", "x"); code != 1 || !strings.Contains(got, "lambda:InvokeFunctionUrl and lambda:InvokeFunction") {
		t.Errorf("with another key: got status %d and %s", code, got)
	}
}

// A stack's secrets may be real: apply replaces none unless it is told to.
func TestApplyKeepsSecrets(t *testing.T) {
	const mine, bundled = `{"token":"mine"}`, `{"token":"of the bundle"}`
	function := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"saved": true}`) }))
	t.Cleanup(function.Close)
	a := &account{stacks: map[string]map[string]string{"waypost-dev": {"AdminUrl": function.URL + "/", "EntryUrl": function.URL + "/"}},
		secrets: map[string]string{"waypost/real": mine}}
	machine(t, a)
	folder := t.TempDir()
	for name, text := range map[string]string{"secrets.json": `{"waypost/new": ` + bundled + `, "waypost/real": ` + bundled + `}`, "profile-schema.json": `{}`} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, tc := range []struct{ flag, real, says string }{
		{"", mine, "waypost/real is there already, and was left as it is"},
		{"--replace-secrets ", bundled, "secret    waypost/real\n"},
	} {
		code, got := runs(t, strings.Fields("apply --stack waypost-dev "+tc.flag+folder)...)
		if code != 0 || !strings.Contains(got, tc.says) || a.secrets["waypost/real"] != tc.real || a.secrets["waypost/new"] != bundled {
			t.Errorf("apply %s: got status %d, secrets %v and %s\nwant %s and …%s…", tc.flag, code, a.secrets, got, tc.real, tc.says)
		}
	}
}

// misSigned judges a signature as AWS does: it signs the request again, at the
// time that it names, for the service and region that a function URL is of.
func misSigned(r *http.Request, body []byte) string {
	at, err := time.Parse("20060102T150405Z", r.Header.Get("X-Amz-Date"))
	if err != nil {
		return "no date"
	}
	got := r.Header.Get("Authorization")
	again, err := http.NewRequest(r.Method, "http://"+r.Host+r.URL.RequestURI(), bytes.NewReader(body))
	if err != nil {
		return err.Error()
	}
	_, signed, _ := strings.Cut(got, "SignedHeaders=")
	signed, _, _ = strings.Cut(signed, ",")
	for name := range strings.SplitSeq(signed, ";") {
		if v := r.Header.Get(name); v != "" && name != "x-amz-date" {
			again.Header.Set(name, v)
		}
	}
	keys := aws.Credentials{AccessKeyID: "AKIAFAKEFAKEFAKEFAKE", SecretAccessKey: "fake-secret-access-key"}
	hash := r.Header.Get("X-Amz-Content-Sha256")
	if err := v4.NewSigner().SignHTTP(context.Background(), keys, again, hash, "lambda", "eu-west-1", at); err != nil {
		return err.Error()
	}
	if want := again.Header.Get("Authorization"); got != want {
		return fmt.Sprintf("got %s, want %s", got, want)
	}
	return ""
}
