package secret_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/waypost/waypost/shared/fault"
	"github.com/waypost/waypost/shared/secret"
)

var sigV4Of = secret.Auth{Type: secret.TypeSigV4, Secret: "waypost/a", Service: "execute-api", Region: "eu-west-1"}

// sealed signs a request by our hand and by the AWS SDK's, and gives both headers.
func sealed(t rapid.TB, auth secret.Auth, cred secret.Credential, keys aws.Credentials, method, url, body string, header http.Header) (ours, theirs http.Header) {
	at := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	var got [2]http.Header
	for i := range got {
		req, err := http.NewRequest(method, url, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header = header.Clone()
		if i == 0 {
			err = secret.Seal(&auth, cred, at, []byte(body), req)
		} else {
			digest := sha256.Sum256([]byte(body))
			payload := hex.EncodeToString(digest[:])
			req.Header.Set("X-Amz-Content-Sha256", payload)
			err = v4.NewSigner().SignHTTP(context.Background(), keys, req, payload, auth.Service, auth.Region, at)
		}
		if err != nil {
			t.Fatal(err)
		}
		got[i] = req.Header
	}
	return got[0], got[1]
}

// What the AWS SDK's own signer makes of any request, this makes of it.
func TestSigV4AsTheSDKDoes(t *testing.T) {
	keys := aws.Credentials{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"}
	cred := parse(t, `{"accessKeyId": "AKIDEXAMPLE", "secretAccessKey": "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"}`)
	session := parse(t, `{"accessKeyId": "AKIDEXAMPLE", "secretAccessKey": "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "sessionToken": "tok/en=="}`)
	ours, theirs := sealed(t, sigV4Of, session, aws.Credentials{AccessKeyID: keys.AccessKeyID, SecretAccessKey: keys.SecretAccessKey, SessionToken: "tok/en=="},
		"POST", "https://api.example", `{"a":1}`, http.Header{"Content-Type": {"application/json"}, "User-Agent": {"x"}})
	if diff := cmp.Diff(theirs, ours); diff != "" {
		t.Errorf("with a session token (-SDK's +ours):\n%s", diff)
	}
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringOfN(rapid.RuneFrom([]rune("aZ9 -._~/+%&=é'():@$!*,;")), 0, 20, -1)
		url := "https://api.example:8443/" + strings.NewReplacer("%", "%25", " ", "%20", "é", "%C3%A9").Replace(text.Draw(t, "path"))
		if q := rapid.MapOfN(text, text, 0, 4).Draw(t, "query"); len(q) > 0 {
			req, _ := http.NewRequest("GET", "https://api.example", nil)
			values := req.URL.Query()
			for name, value := range q {
				values[name] = []string{value, "b", "a"}
			}
			url += "?" + values.Encode()
		}
		header := http.Header{"Idempotency-Key": {"x.y.0"}, "X-One": {rapid.StringMatching(`[ a-z]{0,12}`).Draw(t, "header")}, "X-Two": {"b", " a  a "}}
		ours, theirs := sealed(t, sigV4Of, cred, keys, rapid.SampledFrom([]string{"GET", "POST", "DELETE"}).Draw(t, "method"), url, text.Draw(t, "body"), header)
		if got, want := ours.Get("Authorization"), theirs.Get("Authorization"); got != want {
			t.Errorf("%s\ngot  %s\nwant %s", url, got, want)
		}
	})
}

// S3 alone takes the path as it is escaped once (AWS's documentation of the
// canonical request).
func TestSigV4OfS3(t *testing.T) {
	cred := parse(t, `{"accessKeyId": "a", "secretAccessKey": "b"}`)
	auth := sigV4Of
	auth.Service = "s3"
	signature := func(url string) string {
		ours, _ := sealed(t, auth, cred, aws.Credentials{AccessKeyID: "a", SecretAccessKey: "b"}, "PUT", url, "x", http.Header{})
		return ours.Get("Authorization")
	}
	if signature("https://b.example/a+b") != signature("https://b.example/a%2Bb") {
		t.Error("the same key is signed in two ways")
	}
	if signature("https://b.example/a+b") == signature("https://b.example/a%20b") {
		t.Error("two keys are signed alike")
	}
}

func TestSealRefuses(t *testing.T) {
	for value, want := range map[string]string{
		`{"secretAccessKey": "planted"}`:                                                 `lacks the key "accessKeyId"`,
		`{"accessKeyId": "planted"}`:                                                     `lacks the key "secretAccessKey"`,
		`{"accessKeyId": "planted", "secretAccessKey": ""}`:                              `an empty "secretAccessKey"`,
		`{"accessKeyId": "planted\n", "secretAccessKey": "planted"}`:                     "line break",
		`{"accessKeyId": "a", "secretAccessKey": "b", "sessionToken": "planted\r\nX: "}`: "line break",
	} {
		req, _ := http.NewRequest("POST", "https://api.example", nil)
		err := secret.Seal(&sigV4Of, parse(t, value), time.Now(), nil, req)
		if !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "planted") || req.Header.Get("Authorization") != "" {
			t.Errorf("%s: got %v, want Invalid with %q and no value", value, err, want)
		}
	}
	for _, auth := range []*secret.Auth{nil, {Type: "bearer", Secret: "waypost/a"}} {
		req, _ := http.NewRequest("POST", "https://api.example", nil)
		if err := secret.Seal(auth, parse(t, `{"token": "t"}`), time.Now(), nil, req); err != nil || len(req.Header) > 0 {
			t.Errorf("%v is sealed: %v, %v", auth, req.Header, err)
		}
	}
}
