package vibe

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"time"
)

const (
	dialTimeout = 10 * time.Second
	// idleTimeout is shorter than the 60 s or more after which most servers close idle connections. A
	// create sent on a connection that the server is closing would be in doubt for half a minute.
	idleTimeout = 30 * time.Second
	// batchBuffer is how many bytes leave in one write. It has room for a usual batch.
	batchBuffer = 64 << 10
)

type dialFunc func(ctx context.Context, network, address string) (net.Conn, error)

// newTransport makes a transport whose connections are aborted when the process dies, and on which no
// request leaves without its lease. A connection whose bytes stay unacknowledged for ackTimeout is given
// up. connections is how many are usually in use.
func newTransport(dial dialFunc, connections int, ackTimeout time.Duration) *http.Transport {
	proxy := http.ProxyFromEnvironment
	if dial == nil {
		dial = (&net.Dialer{Timeout: dialTimeout}).DialContext
	} else {
		proxy = nil // the given dialer knows how to reach the CRM
	}
	return &http.Transport{
		Proxy: proxy,
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			conn, err := dial(ctx, network, address)
			if err != nil {
				return nil, err
			}
			if tcp, ok := conn.(*net.TCPConn); ok {
				if err := abortOnClose(tcp, ackTimeout); err != nil {
					return nil, errors.Join(err, conn.Close())
				}
			}
			return &leasedConn{Conn: conn}, nil
		},
		ForceAttemptHTTP2:   true, // our own DialContext would switch it off
		MaxIdleConnsPerHost: connections + 1,
		IdleConnTimeout:     idleTimeout,
		TLSHandshakeTimeout: dialTimeout,
		WriteBufferSize:     batchBuffer,
		ReadBufferSize:      batchBuffer,
	}
}

// isTLS reports whether an error is a failure of the TLS handshake.
func isTLS(err error) bool {
	_, unknown := errors.AsType[*tls.CertificateVerificationError](err)
	_, header := errors.AsType[tls.RecordHeaderError](err)
	_, alert := errors.AsType[tls.AlertError](err)
	return unknown || header || alert
}
