package local

import (
	"bufio"
	"io"
	"log/slog"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"
)

// pipes listens for connections that are given to it.
type pipes chan net.Conn

func (p pipes) Accept() (net.Conn, error) {
	if c, open := <-p; open {
		return c, nil
	}
	return nil, net.ErrClosed
}

func (p pipes) Close() error   { close(p); return nil }
func (p pipes) Addr() net.Addr { return &net.TCPAddr{} }

// A server ends at once beside connections on which nothing was asked, and
// answers what was.
func TestServerEnds(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name string
		asks bool
		want time.Duration
	}{{"nothing was asked", false, 0}, {"a request is at work", true, time.Second}} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := newServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
					time.Sleep(time.Second)
					_, _ = io.WriteString(w, "done")
				}), slog.New(slog.DiscardHandler))
				l := make(pipes)
				served := make(chan error, 1)
				go func() { served <- s.serve(l) }()
				client, conn := net.Pipe()
				l <- conn
				answer := make(chan string, 1)
				if tc.asks {
					go func() {
						_, _ = io.WriteString(client, "GET / HTTP/1.1\r\nHost: h\r\n\r\n")
						res, err := http.ReadResponse(bufio.NewReader(client), nil)
						if err != nil {
							answer <- err.Error()
							return
						}
						body, _ := io.ReadAll(res.Body)
						answer <- string(body)
					}()
				}
				synctest.Wait()
				began := time.Now()
				if err := s.end(t.Context()); err != nil {
					t.Error(err)
				}
				// net/http looks every so often, at most 500 ms apart, whether all is done.
				if took := time.Since(began); took < tc.want || took > tc.want+500*time.Millisecond {
					t.Errorf("it ended after %v, want %v", took, tc.want)
				}
				if err := <-served; err != nil {
					t.Error(err)
				}
				if tc.asks {
					if got := <-answer; got != "done" {
						t.Errorf("got %q", got)
					}
				}
				_ = client.Close()
			})
		})
	}
}
