package main

import (
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"sync"
	"time"
)

// A sink is the endpoint that deliveries go to. It notes when each id arrived,
// however often it did.
type sink struct {
	url    string
	server *http.Server
	news   chan struct{} // something arrived since it was last read

	mu      sync.Mutex
	arrived map[string][]time.Time
	refused int // requests without an id
}

func listenSink() (*sink, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := &sink{url: "http://" + l.Addr().String(), news: make(chan struct{}, 1), arrived: map[string][]time.Time{}}
	s.server = &http.Server{Handler: s, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = s.server.Serve(l) }() // it ends with close
	return s, nil
}

func (s *sink) close() { _ = s.server.Close() }

// ServeHTTP notes the request's id: the moment is that of the request's
// headers, before its body is read.
func (s *sink) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	at := time.Now()
	var in struct {
		ID string `json:"id"`
	}
	body, err := io.ReadAll(r.Body)
	if err == nil {
		err = json.Unmarshal(body, &in)
	}
	if err == nil && in.ID == "" {
		err = errors.New("no id")
	}
	s.note(in.ID, at, err)
	w.Header().Set("Content-Type", "application/json")
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
	}
	_, _ = io.WriteString(w, `{"ok":true}`)
}

func (s *sink) note(id string, at time.Time, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil {
		s.refused++
		return
	}
	s.arrived[id] = append(s.arrived[id], at)
	select {
	case s.news <- struct{}{}:
	default:
	}
}

// count is how many different ids arrived.
func (s *sink) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.arrived)
}

// first is when an id first arrived, or false.
func (s *sink) first(id string) (time.Time, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	at := s.arrived[id]
	if len(at) == 0 {
		return time.Time{}, false
	}
	return at[0], true
}

// A tally is how the ids that arrived compare with those that were sent.
type tally struct {
	lost, doubled, unknown []string
	refused                int
}

// tally holds what arrived against what was sent.
func (s *sink) tally(sent []string) tally {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := tally{refused: s.refused}
	wanted := make(map[string]bool, len(sent))
	for _, id := range sent {
		wanted[id] = true
		switch n := len(s.arrived[id]); {
		case n == 0:
			t.lost = append(t.lost, id)
		case n > 1:
			t.doubled = append(t.doubled, id)
		}
	}
	for id := range s.arrived {
		if !wanted[id] {
			t.unknown = append(t.unknown, id)
		}
	}
	return t
}
