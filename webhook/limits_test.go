package webhook

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
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

// TestLargeBodiesAreUnderstoodAlone: while one is, others wait, and are answered 503 when it
// takes too long; small ones pass.
func TestLargeBodiesAreUnderstoodAlone(t *testing.T) {
	t.Parallel()
	r := newRig(t, open, func(c *Config) { c.AckTimeout = 3 * time.Second })
	large := `{"email":"a@example.com","a":"` + strings.Repeat("x", largeBody) + `"}`
	leave, err := r.gate.workers.enter(t.Context(), len(large))
	if err != nil {
		t.Fatal(err)
	}
	a := r.post("/hooks/form", mediaJSON, large)
	isProblem(t, a, http.StatusServiceUnavailable)
	if a.header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	if cap(r.gate.workers.all) > 1 {
		r.post("/hooks/form", mediaJSON, testLead).id(t)
	}
	leave()
	for range 3 { // each place is given back
		r.post("/hooks/form", mediaJSON, large).id(t)
		isProblem(t, r.post("/hooks/form", mediaJSON, large+"x"), http.StatusBadRequest)
	}
	if n, m := len(r.gate.workers.all), len(r.gate.workers.large); n+m != 0 {
		t.Errorf("%d and %d places are taken", n, m)
	}
}

// TestPlacesAreBounded: no more bodies are understood than processors are there, and who
// gives up gives its places back.
func TestPlacesAreBounded(t *testing.T) {
	t.Parallel()
	w := newWorkers()
	var leave []func()
	for range cap(w.all) {
		l, err := w.enter(t.Context(), 1)
		if err != nil {
			t.Fatal(err)
		}
		leave = append(leave, l)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for range 20 { // of two ways that are open any may be taken
		for _, size := range []int{1, largeBody + 1} {
			if _, err := w.enter(ended, size); !errors.Is(err, errNoRoom) {
				t.Errorf("%d bytes: %v, want %v", size, err, errNoRoom)
			}
		}
	}
	for _, l := range leave {
		l()
	}
	if n, m := len(w.all), len(w.large); n+m != 0 {
		t.Errorf("%d and %d places are taken", n, m)
	}
}

// counted tells how often somebody asked for a connection.
type counted struct {
	net.Listener
	asked atomic.Int32
}

func (c *counted) Accept() (net.Conn, error) {
	c.asked.Add(1)
	return c.Listener.Accept()
}

// TestConnectionsAreBounded: while as many connections are there as allowed, no
// further one is asked for; it waits until another one ends.
func TestConnectionsAreBounded(t *testing.T) {
	t.Parallel()
	r := newRig(t, open)
	cfg := r.gate.cfg
	cfg.Connections, cfg.Metrics = 2, nil
	gate, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	inner, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	listener := &counted{Listener: inner}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- gate.Run(ctx, listener, gate) }()
	r.address = inner.Addr().String()
	request := fmt.Sprintf("POST /hooks/form HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(testLead), testLead)
	ask := func() (net.Conn, *bufio.Reader) {
		conn := r.dial()
		_, _ = fmt.Fprint(conn, request)
		return conn, bufio.NewReader(conn)
	}
	answered := func(in *bufio.Reader) {
		t.Helper()
		resp, err := http.ReadResponse(in, nil)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
		if resp.StatusCode != http.StatusAccepted {
			t.Error(resp.Status)
		}
	}
	first, in1 := ask()
	answered(in1)
	second, in2 := ask()
	answered(in2)
	third, in3 := ask()
	for range 20 { // the two that are there are served on
		_, _ = fmt.Fprint(first, request)
		answered(in1)
	}
	if n := listener.asked.Load(); n != 2 {
		t.Errorf("asked for %d connections, want 2", n)
	}
	first.Close()
	answered(in3)
	second.Close()
	third.Close()
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
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
