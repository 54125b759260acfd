package vibe

import (
	"net"
	"testing"

	"golang.org/x/sys/unix"
)

func checkSocket(t *testing.T, conn net.Conn) {
	t.Helper()
	tcp, ok := conn.(*leasedConn).Conn.(*net.TCPConn)
	if !ok {
		t.Fatalf("connection is a %T", conn)
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var limit int
	var linger *unix.Linger
	var errs [2]error
	err = raw.Control(func(fd uintptr) {
		limit, errs[0] = unix.GetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT)
		linger, errs[1] = unix.GetsockoptLinger(int(fd), unix.SOL_SOCKET, unix.SO_LINGER)
	})
	if err != nil || errs[0] != nil || errs[1] != nil {
		t.Fatal(err, errs)
	}
	if limit != 5000 {
		t.Errorf("TCP_USER_TIMEOUT is %d ms", limit)
	}
	if linger.Onoff == 0 || linger.Linger != 0 {
		t.Errorf("linger is %+v", *linger)
	}
}
