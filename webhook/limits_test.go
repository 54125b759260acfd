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
	r.gate.memory.mu.Lock()
	defer r.gate.memory.mu.Unlock()
	if r.gate.memory.left != 64<<10 {
		t.Errorf("%d bytes left", r.gate.memory.left)
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
			if _, err := w.enter(ended, size); !errors.Is(err, errOverloaded) {
				t.Errorf("%d bytes: %v, want %v", size, err, errOverloaded)
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

// TestStrangersGetNoMemory: who shows no token, or no signature of now, is answered before the body
// is read; no memory is reserved.
func TestStrangersGetNoMemory(t *testing.T) {
	t.Parallel()
	r := newRig(t, `sources:
- {name: token, verify: {type: token, header: X-Token, secrets_env: PLAIN}}
- {name: hmac, verify: {type: hmac, secrets_env: PLAIN}}
- {name: standard, verify: {type: standard-webhooks, secrets_env: STANDARD}}
`)
	for what, head := range map[string]string{
		"no token":       "POST /hooks/token HTTP/1.1\r\n",
		"wrong token":    "POST /hooks/token HTTP/1.1\r\nX-Token: x\r\n",
		"no signature":   "POST /hooks/hmac HTTP/1.1\r\n",
		"broken one":     "POST /hooks/hmac HTTP/1.1\r\nX-Hub-Signature-256: sha256=zz\r\n",
		"no headers":     "POST /hooks/standard HTTP/1.1\r\n",
		"two of three":   "POST /hooks/standard HTTP/1.1\r\nwebhook-id: 1\r\nwebhook-signature: v1,aaaa\r\n",
		"an old request": "POST /hooks/standard HTTP/1.1\r\nwebhook-id: 1\r\nwebhook-timestamp: 1614265330\r\nwebhook-signature: v1,aaaa\r\n",
	} {
		conn := r.dial()
		_, _ = fmt.Fprint(conn, head+"Host: x\r\nContent-Type: application/json\r\nContent-Length: 200000\r\n\r\n{")
		resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		if resp.StatusCode != http.StatusUnauthorized {
			t.Errorf("%s: %s", what, resp.Status)
		}
		resp.Body.Close()
		conn.Close()
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
