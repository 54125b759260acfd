package consumer

import (
	"context"
	"errors"
	"net"
	"sync"

	"github.com/leadbridge/leadbridge/internal/kafkaauth"
)

// line is a process's network link to the brokers, which a test can cut or freeze.
type line struct {
	dial kafkaauth.Dial

	mu     sync.Mutex
	cut    bool          // connections are closed, and new ones refused
	thawed chan struct{} // closed while not frozen
	conns  []*lineConn
}

func (r *rig) line() *line {
	open := make(chan struct{})
	close(open)
	return &line{dial: r.network.DialContext, thawed: open}
}

// use makes a process connect through this line.
func (l *line) use(cfg *Config) { cfg.Brokers.Dial = l.Dial }

func (l *line) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	if err := l.passable(); err != nil {
		return nil, err
	}
	conn, err := l.dial(ctx, network, address)
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.cut { // it was cut meanwhile
		_ = conn.Close()
		return nil, errors.New("connection refused")
	}
	c := &lineConn{Conn: conn, line: l, closed: make(chan struct{})}
	l.conns = append(l.conns, c)
	return c, nil
}

// stall makes the connections that are open now lose every byte; new ones work.
func (l *line) stall() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range l.conns {
		c.stalled = true
	}
}

// sever closes every connection and refuses new ones, as after a kill.
func (l *line) sever() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.cut = true
	for _, c := range l.conns {
		_ = c.Close()
	}
}

// restore lets new connections through.
func (l *line) restore() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.cut = false
}

// freeze delays every byte until thaw; connections stay open.
func (l *line) freeze() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.thawed = make(chan struct{})
}

func (l *line) thaw() {
	l.mu.Lock()
	defer l.mu.Unlock()
	close(l.thawed)
}

// passable waits while the line is frozen, and fails when it is cut.
func (l *line) passable() error {
	l.mu.Lock()
	cut, thawed := l.cut, l.thawed
	l.mu.Unlock()
	<-thawed
	if cut {
		return errors.New("connection refused")
	}
	return nil
}

type lineConn struct {
	net.Conn
	line    *line
	stalled bool // guarded by line.mu
	once    sync.Once
	closed  chan struct{}
}

// wait waits while the line is frozen. It fails when the connection is closed meanwhile.
func (c *lineConn) wait() error {
	c.line.mu.Lock()
	thawed := c.line.thawed
	c.line.mu.Unlock()
	select {
	case <-thawed:
		return nil
	case <-c.closed:
		return net.ErrClosed
	}
}

func (c *lineConn) isStalled() bool {
	c.line.mu.Lock()
	defer c.line.mu.Unlock()
	return c.stalled
}

func (c *lineConn) Read(b []byte) (int, error) {
	for {
		n, err := c.Conn.Read(b)
		if frozen := c.wait(); frozen != nil {
			return 0, frozen
		}
		if err != nil || !c.isStalled() {
			return n, err
		}
	}
}

func (c *lineConn) Write(b []byte) (int, error) {
	if err := c.wait(); err != nil {
		return 0, err
	}
	if c.isStalled() {
		return len(b), nil
	}
	return c.Conn.Write(b)
}

func (c *lineConn) Close() error {
	c.once.Do(func() { close(c.closed) })
	return c.Conn.Close()
}
