package foreign

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os/exec"
	"syscall"
	"time"
)

// A Server is a program that serves on the loopback, as a child process. Make
// it with Start.
type Server struct {
	cmd   *exec.Cmd
	ended chan struct{} // closed when the process is gone
}

// Start starts a command. Stop must be called.
func Start(cmd *exec.Cmd) (*Server, error) {
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	s := &Server{cmd: cmd, ended: make(chan struct{})}
	go func() {
		_ = cmd.Wait() // how it ended says nothing that its output does not
		close(s.ended)
	}()
	return s, nil
}

// Ready asks until the server answers, for a minute at most. It gives up where
// the process ended.
func (s *Server) Ready(ctx context.Context, asks func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		err := asks(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-s.ended:
			return errors.New("it ended before it answered")
		case <-ctx.Done():
			return fmt.Errorf("it did not answer within a minute: %w", err)
		case <-tick.C:
		}
	}
}

// Stop ends the process: by SIGTERM, and after 5 s by SIGKILL.
func (s *Server) Stop() {
	_ = s.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-s.ended:
	case <-time.After(5 * time.Second):
		_ = s.cmd.Process.Kill()
		<-s.ended
	}
}

// FreePort finds a port of the loopback that nobody listens on.
func FreePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer func() { _ = l.Close() }()
	return l.Addr().(*net.TCPAddr).Port, nil
}
