package entry

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"

	"github.com/waypost/waypost/shared/fault"
	"github.com/waypost/waypost/shared/problem"
)

// ServeHTTP takes an event by POST /entry/, and answers 202 with an Answer, or
// a problem.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	problem.LoggingTo(h.Log, http.HandlerFunc(h.answer)).ServeHTTP(w, r)
}

func (h *Handler) answer(w http.ResponseWriter, r *http.Request) {
	a, err := h.serve(w, r)
	if err != nil {
		problem.Write(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusAccepted)
	_ = json.NewEncoder(w).Encode(a) // the event is accepted, whether or not its sender still listens
}

func (h *Handler) serve(w http.ResponseWriter, r *http.Request) (Answer, error) {
	if r.URL.Path != "/entry/" && r.URL.Path != "/entry" && r.URL.Path != "/" {
		return Answer{}, fault.New(fault.NotFound, "there is no %s here: POST an event to /entry/", r.URL.Path)
	}
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		return Answer{}, problem.MethodNotAllowed("POST an event to /entry/")
	}
	// curl -d says form-urlencoded of anything: what is not JSON fails below.
	if kind := r.Header.Get("Content-Type"); kind != "" && !isJSON(kind) && kind != "application/x-www-form-urlencoded" {
		return Answer{}, fault.New(fault.Unsupported, "an event must be application/cloudevents+json or application/json, not %s", kind)
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, MaxEvent))
	if _, large := errors.AsType[*http.MaxBytesError](err); large {
		return Answer{}, fault.New(fault.TooLarge, "the event is over the limit of %d bytes", MaxEvent)
	}
	if err != nil {
		return Answer{}, fault.Wrap(err, fault.Malformed, "the event's body could not be read")
	}
	event, err := ParseEvent(body)
	if err != nil {
		return Answer{}, err
	}
	return h.Enter(r.Context(), event)
}
