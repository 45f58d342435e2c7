package urls_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	awslambda "github.com/aws/aws-lambda-go/lambda"
	"github.com/google/go-cmp/cmp"

	"github.com/waypost/waypost/infra/local/lambda"
	"github.com/waypost/waypost/infra/local/urls"
)

// serve runs a function behind its URL, as a mux of the runtime has it.
func serve(t *testing.T, f any) string {
	h := lambda.New(lambda.Options{})
	h.Register("admin", awslambda.NewHandler(f), lambda.Config{})
	mux := http.NewServeMux()
	mux.Handle("/admin/", urls.Handler(h, "admin"))
	mux.Handle("/none/", urls.Handler(h, "none"))
	srv := httptest.NewServer(mux)
	t.Cleanup(srv.Close)
	return srv.URL
}

func do(t *testing.T, method, url, contentType string, body []byte) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	req.Header.Add("X-Twice", "a")
	req.Header.Add("X-Twice", "b")
	req.Header.Set("Cookie", "one=1; two=2")
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	got, _ := io.ReadAll(resp.Body)
	return resp, string(got)
}

func TestRequestBecomesEvent(t *testing.T) {
	var got events.LambdaFunctionURLRequest
	url := serve(t, func(_ context.Context, e events.LambdaFunctionURLRequest) (events.LambdaFunctionURLResponse, error) {
		got = e
		return events.LambdaFunctionURLResponse{StatusCode: 204}, nil
	})
	if resp, _ := do(t, "PATCH", url+"/admin/v1/a%2Fb/c%20d?x=1&x=2&y=%C3%A9", "application/merge-patch+json; charset=utf-8", []byte(`{"a":"é"}`)); resp.StatusCode != 204 {
		t.Fatalf("status %d", resp.StatusCode)
	}
	for what, pair := range map[string][2]any{
		"version":  {got.Version, "2.0"},
		"rawPath":  {got.RawPath, "/admin/v1/a%2Fb/c%20d"},
		"path":     {got.RequestContext.HTTP.Path, "/admin/v1/a/b/c d"},
		"rawQuery": {got.RawQueryString, "x=1&x=2&y=%C3%A9"},
		"query":    {got.QueryStringParameters, map[string]string{"x": "1,2", "y": "é"}},
		"method":   {got.RequestContext.HTTP.Method, "PATCH"},
		"source":   {got.RequestContext.HTTP.SourceIP, "127.0.0.1"},
		"header":   {got.Headers["x-twice"], "a,b"},
		"host":     {got.Headers["host"], strings.TrimPrefix(url, "http://")},
		"cookies":  {got.Cookies, []string{"one=1", "two=2"}},
		"body":     {got.Body, `{"a":"é"}`},
		"base64":   {got.IsBase64Encoded, false},
	} {
		if diff := cmp.Diff(pair[1], pair[0]); diff != "" {
			t.Errorf("%s: %s", what, diff)
		}
	}
	for name := range got.Headers {
		if name != strings.ToLower(name) {
			t.Errorf("the header %s is not in lower case", name)
		}
	}
	for _, tc := range []struct{ contentType, body, want string }{
		{"application/octet-stream", "\x00\xff", "AP8="},
		{"application/x-www-form-urlencoded", "a=1", "YT0x"},
		{"application/json", "\xff", "/w=="},
		{"", "a", "YQ=="},
	} {
		do(t, "POST", url+"/admin/", tc.contentType, []byte(tc.body))
		if got.Body != tc.want || !got.IsBase64Encoded {
			t.Errorf("%s: body %q, base64 %v; want %q in base64", tc.contentType, got.Body, got.IsBase64Encoded, tc.want)
		}
	}
}

func TestAnswerBecomesResponse(t *testing.T) {
	for _, tc := range []struct {
		name   string
		answer string
		status int
		header map[string]string
		body   string
	}{
		{"a full answer", `{"statusCode":201,"headers":{"content-type":"text/plain","X-A":"1"},"cookies":["a=1; Secure"],"body":"made"}`, 201, map[string]string{"Content-Type": "text/plain", "X-A": "1", "Set-Cookie": "a=1; Secure"}, "made"},
		{"binary", `{"statusCode":200,"body":"AP8=","isBase64Encoded":true}`, 200, nil, "\x00\xff"},
		{"JSON by default", `{"statusCode":200,"body":"{}"}`, 200, map[string]string{"Content-Type": "application/json"}, "{}"},
		{"a plain object", `{"hello":"you"}`, 200, map[string]string{"Content-Type": "application/json"}, `{"hello":"you"}`},
		{"a plain string", `"hello"`, 200, nil, `hello`},
		{"a redirect is handed on", `{"statusCode":302,"headers":{"location":"/x"}}`, 302, map[string]string{"Location": "/x"}, ""},
		{"a wrong length is not believed", `{"statusCode":200,"headers":{"content-length":"999"},"body":"ab"}`, 200, map[string]string{"Content-Length": "2"}, "ab"},
		{"a status that is none", `{"statusCode":42}`, 502, nil, `{"Message":"Internal Server Error"}` + "\n"},
		{"base64 that is none", `{"statusCode":200,"body":"!","isBase64Encoded":true}`, 502, nil, `{"Message":"Internal Server Error"}` + "\n"},
		{"headers that are none", `{"statusCode":200,"headers":{"a":1}}`, 502, nil, `{"Message":"Internal Server Error"}` + "\n"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			url := serve(t, func(context.Context, json.RawMessage) (json.RawMessage, error) {
				return json.RawMessage(tc.answer), nil
			})
			resp, body := do(t, "GET", url+"/admin/", "", nil)
			if resp.StatusCode != tc.status || body != tc.body {
				t.Errorf("got %d %q, want %d %q", resp.StatusCode, body, tc.status, tc.body)
			}
			for k, v := range tc.header {
				if got := resp.Header.Get(k); got != v {
					t.Errorf("%s = %q, want %q", k, got, v)
				}
			}
		})
	}
}

func TestFailures(t *testing.T) {
	calls := 0
	url := serve(t, func(context.Context, json.RawMessage) error { calls++; return errors.New("planted-detail") })
	for _, tc := range []struct {
		name, path string
		body       []byte
		status     int
	}{
		{"a function's error", "/admin/", nil, 502},
		{"a function that is not there", "/none/", nil, 404},
		{"a body over 6 MB", "/admin/", make([]byte, 6<<20+1), 413},
		{"a body that passes 6 MB as base64", "/admin/", make([]byte, 5<<20), 413},
	} {
		resp, body := do(t, "POST", url+tc.path, "", tc.body)
		if resp.StatusCode != tc.status || strings.Contains(body, "planted-detail") {
			t.Errorf("%s: got %d %s, want %d", tc.name, resp.StatusCode, body, tc.status)
		}
	}
	if calls != 1 {
		t.Errorf("the function was called %d times, want once", calls)
	}
}
