package crmtest_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leadbridge/leadbridge/crmclient/crmtest"
)

func TestRefusedDials(t *testing.T) {
	bubble(t, crmtest.Options{}, func(p *portal) {
		t := p.t
		p.create(`{}`)
		p.server.Refuse(syscall.ECONNREFUSED)
		p.create(`{}`) // the open connection stays
		p.client.CloseIdleConnections()
		if r := p.do("POST /v1/contacts", `{}`); !errors.Is(r.err, syscall.ECONNREFUSED) {
			t.Errorf("got %d, %v", r.status, r.err)
		}
		p.server.Refuse(nil)
		p.create(`{}`)
	})
}

func TestCutConnections(t *testing.T) {
	for _, n := range []int{0, 1, 200, 4000} {
		bubble(t, crmtest.Options{}, func(p *portal) {
			t := p.t
			p.server.Cut(n)
			if r := p.do("POST /v1/contacts", `{"comments":"`+strings.Repeat("x", 5000)+`"}`); !errors.Is(r.err, syscall.ECONNRESET) {
				t.Errorf("%d bytes: got %d, %v", n, r.status, r.err)
			}
			synctest.Wait()
			if p.Count() != 0 {
				t.Errorf("%d bytes of a request made a contact", n)
			}
			p.server.Cut(-1)
			p.create(`{}`)
		})
	}
}

func TestDroppedConnections(t *testing.T) {
	bubble(t, crmtest.Options{ServiceTime: time.Second}, func(p *portal) {
		t := p.t
		answer := started(func() reply { return p.do("POST /v1/contacts", `{}`) })
		synctest.Wait()
		p.server.Drop()
		if r := <-answer; !errors.Is(r.err, syscall.ECONNRESET) {
			t.Errorf("got %d, %v", r.status, r.err)
		}
		advance(time.Second + time.Millisecond)
		if p.Count() != 1 {
			t.Error("the portal did not work on")
		}
	})
}

// TestKeepsConnections shows that calls in a row share one connection.
func TestKeepsConnections(t *testing.T) {
	bubble(t, crmtest.Options{}, func(p *portal) {
		t := p.t
		dials := 0
		p.client.Transport = &http.Transport{DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			dials++
			return p.server.Dial(ctx, network, address)
		}}
		for range 10 {
			p.create(`{}`)
		}
		if dials != 1 {
			t.Errorf("%d dials, want 1", dials)
		}
	})
}

// TestBigBodies moves more than a pipe holds at once, both ways at a time.
func TestBigBodies(t *testing.T) {
	bubble(t, crmtest.Options{}, func(p *portal) {
		t := p.t
		text := strings.Repeat("x", 1<<20)
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				if got := p.create(`{"comments":"` + text + `"}`)["comments"]; got != text {
					t.Error("a text came back changed")
				}
			})
		}
		wg.Wait()
	})
}

func TestPipe(t *testing.T) {
	bubble(t, crmtest.Options{}, func(p *portal) {
		t := p.t
		c, err := p.server.Dial(t.Context(), "tcp", "anything:80")
		if err != nil {
			t.Fatal(err)
		}
		if err := c.SetReadDeadline(time.Now().Add(3 * time.Second)); err != nil {
			t.Fatal(err)
		}
		var failed error
		if got := waited(func() { _, failed = c.Read(make([]byte, 1)) }); got != 3*time.Second || !errors.Is(failed, os.ErrDeadlineExceeded) {
			t.Errorf("read waited %v, %v", got, failed)
		}
		var timeout net.Error
		if !errors.As(failed, &timeout) || !timeout.Timeout() {
			t.Errorf("%v is not a timeout", failed)
		}
		if err := c.SetReadDeadline(time.Time{}); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(c, "GET /v1/me HTTP/1.0\r\nX-Api-Key: k\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		all, err := io.ReadAll(c)
		if err != nil || !bytes.HasPrefix(all, []byte("HTTP/1.0 200 OK")) {
			t.Errorf("read %q, %v", all, err)
		}
		if err := c.Close(); err != nil {
			t.Error(err)
		}
		if _, err := c.Read(make([]byte, 1)); !errors.Is(err, net.ErrClosed) {
			t.Errorf("read of a closed end: %v", err)
		}
		if _, err := c.Write([]byte("x")); !errors.Is(err, net.ErrClosed) {
			t.Errorf("write of a closed end: %v", err)
		}
	})
}

func TestDialOfAClosedServer(t *testing.T) {
	bubble(t, crmtest.Options{}, func(p *portal) {
		t := p.t
		p.server.Close()
		if _, err := p.server.Dial(t.Context(), "tcp", "x:80"); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("dial: %v", err)
		}
	})
}

// TestOverHTTP2 ends calls where connections cannot be taken over.
func TestOverHTTP2(t *testing.T) {
	sim := crmtest.New(crmtest.Options{})
	defer sim.Close()
	srv := httptest.NewUnstartedServer(sim)
	srv.EnableHTTP2 = true
	srv.StartTLS()
	defer srv.Close()
	p := &portal{t: t, Simulator: sim, server: &crmtest.Server{URL: srv.URL}, client: srv.Client(), key: "k"}
	p.scripted(crmtest.Action{}, crmtest.Action{End: crmtest.Reset}, crmtest.Action{End: crmtest.Truncate}, crmtest.Action{End: crmtest.Close})
	p.create(`{}`)
	for range 3 {
		if r := p.do("POST /v1/contacts", `{}`); r.err == nil {
			t.Errorf("answered %d %s", r.status, r.text)
		}
	}
	p.create(`{}`)
	if got := sim.Count(); got != 3 {
		t.Errorf("%d contacts, want 3", got)
	}
}

// TestResetOverTCP ends calls on real sockets.
func TestResetOverTCP(t *testing.T) {
	sim := crmtest.New(crmtest.Options{})
	defer sim.Close()
	srv := httptest.NewServer(sim)
	defer srv.Close()
	p := &portal{t: t, Simulator: sim, server: &crmtest.Server{URL: srv.URL}, client: srv.Client(), key: "k"}
	p.scripted(crmtest.Action{End: crmtest.Reset, Apply: crmtest.Now}, crmtest.Action{End: crmtest.Close})
	if r := p.do("POST /v1/contacts", `{}`); !errors.Is(r.err, syscall.ECONNRESET) || sim.Count() != 1 {
		t.Errorf("got %d, %v; %d contacts", r.status, r.err, sim.Count())
	}
	if r := p.do("POST /v1/contacts", `{}`); !errors.Is(r.err, io.EOF) {
		t.Errorf("got %d, %v", r.status, r.err)
	}
}
