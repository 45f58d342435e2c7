package awsport_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/waypost/waypost/infra/local/awsport"
)

func named(name string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, name) })
}

func TestPort(t *testing.T) {
	p := &awsport.Port{DynamoDB: named("dynamodb"), StepFunctions: named("states"), SecretsManager: named("secrets"), SQS: named("sqs"), Lambda: named("lambda")}
	target := func(s string) map[string]string { return map[string]string{"X-Amz-Target": s} }
	const form = "application/x-www-form-urlencoded; charset=utf-8"
	signed := "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=0"
	for _, tc := range []struct {
		name, method, url string
		header            map[string]string
		body              string
		status            int
		want              string
	}{
		{"DynamoDB", "POST", "http://localhost:4566/", target("DynamoDB_20120810.GetItem"), "", 200, "dynamodb"},
		{"Step Functions", "POST", "http://127.0.0.1:4566/", target("AWSStepFunctions.StartExecution"), "", 200, "states"},
		{"Secrets Manager", "POST", "http://[::1]:4566/", target("secretsmanager.GetSecretValue"), "", 200, "secrets"},
		{"SQS", "POST", "http://127.9.9.9/", target("AmazonSQS.SendMessage"), "", 200, "sqs"},
		{"Lambda", "POST", "http://lambda.localhost/2015-03-31/functions/f/invocations", nil, "", 200, "lambda"},
		{"STS", "POST", "http://localhost/", map[string]string{"Content-Type": form}, "Action=GetCallerIdentity&Version=2011-06-15", 200, "<Account>000000000000</Account>"},
		{"another query", "POST", "http://localhost/", map[string]string{"Content-Type": form}, "Action=AssumeRole", 400, "the local runtime does not serve an unnamed service&#39;s operation AssumeRole"},
		{"another target", "POST", "http://localhost/", target("Kinesis_20131202.ListStreams"), "", 404, "does not serve Kinesis_20131202"},
		{"a service that its signature names", "GET", "http://localhost/bucket", map[string]string{"Authorization": signed}, "", 501, "<Error><Code>NotImplemented</Code><Message>the local runtime does not serve s3"},
		{"a browser", "GET", "http://localhost/", nil, "", 404, "it serves DynamoDB"},
		{"a foreign host", "POST", "http://evil.example/", target("DynamoDB_20120810.GetItem"), "", 403, "the Host header must name this machine's loopback"},
		{"a host that begins well", "POST", "http://localhost.evil.example/", target("DynamoDB_20120810.GetItem"), "", 403, "Host"},
		{"another address", "POST", "http://192.168.0.4/", target("DynamoDB_20120810.GetItem"), "", 403, "Host"},
		{"a foreign origin", "POST", "http://localhost/", map[string]string{"X-Amz-Target": "AmazonSQS.X", "Origin": "https://evil.example"}, "", 403, "another origin"},
		{"a sandboxed page", "POST", "http://localhost/", map[string]string{"X-Amz-Target": "AmazonSQS.X", "Origin": "null"}, "", 403, "another origin"},
		{"a page of ours", "POST", "http://localhost/", map[string]string{"X-Amz-Target": "AmazonSQS.X", "Origin": "http://localhost:8480"}, "", 200, "sqs"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := httptest.NewRequest(tc.method, tc.url, strings.NewReader(tc.body))
			for k, v := range tc.header {
				r.Header.Set(k, v)
			}
			w := httptest.NewRecorder()
			p.ServeHTTP(w, r)
			if w.Code != tc.status || !strings.Contains(w.Body.String(), tc.want) {
				t.Errorf("got %d %s, want %d and %q", w.Code, w.Body, tc.status, tc.want)
			}
		})
	}
}

func TestMissingServiceIsNamed(t *testing.T) {
	r := httptest.NewRequest("POST", "http://localhost/", nil)
	r.Header.Set("X-Amz-Target", "AmazonSQS.SendMessage")
	w := httptest.NewRecorder()
	new(awsport.Port).ServeHTTP(w, r)
	if w.Code != 404 || !strings.Contains(w.Body.String(), "AmazonSQS") {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
}

func TestNameOf(t *testing.T) {
	for _, tc := range []struct{ target, body, want string }{
		{"DynamoDB_20120810.UpdateItem", `{"TableName":"ledger","Key":{}}`, "UpdateItem ledger"},
		{"secretsmanager.GetSecretValue", `{"SecretId":"waypost/x"}`, "GetSecretValue"},
		{"AmazonSQS.SendMessage", ``, "SendMessage"},
	} {
		r := httptest.NewRequest("POST", "http://localhost/", nil)
		r.Header.Set("X-Amz-Target", tc.target)
		if got := awsport.NameOf(r, []byte(tc.body)); got != tc.want {
			t.Errorf("got %q, want %q", got, tc.want)
		}
	}
}
