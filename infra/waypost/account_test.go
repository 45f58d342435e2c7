package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// An account stands for AWS's: STS and CloudFormation, by their query
// protocols, with these stacks and their outputs, and Step Functions, by JSON.
type account struct {
	unknown bool // STS does not take the credentials
	stacks  map[string]map[string]string
	regions map[string]bool // in which it was asked

	machines  map[string]int // those of state machines: how many executions run, by name
	own       string         // the name of the stack's own machine
	protected bool           // stacks are not to be deleted
	status    string         // of stacks, CREATE_COMPLETE where it is empty
	stuck     bool           // stacks fail to be deleted
	deleted   []string       // what was deleted, in order

	secrets map[string]string
}

func (a *account) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	fail := func(status int, code, message string) {
		w.WriteHeader(status)
		fmt.Fprintf(w, "<ErrorResponse><Error><Type>Sender</Type><Code>%s</Code><Message>%s</Message></Error></ErrorResponse>", code, message)
	}
	w.Header().Set("Content-Type", "text/xml")
	if scope := strings.Split(r.Header.Get("Authorization"), "/"); a.regions != nil && len(scope) > 2 {
		a.regions[scope[2]] = true // AWS4-HMAC-SHA256 Credential=KEY/DATE/REGION/…
	}
	if target, ok := strings.CutPrefix(r.Header.Get("X-Amz-Target"), "AWSStepFunctions."); ok {
		a.states(w, r, target)
		return
	}
	if operation, ok := strings.CutPrefix(r.Header.Get("X-Amz-Target"), "secretsmanager."); ok {
		a.secret(w, r, operation)
		return
	}
	switch r.FormValue("Action") {
	case "GetCallerIdentity":
		if a.unknown {
			fail(http.StatusForbidden, "InvalidClientTokenId", "The security token included in the request is invalid.")
			return
		}
		fmt.Fprint(w, "<GetCallerIdentityResponse><GetCallerIdentityResult><Account>000000000000</Account></GetCallerIdentityResult></GetCallerIdentityResponse>")
	case "DescribeStacks":
		outputs, ok := a.stacks[r.FormValue("StackName")]
		if !ok {
			fail(http.StatusBadRequest, "ValidationError", "Stack with id "+r.FormValue("StackName")+" does not exist")
			return
		}
		fmt.Fprintf(w, "<DescribeStacksResponse><DescribeStacksResult><Stacks><member><StackName>%s</StackName><CreationTime>2026-01-01T00:00:00Z</CreationTime><StackStatus>%s</StackStatus>"+
			"<StackStatusReason>it holds on</StackStatusReason><EnableTerminationProtection>%v</EnableTerminationProtection><Outputs>", r.FormValue("StackName"), cmp.Or(a.status, "CREATE_COMPLETE"), a.protected)
		for k, v := range outputs {
			fmt.Fprintf(w, "<member><OutputKey>%s</OutputKey><OutputValue>%s</OutputValue></member>", k, v)
		}
		fmt.Fprint(w, "</Outputs></member></Stacks></DescribeStacksResult></DescribeStacksResponse>")
	case "ListStackResources":
		fmt.Fprintf(w, "<ListStackResourcesResponse><ListStackResourcesResult><StackResourceSummaries>"+
			"<member><ResourceType>AWS::SQS::Queue</ResourceType><PhysicalResourceId>q</PhysicalResourceId><ResourceStatus>CREATE_COMPLETE</ResourceStatus></member>"+
			"<member><ResourceType>AWS::StepFunctions::StateMachine</ResourceType><PhysicalResourceId>%s</PhysicalResourceId><ResourceStatus>CREATE_COMPLETE</ResourceStatus></member>"+
			"</StackResourceSummaries></ListStackResourcesResult></ListStackResourcesResponse>", machineARN+a.own)
	case "DeleteStack":
		a.deleted = append(a.deleted, r.FormValue("StackName"))
		if a.stuck {
			a.status = "DELETE_FAILED"
		} else {
			delete(a.stacks, r.FormValue("StackName"))
		}
		fmt.Fprint(w, "<DeleteStackResponse></DeleteStackResponse>")
	default:
		fail(http.StatusBadRequest, "InvalidAction", r.FormValue("Action"))
	}
}

const machineARN = "arn:aws:states:eu-west-1:000000000000:stateMachine:"

// states answers for Step Functions. Those of its machines whose names end in
// "foreign" do not carry Waypost's tag.
func (a *account) states(w http.ResponseWriter, r *http.Request, operation string) {
	var in struct {
		Machine  string `json:"stateMachineArn"`
		Resource string `json:"resourceArn"`
	}
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.0")
	var out any = map[string]any{}
	switch operation {
	case "ListStateMachines":
		list := []any{}
		for _, name := range slices.Sorted(maps.Keys(a.machines)) {
			list = append(list, map[string]any{"stateMachineArn": machineARN + name, "name": name, "type": "STANDARD", "creationDate": 1})
		}
		out = map[string]any{"stateMachines": list}
	case "ListTagsForResource":
		tags := []any{}
		if !strings.HasSuffix(in.Resource, "foreign") {
			tags = append(tags, map[string]string{"key": "waypost", "value": "waypost-dev-"})
		}
		out = map[string]any{"tags": tags}
	case "ListExecutions":
		list := []any{}
		for range a.machines[strings.TrimPrefix(in.Machine, machineARN)] {
			list = append(list, map[string]any{"executionArn": "e", "name": "e", "stateMachineArn": in.Machine, "status": "RUNNING", "startDate": 1})
		}
		out = map[string]any{"executions": list}
	case "DeleteStateMachine":
		a.deleted = append(a.deleted, strings.TrimPrefix(in.Machine, machineARN))
	default:
		w.WriteHeader(http.StatusBadRequest)
		out = map[string]string{"__type": "UnknownOperationException"}
	}
	_ = json.NewEncoder(w).Encode(out) // the client sees what it lacks
}

// cdkJSON is a cdk.json with an environment for each place that one may name.
const cdkJSON = `{"context": {"environment": "dev", "environments": {
	"dev": {}, "prod": {"alarmEmail": "oncall@example.com"},
	"elsewhere": {"account": "111111111111"}, "here": {"account": "000000000000", "region": "eu-north-1"}}}}`

// Of a machine: a checkout's folder, fake credentials, and node and npx that say
// what they were asked.
func machine(t *testing.T, a *account) {
	t.Helper()
	server := httptest.NewServer(a)
	t.Cleanup(server.Close)
	bin := t.TempDir()
	for name, script := range map[string]string{"node": "echo v22.1.0", "npx": `echo "npx $@"`} {
		if err := os.WriteFile(filepath.Join(bin, name), []byte("#!/bin/sh\n"+script+"\n"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(bin, "cdk.json"), []byte(cdkJSON), 0o644); err != nil {
		t.Fatal(err)
	}
	t.Chdir(bin)
	for key, value := range map[string]string{
		"PATH": bin, "AWS_ENDPOINT_URL": server.URL, "AWS_REGION": "eu-west-1", "AWS_ACCESS_KEY_ID": "AKIAFAKEFAKEFAKEFAKE",
		"AWS_SECRET_ACCESS_KEY": "fake-secret-access-key", "AWS_EC2_METADATA_DISABLED": "true",
		"AWS_CONFIG_FILE": filepath.Join(bin, "none"), "AWS_SHARED_CREDENTIALS_FILE": filepath.Join(bin, "none"), "AWS_PROFILE": "", "AWS_MAX_ATTEMPTS": "1",
	} {
		t.Setenv(key, value)
	}
}

// runs runs a command line and gives its status and all that it printed.
func runs(t *testing.T, args ...string) (int, string) {
	t.Helper()
	var out bytes.Buffer
	code := run(t.Context(), args, &out, &out)
	return code, out.String()
}

// secret answers as Secrets Manager does, in JSON.
func (a *account) secret(w http.ResponseWriter, r *http.Request, operation string) {
	var in struct{ SecretId, Name, SecretString string }
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		panic(err)
	}
	present, found := a.secrets[in.Name+in.SecretId]
	var code string
	switch {
	case operation == "CreateSecret" && found:
		code = "ResourceExistsException"
	case operation != "CreateSecret" && !found:
		code = "ResourceNotFoundException"
	case operation != "GetSecretValue":
		a.secrets[in.Name+in.SecretId] = in.SecretString
	}
	if code != "" {
		w.WriteHeader(http.StatusBadRequest)
	}
	_ = json.NewEncoder(w).Encode(map[string]string{"__type": code, "SecretString": present}) // a client that is gone reads nothing
}
