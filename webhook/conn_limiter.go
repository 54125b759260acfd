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

	limit, peerLimit int
	trusts           func(netip.Addr) bool // reports whether an address is a trusted proxy: it has no limit of its own
	onClose          func(cause string)

	mu     sync.Mutex
	change *sync.Cond         // signalled when a connection ends or becomes idle, and when the listener closes
	count  int                // guarded by mu; open connections
	peers  map[netip.Addr]int // guarded by mu; open connections by peer
	idle   *list.List         // guarded by mu; of *limitedConn, the longest idle first
	shut   bool               // guarded by mu
}

// Causes for which connections are closed.
const (
	closedIdle = "idle" // it was idle, and another one came
	closedPeer = "peer" // its peer has too many
)

func newConnLimiter(inner net.Listener, limit, peerLimit int, trusts func(netip.Addr) bool, onClose func(cause string)) *connLimiter {
	l := &connLimiter{
		Listener: inner, limit: limit, peerLimit: peerLimit, trusts: trusts, onClose: onClose, peers: map[netip.Addr]int{}, idle: list.New(),
	}
	l.change = sync.NewCond(&l.mu)
	return l
}

// limitedConn is a connection that the limiter counts.
type limitedConn struct {
	net.Conn
	limiter *connLimiter
	peer    netip.Addr
	idle    *list.Element // its element of limiter.idle, guarded by limiter.mu; nil: it is not idle
	ended   bool          // guarded by limiter.mu; it is not counted any more
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
	l.mu.Lock()
	defer l.mu.Unlock()
	for bounded && l.peers[c.peer] >= l.peerLimit {
		if !l.closeIdle(func(o *limitedConn) bool { return o.peer == c.peer }) {
			l.onClose(closedPeer)
			return false
		}
	}
	for l.count >= l.limit && !l.shut {
		if !l.closeIdle(func(*limitedConn) bool { return true }) {
			l.change.Wait()
		}
	}
	if l.shut {
		return false
	}
	l.count++
	l.peers[c.peer]++
	return true
}

// closeIdle closes the longest idle of the connections that match, and reports whether there was one. It is called
// with mu held, and releases it while it closes.
func (l *connLimiter) closeIdle(match func(*limitedConn) bool) bool {
	for e := l.idle.Front(); e != nil; e = e.Next() {
		if c, ok := e.Value.(*limitedConn); ok && match(c) {
			l.idle.Remove(e)
			c.idle = nil
			l.mu.Unlock()
			l.onClose(closedIdle)
			_ = c.Close()
			l.mu.Lock()
			return true
		}
	}
	return false
}

// connState is the server's [http.Server.ConnState]: it learns from it which connections are idle.
func (l *connLimiter) connState(conn net.Conn, state http.ConnState) {
	c, ok := conn.(*limitedConn)
	if !ok {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.notIdle(c)
	if state == http.StateIdle && !c.ended {
		c.idle = l.idle.PushBack(c)
		l.change.Broadcast()
	}
}

// notIdle takes a connection off the list of idle ones. It is called with mu held.
func (l *connLimiter) notIdle(c *limitedConn) {
	if c.idle != nil {
		l.idle.Remove(c.idle)
		c.idle = nil
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
	if c.ended {
		return
	}
	c.ended = true
	l.notIdle(c)
	l.count--
	if l.peers[c.peer]--; l.peers[c.peer] == 0 {
		delete(l.peers, c.peer)
	}
	l.change.Broadcast()
}

// Close closes the listener, and with it each new connection that still waits to be admitted.
func (l *connLimiter) Close() error {
	l.mu.Lock()
	l.shut = true
	l.change.Broadcast()
	l.mu.Unlock()
	return l.Listener.Close()
}
