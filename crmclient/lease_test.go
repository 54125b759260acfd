package crmclient_test

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/leadbridge/leadbridge/crmclient"
	"github.com/leadbridge/leadbridge/crmclient/crmtest"
)

var errGone = errors.New("partition moved away")

func TestLeaseLostBeforeTheRequest(t *testing.T) {
	inBubble(t, portalWithField(), nil, func(w *world) {
		if err := w.creator.Prepare(w.t.Context()); err != nil {
			t.Fatal(err)
		}
		w.server.Drop()
		later(time.Second)
		w.server.Refuse(errors.New("dialled without a lease")) // which would be an outage
		r := lead(1)
		r.Lease = func() error { return errGone }
		e := w.create(r)
		if !errors.Is(e.err, crmclient.ErrLeaseLost) || !errors.Is(e.err, errGone) || e.result.Unsettled || e.took > 0 {
			t.Errorf("Create = %+v", e)
		}
	})
}

// The lease was good before the request, and is lost while it dials: the
// connection's Write asks again.
func TestLeaseLostWhileDiallingSendsNothing(t *testing.T) {
	var held atomic.Bool
	held.Store(true)
	var writes atomic.Int64
	inBubble(t, portalWithField(), nil, func(w *world) {
		slow := w.newCreator(func(c *crmclient.Config) {
			c.Metrics = nil
			c.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
				conn, err := w.server.Dial(ctx, network, address)
				if err == nil && !held.Load() {
					t.Error("dialled without a lease")
				}
				return &countedConn{conn, &writes}, err
			}
		})
		defer slow.Close()
		if err := slow.Prepare(w.t.Context()); err != nil {
			t.Fatal(err)
		}
		before := writes.Load()
		r := lead(1)
		asked := 0
		r.Lease = func() error {
			if asked++; asked > 1 { // the first is before the request
				return errGone
			}
			return nil
		}
		res, err := slow.Create(w.t.Context(), r)
		if !errors.Is(err, crmclient.ErrLeaseLost) || res.Unsettled {
			t.Errorf("Create = %+v, %v", res, err)
		}
		if n := writes.Load() - before; n != 0 {
			t.Errorf("%d writes after the lease was lost", n)
		}
		// The connection is of no more use; the next create gets on.
		if _, err := slow.Create(w.t.Context(), lead(2)); err != nil {
			t.Error(err)
		}
		w.wantContacts(1)
	})
}

type countedConn struct {
	net.Conn
	writes *atomic.Int64
}

func (c *countedConn) Write(b []byte) (int, error) {
	c.writes.Add(1)
	return c.Conn.Write(b)
}

// Redirects are not followed: they would carry the key away.
func TestRedirectsAreNotFollowed(t *testing.T) {
	inBubble(t, portalWithField(), nil, func(w *world) {
		w.mustCreate(lead(0))
		followed := false
		w.sim.Script(func(c crmtest.Call) crmtest.Action {
			if c.Path == "/v1/elsewhere" {
				followed = true
			}
			return crmtest.Action{Status: 308, Header: http.Header{"Location": {"/v1/elsewhere"}}}
		})
		ctx, cancel := context.WithTimeout(w.t.Context(), time.Hour)
		defer cancel()
		done := w.start(ctx, lead(1))
		later(30 * time.Minute)
		w.wantHolds("outage")
		if h := w.creator.Status().Holds[0]; !strings.Contains(h.Advice.String(), "redirects") {
			t.Errorf("advice %q", h.Advice)
		}
		<-done
		if followed {
			t.Error("followed a redirect")
		}
	})
}

// Net/http must not send a create a second time by itself.
func TestNothingIsSentTwiceByTheTransport(t *testing.T) {
	inBubble(t, portalWithField(), nil, func(w *world) {
		var headers []http.Header
		w.script(createCall, func(n int, c crmtest.Call) crmtest.Action {
			headers = append(headers, c.Header)
			if n == 2 { // on a kept connection, before any byte of an answer
				return crmtest.Action{Apply: crmtest.Now, End: crmtest.Close}
			}
			return crmtest.Action{}
		})
		w.mustCreate(lead(1))
		if e := w.mustCreate(lead(2)); !e.result.Found || e.result.Attempts != 1 {
			t.Errorf("Create = %+v", e)
		}
		if len(headers) != 2 {
			t.Errorf("%d creates were sent, want 2", len(headers))
		}
		for _, h := range headers {
			for _, name := range []string{"Idempotency-Key", "X-Idempotency-Key"} {
				if _, ok := h[name]; ok {
					t.Errorf("header %s is set", name)
				}
			}
		}
		w.wantContacts(2)
	})
}

// Connections are kept: 50 creates do not dial 50 times. net/http may dial beside
// a connection that is only just becoming idle, so that the exact number is its own affair;
// that no more requests run than slots is ours.
func TestConnectionsAreKept(t *testing.T) {
	var dials atomic.Int64
	inBubble(t, portalWithField(), nil, func(w *world) {
		c := w.newCreator(func(c *crmclient.Config) {
			c.Metrics = nil
			c.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
				dials.Add(1)
				return w.server.Dial(ctx, network, address)
			}
		})
		defer c.Close()
		var all []<-chan error
		for n := range 50 {
			done := make(chan error, 1)
			w.calls.Go(func() { _, err := c.Create(w.t.Context(), lead(n)); done <- err })
			all = append(all, done)
		}
		for _, done := range all {
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
		if n := dials.Load(); n > 25 {
			t.Errorf("%d connections for 50 creates", n)
		}
		if n := w.sim.Stats().MaxConcurrent; n > 2 {
			t.Errorf("%d requests at a time", n)
		}
	})
}

// A kept connection that the server closed while idle costs nothing.
func TestClosedKeptConnection(t *testing.T) {
	inBubble(t, portalWithField(), nil, func(w *world) {
		w.mustCreate(lead(1))
		w.server.Drop()
		later(time.Second)
		if e := w.mustCreate(lead(2)); e.result.Attempts != 1 || e.took > time.Second {
			t.Errorf("Create = %+v", e)
		}
		w.wantContacts(2)
	})
}

// Answers longer than a mebibyte are not read to their end.
func TestAnswersAreCapped(t *testing.T) {
	inBubble(t, portalWithField(), nil, func(w *world) {
		huge, _ := json.Marshal(map[string]any{"success": true, "data": map[string]any{"id": 5, "x": strings.Repeat("x", 3<<20)}})
		w.firstOnly(crmtest.Action{Apply: crmtest.Now, Status: 201, Body: string(huge)})
		if e := w.mustCreate(lead(1)); !e.result.Found {
			t.Errorf("Create = %+v", e)
		}
		w.wantContacts(1)
	})
}

// A request that breaks off half-way may have been applied for all we know.
func TestBrokenInTheMiddleOfTheRequest(t *testing.T) {
	inBubble(t, portalWithField(), nil, func(w *world) {
		if err := w.creator.Prepare(w.t.Context()); err != nil {
			t.Fatal(err)
		}
		w.server.Drop()
		w.server.Cut(200)
		done := w.start(w.t.Context(), lead(1))
		later(time.Second)
		w.server.Cut(-1)
		if e := <-done; e.err != nil || e.result.Attempts < 2 || e.took < lifetime {
			t.Errorf("Create = %+v", e)
		}
		w.wantContacts(1)
	})
}
