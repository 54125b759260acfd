package crmtest

import (
	"context"
	"io"
	"log"
	"net"
	"net/http"
	"sync"
	"syscall"
)

// Server is a simulator behind an HTTP server with in-memory connections. It may live in a
// synctest bubble.
type Server struct {
	URL string // base URL: http://…, without /v1

	sim    *Simulator
	server *http.Server
	accept chan net.Conn
	done   chan struct{}  // closed by Close
	once   sync.Once      // of Close
	work   sync.WaitGroup // the server's loop and its connections

	mu     sync.Mutex        // guards everything below
	refuse error             // the error of further dials; nil: none
	cut    int               // how many bytes a new connection takes before it breaks; negative: no limit
	open   map[*pipeEnd]bool // open connections; true: hijacked
}

// Serve starts a server; Close ends it and the simulator.
func Serve(s *Simulator) *Server {
	v := &Server{
		URL: "http://crm.test", sim: s, cut: -1,
		accept: make(chan net.Conn), done: make(chan struct{}),
		open: map[*pipeEnd]bool{},
	}
	v.server = &http.Server{ //nolint:gosec // G112: no slow strangers reach connections in memory
		Handler:     http.HandlerFunc(v.serve),
		ErrorLog:    log.New(io.Discard, "", 0),
		ConnState:   v.track,
		ConnContext: func(ctx context.Context, c net.Conn) context.Context { return context.WithValue(ctx, endKey{}, c) },
	}
	v.work.Go(func() { _ = v.server.Serve((*listener)(v)) }) // ends with ErrServerClosed
	return v
}

// endKey is the key of a request's connection in its context.
type endKey struct{}

// serve serves a request. If the simulator has hijacked the connection, serve counts it as ended afterwards; other
// connections are counted by track.
func (v *Server) serve(w http.ResponseWriter, r *http.Request) {
	defer func() {
		if end, ok := r.Context().Value(endKey{}).(*pipeEnd); ok && v.forget(end, true) {
			v.work.Done()
		}
	}()
	v.sim.ServeHTTP(w, r)
}

func (v *Server) track(c net.Conn, state http.ConnState) {
	end, ok := c.(*pipeEnd)
	switch {
	case !ok:
	case state == http.StateHijacked:
		v.mu.Lock()
		v.open[end] = true
		v.mu.Unlock()
	case state == http.StateClosed && v.forget(end, false):
		v.work.Done()
	}
}

// forget removes a connection from the open ones, and reports whether it was there with that value of
// hijacked.
func (v *Server) forget(end *pipeEnd, hijacked bool) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	if was, ok := v.open[end]; !ok || was != hijacked {
		return false
	}
	delete(v.open, end)
	return true
}

// Dial opens a connection to the server, whatever the address.
func (v *Server) Dial(ctx context.Context, _, _ string) (net.Conn, error) {
	v.mu.Lock()
	refuse, budget := v.refuse, v.cut
	v.mu.Unlock()
	if refuse != nil {
		return nil, &net.OpError{Op: "dial", Net: "mem", Addr: pipeAddr("crm.test:80"), Err: refuse}
	}
	client, server := newPipe(budget)
	select {
	case v.accept <- server:
		return client, nil
	case <-v.done:
		return nil, client.fail("dial", syscall.ECONNREFUSED)
	case <-ctx.Done():
		return nil, client.fail("dial", ctx.Err())
	}
}

// Client returns an HTTP client of the server, with a transport of its own.
func (v *Server) Client() *http.Client {
	return &http.Client{Transport: &http.Transport{DialContext: v.Dial}}
}

// Refuse makes further dials fail with err, for instance
// syscall.ECONNREFUSED; nil ends that. Connections that are open stay.
func (v *Server) Refuse(err error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.refuse = err
}

// Cut makes further connections break by a reset when the client has sent that many bytes,
// for example in the middle of a request. A negative number ends that.
func (v *Server) Cut(bytes int) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.cut = bytes
}

// Drop resets all open connections. Calls that the simulator has received run on.
func (v *Server) Drop() {
	v.mu.Lock()
	ends := make([]*pipeEnd, 0, len(v.open))
	for end := range v.open {
		ends = append(ends, end)
	}
	v.mu.Unlock()
	for _, end := range ends {
		end.pipe.mu.Lock()
		end.pipe.abort()
		end.pipe.mu.Unlock()
	}
}

// Close ends the server and its simulator and waits for both.
func (v *Server) Close() {
	v.once.Do(func() {
		close(v.done)
		v.Drop()
		v.sim.Close()
		_ = v.server.Close()
	})
	v.work.Wait()
}

// listener gives the HTTP server its connections.
type listener Server

// Accept waits for a dial.
func (l *listener) Accept() (net.Conn, error) {
	select {
	case c := <-l.accept:
		if end, ok := c.(*pipeEnd); ok {
			l.work.Add(1) // the loop that we are in keeps Close waiting
			l.mu.Lock()
			l.open[end] = false
			l.mu.Unlock()
		}
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

// Close does nothing: Server.Close ends the listener.
func (l *listener) Close() error { return nil }

// Addr names the server.
func (l *listener) Addr() net.Addr { return pipeAddr("crm.test:80") }
