package local

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"
)

// A server is an http.Server that ends at once where nobody asks it anything.
// One of net/http's waits, for up to 5 s, for a first request on a connection that
// was just made; a client's transport makes some to spare.
type server struct {
	http   http.Server
	mu     sync.Mutex
	ending bool
	idle   map[net.Conn]bool // connections on which nothing was asked yet
}

func newServer(h http.Handler, log *slog.Logger) *server {
	s := &server{idle: map[net.Conn]bool{}}
	s.http = http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second, ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug), ConnState: s.note}
	return s
}

func (s *server) note(c net.Conn, state http.ConnState) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case state != http.StateNew:
		delete(s.idle, c)
	case s.ending:
		_ = c.Close()
	default:
		s.idle[c] = true
	}
}

// serve serves until end, whose reason it doesn't give.
func (s *server) serve(l net.Listener) error {
	if err := s.http.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// end ends it: what was asked is answered, as long as ctx lasts.
func (s *server) end(ctx context.Context) error {
	s.mu.Lock()
	s.ending = true
	for c := range s.idle {
		_ = c.Close()
	}
	s.mu.Unlock()
	if err := s.http.Shutdown(ctx); err != nil {
		return s.http.Close()
	}
	return nil
}
