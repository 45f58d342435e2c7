package slack

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// webhook takes a message as an incoming webhook does.
func (s *Server) webhook(w http.ResponseWriter, r *http.Request) {
	parts := strings.Split(HookPath, "/")
	switch {
	case r.PathValue("team") != parts[2]:
		word(w, http.StatusNotFound, "no_team")
		return
	case r.PathValue("hook") != parts[3]:
		word(w, http.StatusNotFound, "no_service")
		return
	case !equal(r.PathValue("token"), parts[4]):
		word(w, http.StatusForbidden, "invalid_token")
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxRequest))
	if err != nil || r.Method != http.MethodPost {
		word(w, http.StatusBadRequest, "invalid_payload")
		return
	}
	to, _ := channelOf("orders")
	accept := func() bool {
		m, code := readWebhook(r, body)
		if code == "" {
			code = m.args.problem(false)
		}
		if code != "" {
			word(w, http.StatusBadRequest, code)
			return false
		}
		m.to = to
		s.record(r, m, "webhook", "/services/"+team+"/"+bot+"/…", body)
		return true
	}
	if !s.behave(w, r, accept) {
		return
	}
	if wait := s.take("webhook " + to.ID); wait > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(wait))
		word(w, http.StatusTooManyRequests, "rate_limited")
		return
	}
	if accept() {
		word(w, http.StatusOK, "ok")
	}
}

// readWebhook reads JSON, or a form with JSON in payload.
func readWebhook(r *http.Request, body []byte) (*message, string) {
	kind, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";")
	if strings.TrimSpace(kind) == "application/x-www-form-urlencoded" {
		form, err := url.ParseQuery(string(body))
		if err != nil {
			return nil, "invalid_payload"
		}
		body = []byte(form.Get("payload"))
	}
	m := &message{}
	if err := json.Unmarshal(body, &m.args); err != nil {
		return nil, "invalid_payload"
	}
	return m, ""
}

// word answers in plain text.
func word(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, text)
}
