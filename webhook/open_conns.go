package webhook

import (
	"container/list"
	"net/netip"
)

// openConns counts open connections, and decides which may stay. It is a plain value; connLimiter has the lock.
type openConns struct {
	limit, peerLimit int

	count int                // of all peers
	peers map[netip.Addr]int // by peer
	idle  *list.List         // of *limitedConn, the longest idle first
	shut  bool               // the listener is closed
}

func newOpenConns(limit, peerLimit int) openConns {
	return openConns{limit: limit, peerLimit: peerLimit, peers: map[netip.Addr]int{}, idle: list.New()}
}

// A connAnswer is what becomes of a new connection.
type connAnswer int

const (
	connMayStay    connAnswer = iota // it is counted
	connNeedsRoom                    // an idle one is to be closed for it, then it asks again
	connMustWait                     // until another one ends or becomes idle
	connOfFullPeer                   // its peer has too many
	connTooLate                      // the listener is closed
)

// admit counts a connection if it may stay. bounded says that peerLimit holds for its peer. With connNeedsRoom it returns
// the connection to close, which has been taken off the idle ones.
func (o *openConns) admit(c *limitedConn, bounded bool) (connAnswer, *limitedConn) {
	if bounded && o.peers[c.peer] >= o.peerLimit {
		if idle := o.takeIdle(func(other *limitedConn) bool { return other.peer == c.peer }); idle != nil {
			return connNeedsRoom, idle
		}
		return connOfFullPeer, nil
	}
	switch {
	case o.shut:
		return connTooLate, nil
	case o.count >= o.limit:
		if idle := o.takeIdle(func(*limitedConn) bool { return true }); idle != nil {
			return connNeedsRoom, idle
		}
		return connMustWait, nil
	}
	o.count++
	o.peers[c.peer]++
	return connMayStay, nil
}

// takeIdle takes one off the list of idle connections, and returns it: of those that match the one that has been idle
// longest; nil when none matches.
func (o *openConns) takeIdle(match func(*limitedConn) bool) *limitedConn {
	for e := o.idle.Front(); e != nil; e = e.Next() {
		if c, ok := e.Value.(*limitedConn); ok && match(c) {
			o.notIdle(c)
			return c
		}
	}
	return nil
}

// note records whether a connection is idle. It reports whether it is: a new one may then be admitted for it.
func (o *openConns) note(c *limitedConn, idle bool) bool {
	o.notIdle(c)
	if !idle || c.ended {
		return false
	}
	c.idle = o.idle.PushBack(c)
	return true
}

// notIdle takes a connection off the list of idle ones.
func (o *openConns) notIdle(c *limitedConn) {
	if c.idle != nil {
		o.idle.Remove(c.idle)
		c.idle = nil
	}
}

// remove counts a connection no more; it reports whether it was counted.
func (o *openConns) remove(c *limitedConn) bool {
	if c.ended {
		return false
	}
	c.ended = true
	o.notIdle(c)
	o.count--
	if o.peers[c.peer]--; o.peers[c.peer] == 0 {
		delete(o.peers, c.peer)
	}
	return true
}
