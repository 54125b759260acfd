package crmclient

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"sync/atomic"
	"time"
)

const (
	dialTimeout = 10 * time.Second
	// idleTimeout is shorter than servers' usual 60 s and more: a create that
	// meets a connection just being closed is in doubt for half a minute.
	idleTimeout = 30 * time.Second
	// batchBuffer holds a usual batch, or its answer, in bytes: one that is larger by a little
	// leaves in two writes, and net/http makes a buffer for the second.
	batchBuffer = 64 << 10
)

type dialFunc func(ctx context.Context, network, address string) (net.Conn, error)

// newTransport makes connections that die with their owner and that no create
// leaves on without a lease. Unacknowledged bytes are given up after runTime.
func newTransport(dial dialFunc, slots int, runTime time.Duration) *http.Transport {
	proxy := http.ProxyFromEnvironment
	if dial == nil {
		dial = (&net.Dialer{Timeout: dialTimeout}).DialContext
	} else {
		proxy = nil // a private network has no proxies
	}
	return &http.Transport{
		Proxy: proxy,
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			conn, err := dial(ctx, network, address)
			if err != nil {
				return nil, err
			}
			if tcp, ok := conn.(*net.TCPConn); ok {
				if err := abandon(tcp, runTime); err != nil {
					return nil, errors.Join(err, conn.Close())
				}
			}
			return &leasedConn{Conn: conn}, nil
		},
		ForceAttemptHTTP2:   true, // a dialer of our own switches it off otherwise
		MaxIdleConnsPerHost: slots + 1,
		IdleConnTimeout:     idleTimeout,
		TLSHandshakeTimeout: dialTimeout,
		WriteBufferSize:     batchBuffer, // a batch leaves in one write, or not at all
		ReadBufferSize:      batchBuffer,
	}
}

// leasedConn asks the lease of the request that it carries in every Write, so
// that a process that was frozen anywhere before writes nothing after it thawed.
type leasedConn struct {
	net.Conn
	lease atomic.Pointer[passage] // nil while no request is on it, in handshakes for example
}

// passage is one request's way over a connection.
type passage struct {
	lease  func() error // nil: always held
	wrote  atomic.Bool  // a byte may have left
	own    atomic.Bool  // on a connection that carries nothing else meanwhile
	shared atomic.Bool  // on an HTTP/2 connection
	lost   atomic.Pointer[error]
	last   atomic.Pointer[time.Time] // end of the latest write; nil during one, and after one that failed
}

// writtenAt tells when the request was on the wire, the zero time when nothing of it ever
// was. net/http says at, which may be before it empties its buffer; nil: it did not say.
func (p *passage) writtenAt(at *time.Time) time.Time {
	wrote, last := p.wrote.Load(), p.last.Load()
	switch {
	case !wrote && (p.own.Load() || at == nil):
		return time.Time{}
	case at == nil, p.own.Load() && (last == nil || p.lost.Load() != nil): // a part of it: as late as can be
		return time.Now()
	case p.own.Load():
		return later(*at, *last)
	}
	return *at
}

// ask tells whether the request may go on.
func (p *passage) ask() error {
	if p.lease == nil {
		return nil
	}
	if err := p.lease(); err != nil {
		p.lost.CompareAndSwap(nil, &err)
		return errLeaseInWrite
	}
	return nil
}

// errLeaseInWrite keeps the words of the lease out of the transport's errors.
var errLeaseInWrite = errors.New("lease lost before write")

func (c *leasedConn) Write(b []byte) (int, error) {
	p := c.lease.Load()
	if p == nil {
		return c.Conn.Write(b)
	}
	if err := p.ask(); err != nil {
		return 0, err
	}
	// Noted before, not after: a write that fails may have sent something.
	p.last.Store(nil)
	p.wrote.Store(true)
	n, err := c.Conn.Write(b)
	if err == nil {
		now := time.Now()
		p.last.Store(&now)
	}
	return n, err
}

// carry ties a request to the connection it got. On HTTP/2 a connection carries several
// at a time: there the reading of the request's body asks the lease.
func carry(conn net.Conn, p *passage) {
	for {
		switch c := conn.(type) {
		case *leasedConn:
			p.own.Store(true)
			c.lease.Store(p)
			return
		case *tls.Conn:
			if c.ConnectionState().NegotiatedProtocol == "h2" {
				p.shared.Store(true)
				return
			}
			conn = c.NetConn()
		default:
			return
		}
	}
}

// leasedBody is a request's body that stops when the lease is lost.
type leasedBody struct {
	rest    []byte
	passage *passage
}

func (b *leasedBody) Read(p []byte) (int, error) {
	if len(b.rest) == 0 {
		return 0, io.EOF
	}
	if err := b.passage.ask(); err != nil {
		return 0, err
	}
	if b.passage.shared.Load() {
		b.passage.wrote.Store(true)
	}
	n := copy(p, b.rest)
	b.rest = b.rest[n:]
	return n, nil
}

func (b *leasedBody) Close() error { return nil }

// isTLS tells whether the handshake failed.
func isTLS(err error) bool {
	_, unknown := errors.AsType[*tls.CertificateVerificationError](err)
	_, header := errors.AsType[tls.RecordHeaderError](err)
	_, alert := errors.AsType[tls.AlertError](err)
	return unknown || header || alert
}
