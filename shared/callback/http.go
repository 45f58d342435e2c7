package callback

import (
	"errors"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/waypost/waypost/shared/channel"
	"github.com/waypost/waypost/shared/fault"
	"github.com/waypost/waypost/shared/problem"
)

// path is where callbacks come to, in the URL of the function.
const path = "/callback/"

// tokenForm is what every token looks like. None is longer than that.
var tokenForm = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,255}$`)

// ServeHTTP takes a callback. It answers 204, or 200 with the text that the
// provider wants; a refusal is a problem that says no more than its status.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	kind, token := split(r.URL.EscapedPath())
	if h.Reporters[kind] == nil {
		kind = "" // strangers' words don't go into the log
	}
	reply, err := h.serve(w, r, kind, token)
	switch {
	case err != nil:
		h.refuse(w, r, kind, err)
	case reply != "":
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		_, _ = io.WriteString(w, reply) // what was reported is recorded, whether or not its sender still listens
	default:
		w.WriteHeader(http.StatusNoContent)
	}
}

// split gives the parts of a callback's path, empty where it is another.
func split(p string) (kind, token string) {
	rest, found := strings.CutPrefix(p, path)
	if !found {
		return "", ""
	}
	kind, token, _ = strings.Cut(rest, "/")
	return kind, token
}

// serve checks what can be known of a request without AWS first.
func (h *Handler) serve(w http.ResponseWriter, r *http.Request, kind, token string) (reply string, _ error) {
	switch {
	case r.Method != http.MethodPost:
		w.Header().Set("Allow", http.MethodPost)
		return "", refusal{http.StatusMethodNotAllowed, "the method is not POST"}
	case kind == "":
		return "", absent("callbacks of this kind are not served")
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, MaxBody))
	if _, large := errors.AsType[*http.MaxBytesError](err); large {
		return "", refusal{http.StatusRequestEntityTooLarge, "the body is over the limit"}
	}
	if err != nil {
		return "", malformed("the body cannot be read", nil)
	}
	media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	switch {
	case err != nil || !slices.Contains(h.Reporters[kind].MediaTypes(), media):
		return "", refusal{http.StatusUnsupportedMediaType, "the media type is not that of such callbacks"}
	case !tokenForm.MatchString(token):
		return "", absent("the token is not of a token's form")
	}
	return h.report(r.Context(), kind, token, channel.Callback{URL: h.url(r, kind, token), Header: r.Header, Body: body})
}

// url is the URL that the provider called, as it saw it. The Host header has
// no part in it: whoever sends it may write there what they like.
func (h *Handler) url(r *http.Request, kind, token string) string {
	base := h.Base
	if base == "" {
		base = channel.CallbackURL("https://" + r.Host + strings.TrimSuffix(path, "/"))
	}
	u := base.Of(kind, token)
	if r.URL.RawQuery != "" {
		u += "?" + r.URL.RawQuery
	}
	return u
}

// A refusal is why a callback is not taken: a status for its sender, and a
// reason for the log.
type refusal struct {
	status int
	reason string
}

func (r refusal) Error() string { return r.reason }

const absentStatus = http.StatusNotFound

func absent(reason string) error { return refusal{absentStatus, reason} }

func forbidden(reason string) error { return refusal{http.StatusForbidden, reason} }

// malformed is the refusal of what can't be read. Of err it says what is public.
func malformed(reason string, err error) error {
	if err != nil {
		reason += ": " + fault.Line(err)
	}
	return refusal{http.StatusBadRequest, reason}
}

// absentFor is the refusal for a thing that was not found; any other error
// stays what it is.
func absentFor(err error, reason string) error {
	if fault.Is(err, fault.NotFound) {
		return absent(reason)
	}
	return err
}

// forbiddenFor is the same for what must not be told from a wrong signature.
func forbiddenFor(err error, reason string) error {
	if fault.Is(err, fault.NotFound) {
		return forbidden(reason)
	}
	return err
}

// statusOf is a refusal's status; that of any other error is 503, for a sender
// who comes again.
func statusOf(err error) int {
	if err == nil {
		return http.StatusNoContent
	}
	if r, ok := errors.AsType[refusal](err); ok {
		return r.status
	}
	return http.StatusServiceUnavailable
}

// RefusedMessage is the message of the log line that each refused callback
// gets, with its status beside it: a deployment's metrics count these lines.
const RefusedMessage = "callback refused"

// refuse answers, and logs why: what a stranger may cause at will is no news,
// but who signs wrongly has found a token.
func (h *Handler) refuse(w http.ResponseWriter, r *http.Request, kind string, err error) {
	status, level := statusOf(err), slog.LevelInfo
	switch {
	case status == http.StatusForbidden, status == http.StatusBadRequest, fault.Is(err, fault.Unavailable):
		level = slog.LevelWarn
	case status == http.StatusServiceUnavailable:
		level = slog.LevelError
	}
	h.Log.LogAttrs(r.Context(), level, RefusedMessage, slog.Int("status", status), slog.String("kind", kind), slog.Any("error", err))
	problem.Bare(status).ServeHTTP(w, r)
}
