//go:build !linux

package crmclient

import (
	"net"
	"time"
)

// abandon makes the kernel drop unsent bytes when the connection is closed. The
// limit for unacknowledged bytes is Linux only.
func abandon(conn *net.TCPConn, _ time.Duration) error { return conn.SetLinger(0) }
