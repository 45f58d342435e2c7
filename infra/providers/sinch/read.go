package sinch

import (
	"net/http"
	"slices"
	"strings"
)

// find gives a copy of the batch that a request's path names, or answers 404.
func (s *Server) find(w http.ResponseWriter, r *http.Request) (batch, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.batches[r.PathValue("batch")] // a change replaces it
	if b == nil {
		notFound(w, r)
		return batch{}, false
	}
	return *b, true
}

// read is GET batches/{id}.
func (s *Server) read(w http.ResponseWriter, r *http.Request) {
	if b, ok := s.find(w, r); ok {
		writeJSON(w, http.StatusOK, b)
	}
}

// cancel is DELETE batches/{id}. A batch that was sent stays as it is.
func (s *Server) cancel(w http.ResponseWriter, r *http.Request) {
	b, ok := s.find(w, r)
	if !ok {
		return
	}
	if now := s.opts.Now().UTC(); b.due.After(now) {
		b.Canceled, b.ModifiedAt = true, now.Format(stamp)
		s.mu.Lock()
		s.batches[b.ID] = &b
		s.mu.Unlock()
	}
	writeJSON(w, http.StatusOK, b)
}

// A status is one line of a delivery report.
type status struct {
	Code       int      `json:"code"`
	Status     string   `json:"status"`
	Count      int      `json:"count"`
	Recipients []string `json:"recipients,omitempty"` // in a full report
}

// report is GET batches/{id}/delivery_report.
func (s *Server) report(w http.ResponseWriter, r *http.Request) {
	b, ok := s.find(w, r)
	if !ok {
		return
	}
	kind := r.URL.Query().Get("type")
	if kind != "" && kind != "summary" && kind != "full" {
		writeProblem(w, malformed("type: must be one of summary, full"))
		return
	}
	writeJSON(w, http.StatusOK, b.report(kind, !b.due.After(s.opts.Now())))
}

// report is a batch's delivery report. A full one names the recipients.
func (b *batch) report(kind string, sent bool) map[string]any {
	statuses := b.statuses(sent)
	if kind != "full" {
		for i := range statuses {
			statuses[i].Recipients = nil
		}
	}
	return map[string]any{"type": "delivery_report_sms", "batch_id": b.ID, "client_reference": b.ClientReference,
		"total_message_count": len(b.To), "statuses": statuses}
}

// statuses says what became of each recipient's message.
func (b *batch) statuses(sent bool) []status {
	var all []status
	add := func(code int, name, to string) {
		i := slices.IndexFunc(all, func(s status) bool { return s.Status == name })
		if i < 0 {
			i, all = len(all), append(all, status{Code: code, Status: name})
		}
		all[i].Count++
		all[i].Recipients = append(all[i].Recipients, strings.TrimPrefix(to, "+"))
	}
	for _, to := range b.To {
		switch {
		case b.Canceled:
			add(407, "Cancelled", to)
		case !sent:
			add(400, "Queued", to)
		default:
			name, code := fate(to)
			add(code, name, to)
		}
	}
	return all
}
