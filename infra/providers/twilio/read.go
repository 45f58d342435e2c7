package twilio

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// resource is GET, POST and DELETE Messages/{Sid}.json.
func (s *Server) resource(w http.ResponseWriter, r *http.Request) {
	sid, ok := strings.CutSuffix(r.PathValue("message"), ".json")
	s.mu.Lock()
	m := s.messages[sid]
	s.mu.Unlock()
	if !ok || m == nil || m.AccountSID != r.PathValue("account") {
		notFound(w, r)
		return
	}
	switch r.Method {
	case http.MethodGet:
		s.mu.Lock()
		c := *m
		s.mu.Unlock()
		writeJSON(w, http.StatusOK, c)
	case http.MethodPost:
		s.change(w, r, m)
	case http.MethodDelete:
		s.mu.Lock()
		delete(s.messages, sid)
		s.order = slices.DeleteFunc(s.order, func(id string) bool { return id == sid })
		s.mu.Unlock()
		w.WriteHeader(http.StatusNoContent)
	default:
		writeProblem(w, &problem{20004, http.StatusMethodNotAllowed, "Method not allowed"})
	}
}

// change cancels a scheduled message, or redacts a body.
func (s *Server) change(w http.ResponseWriter, r *http.Request, m *message) {
	form, _, p := readForm(w, r)
	if p != nil {
		writeProblem(w, p)
		return
	}
	s.mu.Lock()
	body, redact := form["Body"]
	switch status := form.Get("Status"); {
	case status == "canceled" && m.Status == "scheduled":
		m.Status = "canceled"
		if m.callback != "" {
			s.sendStatus(m, "canceled", 0, 0)
		}
	case status != "":
		p = bad(30409, "Message not in cancelable state")
	case redact && body[0] == "":
		m.Body = ""
	case redact:
		p = bad(20001, "A message's body can only be set to an empty string")
	}
	c := *m
	s.mu.Unlock()
	if p != nil {
		writeProblem(w, p)
		return
	}
	writeJSON(w, http.StatusOK, c)
}

const (
	defaultPage = 50
	maxPage     = 1000
)

// list is GET Messages.json: newest first, by To, From and day of sending.
func (s *Server) list(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	size, page := number(q, "PageSize", defaultPage), number(q, "Page", 0)
	size = max(1, min(size, maxPage))
	var found []message
	s.mu.Lock()
	for _, sid := range slices.Backward(s.order) {
		if m := s.messages[sid]; m.AccountSID == r.PathValue("account") && matches(m, q) {
			found = append(found, *m)
		}
	}
	s.mu.Unlock()
	start := min(page*size, len(found))
	end := min(start+size, len(found))
	uri := func(page int) string {
		q.Set("PageSize", strconv.Itoa(size))
		q.Set("Page", strconv.Itoa(page))
		return r.URL.Path + "?" + q.Encode()
	}
	var next, previous *string
	if end < len(found) {
		u := uri(page + 1)
		next = &u
	}
	if page > 0 {
		u := uri(page - 1)
		previous = &u
	}
	writeJSON(w, http.StatusOK, map[string]any{
		"messages": append([]message{}, found[start:end]...), "page": page, "page_size": size, "start": start, "end": max(start, end-1),
		"uri": uri(page), "first_page_uri": uri(0), "next_page_uri": next, "previous_page_uri": previous,
	})
}

func number(q url.Values, name string, otherwise int) int {
	n, err := strconv.Atoi(q.Get(name))
	if err != nil || n < 0 || n > 1<<20 {
		return otherwise
	}
	return n
}

// matches applies the filters. A day alone means that day in UTC; "DateSent>"
// and "DateSent<" as parameter names mean from it on, and up to it.
func matches(m *message, q url.Values) bool {
	if to := q.Get("To"); to != "" && to != m.To {
		return false
	}
	if from := q.Get("From"); from != "" && (m.From == nil || *m.From != from) {
		return false
	}
	day := m.sent.Format(time.DateOnly)
	if on := q.Get("DateSent"); on != "" && !strings.HasPrefix(on, day) {
		return false
	}
	if from := q.Get("DateSent>"); from != "" && m.sent.Before(instant(from)) {
		return false
	}
	if to := q.Get("DateSent<"); to != "" && m.sent.After(instant(to)) {
		return false
	}
	return true
}

// instant reads a day or a time; what it can't read is the zero time.
func instant(s string) time.Time {
	for _, layout := range []string{time.RFC3339, time.DateOnly} {
		if t, err := time.Parse(layout, s); err == nil {
			return t
		}
	}
	return time.Time{}
}
