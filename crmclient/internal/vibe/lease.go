package vibe

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"sync/atomic"
	"time"
)

// leasedConn asks the lease of its request at every Write. So a process that was frozen at any point
// before writes nothing when it runs again.
type leasedConn struct {
	net.Conn
	current atomic.Pointer[requestWrite] // nil while it carries no request, in handshakes for example
}

// requestWrite follows the writing of one request to its connection.
type requestWrite struct {
	lease     func() error              // nil: always held
	wrote     atomic.Bool               // a byte may have left
	exclusive atomic.Bool               // the connection carries only this request: HTTP/1
	shared    atomic.Bool               // the connection may carry several requests: HTTP/2
	lost      atomic.Pointer[error]     // the lease's error, if it stopped the request
	last      atomic.Pointer[time.Time] // end of the latest write; nil during a write, and after one that failed
}

// writtenAt returns when the request had been written; zero if nothing of it was written. at is when
// net/http reported this, which may be before it empties its buffer; nil: it reported nothing. If the
// time is not known, writtenAt returns now, the latest time that is possible.
func (w *requestWrite) writtenAt(at *time.Time) time.Time {
	wrote, last, exclusive := w.wrote.Load(), w.last.Load(), w.exclusive.Load()
	onlyPart := exclusive && (last == nil || w.lost.Load() != nil)
	switch {
	case !wrote && (exclusive || at == nil):
		return time.Time{}
	case at == nil, onlyPart:
		return time.Now()
	case exclusive && last.After(*at):
		return *last
	}
	return *at
}

// askLease returns an error if the lease is lost, so that the request must stop.
func (w *requestWrite) askLease() error {
	if w.lease == nil {
		return nil
	}
	if err := w.lease(); err != nil {
		w.lost.CompareAndSwap(nil, &err)
		return errLeaseInWrite
	}
	return nil
}

// errLeaseInWrite stands for the lease's error inside the transport, so that the lease's text is not part of the transport's
// errors.
var errLeaseInWrite = errors.New("lease lost before write")

func (c *leasedConn) Write(b []byte) (int, error) {
	w := c.current.Load()
	if w == nil {
		return c.Conn.Write(b)
	}
	if err := w.askLease(); err != nil {
		return 0, err
	}
	// This is noted before the write, because a write that fails may have sent something.
	w.last.Store(nil)
	w.wrote.Store(true)
	n, err := c.Conn.Write(b)
	if err == nil {
		now := time.Now()
		w.last.Store(&now)
	}
	return n, err
}

// bind binds a request to the connection that it got. An HTTP/2 connection may carry several requests at
// a time; there the lease is asked when the request's body is read, see leasedBody.
func bind(conn net.Conn, w *requestWrite) {
	for {
		switch c := conn.(type) {
		case *leasedConn:
			w.exclusive.Store(true)
			c.current.Store(w)
			return
		case *tls.Conn:
			if c.ConnectionState().NegotiatedProtocol == "h2" {
				w.shared.Store(true)
				return
			}
			conn = c.NetConn()
		default:
			return
		}
	}
}

// leasedBody is a body whose reading fails when the request's lease is lost.
type leasedBody struct {
	rest  []byte
	write *requestWrite
}

func (b *leasedBody) Read(p []byte) (int, error) {
	if len(b.rest) == 0 {
		return 0, io.EOF
	}
	if err := b.write.askLease(); err != nil {
		return 0, err
	}
	if b.write.shared.Load() {
		b.write.wrote.Store(true)
	}
	n := copy(p, b.rest)
	b.rest = b.rest[n:]
	return n, nil
}

func (b *leasedBody) Close() error { return nil }
