package secretsmanager_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/google/go-cmp/cmp"

	"github.com/waypost/waypost/shared/fault"
	"github.com/waypost/waypost/shared/secretsmanager"
)

// account answers the API's JSON protocol from a map, and notes the
// operations; an entry that begins with "!" is the error to answer with.
func account(t *testing.T, secrets map[string]string) (secretsmanager.Source, *[]string) {
	t.Helper()
	var calls []string
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		operation := strings.TrimPrefix(r.Header.Get("X-Amz-Target"), "secretsmanager.")
		calls = append(calls, operation)
		var in struct{ SecretId, Name, SecretString string }
		if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
			t.Error(err)
		}
		w.Header().Set("Content-Type", "application/x-amz-json-1.1")
		refuse := func(code, message string) {
			w.WriteHeader(http.StatusBadRequest)
			fmt.Fprintf(w, `{"__type":%q,"Message":%q}`, code, "arn:aws:planted "+message)
		}
		value, found := secrets[in.SecretId]
		switch {
		case operation == "CreateSecret" && secrets[in.Name] != "":
			refuse("ResourceExistsException", "")
		case operation == "CreateSecret":
			secrets[in.Name] = in.SecretString
			fmt.Fprint(w, `{}`)
		case !found:
			refuse("ResourceNotFoundException", "")
		case strings.HasPrefix(value, "!"):
			code, message, _ := strings.Cut(value[1:], " ")
			refuse(code, message)
		case operation == "PutSecretValue":
			secrets[in.SecretId] = in.SecretString
			fmt.Fprint(w, `{}`)
		default:
			json.NewEncoder(w).Encode(map[string]string{"Name": in.SecretId, "SecretString": value, "VersionId": "v-1"})
		}
	}))
	t.Cleanup(s.Close)
	client := sdk.New(sdk.Options{
		Region: "us-east-1", BaseEndpoint: aws.String(s.URL), RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
	})
	return secretsmanager.Source{Client: client}, &calls
}

func TestFetch(t *testing.T) {
	source, _ := account(t, map[string]string{
		"waypost/a": `{"token":"t"}`, "waypost/denied": "!AccessDeniedException", "waypost/deleted": "!InvalidRequestException",
		"waypost/kms": "!DecryptionFailure", "waypost/down": "!InternalServiceError", "waypost/key": "!AccessDeniedException Access to KMS is not allowed",
		"waypost/expired": "!ExpiredTokenException", "waypost/client": "!UnrecognizedClientException", "waypost/signature": "!InvalidSignatureException",
	})
	value, err := source.Fetch(t.Context(), "waypost/a")
	if err != nil || string(value) != `{"token":"t"}` {
		t.Errorf("got %s, %v", value, err)
	}
	for _, tc := range []struct {
		name string
		code fault.Code
		says string
	}{
		{"waypost/missing", fault.NotFound, "does not exist"}, {"waypost/deleted", fault.NotFound, "marked for deletion"},
		{"waypost/denied", fault.Internal, "lacks secretsmanager:GetSecretValue"}, {"waypost/kms", fault.Internal, "lacks kms:Decrypt"},
		{"waypost/key", fault.Internal, "lacks kms:Decrypt"}, {"waypost/down", fault.Unavailable, "could not be reached"},
		{"waypost/expired", fault.Unavailable, "credentials"}, {"waypost/client", fault.Unavailable, "credentials"},
		{"waypost/signature", fault.Unavailable, "credentials"},
	} {
		_, err := source.Fetch(t.Context(), tc.name)
		if got := fault.CodeOf(err); got != tc.code {
			t.Errorf("%s: %s (%v), want %s", tc.name, got, err, tc.code)
		}
		if public := fault.Public(err); !strings.Contains(public, tc.name) || !strings.Contains(public, tc.says) || strings.Contains(public, "planted") {
			t.Errorf("%s: public message %q, want …%s…", tc.name, public, tc.says)
		}
		if tc.name == "waypost/down" && strings.Contains(err.Error(), "planted") {
			t.Errorf("%s: a log would have the service's own words: %v", tc.name, err)
		}
	}
}

func TestPut(t *testing.T) {
	secrets := map[string]string{}
	source, calls := account(t, secrets)
	for _, tc := range []struct {
		value   string
		changed bool
	}{{`{"a":"1"}`, true}, {`{"a":"1"}`, false}, {`{"a":"2"}`, true}} {
		changed, err := source.Put(t.Context(), "waypost/a", tc.value)
		if err != nil || changed != tc.changed || secrets["waypost/a"] != tc.value {
			t.Errorf("Put(%s) = %t, %v; now %s", tc.value, changed, err, secrets["waypost/a"])
		}
	}
	want := []string{"GetSecretValue", "CreateSecret", "GetSecretValue", "GetSecretValue", "PutSecretValue"}
	if diff := cmp.Diff(want, *calls); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
}

func TestCreateReplacesNothing(t *testing.T) {
	secrets := map[string]string{"waypost/real": `{"a":"real"}`}
	source, _ := account(t, secrets)
	for _, tc := range []struct {
		name, want string
		created    bool
	}{{"waypost/new", `{"a":"1"}`, true}, {"waypost/real", `{"a":"real"}`, false}} {
		created, err := source.Create(t.Context(), tc.name, `{"a":"1"}`)
		if err != nil || created != tc.created || secrets[tc.name] != tc.want {
			t.Errorf("Create(%s) = %t, %v; now %s, want %t and %s", tc.name, created, err, secrets[tc.name], tc.created, tc.want)
		}
	}
}
