package awsjson_test

import (
	"context"
	"errors"
	"hash/crc32"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/waypost/waypost/infra/local/awsport/awsjson"
)

func TestService(t *testing.T) {
	type greeting struct{ Name string }
	s := &awsjson.Service{Version: "1.1", Limit: 64, Operations: map[string]awsjson.Operation{
		"Greet": awsjson.Op(func(_ context.Context, in *greeting) (map[string]string, error) {
			switch in.Name {
			case "":
				return nil, &awsjson.Error{Code: "NoName", Message: "has no name", QueryCode: "Old.NoName"}
			case "bug":
				return nil, errors.New("a planted secret")
			}
			if in.Name == "panic" {
				panic("a planted secret")
			}
			return map[string]string{"Hello": in.Name}, nil
		}),
	}}
	for _, tc := range []struct {
		name, method, target, body string
		status                     int
		want, queryError           string
	}{
		{"answers", "POST", "Svc.Greet", `{"Name":"Ann","Unknown":1}`, 200, `{"Hello":"Ann"}`, ""},
		{"AWS's error", "POST", "Svc.Greet", `{}`, 400, `{"__type":"NoName","message":"has no name"}`, "Old.NoName;Sender"},
		{"unknown error says nothing", "POST", "Svc.Greet", `{"Name":"bug"}`, 500, `{"__type":"InternalFailure","message":"an internal error; its details are in the log"}`, ""},
		{"a panic says nothing", "POST", "Svc.Greet", `{"Name":"panic"}`, 500, `{"__type":"InternalFailure","message":"an internal error; its details are in the log"}`, ""},
		{"unknown operation", "POST", "Svc.Wave", `{}`, 400, `{"__type":"UnknownOperationException","message":"the local runtime does not serve the operation \"Wave\""}`, ""},
		{"not POST", "GET", "Svc.Greet", ``, 400, `{"__type":"UnknownOperationException","message":"the method must be POST, not GET"}`, ""},
		{"too large", "POST", "Svc.Greet", strings.Repeat(" ", 65), 413, `{"__type":"RequestEntityTooLargeException","message":"the request's body could not be read, or is too large"}`, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := httptest.NewRequest(tc.method, "/", strings.NewReader(tc.body))
			r.Header.Set("X-Amz-Target", tc.target)
			w := httptest.NewRecorder()
			s.ServeHTTP(w, r)
			got, _ := io.ReadAll(w.Body)
			if w.Code != tc.status || strings.TrimSpace(string(got)) != tc.want {
				t.Errorf("got %d %s, want %d %s", w.Code, got, tc.status, tc.want)
			}
			if got := w.Header().Get("X-Amzn-Query-Error"); got != tc.queryError {
				t.Errorf("X-Amzn-Query-Error = %q, want %q", got, tc.queryError)
			}
			if got, want := w.Header().Get("X-Amz-Crc32"), strconv.FormatUint(uint64(crc32.ChecksumIEEE(got)), 10); got != want {
				t.Errorf("X-Amz-Crc32 = %s, want %s", got, want)
			}
			if got := w.Header().Get("Content-Type"); got != "application/x-amz-json-1.1" {
				t.Errorf("Content-Type = %q", got)
			}
		})
	}
	t.Run("malformed body", func(t *testing.T) {
		r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(`{"Name":`))
		r.Header.Set("X-Amz-Target", "Svc.Greet")
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		if w.Code != 400 || !strings.Contains(w.Body.String(), "SerializationException") {
			t.Errorf("got %d %s", w.Code, w.Body)
		}
	})
}

func TestRequestID(t *testing.T) {
	id := awsjson.RequestID()
	if !regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`).MatchString(id) {
		t.Errorf("RequestID() = %q, not a UUID of version 4", id)
	}
}
