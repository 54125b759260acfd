package main

import (
	"io"
	"net"
	"testing"
	"time"
)

// echo answers with what it got.
func echo(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() { _, _ = io.Copy(conn, conn); conn.Close() }()
		}
	}()
	return l.Addr().String()
}

// walker is a connection by way of a path.
func walker(t *testing.T) (*path, net.Conn) {
	t.Helper()
	p, err := newPath(1)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.close)
	p.serve(0, echo(t))
	conn, err := net.Dial("tcp", p.addrs()[0])
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return p, conn
}

// say sends a byte; heard awaits one.
func say(t *testing.T, conn net.Conn, b byte) {
	t.Helper()
	if _, err := conn.Write([]byte{b}); err != nil {
		t.Fatal(err)
	}
}

func heard(t *testing.T, conn net.Conn, want byte) {
	t.Helper()
	got := make([]byte, 1)
	if _, err := io.ReadFull(conn, got); err != nil || got[0] != want {
		t.Fatalf("heard %q, %v, want %q", got, err, want)
	}
}

// silent tells whether nothing comes for a moment.
func silent(t *testing.T, conn net.Conn) {
	t.Helper()
	if err := conn.SetReadDeadline(time.Now().Add(50 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	if n, err := conn.Read(make([]byte, 1)); n != 0 {
		t.Fatalf("heard something on a path that is cut, %v", err)
	}
	if err := conn.SetReadDeadline(time.Time{}); err != nil {
		t.Fatal(err)
	}
}

// TestCutPathKeepsBytes is why this is no proxy that drops: what was sent while the path
// was cut arrives when it is healed, long after its sender has given up.
func TestCutPathKeepsBytes(t *testing.T) {
	t.Parallel()
	p, conn := walker(t)
	say(t, conn, 'a')
	heard(t, conn, 'a')
	p.cut()
	say(t, conn, 'b')
	silent(t, conn)
	p.heal()
	heard(t, conn, 'b')
}

func TestResetPathLosesBytes(t *testing.T) {
	t.Parallel()
	p, conn := walker(t)
	say(t, conn, 'a')
	heard(t, conn, 'a')
	p.cut()
	say(t, conn, 'b')
	p.reset()
	p.heal()
	if n, err := conn.Read(make([]byte, 1)); err == nil {
		t.Errorf("heard %d bytes over a connection that was reset", n)
	}
}

func TestSlowPathIsLate(t *testing.T) {
	t.Parallel()
	p, conn := walker(t)
	say(t, conn, 'a')
	heard(t, conn, 'a')
	const late = 30 * time.Millisecond
	p.slow(late)
	began := time.Now()
	say(t, conn, 'b')
	heard(t, conn, 'b')
	if took := time.Since(began); took < 2*late {
		t.Errorf("both ways took %v, want %v at least", took, 2*late)
	}
}

// TestPathIsHealedAsOftenAsItWasCut: two blows may cut one path.
func TestPathIsHealedAsOftenAsItWasCut(t *testing.T) {
	t.Parallel()
	p, conn := walker(t)
	p.cut()
	p.cut()
	say(t, conn, 'a')
	p.heal()
	silent(t, conn)
	p.heal()
	heard(t, conn, 'a')
	p.cut() // closing it must not hang
}
