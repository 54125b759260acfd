// Package freshconn sends HTTP requests over a connection each, to servers that are asked rarely.
package freshconn

import (
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"net/url"
	"time"
)

// Transport makes a connection for each request, by TLS 1.2 or newer, with the authorities as they are then: they are renewed
// while the process runs. A transport that is kept could only take them up where it dials TLS itself, and behind a proxy it
// does not.
type Transport struct {
	Authorities   func() *x509.CertPool                 // of the server's certificate; nil, or a nil pool: the system's
	Proxy         func(*http.Request) (*url.URL, error) // nil: that of the environment, if it names one
	HeaderTimeout time.Duration                         // how long the header of an answer may take; 0: no limit
}

// RoundTrip implements [http.RoundTripper].
func (t Transport) RoundTrip(r *http.Request) (*http.Response, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if t.Authorities != nil {
		config.RootCAs = t.Authorities()
	}
	proxy := t.Proxy
	if proxy == nil {
		proxy = http.ProxyFromEnvironment
	}
	once := &http.Transport{TLSClientConfig: config, Proxy: proxy, DisableKeepAlives: true, ResponseHeaderTimeout: t.HeaderTimeout}
	return once.RoundTrip(r)
}
