package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"
)

// path is one consumer's way to the brokers: a TCP proxy for each. A broker has a
// listener for it, which advertises the proxy, so that all of the
// consumer's connections, and nobody else's, go this way.
//
// A path that is cut keeps the bytes, as a network does that loses packets for a while:
// both ends go on to believe in their connections, and after heal a
// commit arrives that its sender has given up long ago.
type path struct {
	listeners []net.Listener // one for each broker

	mu    sync.Mutex
	open  chan struct{} // closed while bytes pass
	cuts  int           // that are not healed
	late  time.Duration // of each chunk
	conns map[net.Conn]bool
	done  bool
	work  sync.WaitGroup
}

// newPath listens at once, so that its addresses are known before the brokers'.
func newPath(brokers int) (*path, error) {
	p := &path{open: make(chan struct{}), conns: map[net.Conn]bool{}}
	close(p.open)
	var listen net.ListenConfig
	for range brokers {
		l, err := listen.Listen(context.Background(), "tcp", "127.0.0.1:0")
		if err != nil {
			p.close()
			return nil, fmt.Errorf("open a path to the brokers: %w", err)
		}
		p.listeners = append(p.listeners, l)
	}
	return p, nil
}

// addrs are where the brokers are found on this path.
func (p *path) addrs() []string {
	var addrs []string
	for _, l := range p.listeners {
		addrs = append(addrs, l.Addr().String())
	}
	return addrs
}

// serve forwards to a broker until the path is closed.
func (p *path) serve(broker int, upstream string) {
	p.work.Go(func() {
		for {
			conn, err := p.listeners[broker].Accept()
			if err != nil {
				return
			}
			p.work.Go(func() { p.carry(conn, upstream) })
		}
	})
}

// carry joins a connection with one of its own to the broker.
func (p *path) carry(client net.Conn, upstream string) {
	if !p.keep(client) {
		return
	}
	defer p.drop(client)
	if !p.pass(client) {
		return
	}
	var dialer net.Dialer
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	broker, err := dialer.DialContext(ctx, "tcp", upstream)
	if err != nil || !p.keep(broker) {
		return
	}
	defer p.drop(broker)
	var both sync.WaitGroup
	both.Go(func() { p.pump(broker, client) })
	both.Go(func() { p.pump(client, broker) })
	both.Wait()
}

// pump carries bytes one way. When that ends, so does the other way.
func (p *path) pump(to, from net.Conn) {
	defer to.Close()
	defer from.Close()
	buffer := make([]byte, 32<<10)
	for {
		n, err := from.Read(buffer)
		if n > 0 {
			if !p.pass(from) {
				return
			}
			if _, err := to.Write(buffer[:n]); err != nil {
				return
			}
		}
		if err != nil {
			if errors.Is(err, io.EOF) {
				p.pass(from) // the end of a stream waits like its bytes
			}
			return
		}
	}
}

// pass waits as long as the path makes bytes wait; false says that the
// connection is gone.
func (p *path) pass(conn net.Conn) bool {
	for {
		p.mu.Lock()
		open, late := p.open, p.late
		p.mu.Unlock()
		<-open
		if late > 0 {
			<-time.After(late)
		}
		p.mu.Lock()
		same, alive := p.open == open, p.conns[conn]
		p.mu.Unlock()
		if !alive {
			return false
		}
		if same {
			return true
		}
	}
}

func (p *path) keep(conn net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.done {
		conn.Close()
		return false
	}
	p.conns[conn] = true
	return true
}

func (p *path) drop(conn net.Conn) {
	conn.Close()
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.conns, conn)
}

// slow makes each chunk of bytes late; 0 ends that.
func (p *path) slow(late time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.late = late
}

// cut lets nothing pass any more, until it is healed as often as it was cut.
func (p *path) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cuts++; p.cuts == 1 {
		p.open = make(chan struct{})
	}
}

// heal ends one cut; after the last one everything passes that was kept.
func (p *path) heal() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cuts--; p.cuts == 0 {
		close(p.open)
	}
}

// reset ends all connections; what was kept is lost.
func (p *path) reset() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for conn := range p.conns {
		if tcp, ok := conn.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0) // it is closed either way
		}
		conn.Close()
		delete(p.conns, conn)
	}
}

// close ends the path.
func (p *path) close() {
	p.mu.Lock()
	p.done = true
	if p.cuts > 0 {
		p.cuts = 0
		close(p.open)
	}
	p.mu.Unlock()
	for _, l := range p.listeners {
		l.Close()
	}
	p.reset()
	p.work.Wait()
}
