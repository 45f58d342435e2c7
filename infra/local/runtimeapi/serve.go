package runtimeapi

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/waypost/waypost/infra/local/awsport"
	"github.com/waypost/waypost/infra/local/lambda"
)

// version is that of the Runtime API, which its paths begin with.
const version = "/2018-06-01/runtime"

// handler serves the environment's runtime API.
func (e *environment) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+version+"/invocation/next", e.serveNext)
	mux.HandleFunc("POST "+version+"/invocation/{id}/response", func(w http.ResponseWriter, r *http.Request) { e.serveAnswer(w, r, false) })
	mux.HandleFunc("POST "+version+"/invocation/{id}/error", func(w http.ResponseWriter, r *http.Request) { e.serveAnswer(w, r, true) })
	mux.HandleFunc("POST "+version+"/init/error", e.serveInitError)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if why := awsport.Foreign(r); why != "" {
			refuse(w, http.StatusForbidden, "AccessDenied", why)
			return
		}
		mux.ServeHTTP(w, r)
	})
}

// serveNext waits for an invocation, for as long as that takes.
func (e *environment) serveNext(w http.ResponseWriter, r *http.Request) {
	e.mu.Lock()
	wrong := ""
	switch {
	case e.initial != nil:
		wrong = "the function reported that its start failed"
	case e.current != nil && e.current.handed:
		wrong = "the invocation before this one is not answered"
	case !e.hasPolled():
		close(e.polled)
	}
	e.mu.Unlock()
	if wrong != "" {
		refuse(w, http.StatusForbidden, "InvalidStateTransition", wrong)
		return
	}
	select {
	case <-r.Context().Done(): // the process went away
	case inv := <-e.work:
		e.mu.Lock()
		inv.handed = true
		e.mu.Unlock()
		h := w.Header()
		h.Set("Content-Type", "application/json")
		h.Set("Content-Length", strconv.Itoa(len(inv.Payload)))
		h.Set("Lambda-Runtime-Aws-Request-Id", inv.RequestID)
		h.Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(inv.deadline.UnixMilli(), 10))
		h.Set("Lambda-Runtime-Invoked-Function-Arn", inv.ARN)
		h.Set("Lambda-Runtime-Trace-Id", traceID(inv.RequestID, time.Now()))
		_, _ = w.Write(inv.Payload)
	}
}

// serveAnswer takes an invocation's answer, or its error. As on Lambda it need
// not be JSON. One that is too large is cut after the byte that makes it so:
// the Host reports it.
func (e *environment) serveAnswer(w http.ResponseWriter, r *http.Request, failed bool) {
	payload, err := io.ReadAll(io.LimitReader(r.Body, lambda.MaxResponse+1))
	if err != nil {
		refuse(w, http.StatusBadRequest, "InvalidRequest", "the body could not be read")
		return
	}
	switch {
	case !e.finish(r.PathValue("id"), answer{payload, failed}):
		refuse(w, http.StatusBadRequest, "InvalidRequestID", "Invalid request ID")
	case len(payload) > lambda.MaxResponse:
		refuse(w, http.StatusRequestEntityTooLarge, "RequestEntityTooLarge",
			fmt.Sprintf("Exceeded maximum allowed payload size (%d bytes).", lambda.MaxResponse))
	default:
		accept(w)
	}
}

// serveInitError takes the error of a start that failed. The process is
// expected to end then, and is ended where it doesn't.
func (e *environment) serveInitError(w http.ResponseWriter, r *http.Request) {
	document, err := io.ReadAll(io.LimitReader(r.Body, lambda.MaxResponse))
	e.mu.Lock()
	defer e.mu.Unlock()
	switch {
	case err != nil:
		refuse(w, http.StatusBadRequest, "InvalidRequest", "the body could not be read")
	case e.hasPolled() || e.initial != nil:
		refuse(w, http.StatusForbidden, "InvalidStateTransition", "the function has started")
	default:
		e.initial = document
		accept(w)
		time.AfterFunc(time.Second, e.kill)
	}
}

// accept answers as Lambda does what it takes.
func accept(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusAccepted)
	_, _ = io.WriteString(w, `{"status":"OK"}`+"\n")
}

func refuse(w http.ResponseWriter, status int, errorType, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]string{"errorMessage": message, "errorType": errorType})
}

// traceID makes an X-Ray trace header, not sampled: its root is the time in
// seconds and 96 bits, here of the request's id.
func traceID(requestID string, now time.Time) string {
	var hex []byte
	for i := range len(requestID) {
		if requestID[i] != '-' {
			hex = append(hex, requestID[i])
		}
	}
	hex = append(hex, "000000000000000000000000"...)
	return fmt.Sprintf("Root=1-%08x-%s;Parent=%s;Sampled=0", now.Unix(), hex[:24], hex[:16])
}
