package webhook

import (
	"fmt"
	"net/http"
	"net/netip"
	"testing"
)

// TestSender tells who sends, behind proxies that are trusted and those that are not.
func TestSender(t *testing.T) {
	t.Parallel()
	const proxy = "10.0.0.1:99"
	for name, c := range map[string]struct {
		remote, header string
		lines          []string
		want           string
		forwarded      bool
	}{
		"no proxy":           {"192.0.2.1:1", HeaderXForwardedFor, []string{"203.0.113.9"}, "192.0.2.1", false},
		"proxy":              {proxy, HeaderXForwardedFor, []string{"203.0.113.9"}, "203.0.113.9", true},
		"proxy behind proxy": {proxy, HeaderXForwardedFor, []string{"203.0.113.9, 10.2.3.4"}, "203.0.113.9", true},
		"invented before":    {proxy, HeaderXForwardedFor, []string{"198.51.100.1, 203.0.113.9"}, "203.0.113.9", true},
		"invented line":      {proxy, HeaderXForwardedFor, []string{"198.51.100.1", "203.0.113.9"}, "203.0.113.9", true},
		"with port":          {proxy, HeaderXForwardedFor, []string{"203.0.113.9:4711"}, "203.0.113.9", true},
		"IPv6":               {proxy, HeaderXForwardedFor, []string{"2001:db8::7:1"}, "2001:db8::", true},
		"IPv6 with port":     {proxy, HeaderXForwardedFor, []string{"[2001:db8::7:1]:80"}, "2001:db8::", true},
		"mapped":             {proxy, HeaderXForwardedFor, []string{"::ffff:203.0.113.9"}, "203.0.113.9", true},
		"nothing":            {proxy, HeaderXForwardedFor, nil, "10.0.0.1", false},
		"no address":         {proxy, HeaderXForwardedFor, []string{"203.0.113.9, unknown"}, "10.0.0.1", false},
		"only proxies":       {proxy, HeaderXForwardedFor, []string{"10.1.1.1"}, "10.1.1.1", false},
		"the other header":   {proxy, HeaderForwarded, []string{"203.0.113.9"}, "10.0.0.1", false},
		"Forwarded":          {proxy, HeaderForwarded, []string{`for=198.51.100.1;proto=http, proto=https ; For="203.0.113.9:80";by=10.0.0.1`}, "203.0.113.9", true},
		"Forwarded, IPv6":    {proxy, HeaderForwarded, []string{`for="[2001:db8::7:1]:80"`}, "2001:db8::", true},
		"Forwarded, hidden":  {proxy, HeaderForwarded, []string{"for=198.51.100.1, for=_hidden"}, "10.0.0.1", false},
		"in memory":          {"pipe", HeaderXForwardedFor, []string{"203.0.113.9"}, "invalid IP", false},
	} {
		r := request()
		r.RemoteAddr = c.remote
		for _, line := range c.lines {
			r.Header.Add(c.header, line)
			if name == "the other header" {
				r.Header.Set(HeaderXForwardedFor, line)
				r.Header.Del(HeaderForwarded)
			}
		}
		p := newPeers([]netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}, c.header, 1)
		if who, forwarded := p.sender(r); who.String() != c.want || forwarded != c.forwarded {
			t.Errorf("%s: %v %t, want %s %t", name, who, forwarded, c.want, c.forwarded)
		}
	}
}

// TestRequestsOfAForwardedPeer bounds those for whom a proxy speaks; others are not kept out.
func TestRequestsOfAForwardedPeer(t *testing.T) {
	t.Parallel()
	r := newRig(t, open, func(c *Config) {
		c.TrustedProxies, c.ConnectionsPerPeer = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, 1
	})
	conn := r.dial()
	_, _ = fmt.Fprint(conn, "POST /hooks/form HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 203.0.113.9\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{")
	who := netip.MustParseAddr("203.0.113.9")
	underWay := func() int {
		r.gate.peers.mu.Lock()
		defer r.gate.peers.mu.Unlock()
		return r.gate.peers.underWay[who]
	}
	r.await(func() bool { return underWay() == 1 })
	a := r.post("/hooks/form", mediaJSON, testLead, "X-Forwarded-For", "203.0.113.9")
	isProblem(t, a, http.StatusTooManyRequests)
	r.post("/hooks/form", mediaJSON, testLead, "X-Forwarded-For", "203.0.113.10").id(t)
	conn.Close()
	r.await(func() bool { return underWay() == 0 })
	r.post("/hooks/form", mediaJSON, testLead, "X-Forwarded-For", "203.0.113.9").id(t)
}
