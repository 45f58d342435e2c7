//go:build linux || darwin || freebsd || netbsd || openbsd

package egress

import (
	"net"
	"syscall"
)

// closedByPeer looks, without waiting or reading, whether a resting
// connection was closed by its peer. An HTTP/1 connection that has anything to
// be read while it rests is as good as closed: what came is TLS's farewell, or
// an answer that nobody asked for.
func closedByPeer(c net.Conn, h2 bool) (closed bool) {
	sc, ok := c.(syscall.Conn)
	if !ok {
		return false
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return false
	}
	// Control, unlike Read, does not wait for the transport's pending read.
	_ = raw.Control(func(fd uintptr) {
		var b [1]byte
		n, _, err := syscall.Recvfrom(int(fd), b[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		switch {
		case err == syscall.EAGAIN || err == syscall.EINTR:
		case err != nil || n == 0:
			closed = true
		default:
			closed = !h2
		}
	})
	return closed
}
