package admin

import (
	"cmp"
	"crypto/rand"
	"encoding/hex"
	"net/http"
	"strings"
	"sync"
	"time"
)

const (
	cookieName  = "leadbridge-session"
	sessionTime = 12 * time.Hour
	// maxSessions is how many sessions there may be, maxOwnSessions how many of one owner.
	maxSessions    = 1000
	maxOwnSessions = 50
)

// session is a person's sign-in. Only the digest of its id is kept.
type session struct {
	until  time.Time
	token  digest // the token with which it was begun; the session ends with the token
	person holder // the person who began it by OpenID Connect; without a role if a token began it
	owner  string // by whom sessions are counted: the holder's name, or the peer's address for a token without a name
}

// sessions are kept in memory: a restart signs everybody out.
type sessions struct {
	mu   sync.Mutex
	byID map[digest]session
}

// begin begins a session for the holder of a token, and returns its id. peer is the address from which the holder signs in.
func (s *sessions) begin(by holder, peer string) (id string) {
	return s.keep(session{token: by.token, owner: cmp.Or(by.name, "at "+peer)}, sessionTime)
}

// beginOf begins a session for a person of OpenID Connect, and returns its id.
func (s *sessions) beginOf(person holder, life time.Duration) (id string) {
	return s.keep(session{person: person, owner: person.name}, life)
}

// keep stores a session under a new id. If its owner has too many sessions, the oldest of these ends. If there are too
// many in all, the oldest session of the owner with the most sessions ends, so that nobody's sign-ins end a session of an
// owner who has fewer.
func (s *sessions) keep(begun session, life time.Duration) (id string) {
	id = rand.Text() + rand.Text()
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	owned := map[string]int{}
	for d, one := range s.byID {
		if !one.until.After(now) {
			delete(s.byID, d)
			continue
		}
		owned[one.owner]++
	}
	switch {
	case owned[begun.owner] >= maxOwnSessions:
		s.endOldestOf(begun.owner)
	case len(s.byID) >= maxSessions:
		s.endOldestOf(most(owned))
	}
	begun.until = now.Add(life)
	s.byID[digestOf(id)] = begun
	return id
}

// endOldestOf ends the session of an owner that would end first. The caller holds the lock.
func (s *sessions) endOldestOf(owner string) {
	var oldest digest
	for d, one := range s.byID {
		if first, chosen := s.byID[oldest]; one.owner == owner && (!chosen || one.until.Before(first.until)) {
			oldest = d
		}
	}
	delete(s.byID, oldest)
}

// most returns the owner with the most sessions.
func most(owned map[string]int) (owner string) {
	for name, n := range owned {
		if n > owned[owner] || n == owned[owner] && name < owner {
			owner = name
		}
	}
	return owner
}

// of returns a session; ok is false when there is no such session, or it has ended.
func (s *sessions) of(id string) (one session, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	d := digestOf(id)
	one, ok = s.byID[d]
	if ok && !one.until.After(time.Now()) {
		delete(s.byID, d)
		return session{}, false
	}
	return one, ok
}

func (s *sessions) end(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.byID, digestOf(id))
}

// cookie returns the cookie of a session; for "" one that deletes it.
func (s *Server) cookie(r *http.Request, id string) *http.Cookie {
	c := &http.Cookie{ //nolint:gosec // G124: over plain HTTP, as on loopback, a Secure cookie would never come back
		Name: s.sessionCookie(r), Value: id, Path: "/", HttpOnly: true, SameSite: http.SameSiteStrictMode,
		Secure: s.overTLS(r), MaxAge: int(sessionTime.Seconds()),
	}
	if id == "" {
		c.MaxAge = -1
	}
	return c
}

// sessionCookie returns the name of the cookie of a session. With https it has hostPrefix, and a cookie without that does
// not count.
func (s *Server) sessionCookie(r *http.Request) string {
	if s.overTLS(r) {
		return hostPrefix + cookieName
	}
	return cookieName
}

// hostPrefix begins the names of cookies that browsers accept only from the host itself, by https, and for all of its
// paths. Neither another host of the domain nor a page that came by http can set such a cookie.
const hostPrefix = "__Host-"

// overTLS reports whether the browser reaches the page by https: directly, through a proxy that says so, or at the host
// of a redirect URL with https.
func (s *Server) overTLS(r *http.Request) bool {
	proto, _, _ := strings.Cut(r.Header.Get("X-Forwarded-Proto"), ",")
	return r.TLS != nil || strings.EqualFold(strings.TrimSpace(proto), "https") || s.oidc != nil && s.oidc.isSecureHost(r.Host)
}

// nameOf returns a name for a session in the log, from which its id cannot be derived.
func nameOf(id string) string {
	d := digestOf("audit " + id)
	return "session " + hex.EncodeToString(d[:4])
}
