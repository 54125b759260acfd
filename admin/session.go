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
	// maxSessions is how many sessions there may be; a new one ends the one that would end first.
	maxSessions = 1000
)

// session is a person's sign-in. Only the digest of its id is kept.
type session struct {
	until  time.Time
	token  digest // the token that it was begun with; it ends with that
	person holder // who began it by OpenID Connect instead; without a role: nobody
}

// sessions are kept in memory: a restart signs everybody out.
type sessions struct {
	mu   sync.Mutex
	byID map[digest]session
}

// begin begins a session of whoever has a token, and returns its id.
func (s *sessions) begin(made digest) (id string) {
	return s.keep(session{token: made}, sessionTime)
}

// beginOf begins a session of a person, and returns its id.
func (s *sessions) beginOf(person holder, life time.Duration) (id string) {
	return s.keep(session{person: person}, life)
}

// keep keeps a session under a new id.
func (s *sessions) keep(begun session, life time.Duration) (id string) {
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
	begun.until = now.Add(life)
	s.byID[digestOf(id)] = begun
	return id
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

// cookie returns the cookie of a session; with "" one that deletes it.
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

// nameOf returns a name of a session for the log, with which nobody can sign in.
func nameOf(id string) string {
	d := digestOf("audit " + id)
	return "session " + hex.EncodeToString(d[:4])
}
