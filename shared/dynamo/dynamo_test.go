package dynamo_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	local "github.com/waypost/waypost/infra/local/dynamo"
	"github.com/waypost/waypost/shared/catalog"
	"github.com/waypost/waypost/shared/dynamo"
	"github.com/waypost/waypost/shared/dynamo/dynamotest"
	"github.com/waypost/waypost/shared/fault"
)

// TestAdapters runs the adapters' suite on the embedded runtime's DynamoDB, or
// on the one at WAYPOST_DYNAMODB_URL: `make conformance` names Amazon's there.
func TestAdapters(t *testing.T) {
	url := os.Getenv("WAYPOST_DYNAMODB_URL")
	if url == "" {
		server := httptest.NewServer(local.New(local.Options{}))
		t.Cleanup(server.Close)
		url = server.URL
	}
	dynamotest.Run(t, dynamodb.New(dynamodb.Options{
		Region: "us-east-1", BaseEndpoint: aws.String(url),
		Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
	}))
}

// A refusing table answers every request with the same error.
type refusing string

func (r refusing) Do(*http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusBadRequest, Header: http.Header{"Content-Type": {"application/x-amz-json-1.0"}},
		Body: io.NopCloser(strings.NewReader(string(r)))}, nil
}

// What may succeed later is Unavailable; what retries alike is not.
func TestRefusedWrites(t *testing.T) {
	cancelled := func(code string) string {
		return `{"__type":"com.amazonaws.dynamodb.v20120810#TransactionCanceledException","CancellationReasons":[{"Code":"None"},{"Code":"` + code + `"}]}`
	}
	for _, tc := range []struct {
		answer string
		want   fault.Code
	}{
		{cancelled("ConditionalCheckFailed"), fault.Conflict},
		{cancelled("TransactionConflict"), fault.Conflict},
		{cancelled("ValidationError"), fault.Internal},
		{cancelled("ThrottlingError"), fault.Unavailable},
		{`{"__type":"com.amazon.coral.validate#ValidationException"}`, fault.Internal},
		{`{"__type":"com.amazon.coral.service#AccessDeniedException"}`, fault.Internal},
		{`{"__type":"com.amazonaws.dynamodb.v20120810#ResourceNotFoundException"}`, fault.Unavailable},
		{`{"__type":"com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException"}`, fault.Unavailable},
	} {
		client := dynamodb.New(dynamodb.Options{
			Region: "us-east-1", BaseEndpoint: aws.String("http://dynamodb.test"), HTTPClient: refusing(tc.answer), RetryMaxAttempts: 1,
			Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
		})
		err := (&dynamo.Catalog{Client: client, Table: "catalog"}).Write(t.Context(), []catalog.Item{{Key: catalog.Key{Name: "a", Version: "1"}, Stamp: 1}})
		if !fault.Is(err, tc.want) {
			t.Errorf("%s: got %v, want %s", tc.answer, err, tc.want)
		}
	}
}
