package webhook

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// TestSlowBody sends half a body and waits: 408, and the connection ends.
func TestSlowBody(t *testing.T) {
	t.Parallel()
	r := newRig(t, open, func(c *Config) { c.BodyTimeout = 50 * time.Millisecond })
	for name, head := range map[string]string{"length": "Content-Length: 100\r\n\r\n{", "chunks": "Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n"} {
		conn := r.dial()
		defer conn.Close()
		_, _ = fmt.Fprintf(conn, "POST /hooks/form HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n%s", head)
		resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		text, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		isProblem(t, answer{resp.StatusCode, resp.Header, string(text)}, http.StatusRequestTimeout)
		if _, err := conn.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
			t.Errorf("%s: the connection goes on: %v", name, err)
		}
	}
}

// TestSlowHeader closes a connection whose header does not come.
func TestSlowHeader(t *testing.T) {
	t.Parallel()
	r := newRig(t, open, func(c *Config) { c.HeaderTimeout = 50 * time.Millisecond })
	conn := r.dial()
	defer conn.Close()
	_, _ = fmt.Fprint(conn, "POST /hooks/form HTTP/1.1\r\nHost: x\r\n")
	if _, err := conn.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Errorf("the connection is still there: %v", err)
	}
}

func (r *rig) dial() net.Conn {
	r.t.Helper()
	conn, err := r.tryDial()
	if err != nil {
		r.t.Fatal(err)
	}
	return conn
}

func (r *rig) tryDial() (net.Conn, error) {
	return (&net.Dialer{}).DialContext(r.t.Context(), "tcp", r.address)
}

// TestRoomIsBounded answers 503 when bodies under way take all memory that they may.
func TestRoomIsBounded(t *testing.T) {
	t.Parallel()
	r := newRig(t, open, func(c *Config) { c.MaxBuffer = 64 << 10 })
	a := r.post("/hooks/form", mediaJSON, `{"a":"`+strings.Repeat("x", 100<<10)+`"}`)
	isProblem(t, a, http.StatusServiceUnavailable)
	for range 10 { // what was taken is given back
		r.post("/hooks/form", mediaJSON, `{"a":"`+strings.Repeat("x", 20<<10)+`"}`).id(t)
	}
	r.gate.room.mu.Lock()
	defer r.gate.room.mu.Unlock()
	if r.gate.room.left != 64<<10 {
		t.Errorf("%d bytes left", r.gate.room.left)
	}
}

// TestConnectionsAreBounded: one more than allowed waits until another one ends.
func TestConnectionsAreBounded(t *testing.T) {
	t.Parallel()
	r := newRig(t, open, func(c *Config) { c.Connections = 1 })
	first := r.dial()
	defer first.Close()
	_, _ = fmt.Fprint(first, "POST /hooks/form HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 25\r\n\r\n{")
	r.await(func() bool {
		r.gate.room.mu.Lock()
		defer r.gate.room.mu.Unlock()
		return r.gate.room.left < r.gate.cfg.MaxBuffer
	})
	got := make(chan answer, 1)
	go func() { got <- r.post("/hooks/form", mediaJSON, testLead) }()
	_, _ = fmt.Fprintf(first, "%s", testLead[1:])
	resp, err := http.ReadResponse(bufio.NewReader(first), nil)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	select {
	case <-got:
		t.Error("a second connection is served beside the only one")
	default:
	}
	first.Close()
	if a := <-got; a.status != http.StatusAccepted {
		t.Errorf("%d %s", a.status, a.body)
	}
}

// TestHangUp takes a webhook whose sender has gone without waiting for the answer.
func TestHangUp(t *testing.T) {
	t.Parallel()
	r := newRig(t, open)
	conn := r.dial()
	_, _ = fmt.Fprintf(conn, "POST /hooks/form HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(testLead), testLead)
	conn.Close()
	r.await(func() bool { return r.written() == 1 })
}

// TestExpectContinue refuses a body before it is sent.
func TestExpectContinue(t *testing.T) {
	t.Parallel()
	r := newRig(t, open)
	conn := r.dial()
	defer conn.Close()
	_, _ = fmt.Fprint(conn, "POST /hooks/form HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 99999999\r\nExpect: 100-continue\r\n\r\n")
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusRequestEntityTooLarge {
		t.Errorf("%s", resp.Status)
	}
}

// TestUnreadBody: a client that is refused before its body is read, and does not
// send it, is not waited for longer than a body may take.
func TestUnreadBody(t *testing.T) {
	t.Parallel()
	r := newRig(t, open, func(c *Config) { c.HeaderTimeout, c.BodyTimeout = 50*time.Millisecond, 50*time.Millisecond })
	conn := r.dial()
	defer conn.Close()
	_, _ = fmt.Fprint(conn, "POST /hooks/nobody HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{")
	if _, err := io.ReadAll(conn); err != nil {
		t.Errorf("the connection does not end: %v", err)
	}
}
