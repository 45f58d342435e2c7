//go:build !(linux || darwin || freebsd || netbsd || openbsd)

package egress

import "net"

// closedByPeer is not known here; the transport's own read notices a close.
func closedByPeer(net.Conn, bool) bool { return false }
