package secrets_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"

	"github.com/waypost/waypost/infra/local/secrets"
)

const planted = `{"username":"u","password":"planted-secret"}`

func client(t *testing.T) (*secretsmanager.Client, string) {
	srv := httptest.NewServer(secrets.New(secrets.Options{}))
	t.Cleanup(srv.Close)
	return secretsmanager.New(secretsmanager.Options{
		Region: "us-east-1", BaseEndpoint: &srv.URL, RetryMaxAttempts: 1,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "test", SecretAccessKey: "test"}, nil
		}),
	}), srv.URL
}

func code(err error) string {
	if e, ok := errors.AsType[smithy.APIError](err); ok {
		return e.ErrorCode()
	}
	return fmt.Sprint(err)
}

func TestVersionsAndStages(t *testing.T) {
	c, _ := client(t)
	ctx, name := t.Context(), aws.String("waypost/twilio")
	value := func(in secretsmanager.GetSecretValueInput) string {
		t.Helper()
		in.SecretId = name
		out, err := c.GetSecretValue(ctx, &in)
		if err != nil {
			return code(err)
		}
		return *out.SecretString
	}
	made, err := c.CreateSecret(ctx, &secretsmanager.CreateSecretInput{Name: name, SecretString: aws.String("one"), ClientRequestToken: aws.String("00000000-0000-0000-0000-000000000001"), Tags: []types.Tag{{Key: aws.String("team"), Value: aws.String("crm")}}})
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(*made.ARN, "arn:aws:secretsmanager:us-east-1:000000000000:secret:waypost/twilio-") {
		t.Errorf("ARN = %s", *made.ARN)
	}
	for _, v := range []string{"two", "three"} {
		if _, err := c.PutSecretValue(ctx, &secretsmanager.PutSecretValueInput{SecretId: made.ARN, SecretString: &v}); err != nil {
			t.Fatal(err)
		}
	}
	if got := value(secretsmanager.GetSecretValueInput{}); got != "three" {
		t.Errorf("the current value is %q", got)
	}
	if got := value(secretsmanager.GetSecretValueInput{VersionStage: aws.String("AWSPREVIOUS")}); got != "two" {
		t.Errorf("the previous value is %q", got)
	}
	if got := value(secretsmanager.GetSecretValueInput{VersionId: made.VersionId}); got != "ResourceNotFoundException" {
		t.Errorf("the value before that is %q, want it dropped", got)
	}
	if _, err := c.UpdateSecret(ctx, &secretsmanager.UpdateSecretInput{SecretId: name, SecretString: aws.String("four"), Description: aws.String("d")}); err != nil {
		t.Fatal(err)
	}
	d, err := c.DescribeSecret(ctx, &secretsmanager.DescribeSecretInput{SecretId: aws.String((*made.ARN)[:strings.LastIndex(*made.ARN, "-")])})
	if err != nil || *d.Description != "d" || len(d.VersionIdsToStages) != 2 || *d.Tags[0].Value != "crm" {
		t.Errorf("DescribeSecret = %+v, %v", d, err)
	}
	if got := value(secretsmanager.GetSecretValueInput{}); got != "four" {
		t.Errorf("after the update the value is %q", got)
	}
}

func TestIdempotentByToken(t *testing.T) {
	c, _ := client(t)
	token := aws.String("00000000-0000-0000-0000-000000000001")
	create := func(value string) error {
		_, err := c.CreateSecret(t.Context(), &secretsmanager.CreateSecretInput{Name: aws.String("s"), SecretString: &value, ClientRequestToken: token})
		return err
	}
	put := func(value string) error {
		_, err := c.PutSecretValue(t.Context(), &secretsmanager.PutSecretValueInput{SecretId: aws.String("s"), SecretString: &value, ClientRequestToken: token})
		return err
	}
	for _, tc := range []struct {
		name string
		err  error
		want string
	}{
		{"create", create("a"), "<nil>"},
		{"the same again", create("a"), "<nil>"},
		{"another value under the token", create("b"), "ResourceExistsException"},
		{"put the same", put("a"), "<nil>"},
		{"put another under the token", put("b"), "ResourceExistsException"},
	} {
		if got := code(tc.err); got != tc.want {
			t.Errorf("%s: %v, want %s", tc.name, tc.err, tc.want)
		}
	}
}

func TestDeletion(t *testing.T) {
	c, _ := client(t)
	ctx, name := t.Context(), aws.String("waypost/x")
	create := func() error {
		_, err := c.CreateSecret(ctx, &secretsmanager.CreateSecretInput{Name: name, SecretBinary: []byte{1, 2}})
		return err
	}
	get := func() error {
		out, err := c.GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: name})
		if err == nil && cmp.Diff([]byte{1, 2}, out.SecretBinary) != "" {
			t.Errorf("got %v", out.SecretBinary)
		}
		return err
	}
	remove := func(force bool) error {
		_, err := c.DeleteSecret(ctx, &secretsmanager.DeleteSecretInput{SecretId: name, ForceDeleteWithoutRecovery: &force})
		return err
	}
	restore := func() error {
		_, err := c.RestoreSecret(ctx, &secretsmanager.RestoreSecretInput{SecretId: name})
		return err
	}
	for i, step := range []struct {
		err  error
		want string
	}{
		{get(), "ResourceNotFoundException"}, {create(), "<nil>"}, {get(), "<nil>"},
		{remove(false), "<nil>"}, {get(), "InvalidRequestException"}, {create(), "InvalidRequestException"},
		{restore(), "<nil>"}, {get(), "<nil>"},
		{remove(true), "<nil>"}, {get(), "ResourceNotFoundException"}, {create(), "<nil>"},
	} {
		if got := code(step.err); got != step.want {
			t.Errorf("step %d: %v, want %s", i, step.err, step.want)
		}
	}
}

func TestListAndTags(t *testing.T) {
	c, _ := client(t)
	ctx := t.Context()
	for _, name := range []string{"waypost/b", "other", "waypost/a", "waypost/c"} {
		if _, err := c.CreateSecret(ctx, &secretsmanager.CreateSecretInput{Name: &name, SecretString: aws.String(planted)}); err != nil {
			t.Fatal(err)
		}
	}
	var names []string
	pages := secretsmanager.NewListSecretsPaginator(c, &secretsmanager.ListSecretsInput{MaxResults: aws.Int32(2), Filters: []types.Filter{{Key: types.FilterNameStringTypeName, Values: []string{"waypost/"}}}})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range page.SecretList {
			names = append(names, *s.Name)
		}
	}
	if diff := cmp.Diff([]string{"waypost/a", "waypost/b", "waypost/c"}, names); diff != "" {
		t.Error(diff)
	}
	if _, err := c.TagResource(ctx, &secretsmanager.TagResourceInput{SecretId: aws.String("other"), Tags: []types.Tag{{Key: aws.String("a"), Value: aws.String("1")}, {Key: aws.String("b"), Value: aws.String("2")}}}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.UntagResource(ctx, &secretsmanager.UntagResourceInput{SecretId: aws.String("other"), TagKeys: []string{"a"}}); err != nil {
		t.Fatal(err)
	}
	d, err := c.DescribeSecret(ctx, &secretsmanager.DescribeSecretInput{SecretId: aws.String("other")})
	if err != nil || len(d.Tags) != 1 || *d.Tags[0].Key != "b" {
		t.Errorf("DescribeSecret = %+v, %v", d, err)
	}
	v, err := c.ListSecretVersionIds(ctx, &secretsmanager.ListSecretVersionIdsInput{SecretId: aws.String("other")})
	if err != nil || len(v.Versions) != 1 {
		t.Errorf("ListSecretVersionIds = %+v, %v", v, err)
	}
}

func TestNoAnswerButGetHoldsAValue(t *testing.T) {
	_, url := client(t)
	call := func(op, body string) string {
		req, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(body))
		req.Header.Set("X-Amz-Target", "secretsmanager."+op)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		out, _ := io.ReadAll(resp.Body)
		return string(out)
	}
	quoted := strings.ReplaceAll(planted, `"`, `\"`)
	for _, tc := range []struct{ op, body, want string }{
		{"CreateSecret", `{"Name":"s","SecretString":"` + quoted + `"}`, `"Name":"s"`},
		{"CreateSecret", `{"Name":"s","SecretString":"` + quoted + `"}`, "ResourceExistsException"},
		{"CreateSecret", `{"Name":"a b","SecretString":"` + quoted + `"}`, "ValidationException"},
		{"PutSecretValue", `{"SecretId":"s","SecretString":"` + quoted + `"}`, "VersionId"},
		{"PutSecretValue", `{"SecretId":"s","SecretString":"` + quoted + `","SecretBinary":"AAAA"}`, "InvalidParameterException"},
		{"PutSecretValue", `{"SecretId":"s"}`, "InvalidRequestException"},
		{"PutSecretValue", `{"SecretId":"s","SecretString":["` + quoted + `"]}`, "SerializationException"},
		{"PutSecretValue", `{"SecretId":"s","SecretString":"` + strings.Repeat("x", 65537) + `"}`, "longer than 65536 bytes"},
		{"DescribeSecret", `{"SecretId":"s"}`, "VersionIdsToStages"},
		{"ListSecrets", `{}`, "SecretList"},
		{"ListSecrets", `{"Filters":[{"Key":"tag-key","Values":["x"]}]}`, "filters secrets by name only"},
		{"ListSecrets", `{"NextToken":"x"}`, "InvalidNextTokenException"},
		{"DeleteSecret", `{"SecretId":"s","RecoveryWindowInDays":3}`, "InvalidParameterException"},
		{"RotateSecret", `{"SecretId":"s"}`, "UnknownOperationException"},
	} {
		got := call(tc.op, tc.body)
		if !strings.Contains(got, tc.want) {
			t.Errorf("%s %s: got %s, want %q", tc.op, tc.body, got, tc.want)
		}
		if strings.Contains(got, "planted-secret") {
			t.Errorf("%s: the answer holds the value: %s", tc.op, got)
		}
	}
	if got := call("GetSecretValue", `{"SecretId":"s"}`); !strings.Contains(got, "planted-secret") {
		t.Errorf("GetSecretValue: %s", got)
	}
}
