//go:build integration

package integration

import (
	"context"
	"encoding/binary"
	"io"
	"net"
	"sync"
	"time"
)

// Keys of the Kafka protocol.
const (
	keyOffsetCommit = 8
	keyHeartbeat    = 12
)

// wires open connections to brokers whose requests a test may hold back.
type wires struct {
	// hold is asked about each request; true keeps it until release. It is called
	// from many goroutines.
	hold func(key, version int16) bool

	mu   sync.Mutex
	held []heldRequest
}

// heldRequest waits on its connection, which stays open for it.
type heldRequest struct {
	conn    net.Conn
	request []byte
}

func (w *wires) dial(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := (&net.Dialer{}).DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	return &wire{Conn: conn, wires: w}, nil
}

// count is how many requests are held.
func (w *wires) count() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.held)
}

// release sends the held requests at last, and gives the end of each answer: the
// error code of the last partition, say.
func (w *wires) release(answerLimit time.Duration) (codes []int16, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, h := range w.held {
		if err := h.conn.SetDeadline(time.Now().Add(answerLimit)); err != nil {
			return nil, err
		}
		if _, err := h.conn.Write(h.request); err != nil {
			return nil, err
		}
		answer, err := readFrame(h.conn)
		if err != nil {
			return nil, err
		}
		codes = append(codes, int16(binary.BigEndian.Uint16(answer[len(answer)-2:])))
		h.conn.Close()
	}
	w.held = nil
	return codes, nil
}

func readFrame(r io.Reader) ([]byte, error) {
	var size [4]byte
	if _, err := io.ReadFull(r, size[:]); err != nil {
		return nil, err
	}
	frame := make([]byte, binary.BigEndian.Uint32(size[:]))
	_, err := io.ReadFull(r, frame)
	return frame, err
}

// wire is a connection to a broker. kafka-go writes each small request at once.
type wire struct {
	net.Conn
	wires *wires

	mu   sync.Mutex
	kept bool // a request of it is held: it stays open
}

// requestHeader is a request's size, its API's key and its version.
const requestHeader = 8

func (c *wire) Write(b []byte) (int, error) {
	if len(b) >= requestHeader && int(binary.BigEndian.Uint32(b)) == len(b)-4 &&
		c.wires.hold(int16(binary.BigEndian.Uint16(b[4:])), int16(binary.BigEndian.Uint16(b[6:]))) {
		c.mu.Lock()
		c.kept = true
		c.mu.Unlock()
		c.wires.mu.Lock()
		defer c.wires.mu.Unlock()
		c.wires.held = append(c.wires.held, heldRequest{c.Conn, append([]byte(nil), b...)})
		return len(b), nil
	}
	return c.Conn.Write(b)
}

// Close closes the connection for its user; the network may still hold a request.
func (c *wire) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.kept {
		return c.Conn.SetReadDeadline(time.Now()) // its reader ends
	}
	return c.Conn.Close()
}
