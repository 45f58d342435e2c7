package lambdaedge

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"

	"github.com/waypost/waypost/shared/entry"
	"github.com/waypost/waypost/shared/fault"
)

// URL makes the Lambda handler of a function that its URL calls, with
// buffered responses (payload format 2.0).
func URL(h http.Handler) lambda.Handler {
	return bytesHandler(func(ctx context.Context, payload []byte) (any, error) {
		var e events.LambdaFunctionURLRequest
		if err := json.Unmarshal(payload, &e); err != nil {
			return nil, named(fault.NameInvalid, "the input is not a function URL's request")
		}
		return serve(ctx, h, e)
	})
}

// Entry makes the entry function's handler, which its URL calls, and
// EventBridge too: there the CloudEvent is the detail of the event.
func Entry(log *slog.Logger, h *entry.Handler) lambda.Handler {
	return bytesHandler(func(ctx context.Context, payload []byte) (any, error) {
		var kind struct {
			DetailType string          `json:"detail-type"`
			Detail     json.RawMessage `json:"detail"`
		}
		if err := json.Unmarshal(payload, &kind); err == nil && kind.DetailType != "" {
			return fromBus(ctx, log, h, kind.Detail)
		}
		var e events.LambdaFunctionURLRequest
		if err := json.Unmarshal(payload, &e); err != nil || e.RequestContext.HTTP.Method == "" {
			return nil, named(fault.NameInvalid, "the input is neither a function URL's request nor an event of EventBridge")
		}
		return serve(ctx, h, e)
	})
}

// fromBus takes in an event that EventBridge delivers. Its errors are the
// invocation's: Lambda tries it twice more, as it does every asynchronous one, and
// then sends it to the dead-letter queue that the deployment names.
func fromBus(ctx context.Context, log *slog.Logger, h *entry.Handler, detail []byte) (any, error) {
	e, err := entry.ParseEvent(detail)
	if err != nil {
		return nil, stateError(ctx, log, err)
	}
	answer, err := h.Enter(ctx, e)
	if err != nil {
		return nil, stateError(ctx, log, err)
	}
	return answer, nil
}

// serve calls an HTTP handler with a function URL's request.
func serve(ctx context.Context, h http.Handler, e events.LambdaFunctionURLRequest) (events.LambdaFunctionURLResponse, error) {
	r, err := request(ctx, e)
	if err != nil {
		return events.LambdaFunctionURLResponse{StatusCode: http.StatusBadRequest}, nil
	}
	w := &recorder{header: http.Header{}}
	h.ServeHTTP(w, r)
	w.WriteHeader(http.StatusOK)
	out := events.LambdaFunctionURLResponse{StatusCode: w.code, Headers: map[string]string{}}
	for name, values := range w.header {
		if name == "Set-Cookie" {
			out.Cookies = values
			continue
		}
		out.Headers[strings.ToLower(name)] = strings.Join(values, ", ")
	}
	if body := w.body.Bytes(); utf8.Valid(body) {
		out.Body = string(body)
	} else {
		out.Body, out.IsBase64Encoded = base64.StdEncoding.EncodeToString(body), true
	}
	return out, nil
}

// A recorder keeps a response until it is whole: function URLs answer buffered.
type recorder struct {
	header http.Header
	code   int
	body   bytes.Buffer
}

func (w *recorder) Header() http.Header { return w.header }

func (w *recorder) WriteHeader(code int) {
	if w.code == 0 {
		w.code = code
	}
}

func (w *recorder) Write(b []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	return w.body.Write(b)
}

// request makes the HTTP request that a function URL's event describes.
func request(ctx context.Context, e events.LambdaFunctionURLRequest) (*http.Request, error) {
	body := []byte(e.Body)
	if e.IsBase64Encoded {
		var err error
		if body, err = base64.StdEncoding.DecodeString(e.Body); err != nil {
			return nil, err
		}
	}
	path := e.RawPath
	if path == "" {
		path = "/"
	}
	u, err := url.Parse(path)
	if err != nil {
		return nil, err
	}
	u.RawQuery = e.RawQueryString
	r, err := http.NewRequestWithContext(ctx, e.RequestContext.HTTP.Method, u.String(), bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	for name, value := range e.Headers {
		r.Header.Set(name, value)
	}
	for _, c := range e.Cookies {
		r.Header.Add("Cookie", c)
	}
	r.Host = e.RequestContext.DomainName
	r.RemoteAddr = e.RequestContext.HTTP.SourceIP + ":0"
	return r, nil
}
