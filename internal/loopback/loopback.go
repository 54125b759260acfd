// Package loopback recognises requests that come from this machine, for pages that have no token.
package loopback

import (
	"net"
	"net/http"
	"strings"
)

// Direct reports whether a request is to a loopback address, or to "localhost", and came through no proxy. Another name
// that resolves to a loopback address is not enough: a website could have one. Many proxies put a loopback name in Host.
func Direct(r *http.Request) bool { return Host(r.Host) && !proxied(r) }

// Host reports whether a host, with or without a port, is a loopback address or "localhost".
func Host(host string) bool {
	name, _, err := net.SplitHostPort(host)
	if err != nil {
		name = strings.Trim(host, "[]")
	}
	if strings.EqualFold(name, "localhost") {
		return true
	}
	ip := net.ParseIP(name)
	return ip != nil && ip.IsLoopback()
}

// proxied reports whether a proxy sent the request.
func proxied(r *http.Request) bool {
	for _, name := range []string{"Forwarded", "Via", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-Ip"} {
		if len(r.Header[name]) > 0 {
			return true
		}
	}
	return false
}
