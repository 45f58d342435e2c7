package egress

import (
	"errors"
	"io"
	"net"
	"runtime"
	"testing"
)

// pair gives both ends of a connection. Nobody reads from the client's end, as
// in a Lambda instance that has just been thawed.
func pair(t *testing.T) (client *conn, peer net.Conn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	peer, err = l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close(); peer.Close() })
	return &conn{Conn: c}, peer
}

func TestAReusedConnectionIsLookedAtBeforeItIsWritten(t *testing.T) {
	for _, tc := range []struct {
		name string
		peer func(net.Conn)
		h2   bool
		want bool
	}{
		{"closed", func(c net.Conn) { c.Close() }, false, true},
		{"closed, HTTP/2", func(c net.Conn) { c.Close() }, true, true},
		{"reset", func(c net.Conn) { c.(*net.TCPConn).SetLinger(0); c.Close() }, false, true},
		{"something to be read", func(c net.Conn) { io.WriteString(c, "bye") }, false, true},
		{"something to be read, HTTP/2", func(c net.Conn) { io.WriteString(c, "ping") }, true, false},
		{"alive", func(net.Conn) {}, false, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c, peer := pair(t)
			tc.peer(peer)
			// What the peer did takes a moment to arrive.
			for tc.want && !closedByPeer(c.Conn, tc.h2) {
				runtime.Gosched()
			}
			c.h2.Store(tc.h2)
			c.reused.Store(true)
			n, err := c.Write([]byte("POST"))
			if stale := errors.Is(err, errStale); stale != tc.want || (n == 0) != tc.want || (c.writes.Load() == 0) != tc.want {
				t.Errorf("wrote %d bytes, %v, in %d writes; want stale %t", n, err, c.writes.Load(), tc.want)
			}
		})
	}
}

func TestASealedConnectionIsNotWritten(t *testing.T) {
	c, _ := pair(t)
	if _, err := c.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	if got, want := c.seal(), int64(1); got != want {
		t.Errorf("%d writes before the seal, want %d", got, want)
	}
	if n, err := c.Write([]byte("x")); n != 0 || !errors.Is(err, errSealed) {
		t.Errorf("after the seal: wrote %d, %v", n, err)
	}
}
