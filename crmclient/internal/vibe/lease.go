package vibe

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"sync/atomic"
	"time"
)

// leasedConn asks the lease of the request that it carries in every Write, so that a process
// that was frozen anywhere before writes nothing when it runs again.
type leasedConn struct {
	net.Conn
	current atomic.Pointer[requestWrite] // nil while it carries no request, in handshakes for example
}

// requestWrite follows the writing of one request to its connection.
type requestWrite struct {
	lease     func() error              // nil: always held
	wrote     atomic.Bool               // a byte may have left
	exclusive atomic.Bool               // the connection carries nothing else meanwhile
	shared    atomic.Bool               // the connection is one of HTTP/2
	lost      atomic.Pointer[error]     // the lease's, when it stopped the request
	last      atomic.Pointer[time.Time] // end of the latest write; nil during one, and after one that failed
}

// writtenAt returns when the request had been written, the zero time when nothing of it ever
// was. at is what net/http said, which may be before it empties its buffer; nil: it said nothing.
// Where the time is not known it returns now, as an absence counts from there.
func (w *requestWrite) writtenAt(at *time.Time) time.Time {
	wrote, last := w.wrote.Load(), w.last.Load()
	switch {
	case !wrote && (w.exclusive.Load() || at == nil):
		return time.Time{}
	case at == nil, w.exclusive.Load() && (last == nil || w.lost.Load() != nil): // only a part was written
		return time.Now()
	case w.exclusive.Load() && last.After(*at):
		return *last
	}
	return *at
}

// askLease returns an error when the request may not go on.
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

// errLeaseInWrite keeps the words of the lease out of the transport's errors.
var errLeaseInWrite = errors.New("lease lost before write")

func (c *leasedConn) Write(b []byte) (int, error) {
	w := c.current.Load()
	if w == nil {
		return c.Conn.Write(b)
	}
	if err := w.askLease(); err != nil {
		return 0, err
	}
	// Noted before, not after: a write that fails may have sent something.
	w.last.Store(nil)
	w.wrote.Store(true)
	n, err := c.Conn.Write(b)
	if err == nil {
		now := time.Now()
		w.last.Store(&now)
	}
	return n, err
}

// bind ties a request to the connection that it got. An HTTP/2 connection carries several at a
// time: there the reading of the request's body asks the lease.
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
