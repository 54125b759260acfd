//go:build !linux

package vibe

import (
	"net"
	"time"
)

// abortOnClose makes the kernel drop unsent bytes when the connection is closed. The limit
// for unacknowledged bytes works on Linux only.
func abortOnClose(conn *net.TCPConn, _ time.Duration) error { return conn.SetLinger(0) }
