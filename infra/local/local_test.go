package local_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/google/go-cmp/cmp"

	"github.com/waypost/waypost/infra/local"
	"github.com/waypost/waypost/infra/providers/sinch"
	"github.com/waypost/waypost/infra/providers/twilio"
	"github.com/waypost/waypost/shared/admin"
	"github.com/waypost/waypost/shared/entry"
)

// start starts a runtime that ends with the test.
func start(t *testing.T, c local.Config) *local.Runtime {
	t.Helper()
	rt, err := local.Start(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := rt.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return rt
}

// call makes a request, and gives the answer's status and body.
func call(t *testing.T, method, url, body string, headers ...string) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		if headers[i] == "Host" {
			r.Host = headers[i+1]
		}
		r.Header.Set(headers[i], headers[i+1])
	}
	res, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	data, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(data)
}

// ok makes a request that must succeed, and decodes its answer into out.
func ok(t *testing.T, method, url, body string, out any) {
	t.Helper()
	status, text := call(t, method, url, body)
	if status >= 300 {
		t.Fatalf("%s %s: %d %s", method, url, status, text)
	}
	if out == nil {
		return
	}
	if err := json.Unmarshal([]byte(text), out); err != nil {
		t.Fatalf("%s %s: %v in %s", method, url, err, text)
	}
}

// journey publishes a journey of the steps, and sends the event that enters it.
func journey(t *testing.T, rt *local.Runtime, steps string) (execution string) {
	t.Helper()
	ok(t, "PUT", rt.URL+"/admin/v1/events/go", `{"type": "object", "properties": {"who": {"type": "string"}}}`, nil)
	ok(t, "PUT", rt.URL+"/admin/v1/profiles/c-1", `{}`, nil)
	ok(t, "PUT", rt.URL+"/admin/v1/journeys/j", `{"name": "j", "entry": {"event": "go", "profile": "event.who"}, "steps": [`+steps+`]}`, nil)
	ok(t, "POST", rt.URL+"/admin/v1/journeys/j/publish", "", nil)
	var answer entry.Answer
	ok(t, "POST", rt.URL+"/entry/", `{"specversion": "1.0", "id": "1", "source": "/test", "type": "go", "data": {"who": "c-1"}}`, &answer)
	if len(answer.Executions) != 1 {
		t.Fatalf("got %+v, want one execution", answer)
	}
	return answer.Executions[0].Execution
}

func action(t *testing.T, rt *local.Runtime, document string) {
	t.Helper()
	ok(t, "PUT", rt.URL+"/admin/v1/actions/a", document, nil)
	ok(t, "POST", rt.URL+"/admin/v1/actions/a/publish", "", nil)
}

// settled waits for the one delivery of an execution.
func settled(t *testing.T, rt *local.Runtime, execution string) admin.Delivery {
	t.Helper()
	deadline := time.After(20 * time.Second)
	for {
		var x admin.Execution
		ok(t, "GET", rt.URL+"/admin/v1/executions/"+execution, "", &x)
		if len(x.Deliveries) == 1 && !x.Deliveries[0].SettledAt.IsZero() {
			return x.Deliveries[0]
		}
		select {
		case <-deadline:
			t.Fatalf("no delivery is settled after 20 s: %+v", x)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// freePort is one where nothing listens.
func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().(*net.TCPAddr).Port
}

var tables = []string{local.CatalogTable, local.LedgerTable, local.LimitsTable, local.ProfilesTable}

func listTables(t *testing.T, awsURL string) []string {
	t.Helper()
	var out struct{ TableNames []string }
	status, text := call(t, "POST", awsURL, `{}`, "X-Amz-Target", "DynamoDB_20120810.ListTables", "Content-Type", "application/x-amz-json-1.0")
	if err := json.Unmarshal([]byte(text), &out); status != 200 || err != nil {
		t.Fatalf("listing the tables: %d %s", status, text)
	}
	slices.Sort(out.TableNames)
	return out.TableNames
}

// Whoever gets an answer of a function URL finds all that the functions need:
// a caller that tries from the first moment on finds the tables at its first answer.
func TestFunctionURLsServeLast(t *testing.T) {
	c := local.Config{Port: freePort(t), AWSPort: freePort(t)}
	type started struct {
		rt  *local.Runtime
		err error
	}
	starts := make(chan started, 1)
	go func() {
		rt, err := local.Start(t.Context(), c)
		starts <- started{rt, err}
	}()
	url, deadline := fmt.Sprintf("http://127.0.0.1:%d/admin/v1/actions", c.Port), time.After(20*time.Second)
	for {
		res, err := http.Get(url)
		if err == nil {
			_ = res.Body.Close()
			break
		}
		select {
		case <-deadline:
			t.Fatalf("nothing answered in 20 s: %v", err)
		case <-time.After(time.Millisecond):
		}
	}
	if diff := cmp.Diff(tables, listTables(t, fmt.Sprintf("http://127.0.0.1:%d", c.AWSPort))); diff != "" {
		t.Error(diff)
	}
	s := <-starts
	if s.err != nil {
		t.Fatal(s.err)
	}
	if err := s.rt.Close(context.Background()); err != nil {
		t.Error(err)
	}
}

func TestStartMakesTheDeployment(t *testing.T) {
	rt := start(t, local.Config{})
	if diff := cmp.Diff(tables, listTables(t, rt.AWSURL)); diff != "" {
		t.Error(diff)
	}
	db := dynamodb.NewFromConfig(rt.AWS)
	for _, table := range []string{local.LedgerTable, local.LimitsTable} {
		ttl, err := db.DescribeTimeToLive(t.Context(), &dynamodb.DescribeTimeToLiveInput{TableName: &table})
		if err != nil {
			t.Fatal(err)
		}
		if got := aws.ToString(ttl.TimeToLiveDescription.AttributeName); got != "expires" {
			t.Errorf("%s: the TTL is %q, want expires", table, got)
		}
	}
	machines, err := sfn.NewFromConfig(rt.AWS).ListStateMachines(t.Context(), &sfn.ListStateMachinesInput{})
	if err != nil {
		t.Fatal(err)
	}
	if len(machines.StateMachines) != 1 || *machines.StateMachines[0].Name != "waypost-delivery" {
		t.Errorf("got %v, want waypost-delivery alone", machines.StateMachines)
	}
	var functions struct {
		Functions []struct{ FunctionName string }
	}
	ok(t, "GET", rt.AWSURL+"/2015-03-31/functions/", "", &functions)
	var names []string
	for _, f := range functions.Functions {
		names = append(names, f.FunctionName)
	}
	slices.Sort(names)
	if diff := cmp.Diff([]string{"admin", "callback", "decide", "entry", "loyalty", "private", "signage", "slack", "sms", "sweep", "webhook"}, names); diff != "" {
		t.Error(diff)
	}
}

// What a page elsewhere makes a browser on this machine send is refused.
func TestForeignRequestsAreRefused(t *testing.T) {
	rt := start(t, local.Config{})
	for _, tc := range []struct {
		name, url string
		headers   []string
		status    int
	}{
		{"admin", rt.URL + "/admin/v1/actions", nil, 200},
		{"admin, by a page of ours", rt.URL + "/admin/v1/actions", []string{"Origin", rt.URL}, 200},
		{"admin, under another name", rt.URL + "/admin/v1/actions", []string{"Host", "evil.example"}, 403},
		{"admin, by another page", rt.URL + "/admin/v1/actions", []string{"Origin", "https://evil.example"}, 403},
		{"entry, by another page", rt.URL + "/entry/", []string{"Origin", "https://evil.example"}, 403},
		{"the inbox, under another name", rt.URL + "/inbox.json", []string{"Host", "evil.example:8480"}, 403},
		{"the inbox, by a sandboxed page", rt.URL + "/inbox.json", []string{"Origin", "null"}, 403},
		{"a stand-in, under its provider's name", rt.URL + "/providers/sink/", []string{"Host", "hooks.example"}, 200},
		{"a stand-in's mood", rt.URL + "/providers/sink/mood", nil, 200},
		{"a stand-in's mood, under another name", rt.URL + "/providers/sink/mood", []string{"Host", "evil.example"}, 403},
		{"a stand-in's mood, by another page", rt.URL + "/providers/sink/mood", []string{"Origin", "https://evil.example"}, 403},
		{"AWS, under another name", rt.AWSURL + "/2015-03-31/functions/", []string{"Host", "evil.example"}, 403},
		{"AWS, by another page", rt.AWSURL + "/2015-03-31/functions/", []string{"Origin", "https://evil.example"}, 403},
		{"a callback, by another page", rt.URL + "/callback/", []string{"Origin", "https://evil.example"}, 403},
		{"a path that is not there", rt.URL + "/nothing", nil, 404},
	} {
		if status, text := call(t, "GET", tc.url, "", tc.headers...); status != tc.status {
			t.Errorf("%s: got %d, want %d: %s", tc.name, status, tc.status, text)
		}
	}
}

// Close does not wait for what waits: a journey in its wait, or an endpoint
// that does not answer.
func TestCloseIsQuick(t *testing.T) {
	called := make(chan struct{}, 100)
	release := make(chan struct{})
	endpoint := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		called <- struct{}{}
		<-release
	}))
	defer endpoint.Close()
	defer close(release)
	rt, err := local.Start(t.Context(), local.Config{})
	if err != nil {
		t.Fatal(err)
	}
	action(t, rt, `{"name": "a", "channel": "webhook", "contract": {"method": "POST", "path": "/"}, "settings": {"url": "`+endpoint.URL+`", "timeout": "30s"}}`)
	journey(t, rt, `{"id": "call", "action": {"name": "a", "version": 1, "await": "none", "with": {}}}, {"id": "later", "wait": {"for": "PT1H"}}`)
	select {
	case <-called:
	case <-time.After(20 * time.Second):
		t.Fatal("the endpoint was not called in 20 s")
	}
	began := time.Now()
	err = rt.Close(context.Background())
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("it closed after %v: %v", took, err)
	}
	for _, url := range []string{rt.URL, rt.AWSURL} {
		if res, err := http.Get(url); err == nil {
			_ = res.Body.Close()
			t.Errorf("%s still answers", url)
		}
	}
}

// Unless it is told to, the runtime calls no provider: a text that an action
// sends to a provider's own host arrives at its stand-in.
func TestProvidersAreStoodInFor(t *testing.T) {
	for _, tc := range []struct {
		provider, url, auth, secret, path string
		code                              int
	}{
		{"twilio", "https://api.twilio.com", `"basic"`, `{"accountSid": "` + twilio.AccountSID + `", "username": "` + twilio.AccountSID + `", "password": "` + twilio.AuthToken + `"}`,
			"/2010-04-01/Accounts/" + twilio.AccountSID + "/Messages.json", 201},
		{"sinch", "https://eu.sms.api.sinch.com", `"bearer"`, `{"servicePlanId": "` + sinch.ServicePlanID + `", "token": "` + sinch.Token + `"}`,
			"/xms/v1/" + sinch.ServicePlanID + "/batches", 201},
		{"sinch_conversation", "https://us.conversation.api.sinch.com", `"oauth2", "tokenUrl": "https://auth.sinch.com/oauth2/token"`,
			`{"clientId": "` + sinch.KeyID + `", "clientSecret": "` + sinch.KeySecret + `", "projectId": "` + sinch.ProjectID + `", "appId": "` + sinch.AppID + `"}`,
			"/v1/projects/" + sinch.ProjectID + "/messages:send", 200},
	} {
		t.Run(tc.provider, func(t *testing.T) {
			rt := start(t, local.Config{})
			status, text := call(t, "POST", rt.AWSURL, fmt.Sprintf(`{"Name": "waypost/%s", "ClientRequestToken": "00000000-0000-0000-0000-000000000001",
				"SecretString": %q}`, tc.provider, tc.secret), "X-Amz-Target", "secretsmanager.CreateSecret", "Content-Type", "application/x-amz-json-1.1")
			if status != 200 {
				t.Fatalf("creating the secret: %d %s", status, text)
			}
			action(t, rt, fmt.Sprintf(`{"name": "a", "channel": "sms", "provider": "%[1]s",
				"contract": {"body": {"to": "+15550100001", "text": "hello", "from": "+15005550006"}},
				"settings": {"url": "%[2]s", "auth": {"type": %[3]s, "secret": "waypost/%[1]s"}}}`, tc.provider, tc.url, tc.auth))
			d := settled(t, rt, journey(t, rt, `{"id": "text", "action": {"name": "a", "version": 1, "with": {}}}`))
			if d.Outcome != "sent" || d.Code != tc.code {
				t.Errorf("got %s %d %s, want sent %d", d.Outcome, d.Code, d.Reason, tc.code)
			}
			var inbox struct {
				Messages []struct{ Channel, Provider, To, Text, Path string }
			}
			ok(t, "GET", rt.URL+"/inbox.json", "", &inbox)
			if len(inbox.Messages) != 1 {
				t.Fatalf("got %+v, want one message", inbox.Messages)
			}
			got, want := fmt.Sprint(inbox.Messages[0]), fmt.Sprintf("{sms %s +15550100001 hello %s}", tc.provider, tc.path)
			if got != want {
				t.Errorf("got %s, want %s", got, want)
			}
		})
	}
}

func TestTakenPorts(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	taken, free := l.Addr().(*net.TCPAddr).Port, freePort(t)
	for _, tc := range []struct {
		config local.Config
		flag   string
	}{{local.Config{Port: taken, AWSPort: free}, "--port"}, {local.Config{AWSPort: taken}, "--aws-port"}} {
		_, err := local.Start(t.Context(), tc.config)
		want := fmt.Sprintf("port %d is taken, perhaps by another waypost: end it, or choose another port with %s", taken, tc.flag)
		if fmt.Sprint(err) != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	if l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", free)); err != nil {
		t.Errorf("the port that was free is kept: %v", err)
	} else {
		_ = l.Close()
	}
	_, err = local.Start(t.Context(), local.Config{Port: 70000})
	if want := "port 70000 cannot be opened on 127.0.0.1: choose another, such as 8480, with --port"; fmt.Sprint(err) != want {
		t.Errorf("got %v, want %s", err, want)
	}
}
