package kafkaauth

import (
	"context"
	"net"
	"os"
	"sync"
	"time"
)

// conn is a connection to a broker that ends sessions after a time. Before its session ends, another one, the follower, is
// opened in the background, and takes its place between two requests. A request waits for the follower only shortly before
// the session's end.
type conn struct {
	open   func(context.Context) (*session, error)
	ctx    context.Context // ends with Close, and with it all openings
	cancel context.CancelFunc

	mu       sync.Mutex // guards everything below
	session  *session
	tryAt    time.Time     // when the next follower is to be opened
	opening  chan struct{} // closed when the opening under way has ended; nil: none is under way
	follower *session      // nil: none is ready
	failed   error         // why the last opening failed; nil: it did not
	inFlight int           // requests that were written and not answered
	out, in  frames        // what was written and read
	reads    time.Time     // deadline of reads; zero: none
	writes   time.Time     // deadline of writes; zero: none
	closed   bool
}

func newConn(s *session, open func(context.Context) (*session, error)) *conn {
	ctx, cancel := context.WithCancel(context.Background())
	return &conn{open: open, ctx: ctx, cancel: cancel, session: s, tryAt: renewalOf(s.began, s.ends)}
}

// renewalOf returns when a session's follower is opened: after seven tenths of the session's time.
func renewalOf(began, ends time.Time) time.Time { return began.Add(ends.Sub(began) / 10 * 7) }

// leastRest returns how much of a session must remain so that a request is still sent in it while a follower is being
// opened. When a request arrives after the session's end, the broker closes the connection, and nobody knows what became of
// the request.
func leastRest(began, ends time.Time) time.Duration { return min(ends.Sub(began)/4, 5*time.Second) }

// retryPause returns how long after a failed opening the next one is tried, by what is left of the session.
func retryPause(left time.Duration) time.Duration {
	return min(max(left/5, time.Second), 30*time.Second)
}

// Read implements [net.Conn].
func (c *conn) Read(b []byte) (int, error) {
	for {
		c.mu.Lock()
		s := c.session
		c.mu.Unlock()
		n, err := s.Read(b)
		if n > 0 || err == nil {
			c.mu.Lock()
			c.inFlight -= c.in.pass(b[:n])
			c.mu.Unlock()
			return n, err
		}
		if c.current() == s {
			return n, err
		}
	}
}

func (c *conn) current() *session {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.session
}

// Write implements [net.Conn].
func (c *conn) Write(b []byte) (int, error) {
	s, err := c.forWriting()
	if err != nil {
		return 0, err
	}
	n, err := s.Write(b)
	c.mu.Lock()
	c.inFlight += c.out.pass(b[:n])
	c.mu.Unlock()
	return n, err
}

// forWriting returns the session that the next bytes go to.
func (c *conn) forWriting() (*session, error) {
	for {
		s, opening, err := c.choose()
		if opening == nil {
			return s, err
		}
		if err := c.awaitOpening(opening); err != nil {
			if s := c.current(); s.lasts(time.Now()) {
				return s, nil
			}
			return nil, err
		}
	}
}

// choose returns the session that the next bytes go to or, when they must wait for a follower first, a channel that is
// closed when its opening has ended.
func (c *conn) choose() (s *session, opening <-chan struct{}, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	if c.closed || !c.betweenRequests() {
		return c.session, nil, nil
	}
	if c.follower != nil {
		err := c.follow()
		return c.session, nil, err
	}
	if c.opening == nil && c.due(now) {
		c.begin()
	}
	if c.opening == nil || c.session.lasts(now.Add(leastRest(c.session.began, c.session.ends))) {
		return c.session, nil, nil // without an opening under way the session lasts: otherwise one was due
	}
	return nil, c.opening, nil
}

// betweenRequests reports whether no request is half written or without an answer.
func (c *conn) betweenRequests() bool { return c.inFlight == 0 && c.out.between() && c.in.between() }

// follow puts the follower in the place of the session, which it closes. Called with mu held, between requests.
func (c *conn) follow() error {
	c.session.Close()
	c.session, c.follower = c.follower, nil
	c.tryAt = renewalOf(c.session.began, c.session.ends)
	if err := c.session.SetReadDeadline(c.reads); err != nil {
		return err
	}
	return c.session.SetWriteDeadline(c.writes)
}

// due reports whether a follower is to be opened.
func (c *conn) due(now time.Time) bool {
	return !c.session.lasts(now) || !c.session.ends.IsZero() && !now.Before(c.tryAt)
}

// begin opens a follower in the background.
func (c *conn) begin() {
	done := make(chan struct{})
	c.opening = done
	go func() {
		defer close(done)
		ctx, cancel := context.WithTimeout(c.ctx, openTime)
		defer cancel()
		s, err := c.open(ctx)
		c.opened(s, err)
	}()
}

// opened notes how an opening ended. A new session that ends no later than the present one, as its token was not renewed,
// is not taken.
func (c *conn) opened(s *session, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	c.opening, c.failed = nil, err
	switch {
	case err != nil:
		c.tryAt = now.Add(retryPause(c.session.ends.Sub(now)))
	case c.closed:
		s.Close()
	case c.session.lasts(now) && !s.outlasts(c.session):
		s.Close()
		c.tryAt = now.Add(retryPause(c.session.ends.Sub(now)))
	default:
		c.follower = s
	}
}

// awaitOpening waits for an opening until the deadline of writes. The error says why there is no follower.
func (c *conn) awaitOpening(opening <-chan struct{}) error {
	c.mu.Lock()
	deadline := c.writes
	c.mu.Unlock()
	if err := await(c.ctx, opening, deadline); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return net.ErrClosed
	}
	return c.failed
}

func await(ctx context.Context, done <-chan struct{}, deadline time.Time) error {
	var expired <-chan time.Time
	if !deadline.IsZero() {
		timer := time.NewTimer(time.Until(deadline))
		defer timer.Stop()
		expired = timer.C
	}
	select {
	case <-done:
		return nil
	case <-expired:
		return os.ErrDeadlineExceeded
	case <-ctx.Done():
		return net.ErrClosed
	}
}

// Close implements [net.Conn].
func (c *conn) Close() error {
	c.cancel()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	if c.follower != nil {
		c.follower.Close()
		c.follower = nil
	}
	return c.session.Close()
}

// LocalAddr implements [net.Conn].
func (c *conn) LocalAddr() net.Addr { return c.current().LocalAddr() }

// RemoteAddr implements [net.Conn].
func (c *conn) RemoteAddr() net.Addr { return c.current().RemoteAddr() }

// SetDeadline implements [net.Conn].
func (c *conn) SetDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.reads, c.writes = t, t
	return c.session.SetDeadline(t)
}

// SetReadDeadline implements [net.Conn].
func (c *conn) SetReadDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.reads = t
	return c.session.SetReadDeadline(t)
}

// SetWriteDeadline implements [net.Conn].
func (c *conn) SetWriteDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.writes = t
	return c.session.SetWriteDeadline(t)
}
