package crmtest

import (
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"time"
)

// pipeBuffer is how many bytes a direction of a pipe holds before its writer waits.
const pipeBuffer = 64 << 10

// pipe is a connection in memory that behaves like a TCP connection: both directions
// have a buffer, and either end may close or reset it. It waits only by a sync.Cond, so
// that it can live in a synctest bubble.
type pipe struct {
	mu      sync.Mutex // guards the pipe, its directions and its ends
	changed *sync.Cond
	budget  int // bytes that the client may still send before a reset; negative: no limit
	ends    [2]*pipeEnd
}

// pipeEnd is one end. It reads from the other end's out.
type pipeEnd struct {
	pipe   *pipe
	name   string
	other  *pipeEnd
	client bool

	out     []byte // written, not yet read
	closed  bool
	reset   bool
	linger0 bool

	readBy, writeBy deadline
}

// deadline wakes the waiters when it has passed.
type deadline struct {
	at    time.Time
	timer *time.Timer
}

func newPipe(budget int) (client, server *pipeEnd) {
	p := &pipe{budget: budget}
	p.changed = sync.NewCond(&p.mu)
	client = &pipeEnd{pipe: p, name: "client", client: true}
	server = &pipeEnd{pipe: p, name: "crm.test:80", other: client}
	client.other = server
	p.ends = [2]*pipeEnd{client, server}
	return client, server
}

var (
	errReset  = syscall.ECONNRESET
	errClosed = net.ErrClosed
)

func (e *pipeEnd) fail(op string, err error) error {
	return &net.OpError{Op: op, Net: "mem", Source: e.LocalAddr(), Addr: e.RemoteAddr(), Err: err}
}

// Read waits for bytes of the other end.
func (e *pipeEnd) Read(b []byte) (int, error) {
	e.pipe.mu.Lock()
	defer e.pipe.mu.Unlock()
	for {
		switch {
		case e.closed:
			return 0, e.fail("read", errClosed)
		case e.readBy.passed():
			return 0, e.fail("read", os.ErrDeadlineExceeded)
		case len(b) == 0:
			return 0, nil
		case len(e.other.out) > 0:
			n := copy(b, e.other.out)
			e.other.out = e.other.out[n:]
			e.pipe.changed.Broadcast()
			return n, nil
		case e.reset:
			return 0, e.fail("read", errReset)
		case e.other.closed:
			return 0, io.EOF
		}
		e.pipe.changed.Wait()
	}
}

// Write waits for room in the buffer.
func (e *pipeEnd) Write(b []byte) (int, error) {
	e.pipe.mu.Lock()
	defer e.pipe.mu.Unlock()
	written := 0
	for written < len(b) {
		if err := e.writeError(); err != nil {
			return written, e.fail("write", err)
		}
		room := min(pipeBuffer-len(e.out), len(b)-written)
		if room <= 0 {
			e.pipe.changed.Wait()
			continue
		}
		room = e.spend(room)
		e.out = append(e.out, b[written:written+room]...)
		written += room
		e.pipe.changed.Broadcast()
	}
	return written, nil
}

// spend takes up to n bytes off the client's budget, and returns how many it took. When nothing
// is left it resets the pipe.
func (e *pipeEnd) spend(n int) int {
	p := e.pipe
	if !e.client || p.budget < 0 {
		return n
	}
	n = min(n, p.budget)
	p.budget -= n
	if p.budget == 0 {
		p.abort()
	}
	return n
}

func (e *pipeEnd) writeError() error {
	switch {
	case e.closed:
		return errClosed
	case e.writeBy.passed():
		return os.ErrDeadlineExceeded
	case e.reset:
		return errReset
	case e.other.closed:
		return syscall.EPIPE
	}
	return nil
}

// abort resets both directions; the lock is held.
func (p *pipe) abort() {
	for _, end := range p.ends {
		end.reset = true
	}
	p.changed.Broadcast()
}

// Close ends the connection: the other end can still read what was written. With linger 0 it
// resets the connection instead and throws this away.
func (e *pipeEnd) Close() error {
	e.pipe.mu.Lock()
	defer e.pipe.mu.Unlock()
	if e.closed {
		return e.fail("close", errClosed)
	}
	e.closed = true
	e.readBy.stop()
	e.writeBy.stop()
	if e.linger0 {
		e.out = nil
		e.pipe.abort()
	}
	e.pipe.changed.Broadcast()
	return nil
}

// SetLinger with 0 makes Close a reset, like the method of *net.TCPConn.
func (e *pipeEnd) SetLinger(seconds int) error {
	e.pipe.mu.Lock()
	defer e.pipe.mu.Unlock()
	e.linger0 = seconds == 0
	return nil
}

// Reset ends the connection by a reset.
func (e *pipeEnd) Reset() error {
	return errors.Join(e.SetLinger(0), e.Close())
}

// LocalAddr names this end.
func (e *pipeEnd) LocalAddr() net.Addr { return pipeAddr(e.name) }

// RemoteAddr names the other end.
func (e *pipeEnd) RemoteAddr() net.Addr { return pipeAddr(e.other.name) }

// SetDeadline sets the deadlines of Read and Write.
func (e *pipeEnd) SetDeadline(t time.Time) error {
	return errors.Join(e.SetReadDeadline(t), e.SetWriteDeadline(t))
}

// SetReadDeadline bounds Read.
func (e *pipeEnd) SetReadDeadline(t time.Time) error { return e.setDeadline(&e.readBy, t) }

// SetWriteDeadline bounds Write.
func (e *pipeEnd) SetWriteDeadline(t time.Time) error { return e.setDeadline(&e.writeBy, t) }

func (e *pipeEnd) setDeadline(d *deadline, t time.Time) error {
	e.pipe.mu.Lock()
	defer e.pipe.mu.Unlock()
	if e.closed {
		return e.fail("set", errClosed)
	}
	d.stop()
	d.at = t
	if left := time.Until(t); !t.IsZero() && left > 0 {
		d.timer = time.AfterFunc(left, func() {
			e.pipe.mu.Lock()
			defer e.pipe.mu.Unlock()
			e.pipe.changed.Broadcast()
		})
	}
	e.pipe.changed.Broadcast()
	return nil
}

func (d *deadline) passed() bool { return !d.at.IsZero() && !time.Now().Before(d.at) }

func (d *deadline) stop() {
	if d.timer != nil {
		d.timer.Stop()
	}
}

// pipeAddr is the name of an end.
type pipeAddr string

// Network says that it is in memory.
func (pipeAddr) Network() string { return "mem" }

// String is the name.
func (a pipeAddr) String() string { return string(a) }
