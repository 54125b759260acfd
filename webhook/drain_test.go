package webhook

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"github.com/leadbridge/leadbridge/internal/cluster"
)

// piped is a listener of connections in memory.
type piped struct {
	conns  chan net.Conn
	closed chan struct{}
}

func (p *piped) Accept() (net.Conn, error) {
	select {
	case conn := <-p.conns:
		return conn, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *piped) Close() error {
	select {
	case <-p.closed:
	default:
		close(p.closed)
	}
	return nil
}

func (*piped) Addr() net.Addr { return &net.TCPAddr{} }

// ask makes one request by a new connection; nil when none is taken.
func (p *piped) ask(t *testing.T) *http.Response {
	t.Helper()
	ours, theirs := net.Pipe()
	t.Cleanup(func() { _ = ours.Close() })
	select {
	case p.conns <- theirs:
	case <-p.closed:
		return nil
	}
	if _, err := fmt.Fprint(ours, "GET / HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(ours), nil)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	return resp
}

// TestDrainDelay takes webhooks by new connections for a while after the stop, tells
// clients to go elsewhere, and then takes none.
func TestDrainDelay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		gate, err := New(Config{
			Brokers: cluster.Brokers{
				Addresses: []string{"nowhere:9092"},
				Dial:      func(context.Context, string, string) (net.Conn, error) { return nil, errors.New("nobody is there") },
			},
			Topic: testTopic, Sources: parseSources(t, open), Log: zerolog.Nop(),
			AckTimeout: time.Second, HeaderTimeout: time.Minute, BodyTimeout: time.Minute, Connections: 10,
			DrainDelay: 5 * time.Second, DrainTimeout: 20 * time.Second,
		})
		if err != nil {
			t.Fatal(err)
		}
		l := &piped{conns: make(chan net.Conn), closed: make(chan struct{})}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		taken := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusAccepted) })
		go func() { ended <- gate.Run(ctx, l, taken) }()
		if resp := l.ask(t); resp == nil || resp.Close {
			t.Errorf("before the stop: %+v", resp)
		}
		cancel()
		time.Sleep(4900 * time.Millisecond)
		if resp := l.ask(t); resp == nil || resp.StatusCode != http.StatusAccepted || !resp.Close {
			t.Errorf("shortly after the stop: %+v, want 202 and Connection: close", resp)
		}
		time.Sleep(200 * time.Millisecond)
		if resp := l.ask(t); resp != nil {
			t.Errorf("after the delay: %s", resp.Status)
		}
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}
