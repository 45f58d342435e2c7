// Package urls serves functions over HTTP as Lambda Function URLs do: a
// request becomes an event of payload format 2.0, the function is invoked with
// that event's JSON, and its answer becomes the response (AWS Lambda Developer
// Guide, "Invoking Lambda function URLs", buffered mode).
//
// The path reaches the function as it was sent, so that a function serves the
// same paths on AWS and here. Not promised: IAM authorization, CORS settings,
// streamed responses, and AWS's per-URL host names.
package urls

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/aws/aws-lambda-go/events"

	"github.com/waypost/waypost/infra/local/awsport/awsjson"
	"github.com/waypost/waypost/infra/local/lambda"
)

// maxBody is Lambda's limit on a request's and a response's payload, in bytes.
const maxBody = 6 << 20

// An Invoker invokes a function by name. A lambda.Host is one.
type Invoker interface {
	// Invoke runs the function with a JSON payload and waits for its end.
	Invoke(ctx context.Context, name string, payload []byte) lambda.Outcome
}

// Handler serves one function at every path and method that reach it.
func Handler(host Invoker, function string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
		if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
			answer(w, http.StatusRequestEntityTooLarge, "Request Entity Too Large")
			return
		}
		if err != nil {
			answer(w, http.StatusBadRequest, "Bad Request")
			return
		}
		payload, err := json.Marshal(event(r, body, time.Now()))
		if err != nil { // strings, numbers and maps of them always encode
			answer(w, http.StatusInternalServerError, "Internal Server Error")
			return
		}
		out := host.Invoke(r.Context(), function, payload)
		switch {
		case out.Refused != nil:
			refuse(w, out.Refused)
		case out.Error != "":
			// What the function reported is in its log: AWS tells the caller
			// no more than this either.
			w.Header().Set("X-Amzn-Errortype", "InternalFailure")
			answer(w, http.StatusBadGateway, "Internal Server Error")
		default:
			w.Header().Set("X-Amzn-Requestid", out.RequestID)
			respond(w, out.Payload)
		}
	})
}

func refuse(w http.ResponseWriter, e *awsjson.Error) {
	w.Header().Set("X-Amzn-Errortype", e.Code)
	switch e.Status {
	case http.StatusTooManyRequests:
		answer(w, e.Status, "Rate Exceeded.")
	case http.StatusRequestEntityTooLarge:
		answer(w, e.Status, "Request Entity Too Large")
	case http.StatusNotFound:
		answer(w, e.Status, "Not Found")
	default:
		answer(w, http.StatusBadGateway, "Internal Server Error")
	}
}

// answer writes a response that is Lambda's own, not the function's.
func answer(w http.ResponseWriter, status int, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]string{"Message": message})
}

// event makes the payload format 2.0 of a request.
func event(r *http.Request, body []byte, now time.Time) events.LambdaFunctionURLRequest {
	e := events.LambdaFunctionURLRequest{
		Version: "2.0", RawPath: r.URL.EscapedPath(), RawQueryString: r.URL.RawQuery,
		Headers: map[string]string{"host": r.Host},
	}
	for name, values := range r.Header {
		if name == "Cookie" {
			for _, line := range values {
				for c := range strings.SplitSeq(line, ";") {
					e.Cookies = append(e.Cookies, strings.TrimSpace(c))
				}
			}
		}
		e.Headers[strings.ToLower(name)] = strings.Join(values, ",")
	}
	if query := r.URL.Query(); len(query) > 0 {
		e.QueryStringParameters = map[string]string{}
		for name, values := range query {
			e.QueryStringParameters[name] = strings.Join(values, ",")
		}
	}
	source, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		source = r.RemoteAddr
	}
	e.RequestContext = events.LambdaFunctionURLRequestContext{
		AccountID: "anonymous", RequestID: awsjson.RequestID(), APIID: "local", DomainName: r.Host, DomainPrefix: "local",
		Time: now.UTC().Format("02/Jan/2006:15:04:05 -0700"), TimeEpoch: now.UnixMilli(),
		HTTP: events.LambdaFunctionURLRequestContextHTTPDescription{
			Method: r.Method, Path: r.URL.Path, Protocol: r.Proto, SourceIP: source, UserAgent: r.UserAgent(),
		},
	}
	if len(body) > 0 {
		if textual(r.Header.Get("Content-Type")) && utf8.Valid(body) {
			e.Body = string(body)
		} else {
			e.Body, e.IsBase64Encoded = base64.StdEncoding.EncodeToString(body), true
		}
	}
	return e
}

// textual says whether Lambda hands over a body of this content type as text;
// it encodes any other, a form's among them, in base64.
func textual(contentType string) bool {
	kind, _, _ := strings.Cut(strings.ToLower(contentType), ";")
	kind = strings.TrimSpace(kind)
	if strings.HasPrefix(kind, "text/") || strings.HasSuffix(kind, "+json") || strings.HasSuffix(kind, "+xml") {
		return true
	}
	switch kind {
	case "application/json", "application/javascript", "application/xml":
		return true
	}
	return false
}

// respond turns the function's answer into the response. As on AWS, an answer
// that is a JSON object with a statusCode says what the response is; any other
// is the body of a 200, in JSON.
func respond(w http.ResponseWriter, payload []byte) {
	var probe struct {
		StatusCode *int `json:"statusCode"`
	}
	if err := json.Unmarshal(payload, &probe); err != nil || probe.StatusCode == nil {
		w.Header().Set("Content-Type", "application/json")
		var text string
		if json.Unmarshal(payload, &text) == nil {
			payload = []byte(text)
		}
		_, _ = w.Write(payload)
		return
	}
	var resp events.LambdaFunctionURLResponse
	err := json.Unmarshal(payload, &resp)
	body := []byte(resp.Body)
	if err == nil && resp.IsBase64Encoded {
		body, err = base64.StdEncoding.DecodeString(resp.Body)
	}
	if err != nil || resp.StatusCode < 100 || resp.StatusCode > 599 {
		w.Header().Set("X-Amzn-Errortype", "InternalFailure")
		answer(w, http.StatusBadGateway, "Internal Server Error")
		return
	}
	h := w.Header()
	h.Set("Content-Type", "application/json")
	for name, value := range resp.Headers {
		h.Set(name, value)
	}
	for _, c := range resp.Cookies {
		h.Add("Set-Cookie", c)
	}
	// These are the server's to say: the function's would contradict it.
	for _, name := range []string{"Content-Length", "Connection", "Transfer-Encoding"} {
		h.Del(name)
	}
	w.WriteHeader(resp.StatusCode)
	_, _ = w.Write(body)
}
