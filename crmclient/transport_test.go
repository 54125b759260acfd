package crmclient

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/leadbridge/leadbridge/crmclient/crmtest"
)

// H19: the lease is asked on the connection over TLS as well, and by the body on HTTP/2.
func TestH19LeaseOverTLS(t *testing.T) {
	for name, h2 := range map[string]bool{"HTTP/1": false, "HTTP/2": true} {
		t.Run(name, func(t *testing.T) {
			sim := crmtest.New(crmtest.Options{ExistingUserField: true})
			defer sim.Close()
			var major atomic.Int64
			server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				major.Store(int64(r.ProtoMajor))
				sim.ServeHTTP(w, r)
			}))
			server.EnableHTTP2 = h2
			server.StartTLS()
			defer server.Close()
			c := trusting(t, server)
			defer c.Close()
			request := Request{OriginID: "lb-1", Contact: &Contact{Name: "Ivan"}}
			if _, err := c.Create(t.Context(), request); err != nil {
				t.Fatal(err)
			}
			if got := major.Load() == 2; got != h2 {
				t.Errorf("HTTP/%d", major.Load())
			}
			lost, asked := errors.New("lost"), 0
			request.OriginID = "lb-2"
			request.Lease = func() error {
				if asked++; asked > 1 {
					return lost
				}
				return nil
			}
			if res, err := c.Create(t.Context(), request); !errors.Is(err, ErrLeaseLost) || !errors.Is(err, lost) || res.Unsettled {
				t.Errorf("Create = %+v, %v", res, err)
			}
			if n := sim.Stats().Contacts; n != 1 {
				t.Errorf("%d contacts", n)
			}
		})
	}
}

// trusting makes a Creator that takes the test server's certificate.
func trusting(t *testing.T, server *httptest.Server) *Creator {
	t.Helper()
	c, err := New(Config{BaseURL: server.URL, APIKey: Secret{Value: "vibe_api_1"}})
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	transport, ok := c.wire.client.Transport.(*http.Transport)
	if !ok {
		t.Fatalf("transport is a %T", c.wire.client.Transport)
	}
	transport.TLSClientConfig = &tls.Config{RootCAs: roots}
	return c
}

// A certificate that nobody vouches for stops the request before it is written.
func TestUntrustedCertificateIsNotApplied(t *testing.T) {
	server := httptest.NewUnstartedServer(http.NotFoundHandler())
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	defer server.Close()
	c, err := New(Config{BaseURL: server.URL})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	a := c.wire.send(t.Context(), call{op: opCreate, method: http.MethodPost, path: "/contacts", body: []byte(`{}`)})
	if o := created(a, way{}, time.Now()); o.class != classNotApplied || o.code != "TLS" {
		t.Errorf("%v %s", o.class, o.code)
	}
}

// H18: a connection's bytes die with their sender.
func TestH18ConnectionsDieWithTheirOwner(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	reset := make(chan error, 1)
	go func() {
		conn, err := listener.Accept()
		if err != nil {
			reset <- err
			return
		}
		defer conn.Close()
		_, err = conn.Read(make([]byte, 1))
		reset <- err
	}()
	transport := newTransport(nil, 2, 5*time.Second)
	conn, err := transport.DialContext(t.Context(), "tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	checkSocket(t, conn)
	if err := conn.Close(); err != nil {
		t.Error(err)
	}
	// Not io.EOF: with linger 0 the end is a reset.
	if err := <-reset; err == nil || !strings.Contains(err.Error(), "reset") {
		t.Errorf("the other side saw %v", err)
	}
}

// H32: with GetBody net/http would send a create again by itself.
func TestH32NoGetBody(t *testing.T) {
	w, err := newWire(Config{BaseURL: "http://crm.test"}.withDefaults())
	if err != nil {
		t.Fatal(err)
	}
	req, err := w.request(t.Context(), call{method: http.MethodPost, path: "/contacts", body: []byte(`{}`)}, &passage{})
	if err != nil {
		t.Fatal(err)
	}
	if req.GetBody != nil || req.ContentLength != 2 {
		t.Errorf("GetBody %v, length %d", req.GetBody != nil, req.ContentLength)
	}
}

func TestBaseURL(t *testing.T) {
	for given, want := range map[string]string{
		"https://vibecode.bitrix24.tech":     "https://vibecode.bitrix24.tech/v1",
		"https://vibecode.bitrix24.tech/":    "https://vibecode.bitrix24.tech/v1",
		"https://vibecode.bitrix24.tech/v1":  "https://vibecode.bitrix24.tech/v1",
		"https://vibecode.bitrix24.tech/v1/": "https://vibecode.bitrix24.tech/v1",
		" http://localhost:8080/crm ":        "http://localhost:8080/crm/v1",
		"":                                   "",
		"vibecode.bitrix24.tech":             "",
		"ftp://vibecode.bitrix24.tech":       "",
		"https://user:pass@host":             "",
		"https://host?x=1":                   "",
		"https://host/\x00":                  "",
	} {
		got, err := baseURL(given)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("baseURL(%q) = %q, %v", given, got, err)
		}
		if err != nil && strings.Contains(err.Error(), "pass") {
			t.Errorf("error holds the password: %v", err)
		}
	}
}

// tapConn keeps what each Write was given.
type tapConn struct {
	net.Conn
	mu     *sync.Mutex
	writes *[]string
}

func (c tapConn) Write(b []byte) (int, error) {
	c.mu.Lock()
	*c.writes = append(*c.writes, string(b))
	c.mu.Unlock()
	return c.Conn.Write(b)
}

// Head and body of a create leave together: between two writes a process can be frozen, and
// each costs both sides a wake-up.
func TestCreateLeavesInOneWrite(t *testing.T) {
	sim := crmtest.New(crmtest.Options{ExistingUserField: true})
	defer sim.Close()
	server := httptest.NewServer(sim)
	defer server.Close()
	var mu sync.Mutex
	var writes []string
	c, err := New(Config{BaseURL: server.URL, APIKey: Secret{Value: "vibe_api_1"}, Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := new(net.Dialer).DialContext(ctx, network, address)
		return tapConn{conn, &mu, &writes}, err
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.Prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	mu.Lock()
	writes = nil
	mu.Unlock()
	if _, err := c.Create(t.Context(), Request{OriginID: "lb-1", Contact: &Contact{Name: "Ivan"}}); err != nil {
		t.Fatal(err)
	}
	mu.Lock()
	defer mu.Unlock()
	if len(writes) != 1 || !strings.HasPrefix(writes[0], "POST /v1/contacts ") || !strings.HasSuffix(writes[0], "}") {
		t.Errorf("%d writes: %q", len(writes), writes)
	}
}

// When a request was written is told no sooner than it was: an absence counts from there.
func TestWrittenAt(t *testing.T) {
	early, late := time.Now().Add(-2*time.Hour), time.Now().Add(-time.Hour)
	lost := errors.New("lost")
	for _, c := range []struct {
		name              string
		own, wrote, lease bool
		said, last        *time.Time
		want              time.Time // of the last day means now
	}{
		{name: "nothing"},
		{name: "never left the buffer", own: true, said: &early},
		{name: "left the buffer after that", own: true, wrote: true, said: &early, last: &late, want: late},
		{name: "left it in several writes", own: true, wrote: true, said: &late, last: &early, want: late},
		{name: "is being written, or failed", own: true, wrote: true, said: &early, want: time.Now()},
		{name: "a part of it", own: true, wrote: true, last: &early, want: time.Now()},
		{name: "a part of it before the lease was lost", own: true, wrote: true, lease: true, said: &early, last: &early, want: time.Now()},
		{name: "on HTTP/2", said: &early, want: early},
		{name: "on HTTP/2, a part of it", wrote: true, want: time.Now()},
	} {
		var p passage
		p.own.Store(c.own)
		p.wrote.Store(c.wrote)
		p.last.Store(c.last)
		if c.lease {
			p.lost.Store(&lost)
		}
		got := p.writtenAt(c.said)
		if off := got.Sub(c.want); off < 0 || off > time.Minute || got.IsZero() != c.want.IsZero() {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}
