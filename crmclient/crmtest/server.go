package crmtest

import (
	"context"
	"net"
)

// Server is a simulator behind an HTTP server of in-memory connections.
type Server struct {
	URL string // base URL: http://…, without /v1
}

// Serve starts a server; Close ends it.
func Serve(s *Simulator) *Server { return &Server{URL: "http://crm.test"} }

// Dial opens a connection to the server, whatever the address.
func (v *Server) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	return nil, nil
}

// Refuse makes further dials fail with err, for instance
// syscall.ECONNREFUSED; nil ends that. Connections that are open stay.
func (v *Server) Refuse(err error) {}

// Drop resets all open connections.
func (v *Server) Drop() {}

// Close ends the server and its simulator and waits for both.
func (v *Server) Close() {}
