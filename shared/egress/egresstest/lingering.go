// Package egresstest has what tests of calls over TLS share.
package egresstest

import (
	"io"
	"net"
	"time"
)

// Lingering closes the connections of a TCP listener as servers do that want
// their last word heard: after the peer has closed its own side. Else what the
// peer still sends is answered by a reset, which may overtake that word.
type Lingering struct{ net.Listener }

// Accept implements net.Listener.
func (l Lingering) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return conn{c.(*net.TCPConn)}, nil
}

type conn struct{ *net.TCPConn }

func (c conn) Close() error {
	_ = c.CloseWrite() // a peer that is gone reads nothing
	go func() {
		_ = c.SetReadDeadline(time.Now().Add(time.Second))
		_, _ = io.Copy(io.Discard, c.TCPConn)
		_ = c.TCPConn.Close()
	}()
	return nil
}
