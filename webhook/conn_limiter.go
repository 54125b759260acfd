package webhook

import (
	"container/list"
	"net"
	"net/http"
	"net/netip"
	"sync"
)

// connLimiter is a listener that bounds the open connections, of all peers and of each. A connection that waits for
// its next request keeps no other one out: the one that has been idle longest is closed for a new one. When none is
// idle, a new connection is closed if its own peer has too many, and waits if all peers together have.
type connLimiter struct {
	net.Listener

	trusts  func(netip.Addr) bool // reports whether an address is a trusted proxy: it has no limit of its own
	onClose func(cause string)

	mu     sync.Mutex
	change *sync.Cond // signalled when a connection ends or becomes idle, and when the listener closes
	open   openConns  // guarded by mu
}

// Causes for which connections are closed.
const (
	closedIdle = "idle" // the connection was idle, and another one needed its place
	closedPeer = "peer" // its peer has too many connections
)

func newConnLimiter(inner net.Listener, limit, peerLimit int, trusts func(netip.Addr) bool, onClose func(cause string)) *connLimiter {
	l := &connLimiter{Listener: inner, trusts: trusts, onClose: onClose, open: newOpenConns(limit, peerLimit)}
	l.change = sync.NewCond(&l.mu)
	return l
}

// limitedConn is a connection that the limiter counts.
type limitedConn struct {
	net.Conn
	limiter *connLimiter
	peer    netip.Addr

	// Both belong to the limiter's openConns.
	idle  *list.Element // its element of openConns.idle; nil: it is not idle
	ended bool          // the connection is no longer counted; false: it is
}

// Accept returns the next connection that is within the limits.
func (l *connLimiter) Accept() (net.Conn, error) {
	for {
		conn, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		from := peerOf(conn.RemoteAddr().String())
		c := &limitedConn{Conn: conn, limiter: l, peer: asPeer(from)}
		if l.admit(c, !l.trusts(from)) {
			return c, nil
		}
		_ = conn.Close()
	}
}

// admit counts a connection, and closes an idle one for it where it must. It reports whether the connection may stay.
func (l *connLimiter) admit(c *limitedConn, bounded bool) bool {
	for {
		switch answer, idle := l.await(c, bounded); answer {
		case connMayStay:
			return true
		case connNeedsRoom:
			l.onClose(closedIdle)
			_ = idle.Close()
		case connOfFullPeer:
			l.onClose(closedPeer)
			return false
		default:
			return false
		}
	}
}

// await waits while the connection must wait, and returns what becomes of it then, and which one is to be closed for it.
func (l *connLimiter) await(c *limitedConn, bounded bool) (connAnswer, *limitedConn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for {
		answer, idle := l.open.admit(c, bounded)
		if answer != connMustWait {
			return answer, idle
		}
		l.change.Wait()
	}
}

// connState is the server's [http.Server.ConnState]: it learns from it which connections are idle.
func (l *connLimiter) connState(conn net.Conn, state http.ConnState) {
	c, ok := conn.(*limitedConn)
	if !ok {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.open.note(c, state == http.StateIdle) {
		l.change.Broadcast()
	}
}

// Close closes the connection; it counts no more.
func (c *limitedConn) Close() error {
	c.limiter.remove(c)
	return c.Conn.Close()
}

func (l *connLimiter) remove(c *limitedConn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.open.remove(c) {
		l.change.Broadcast()
	}
}

// Close closes the listener, and with it each new connection that still waits to be admitted.
func (l *connLimiter) Close() error {
	l.mu.Lock()
	l.open.shut = true
	l.change.Broadcast()
	l.mu.Unlock()
	return l.Listener.Close()
}
