// Package freshconn sends each HTTP request over a connection of its own, to servers that are asked rarely.
package freshconn

import (
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"net/url"
	"time"
)

// Transport makes a connection for each request, by TLS 1.2 or newer. Each one trusts the authorities of that moment, as
// their file may change while the process runs. A lasting [http.Transport] could not do that: where it dials TLS by a
// function of ours, it uses no proxy.
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
