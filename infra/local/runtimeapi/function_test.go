package runtimeapi_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	awslambda "github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambda/messages"
	"github.com/aws/aws-lambda-go/lambdacontext"
)

// varFunction names the function that this test's own binary is when it runs
// as a bootstrap.
const varFunction = "RUNTIMEAPI_TEST_FUNCTION"

// functions are those that a test may start.
func functions() map[string]func() {
	typed := func(handler any) func() { return func() { awslambda.Start(handler) } }
	return map[string]func(){
		"echo":      typed(func(_ context.Context, in json.RawMessage) (json.RawMessage, error) { return in, nil }),
		"context":   typed(lookAround),
		"named":     typed(func() error { return messages.InvokeResponse_Error{Type: "Waypost.Failed", Message: "no"} }),
		"panic":     typed(func() { panic("broken") }),
		"exit":      typed(func() { os.Exit(3) }),
		"exit 0":    typed(func() { os.Exit(0) }),
		"hang":      typed(func(in struct{ Tell string }) { tell(in.Tell); select {} }),
		"big":       typed(func() (string, error) { return strings.Repeat("x", 6291556), nil }), // and two quotes
		"log":       typed(write),
		"pid":       typed(meet),
		"text":      func() { answer("Hello, this is no JSON") },
		"init":      initFails,
		"init exit": func() { fmt.Fprintln(os.Stderr, "the environment has no WAYPOST_X"); os.Exit(1) },
		"init hang": func() { select {} },
		"protocol":  breakTheRules,
		"runtime":   beARuntime,
	}
}

// A view is what a function sees of its invocation.
type view struct {
	RequestID, ARN, Name string
	Left                 time.Duration
	Traced               bool
	Environ              []string
}

func lookAround(ctx context.Context) (view, error) {
	lc, _ := lambdacontext.FromContext(ctx)
	deadline, ok := ctx.Deadline()
	if !ok {
		return view{}, errors.New("no deadline")
	}
	var names []string
	for _, v := range os.Environ() {
		name, _, _ := strings.Cut(v, "=")
		names = append(names, name)
	}
	return view{lc.AwsRequestID, lc.InvokedFunctionArn, lambdacontext.FunctionName, time.Until(deadline),
		strings.HasPrefix(os.Getenv("_X_AMZN_TRACE_ID"), "Root=1-"), names}, nil
}

// tell opens a connection that lasts as long as this process does.
func tell(address string) {
	if address == "" {
		return
	}
	if _, err := net.Dial("tcp", address); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func write(ctx context.Context) {
	lambdacontext.NewLogger().WarnContext(ctx, "a record", slog.Int("n", 1), slog.Any("o", map[string]int{"b": 2}))
	fmt.Println("a plain line")
	fmt.Print(strings.Repeat("y", 70<<10))
}

// meet says who it is once the invocations that are to run at once all do:
// each knocks at an address, which answers when all have.
func meet(in struct{ At string }) (int, error) {
	if in.At == "" {
		return os.Getpid(), nil
	}
	res, err := http.Get(in.At)
	if err != nil {
		return 0, err
	}
	return os.Getpid(), res.Body.Close()
}

// An api is a runtime API as a client of few words sees it.
type api struct{ base string }

func newAPI() api {
	return api{"http://" + os.Getenv("AWS_LAMBDA_RUNTIME_API") + "/2018-06-01/runtime/"}
}

func (a api) next() (id string) {
	res, err := http.Get(a.base + "invocation/next")
	if err != nil {
		os.Exit(1)
	}
	_ = res.Body.Close()
	return res.Header.Get("Lambda-Runtime-Aws-Request-Id")
}

// post gives the answer's status and its body.
func (a api) post(path, body string) string {
	res, err := http.Post(a.base+path, "application/json", strings.NewReader(body))
	if err != nil {
		os.Exit(1)
	}
	defer func() { _ = res.Body.Close() }()
	text, _ := io.ReadAll(res.Body)
	return strconv.Itoa(res.StatusCode) + " " + strings.TrimSpace(string(text))
}

// answer answers every invocation with a body as it is.
func answer(body string) {
	a := newAPI()
	for {
		a.post("invocation/"+a.next()+"/response", body)
	}
}

func initFails() {
	newAPI().post("init/error", `{"errorMessage":"no such table","errorType":"Waypost.Start"}`)
	os.Exit(1)
}

// breakTheRules answers with what the API made of wrong requests.
func breakTheRules() {
	a := newAPI()
	id := a.next()
	var got []string
	got = append(got, a.post("invocation/nobody/response", `1`), a.post("init/error", `{}`))
	res, err := http.Get(a.base + "invocation/next")
	if err != nil {
		os.Exit(1)
	}
	got = append(got, strconv.Itoa(res.StatusCode))
	foreign, err := http.NewRequest(http.MethodGet, a.base+"invocation/next", nil)
	if err != nil {
		os.Exit(1)
	}
	foreign.Host = "evil.example"
	if res, err = http.DefaultClient.Do(foreign); err != nil {
		os.Exit(1)
	}
	got = append(got, strconv.Itoa(res.StatusCode))
	text, _ := json.Marshal(got)
	first := a.post("invocation/"+id+"/response", string(text))
	again := a.post("invocation/"+id+"/response", `2`)
	text, _ = json.Marshal([]string{first, again})
	a.post("invocation/"+a.next()+"/response", string(text))
	a.next()
}
