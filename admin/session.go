package admin

import (
	"crypto/rand"
	"encoding/hex"
	"net/http"
	"sync"
	"time"
)

const (
	cookieName  = "leadbridge-session"
	sessionTime = 12 * time.Hour
	// maxSessions is how many people and tabs are signed in; the oldest gives way.
	maxSessions = 1000
)

// session is one sign-in. Only the digest of its id is kept.
type session struct {
	until time.Time
	token digest // that it was made with: another one ends it
}

// sessions are kept in memory: a restart signs everybody out.
type sessions struct {
	mu   sync.Mutex
	byID map[digest]session
}

// begin makes a session and gives its id.
func (s *sessions) begin(made digest) (id string) {
	id = rand.Text() + rand.Text()
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	var oldest digest
	for d, one := range s.byID {
		if !one.until.After(now) {
			delete(s.byID, d)
			continue
		}
		if first := s.byID[oldest]; first.until.IsZero() || one.until.Before(first.until) {
			oldest = d
		}
	}
	if len(s.byID) >= maxSessions {
		delete(s.byID, oldest)
	}
	s.byID[digestOf(id)] = session{now.Add(sessionTime), made}
	return id
}

// holds tells whether a session is in force under a token.
func (s *sessions) holds(id string, token digest) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	d := digestOf(id)
	one, there := s.byID[d]
	if there && (!one.until.After(time.Now()) || !one.token.equals(token)) {
		delete(s.byID, d)
		return false
	}
	return there
}

func (s *sessions) end(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.byID, digestOf(id))
}

// cookie carries a session; "" takes it back.
func cookie(r *http.Request, id string) *http.Cookie {
	c := &http.Cookie{ //nolint:gosec // G124: over plain HTTP, as on loopback, a Secure cookie would never come back
		Name: cookieName, Value: id, Path: "/", HttpOnly: true, SameSite: http.SameSiteStrictMode,
		Secure: r.TLS != nil || r.Header.Get("X-Forwarded-Proto") == "https", MaxAge: int(sessionTime.Seconds()),
	}
	if id == "" {
		c.MaxAge = -1
	}
	return c
}

// nameOf is how the log names a session: nobody can sign in with it.
func nameOf(id string) string {
	d := digestOf("audit " + id)
	return "session " + hex.EncodeToString(d[:4])
}
