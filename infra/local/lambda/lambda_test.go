package lambda_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	awslambda "github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambda/messages"
	"github.com/aws/aws-lambda-go/lambdacontext"
	"github.com/google/go-cmp/cmp"

	"github.com/waypost/waypost/infra/local/lambda"
)

type (
	outcomeError struct{ Reason string }
	bytesHandler func(context.Context, []byte) ([]byte, error)
)

func (e *outcomeError) Error() string { return e.Reason }

func (f bytesHandler) Invoke(ctx context.Context, p []byte) ([]byte, error) { return f(ctx, p) }

func TestErrorDocumentsAreLambdas(t *testing.T) {
	for _, tc := range []struct {
		name    string
		handler func(context.Context, json.RawMessage) (any, error)
		want    string
	}{
		{"an errors.New", func(context.Context, json.RawMessage) (any, error) { return nil, errors.New("no") },
			`{"errorMessage":"no","errorType":"errorString"}`},
		{"a pointer's type name", func(context.Context, json.RawMessage) (any, error) { return nil, &outcomeError{"late"} },
			`{"errorMessage":"late","errorType":"outcomeError"}`},
		{"the outermost type counts", func(context.Context, json.RawMessage) (any, error) {
			return nil, fmt.Errorf("sending: %w", &outcomeError{"late"})
		}, `{"errorMessage":"sending: late","errorType":"wrapError"}`},
		{"a dotted name", func(context.Context, json.RawMessage) (any, error) {
			return nil, messages.InvokeResponse_Error{Type: "Waypost.Failed", Message: `{"code":1}`}
		}, `{"errorMessage":"{\"code\":1}","errorType":"Waypost.Failed"}`},
		{"a panic with a dotted name", func(context.Context, json.RawMessage) (any, error) {
			panic(messages.InvokeResponse_Error{Type: "Waypost.Failed", Message: "m"})
		}, `{"errorMessage":"m","errorType":"Waypost.Failed"}`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			h := lambda.New(lambda.Options{})
			h.Register("f", awslambda.NewHandler(tc.handler), lambda.Config{})
			out := h.Invoke(t.Context(), "f", nil)
			if got := string(out.Payload); got != tc.want || out.Error != "Unhandled" {
				t.Errorf("got %s %s, want Unhandled %s", out.Error, got, tc.want)
			}
		})
	}
}

func TestPanicRestartsTheFunction(t *testing.T) {
	h := lambda.New(lambda.Options{})
	restarts := 0
	broken := bytesHandler(func(context.Context, []byte) ([]byte, error) {
		panic("broken")
	})
	h.Register("f", broken, lambda.Config{Restart: func() (awslambda.Handler, error) {
		restarts++
		return bytesHandler(func(context.Context, []byte) ([]byte, error) { return []byte(`"new"`), nil }), nil
	}})
	out := h.Invoke(t.Context(), "f", nil)
	var doc messages.InvokeResponse_Error
	if err := json.Unmarshal(out.Payload, &doc); err != nil {
		t.Fatal(err)
	}
	if doc.Message != "broken" || doc.Type != "string" || len(doc.StackTrace) == 0 || !strings.HasSuffix(doc.StackTrace[0].Path, "lambda_test.go") {
		t.Errorf("got %s, want the panic's message and a stack that begins in this file", out.Payload)
	}
	if strings.HasPrefix(doc.StackTrace[0].Path, "/") {
		t.Errorf("the stack shows this machine's folders: %s", doc.StackTrace[0].Path)
	}
	for range 2 {
		if out := h.Invoke(t.Context(), "f", nil); string(out.Payload) != `"new"` {
			t.Errorf("after the panic got %s", out.Payload)
		}
	}
	if restarts != 1 {
		t.Errorf("restarted %d times, want once", restarts)
	}
}

func TestInvocationHasLambdasContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := lambda.New(lambda.Options{Account: "111122223333", Region: "eu-west-1"})
		var got lambdacontext.LambdaContext
		var left time.Duration
		h.Register("f", awslambda.NewHandler(func(ctx context.Context) {
			lc, _ := lambdacontext.FromContext(ctx)
			got = *lc
			deadline, _ := ctx.Deadline()
			left = time.Until(deadline)
		}), lambda.Config{Timeout: 3 * time.Second})
		out := h.Invoke(t.Context(), "arn:aws:lambda:eu-west-1:111122223333:function:f:live", []byte("{}"))
		want := lambdacontext.LambdaContext{AwsRequestID: out.RequestID, InvokedFunctionArn: "arn:aws:lambda:eu-west-1:111122223333:function:f"}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
		if left != 3*time.Second {
			t.Errorf("the deadline is %v away, want 3 s", left)
		}
	})
}

func TestTimeout(t *testing.T) {
	for name, obeys := range map[string]bool{"a handler that obeys its context": true, "one that does not": false} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := lambda.New(lambda.Options{})
				h.Register("f", bytesHandler(func(ctx context.Context, _ []byte) ([]byte, error) {
					if obeys {
						<-ctx.Done()
						return nil, ctx.Err()
					}
					time.Sleep(time.Minute)
					return nil, nil
				}), lambda.Config{Concurrency: 1})
				start := time.Now()
				out := h.Invoke(t.Context(), "f", nil)
				if took := time.Since(start); took != 40*time.Second {
					t.Errorf("took %v, want the default of 40 s", took)
				}
				want := fmt.Sprintf(`{"errorMessage":"RequestId: %s Error: Task timed out after 40.00 seconds","errorType":"Sandbox.Timedout"}`, out.RequestID)
				if got := string(out.Payload); got != want {
					t.Errorf("got %s, want %s", got, want)
				}
				synctest.Wait()
				busy := h.Invoke(t.Context(), "f", nil).Refused
				if !obeys && (busy == nil || busy.Code != "TooManyRequestsException") {
					t.Errorf("while a handler still runs got %v, want its slot taken", busy)
				}
				if obeys && busy != nil {
					t.Errorf("got %v, want the slot back", busy)
				}
				time.Sleep(2 * time.Minute)
			})
		})
	}
}

func TestCallerGoesAwayInvocationGoesOn(t *testing.T) {
	h := lambda.New(lambda.Options{})
	started, release, ended := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	h.Register("f", bytesHandler(func(ctx context.Context, _ []byte) ([]byte, error) {
		close(started)
		<-release
		ended <- ctx.Err()
		return []byte("1"), nil
	}), lambda.Config{})
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-started; cancel() }()
	if out := h.Invoke(ctx, "f", nil); out.Refused == nil || out.Refused.Code != "ServiceException" {
		t.Errorf("the caller got %+v", out)
	}
	close(release)
	if err := <-ended; err != nil {
		t.Errorf("the invocation's context ended with its caller: %v", err)
	}
}

func TestCloseCancelsAndWaits(t *testing.T) {
	h := lambda.New(lambda.Options{})
	started := make(chan struct{})
	finished := false
	h.Register("f", bytesHandler(func(ctx context.Context, _ []byte) ([]byte, error) {
		close(started)
		<-ctx.Done()
		finished = true
		return nil, ctx.Err()
	}), lambda.Config{})
	result := make(chan lambda.Outcome, 1)
	go func() { result <- h.Invoke(context.Background(), "f", nil) }()
	<-started
	if err := h.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if !finished {
		t.Error("Close returned before the handler did")
	}
	if out := <-result; !strings.Contains(string(out.Payload), "Runtime.ExitError") {
		t.Errorf("the caller got %s, want Runtime.ExitError", out.Payload)
	}
	if out := h.Invoke(t.Context(), "f", nil); out.Refused == nil || out.Refused.Code != "ServiceException" {
		t.Errorf("after Close got %+v, want a refusal", out)
	}
}

func TestCloseTellsOfHandlersThatStay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := lambda.New(lambda.Options{})
		h.Register("f", bytesHandler(func(context.Context, []byte) ([]byte, error) { time.Sleep(time.Hour); return nil, nil }), lambda.Config{})
		go h.Invoke(context.Background(), "f", nil)
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		if err := h.Close(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Close = %v, want the deadline's error", err)
		}
		time.Sleep(2 * time.Hour)
	})
}

func TestInvokeAPI(t *testing.T) {
	h := lambda.New(lambda.Options{})
	async := make(chan string, 1)
	h.Register("echo", bytesHandler(func(_ context.Context, p []byte) ([]byte, error) { return p, nil }), lambda.Config{Memory: 512, Timeout: 9 * time.Second})
	h.Register("fails", awslambda.NewHandler(func() error { return errors.New("no") }), lambda.Config{})
	h.Register("big", bytesHandler(func(context.Context, []byte) ([]byte, error) { return make([]byte, 6291557), nil }), lambda.Config{})
	h.Register("async", bytesHandler(func(_ context.Context, p []byte) ([]byte, error) { async <- string(p); return nil, nil }), lambda.Config{})
	srv := httptest.NewServer(h.Handler())
	defer srv.Close()
	const arn = "arn%3Aaws%3Alambda%3Aus-east-1%3A000000000000%3Afunction%3A"
	for _, tc := range []struct {
		name, method, path, kind, body string
		status                         int
		want                           string // begins the answer
		header, value                  string
	}{
		{"invokes", "POST", "/echo/invocations", "", `{"a":1}`, 200, `{"a":1}`, "X-Amz-Executed-Version", "$LATEST"},
		{"by ARN", "POST", "/" + arn + "echo/invocations", "RequestResponse", `{"a":1}`, 200, `{"a":1}`, "X-Amz-Function-Error", ""},
		{"no payload is an empty object", "POST", "/echo/invocations", "", ``, 200, `{}`, "", ""},
		{"a function's error", "POST", "/fails/invocations", "", `{}`, 200, `{"errorMessage":"no","errorType":"errorString"}`, "X-Amz-Function-Error", "Unhandled"},
		{"too large an answer", "POST", "/big/invocations", "", `{}`, 200, `{"errorMessage":"Response payload size exceeded maximum allowed payload size (6291556 bytes).","errorType":"Function.ResponseSizeTooLarge"}`, "X-Amz-Function-Error", "Unhandled"},
		{"no such function", "POST", "/nope/invocations", "", `{}`, 404, `{"Message":"Function not found: arn:aws:lambda:us-east-1:000000000000:function:nope"`, "X-Amzn-Errortype", "ResourceNotFoundException"},
		{"not JSON", "POST", "/echo/invocations", "", `{`, 400, `{"Message":"Could not parse request body into json`, "X-Amzn-Errortype", "InvalidRequestContentException"},
		{"too large a payload", "POST", "/echo/invocations", "", `"` + strings.Repeat("x", 6291455) + `"`, 413, `{"Message":"Request must be smaller than 6291456 bytes`, "X-Amzn-Errortype", "RequestTooLargeException"},
		{"a strange type", "POST", "/echo/invocations", "Later", `{}`, 400, `{"Message":"the invocation type \"Later\"`, "X-Amzn-Errortype", "InvalidParameterValueException"},
		{"async", "POST", "/async/invocations", "Event", `{"b":2}`, 202, ``, "", ""},
		{"async, too large", "POST", "/async/invocations", "Event", `"` + strings.Repeat("x", 1<<20) + `"`, 413, `{"Message":"Request must be smaller than 1048576`, "", ""},
		{"dry run", "POST", "/echo/invocations", "DryRun", ``, 204, ``, "", ""},
		{"dry run of nothing", "POST", "/nope/invocations", "DryRun", ``, 404, `{"Message":"Function not found`, "", ""},
		{"get", "GET", "/echo", "", "", 200, `{"Configuration":{"FunctionName":"echo","FunctionArn":"arn:aws:lambda:us-east-1:000000000000:function:echo"`, "", ""},
		{"get configuration", "GET", "/echo/configuration", "", "", 200, `{"FunctionName":"echo"`, "", ""},
		{"list", "GET", "/", "", "", 200, `{"Functions":[{"FunctionName":"async"`, "", ""},
		{"another operation", "DELETE", "/echo", "", "", 404, `{"Message":"the local runtime's Lambda does not serve DELETE`, "X-Amzn-Errortype", "UnknownOperationException"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			req, _ := http.NewRequestWithContext(t.Context(), tc.method, srv.URL+"/2015-03-31/functions"+tc.path, strings.NewReader(tc.body))
			if tc.kind != "" {
				req.Header.Set("X-Amz-Invocation-Type", tc.kind)
			}
			resp, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			body, _ := io.ReadAll(resp.Body)
			if resp.StatusCode != tc.status || !bytes.HasPrefix(body, []byte(tc.want)) {
				t.Errorf("got %d %.300s, want %d %s", resp.StatusCode, body, tc.status, tc.want)
			}
			if got := resp.Header.Get(tc.header); tc.header != "" && got != tc.value {
				t.Errorf("%s = %q, want %q", tc.header, got, tc.value)
			}
			if resp.Header.Get("X-Amzn-Requestid") == "" {
				t.Error("there is no request id")
			}
		})
	}
	if got := <-async; got != `{"b":2}` {
		t.Errorf("the asynchronous invocation got %s", got)
	}
	if err := h.Close(t.Context()); err != nil {
		t.Error(err)
	}
}
