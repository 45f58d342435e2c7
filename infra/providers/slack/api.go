package slack

import (
	"encoding/json"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// postMessage is chat.postMessage.
func (s *Server) postMessage(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxRequest))
	if err != nil {
		refuse(w, "request_timeout")
		return
	}
	c := readCall(r, body)
	switch {
	case c.token == "":
		refuse(w, "not_authed")
		return
	case !equal(c.token, Token):
		refuse(w, "invalid_auth")
		return
	case c.problem != "":
		refuse(w, c.problem)
		return
	}
	m := &message{args: c.args}
	accept := func() bool {
		if code, detail := s.judge(m); code != "" {
			refuse(w, code, detail...)
			return false
		}
		m.ts = s.newTS()
		s.record(r, m, "api", r.URL.Path, c.shown)
		s.notify(m)
		return true
	}
	if !s.behave(w, r, accept) {
		return
	}
	if to, ok := channelOf(m.args.Channel); ok {
		if wait := s.take("api " + to.ID); wait > 0 {
			w.Header().Set("Retry-After", strconv.Itoa(wait))
			writeJSON(w, http.StatusTooManyRequests, map[string]any{"ok": false, "error": "ratelimited"})
			return
		}
	}
	if !accept() {
		return
	}
	answer := map[string]any{"ok": true, "channel": m.to.ID, "ts": m.ts, "message": m.posted()}
	if c.warning != "" {
		answer["warning"] = c.warning
		answer["response_metadata"] = map[string]any{"warnings": []string{c.warning}}
	}
	writeJSON(w, http.StatusOK, answer)
}

// judge finds the channel, and says why Slack would refuse the message there.
func (s *Server) judge(m *message) (code string, detail []string) {
	if m.args.Channel == "" {
		return "invalid_arguments", []string{"[ERROR] missing required field: channel"}
	}
	to, ok := channelOf(m.args.Channel)
	switch {
	case !ok:
		return "channel_not_found", nil
	case to.Refuses != "":
		return to.Refuses, nil
	}
	m.to = to
	return m.args.problem(true), nil
}

// authTest is auth.test.
func (s *Server) authTest(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxRequest))
	switch c := readCall(r, body); {
	case err != nil:
		refuse(w, "request_timeout")
	case c.token == "":
		refuse(w, "not_authed")
	case !equal(c.token, Token):
		refuse(w, "invalid_auth")
	default:
		writeJSON(w, http.StatusOK, map[string]any{"ok": true, "url": "https://waypost.slack.com/", "team": "Waypost", "user": "waypost",
			"team_id": team, "user_id": user, "bot_id": bot})
	}
}

// A call is a request of the Web API, read.
type call struct {
	token   string
	args    arguments
	problem string // the error's code, or ""
	warning string
	shown   []byte // the body without its token
}

// readCall reads the token and the arguments, in JSON or as a form. A token in
// JSON does not count; a form's values that are no text are JSON.
func readCall(r *http.Request, body []byte) (c call) {
	c.shown = body
	if token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok {
		c.token = token
	}
	header := r.Header.Get("Content-Type")
	kind, params, err := mime.ParseMediaType(header)
	if charset := params["charset"]; charset != "" && !strings.EqualFold(charset, "utf-8") && !strings.EqualFold(charset, "iso-8859-1") {
		c.problem = "invalid_charset"
		return c
	}
	switch {
	case r.Method != http.MethodPost, header == "" && len(body) > 0:
		c.problem = "missing_post_type"
	case err != nil && header != "":
		c.problem = "invalid_post_type"
	case kind == "application/json":
		c.readJSON(body)
		if params["charset"] == "" {
			c.warning = "missing_charset"
		}
	case kind == "application/x-www-form-urlencoded":
		form, err := url.ParseQuery(string(body))
		if err != nil {
			c.problem = "invalid_form_data"
			return c
		}
		if c.token == "" {
			c.token = form.Get("token")
		}
		form.Del("token")
		c.shown = []byte(form.Encode())
		c.problem = c.args.fromForm(form)
	case header != "":
		c.problem = "invalid_post_type"
	}
	return c
}

func (c *call) readJSON(body []byte) {
	var object map[string]json.RawMessage
	switch {
	case !json.Valid(body):
		c.problem = "invalid_json"
	case json.Unmarshal(body, &object) != nil || object == nil:
		c.problem = "json_not_object"
	case json.Unmarshal(body, &c.args) != nil:
		c.problem = "invalid_arguments"
	}
}

// refuse answers as the Web API does: the status says nothing.
func refuse(w http.ResponseWriter, code string, details ...string) {
	answer := map[string]any{"ok": false, "error": code}
	if len(details) > 0 {
		answer["response_metadata"] = map[string]any{"messages": details}
	}
	writeJSON(w, http.StatusOK, answer)
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}
