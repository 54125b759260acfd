package vibe

import (
	"net"
	"time"

	"golang.org/x/sys/unix"
)

// abortOnClose makes the kernel drop the unsent bytes of a connection when it is closed, also
// by the death of the process, and when the other side has not acknowledged them within the
// limit. Otherwise a create might arrive long after its sender has given it up.
func abortOnClose(conn *net.TCPConn, limit time.Duration) error {
	if err := conn.SetLinger(0); err != nil {
		return err
	}
	raw, err := conn.SyscallConn()
	if err != nil {
		return err
	}
	var set error
	err = raw.Control(func(fd uintptr) {
		set = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(limit.Milliseconds()))
	})
	if err != nil {
		return err
	}
	return set
}
