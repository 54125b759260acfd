package broker

import (
	"errors"
	"net"
	"sync"
)

// door is the listener of a broker in this process. It can be shut and opened again while the broker runs, which a
// listener of net cannot: the broker ends when its listener does.
type door struct {
	mu       sync.Mutex
	changed  sync.Cond    // the door was opened, or closed for good; with mu
	listener net.Listener // nil: the door is shut
	addr     net.Addr
	conns    map[net.Conn]bool // those that were accepted and are not closed
	closed   bool              // for good
}

// listen opens the door for the first time.
func (d *door) listen(network, address string) (net.Listener, error) {
	l, err := net.Listen(network, address) //nolint:noctx // kfake gives no context
	if err != nil {
		return nil, err
	}
	d.changed.L, d.listener, d.addr, d.conns = &d.mu, l, l.Addr(), map[net.Conn]bool{}
	return d, nil
}

// shut refuses connections and cuts those that there are.
func (d *door) shut() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.listener == nil {
		return nil
	}
	err := d.listener.Close()
	d.listener = nil
	for c := range d.conns {
		_ = c.Close() // it may be closed already
	}
	clear(d.conns)
	return err
}

// open takes connections again, at the same address.
func (d *door) open() error {
	l, err := net.Listen(d.addr.Network(), d.addr.String()) //nolint:noctx // it does not block
	if err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.listener = l
	d.changed.Broadcast()
	return nil
}

// Accept waits for a connection, and while the door is shut for its opening.
func (d *door) Accept() (net.Conn, error) {
	for {
		l := d.current()
		if l == nil {
			return nil, net.ErrClosed
		}
		c, err := l.Accept()
		if err == nil && d.admit(l, c) {
			return &doorConn{c, d}, nil
		}
		if err != nil && !errors.Is(err, net.ErrClosed) {
			return nil, err
		}
	}
}

// current waits for an open listener; nil: the door is closed for good.
func (d *door) current() net.Listener {
	d.mu.Lock()
	defer d.mu.Unlock()
	for d.listener == nil && !d.closed {
		d.changed.Wait()
	}
	if d.closed {
		return nil
	}
	return d.listener
}

// admit remembers a connection that a listener accepted, and closes it when the door was shut meanwhile.
func (d *door) admit(l net.Listener, c net.Conn) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.listener != l {
		_ = c.Close() // it was cut
		return false
	}
	d.conns[c] = true
	return true
}

// Close shuts the door for good.
func (d *door) Close() error {
	err := d.shut()
	d.mu.Lock()
	defer d.mu.Unlock()
	d.closed = true
	d.changed.Broadcast()
	return err
}

// Addr is where the door is, also while it is shut.
func (d *door) Addr() net.Addr { return d.addr }

// doorConn is a connection that the door forgets when it is closed.
type doorConn struct {
	net.Conn
	d *door
}

func (c *doorConn) Close() error {
	c.d.mu.Lock()
	delete(c.d.conns, c.Conn)
	c.d.mu.Unlock()
	return c.Conn.Close()
}
