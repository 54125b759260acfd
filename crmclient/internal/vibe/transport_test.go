package vibe

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

// The lease is asked on the connection over TLS as well, and by the body on HTTP/2.
func TestLeaseIsAskedOverTLS(t *testing.T) {
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
			if o := c.Do(t.Context(), CreateOne(Contacts, []byte(`{"name":"Ivan"}`), nil)); o.Class != Done || o.Written.IsZero() || o.Answered.IsZero() {
				t.Fatalf("%+v", o)
			}
			if got := major.Load() == 2; got != h2 {
				t.Errorf("HTTP/%d", major.Load())
			}
			lost := errors.New("lost")
			o := c.Do(t.Context(), CreateOne(Contacts, []byte(`{"name":"Ivan"}`), func() error { return lost }))
			if o.Class != LeaseLost || !errors.Is(o.Lease, lost) || !h2 && !o.Written.IsZero() {
				t.Errorf("%+v", o)
			}
			if n := sim.Stats().Contacts; n != 1 {
				t.Errorf("%d contacts", n)
			}
		})
	}
}

// trusting makes a Client that takes the test server's certificate.
func trusting(t *testing.T, server *httptest.Server) *Client {
	t.Helper()
	c := newClient(t, Config{BaseURL: server.URL, APIKey: Secret{Value: "vibe_api_1"}})
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	transport, ok := c.http.Transport.(*http.Transport)
	if !ok {
		t.Fatalf("transport is a %T", c.http.Transport)
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
	c := newClient(t, Config{BaseURL: server.URL})
	if o := c.Do(t.Context(), CreateOne(Contacts, []byte(`{}`), nil)); o.Class != NotApplied || o.Code != "TLS" {
		t.Errorf("%v %s", o.Class, o.Code)
	}
}

// A connection's bytes die with their sender.
func TestConnectionsDieWithTheirOwner(t *testing.T) {
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

// With GetBody net/http would send a create again by itself.
func TestRequestBodyCannotBeSentAgain(t *testing.T) {
	c := newClient(t, Config{BaseURL: "http://crm.test"})
	req, err := c.request(t.Context(), CreateOne(Contacts, []byte(`{}`), nil), &requestWrite{})
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
	c := newClient(t, Config{BaseURL: server.URL, APIKey: Secret{Value: "vibe_api_1"}, Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := new(net.Dialer).DialContext(ctx, network, address)
		return tapConn{conn, &mu, &writes}, err
	}})
	if o := c.Do(t.Context(), CreateOne(Contacts, []byte(`{"name":"Ivan"}`), nil)); o.Class != Done {
		t.Fatalf("%+v", o)
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
		name                    string
		exclusive, wrote, lease bool
		said, last              *time.Time
		want                    time.Time // of the last day means now
	}{
		{name: "nothing"},
		{name: "never left the buffer", exclusive: true, said: &early},
		{name: "left the buffer after that", exclusive: true, wrote: true, said: &early, last: &late, want: late},
		{name: "left it in several writes", exclusive: true, wrote: true, said: &late, last: &early, want: late},
		{name: "is being written, or failed", exclusive: true, wrote: true, said: &early, want: time.Now()},
		{name: "a part of it", exclusive: true, wrote: true, last: &early, want: time.Now()},
		{name: "a part of it before the lease was lost", exclusive: true, wrote: true, lease: true, said: &early, last: &early, want: time.Now()},
		{name: "on HTTP/2", said: &early, want: early},
		{name: "on HTTP/2, a part of it", wrote: true, want: time.Now()},
	} {
		var w requestWrite
		w.exclusive.Store(c.exclusive)
		w.wrote.Store(c.wrote)
		w.last.Store(c.last)
		if c.lease {
			w.lost.Store(&lost)
		}
		got := w.writtenAt(c.said)
		if off := got.Sub(c.want); off < 0 || off > time.Minute || got.IsZero() != c.want.IsZero() {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}
