// Package awsjson serves AWS's JSON protocols 1.0 and 1.1: a POST whose
// X-Amz-Target header names an operation, a JSON document each way, and errors
// that the AWS SDKs and the AWS CLI decode into their own types.
//
// A Service is a table of operations. It reads no signatures: the embedded
// runtime listens on loopback and trusts whoever reaches it. It promises
// nothing about fields that an operation does not know; like AWS's own
// endpoints it ignores them.
package awsjson

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"runtime/debug"
	"strconv"
	"strings"
)

// An Error is a failure in AWS's shape. Its Message is shown to the caller.
type Error struct {
	Code    string // AWS's name for it ("ResourceNotFoundException")
	Message string
	Status  int // HTTP status; 0 means 400
	// QueryCode is the code that clients of the service's older query
	// protocol know it by; SQS alone has such codes.
	QueryCode string
	// Fields are further members of the error's document, beside its message.
	Fields map[string]any
}

// Error gives the code and the message.
func (e *Error) Error() string { return e.Code + ": " + e.Message }

// Errorf makes an Error with status 400.
func Errorf(code, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

// An Operation answers one request's body with a value to encode as JSON. Its
// errors of type *Error are shown to the caller; any other is logged, and
// shown as InternalFailure.
type Operation func(ctx context.Context, body []byte) (any, error)

// Op makes an Operation of a function over decoded documents.
func Op[In, Out any](f func(context.Context, *In) (Out, error)) Operation {
	return func(ctx context.Context, body []byte) (any, error) {
		in := new(In)
		if err := json.Unmarshal(body, in); err != nil {
			return nil, Errorf("SerializationException", "the request's body is not the JSON document that the operation takes: %v", err)
		}
		return f(ctx, in)
	}
}

// A Service serves the operations of one AWS service. Its fields are read
// only; the zero value answers UnknownOperationException to everything.
type Service struct {
	Version    string               // of the protocol: "1.0" or "1.1"
	Limit      int64                // of a request's body in bytes; 0 means 16 MiB
	Operations map[string]Operation // by the part of X-Amz-Target after the dot
	Log        *slog.Logger         // nil discards
}

const defaultLimit = 16 << 20

// ServeHTTP answers one request.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/x-amz-json-"+s.Version)
	w.Header().Set("X-Amzn-Requestid", RequestID())
	if r.Method != http.MethodPost {
		WriteError(w, Errorf("UnknownOperationException", "the method must be POST, not %s", r.Method))
		return
	}
	_, name, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	op, ok := s.Operations[name]
	if !ok {
		WriteError(w, Errorf("UnknownOperationException", "the local runtime does not serve the operation %q", name))
		return
	}
	limit := s.Limit
	if limit == 0 {
		limit = defaultLimit
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, limit))
	if err != nil {
		WriteError(w, &Error{Code: "RequestEntityTooLargeException", Message: "the request's body could not be read, or is too large", Status: http.StatusRequestEntityTooLarge})
		return
	}
	out, err := call(r.Context(), op, body)
	if err != nil {
		known, ok := errors.AsType[*Error](err)
		if !ok {
			s.log().ErrorContext(r.Context(), "an operation failed", "operation", name, "error", err)
			known = &Error{Code: "InternalFailure", Message: "an internal error; its details are in the log", Status: http.StatusInternalServerError}
		}
		WriteError(w, known)
		return
	}
	if out == nil {
		out = struct{}{}
	}
	send(w, http.StatusOK, out)
}

// send writes a document with its checksum, which DynamoDB has, and which the
// SDK for Go misses aloud where it is not there.
func send(w http.ResponseWriter, status int, document any) {
	var body bytes.Buffer
	_ = json.NewEncoder(&body).Encode(document) // operations give what encodes
	w.Header().Set("X-Amz-Crc32", strconv.FormatUint(uint64(crc32.ChecksumIEEE(body.Bytes())), 10))
	w.WriteHeader(status)
	// A failure to write is the client's going away: there is nobody to tell.
	_, _ = w.Write(body.Bytes())
}

// call turns a panic, which is a defect of the operation, into an error.
func call(ctx context.Context, op Operation, body []byte) (out any, err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("panic: %v\n%s", v, debug.Stack())
		}
	}()
	return op(ctx, body)
}

func (s *Service) log() *slog.Logger {
	if s.Log == nil {
		return slog.New(slog.DiscardHandler)
	}
	return s.Log
}

// WriteError writes an error document. A Content-Type that is already set stays.
func WriteError(w http.ResponseWriter, e *Error) {
	status := e.Status
	if status == 0 {
		status = http.StatusBadRequest
	}
	h := w.Header()
	if h.Get("Content-Type") == "" {
		h.Set("Content-Type", "application/x-amz-json-1.0")
	}
	h.Set("X-Amzn-Errortype", e.Code)
	if e.QueryCode != "" {
		fault := "Sender"
		if status >= http.StatusInternalServerError {
			fault = "Receiver"
		}
		h.Set("X-Amzn-Query-Error", e.QueryCode+";"+fault)
	}
	doc := map[string]any{"__type": e.Code, "message": e.Message}
	maps.Copy(doc, e.Fields)
	send(w, status, doc)
}

// RequestID makes an id in the shape of AWS's: a random UUID (RFC 9562, version 4).
func RequestID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // crypto/rand never fails
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
