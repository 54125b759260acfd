package webhook

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync"
)

// Headers in which a proxy names the sender.
const (
	HeaderXForwardedFor = "X-Forwarded-For"
	HeaderForwarded     = "Forwarded" // RFC 7239
)

// peers finds out who sends a request: the other end of the connection, or the sender that a trusted proxy names.
type peers struct {
	trusted []netip.Prefix // proxies that are believed
	header  string         // HeaderXForwardedFor or HeaderForwarded
	most    int            // most requests at a time of one sender behind proxies

	mu       sync.Mutex
	underWay map[netip.Addr]int // guarded by mu; requests that have not ended, by sender behind proxies
}

func newPeers(trusted []netip.Prefix, header string, most int) *peers {
	return &peers{trusted: trusted, header: header, most: most, underWay: map[netip.Addr]int{}}
}

// peerOf returns the address of host:port; the zero address for a text that is not one.
func peerOf(hostPort string) netip.Addr {
	at, err := netip.ParseAddrPort(hostPort)
	if err != nil {
		return netip.Addr{}
	}
	return at.Addr().Unmap().WithZone("")
}

// ipv6Customer is the prefix of IPv6 that counts as one peer: a provider gives a customer that many addresses.
const ipv6Customer = 64

// asPeer returns the address by which a peer is counted: of an IPv6 address the first one of its /64.
func asPeer(a netip.Addr) netip.Addr {
	if a.Is6() {
		if p, err := a.Prefix(ipv6Customer); err == nil {
			return p.Addr()
		}
	}
	return a
}

func (p *peers) trusts(a netip.Addr) bool {
	return slices.ContainsFunc(p.trusted, func(t netip.Prefix) bool { return t.Contains(a) })
}

// sender returns the address that sends a request; forwarded reports whether a trusted proxy named it. Each proxy
// appends the address that it got the request from, so that the list is read from its end up to the first address that
// is not a trusted proxy: addresses before that one may be forged. When the list cannot be read, the proxy counts as
// the sender.
func (p *peers) sender(r *http.Request) (who netip.Addr, forwarded bool) {
	who = peerOf(r.RemoteAddr)
	if !p.trusts(who) {
		return asPeer(who), false
	}
	for _, one := range slices.Backward(p.chain(r.Header)) {
		said, ok := forwardedAddr(one)
		if !ok {
			break
		}
		if who = said; !p.trusts(who) {
			return asPeer(who), true
		}
	}
	return asPeer(who), false
}

// chain returns the senders that the header names, in its order.
func (p *peers) chain(h http.Header) (list []string) {
	for _, line := range h.Values(p.header) {
		for one := range strings.SplitSeq(line, ",") {
			if p.header == HeaderForwarded {
				one = forwardedFor(one)
			}
			list = append(list, strings.TrimSpace(one))
		}
	}
	return list
}

// forwardedFor returns the parameter "for" of one element of Forwarded.
func forwardedFor(element string) string {
	for pair := range strings.SplitSeq(element, ";") {
		name, value, _ := strings.Cut(pair, "=")
		if strings.EqualFold(strings.TrimSpace(name), "for") {
			return strings.Trim(strings.TrimSpace(value), `"`)
		}
	}
	return ""
}

// forwardedAddr reads an address, with a port or without.
func forwardedAddr(text string) (netip.Addr, bool) {
	if at, err := netip.ParseAddrPort(text); err == nil {
		return at.Addr().Unmap().WithZone(""), true
	}
	a, err := netip.ParseAddr(strings.Trim(text, "[]"))
	return a.Unmap().WithZone(""), err == nil
}

// enter counts a request until leave is called; ok is false when its sender has too many. Only requests that came through
// a trusted proxy are bounded so: for others ConnectionsPerPeer does it, which does not hold for a proxy's connections.
func (p *peers) enter(who netip.Addr, forwarded bool) (leave func(), ok bool) {
	if !forwarded {
		return func() {}, true
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.underWay[who] >= p.most {
		return nil, false
	}
	p.underWay[who]++
	return func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.underWay[who]--; p.underWay[who] == 0 {
			delete(p.underWay, who)
		}
	}, true
}
