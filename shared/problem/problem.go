// Package problem is the one place where errors become HTTP answers: a
// fault.Error, or any other error, as application/problem+json (RFC 9457).
//
// A client is shown a fault's message and details, and nothing of its cause.
// What it can't mend itself (an internal error, a service that does not
// answer) has an id too, and the log has the cause under the same id.
package problem

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"strconv"
	"strings"

	"github.com/waypost/waypost/shared/fault"
)

// ContentType is what a problem is sent as.
const ContentType = "application/problem+json"

// retryAfter is how many seconds a client is asked to wait for a service that
// does not answer: throttling and fail-overs of AWS pass within a few.
const retryAfter = 2

// A Problem is an answer that is an error. It is an error itself, and tells
// its status, headers and content type as HTTP frameworks ask for them.
type Problem struct {
	// Type is "urn:waypost:problem:" and a fault.Code: what a program reads.
	Type   string         `json:"type" doc:"urn:waypost:problem: and the kind of problem, for programs"`
	Title  string         `json:"title" doc:"the kind of problem, for people"`
	Status int            `json:"status" doc:"the HTTP status"`
	Detail string         `json:"detail" doc:"what is wrong with this request"`
	Errors []fault.Detail `json:"errors,omitempty" doc:"each thing that is wrong with a document, with its place"`
	ID     string         `json:"id,omitempty" doc:"what the log has the cause under, where the client can't mend it"`
}

// kinds maps fault codes to statuses and titles: the only such map.
var kinds = map[fault.Code]struct {
	status int
	title  string
}{
	fault.Invalid:     {http.StatusUnprocessableEntity, "Not valid"},
	fault.Malformed:   {http.StatusBadRequest, "Malformed"},
	fault.NotFound:    {http.StatusNotFound, "Not found"},
	fault.Conflict:    {http.StatusConflict, "Conflict"},
	fault.TooLarge:    {http.StatusRequestEntityTooLarge, "Too large"},
	fault.Unsupported: {http.StatusUnsupportedMediaType, "Unsupported media type"},
	fault.Forbidden:   {http.StatusForbidden, "Forbidden"},
	fault.Unavailable: {http.StatusServiceUnavailable, "Unavailable"},
	fault.Internal:    {http.StatusInternalServerError, "Internal error"},
}

// Of makes the problem that a client is shown for err, and logs the cause of
// one that the client can't mend. log may be nil, for the default logger.
func Of(ctx context.Context, log *slog.Logger, err error) *Problem {
	code := fault.CodeOf(err)
	kind, known := kinds[code]
	if !known {
		code, kind = fault.Internal, kinds[fault.Internal]
	}
	p := &Problem{Type: "urn:waypost:problem:" + string(code), Title: kind.title, Status: kind.status, Detail: "an internal error"}
	if e, ok := errors.AsType[*fault.Error](err); ok {
		p.Detail, p.Errors = e.Message, suggesting(e.Details)
	}
	if _, ok := errors.AsType[*methodError](err); ok {
		p.Type, p.Title, p.Status = "urn:waypost:problem:method_not_allowed", "Method not allowed", http.StatusMethodNotAllowed
	}
	if code == fault.Internal || code == fault.Unavailable {
		p.ID = strings.ToLower(rand.Text()[:12])
		if log == nil {
			log = slog.Default()
		}
		level := slog.LevelError
		if code == fault.Unavailable {
			level = slog.LevelWarn
		}
		log.LogAttrs(ctx, level, "request failed", slog.String("id", p.ID), slog.String("code", string(code)), slog.Any("error", err))
	}
	return p
}

// Bare makes a problem that tells nothing but its status, for callers who are
// to learn no more.
func Bare(status int) *Problem {
	return &Problem{Type: "about:blank", Title: http.StatusText(status), Status: status, Detail: http.StatusText(status)}
}

// suggesting copies details, with suggestions in their messages too: programs
// read the one and people the other.
func suggesting(details []fault.Detail) []fault.Detail {
	out := append([]fault.Detail(nil), details...)
	for i, d := range out {
		if d.Suggestion != "" && !strings.Contains(d.Message, "did you mean") {
			out[i].Message += "; did you mean " + d.Suggestion + "?"
		}
	}
	return out
}

// Error gives what the client is shown.
func (p *Problem) Error() string { return p.Detail }

// GetStatus gives the HTTP status.
func (p *Problem) GetStatus() int { return p.Status }

// ContentType says what the problem is sent as, whatever was asked for.
func (p *Problem) ContentType(string) string { return ContentType }

// GetHeaders gives the headers that go with the problem.
func (p *Problem) GetHeaders() http.Header {
	h := http.Header{"Cache-Control": {"no-store"}}
	if p.Status == http.StatusServiceUnavailable {
		h.Set("Retry-After", strconv.Itoa(retryAfter))
	}
	return h
}

// ServeHTTP answers with the problem.
func (p *Problem) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	for name, values := range p.GetHeaders() {
		w.Header()[name] = values
	}
	w.Header().Set("Content-Type", ContentType)
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Del("Content-Length") // of an answer that did not come about
	w.WriteHeader(p.Status)
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(p) // the client has gone, if this fails
}

// Write answers a request with the problem of err. Its cause goes to the
// logger that LoggingTo gave the request, or else to the default one.
func Write(w http.ResponseWriter, r *http.Request, err error) {
	log, _ := r.Context().Value(logKey{}).(*slog.Logger)
	Of(r.Context(), log, err).ServeHTTP(w, r)
}

type logKey struct{}

// LoggingTo makes Write log to log for all that next serves.
func LoggingTo(log *slog.Logger, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), logKey{}, log)))
	})
}

// A methodError is a method that a path does not serve.
type methodError struct{ fault *fault.Error }

func (e *methodError) Error() string { return e.fault.Error() }

func (e *methodError) Unwrap() error { return e.fault }

// MethodNotAllowed is the error for a method that a path does not serve: the
// message says what it does. The answer's Allow header is the caller's to set.
func MethodNotAllowed(message string) error {
	return &methodError{fault.New(fault.Unsupported, "%s", message)}
}
