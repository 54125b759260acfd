package webhook

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestIdleConnectionsGiveWay: connections that wait for their next request keep no new ones out,
// the longest idle goes first; those that are served stay, and a new one waits for them.
func TestIdleConnectionsGiveWay(t *testing.T) {
	t.Parallel()
	r := newRig(t, open)
	inner, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	limiter := newConnLimiter(inner, 2, 2, r.gate.peers.trusts, r.gate.metrics.closed)
	server := &http.Server{Handler: r.gate, ConnState: limiter.connState, ReadHeaderTimeout: time.Minute}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(limiter) }()
	r.address = inner.Addr().String()
	idle := func(n int) { // the server says so after its answer
		r.await(func() bool {
			limiter.mu.Lock()
			defer limiter.mu.Unlock()
			return limiter.open.idle.Len() == n
		})
	}
	head := "POST /hooks/form HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: " + strconv.Itoa(len(testLead)) + "\r\n\r\n"
	ask := func(text string) (net.Conn, *bufio.Reader) {
		conn := r.dial()
		_, _ = fmt.Fprint(conn, text)
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
	first, in1 := ask(head + testLead)
	answered(in1)
	idle(1)
	second, in2 := ask(head + testLead)
	answered(in2)
	idle(2)
	third, in3 := ask(head + testLead[:9]) // is served until its end
	if _, err := in1.ReadByte(); err == nil {
		t.Error("the longest idle connection is still there")
	}
	fourth, in4 := ask(head + testLead)
	answered(in4)
	if _, err := in2.ReadByte(); err == nil {
		t.Error("the second connection is still there")
	}
	_, _ = fmt.Fprint(third, testLead[9:])
	answered(in3)
	if n := r.counted("leadbridge_ingest_connections_closed_total", closedIdle); n != 2 {
		t.Errorf("%v were closed, want 2", n)
	}
	for _, c := range []net.Conn{first, second, third, fourth} {
		c.Close()
	}
	_ = server.Close()
	if err := <-ended; err == nil {
		t.Error("the server ended without a word")
	}
}

// fakeConn is a connection of a peer.
type fakeConn struct {
	net.Conn
	from net.Addr
}

func (c *fakeConn) RemoteAddr() net.Addr { return c.from }

// fakeListener hands connections out.
type fakeListener struct{ conns chan net.Conn }

func (l fakeListener) Accept() (net.Conn, error) {
	conn, ok := <-l.conns
	if !ok {
		return nil, net.ErrClosed
	}
	return conn, nil
}
func (l fakeListener) Close() error { close(l.conns); return nil }
func (fakeListener) Addr() net.Addr { return nil }

// TestConnectionsOfAPeer: one peer, of IPv6 a whole /64, has only so many; a proxy that is trusted
// speaks for many.
func TestConnectionsOfAPeer(t *testing.T) {
	t.Parallel()
	trusted := newPeers([]netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}, HeaderXForwardedFor, 1)
	closed := map[string]int{}
	l := fakeListener{make(chan net.Conn, 20)}
	limiter := newConnLimiter(l, 10, 2, trusted.trusts, func(cause string) { closed[cause]++ })
	var others []net.Conn
	arrive := func(from string) {
		ours, theirs := net.Pipe()
		others = append(others, theirs)
		l.conns <- &fakeConn{ours, net.TCPAddrFromAddrPort(netip.MustParseAddrPort(from))}
	}
	accept := func() net.Conn {
		conn, err := limiter.Accept()
		if err != nil {
			t.Fatal(err)
		}
		return conn
	}
	for _, from := range []string{
		"192.0.2.1:1", "192.0.2.1:2", "192.0.2.1:3", "[::ffff:192.0.2.1]:4", // the last two are too many
		"[2001:db8::1]:1", "[2001:db8::2]:1", "[2001:db8::3]:1", "[2001:db8:0:1::1]:1", // the third is
		"10.0.0.1:1", "10.0.0.1:2", "10.0.0.1:3",
	} {
		arrive(from)
	}
	var in []net.Conn
	for range 8 {
		in = append(in, accept())
	}
	if diff := cmp.Diff(map[string]int{closedPeer: 3}, closed); diff != "" {
		t.Error(diff)
	}
	// One that ends makes room, and so does an idle one.
	in[0].Close()
	in[0].Close()
	arrive("192.0.2.1:5")
	accept()
	limiter.connState(in[1], http.StateIdle)
	arrive("192.0.2.1:6")
	in = append(in, accept())
	limiter.connState(in[1], http.StateIdle) // it has ended
	arrive("192.0.2.1:7")
	arrive("192.0.2.9:1")
	accept()
	if diff := cmp.Diff(map[string]int{closedPeer: 4, closedIdle: 1}, closed); diff != "" {
		t.Error(diff)
	}
	// All connections are taken: the next one waits, until the end.
	arrive("192.0.2.8:1")
	accept()
	arrive("192.0.2.7:1")
	ended := make(chan error)
	go func() {
		_, err := limiter.Accept()
		ended <- err
	}()
	_ = limiter.Close()
	if err := <-ended; err == nil {
		t.Error("accepted beyond the bound")
	}
	for _, c := range append(in, others...) {
		c.Close()
	}
}
