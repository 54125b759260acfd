package admin

import (
	"cmp"
	"math"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/leadbridge/leadbridge/internal/loopback"
	"github.com/leadbridge/leadbridge/internal/phrase"
)

// contentPolicy lets the page load its own files and connect to its own server, and nothing else; scripts and styles in the
// page itself are not run.
const contentPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"

// guarded returns a handler that adds the headers of every answer, and refuses requests of other sites' pages. If nobody
// has to sign in, it answers only requests that come directly from a loopback address.
func (s *Server) guarded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", contentPolicy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
		h.Set("Cache-Control", "no-store")
		if !s.needsSignIn() && !loopback.Direct(r) {
			refuse(w, http.StatusForbidden, phrase.New("loopback_only", "without ADMIN_TOKEN this page answers to a loopback address only, such as http://127.0.0.1, and to no proxy: set ADMIN_TOKEN to reach it otherwise"))
			return
		}
		if strings.HasPrefix(r.URL.Path, "/api/") && s.foreign(r) {
			refuse(w, http.StatusForbidden, phrase.New("other_site", "the request comes from another site"))
			return
		}
		next.ServeHTTP(w, r)
	})
}

// foreign reports whether a browser asks on behalf of another site. Reading is refused too: the other page would not see
// the answer, but it could keep us busy.
func (s *Server) foreign(r *http.Request) bool {
	if site := r.Header.Get("Sec-Fetch-Site"); site != "" && site != "none" && site != "same-origin" {
		return true
	}
	return s.origins.Check(r) != nil
}

// caller is somebody who may use the API.
type caller struct {
	name   string // the holder's; for a holder without a name "session" and a part of its id, or "bearer"; "open" if nobody has to sign in
	role   role
	remote string // the host of the other end of the connection
}

// authorised returns a handler that calls next only for requests whose token or session gives at least the role least. The
// request's context ends when that is no longer so, see whileAdmitted.
func (s *Server) authorised(least role, next func(http.ResponseWriter, *http.Request, caller)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		by, wait := s.admits(r)
		switch {
		case wait > 0:
			s.delayAnswer(r)
			tooMany(w, wait)
		case by.role == roleNone:
			w.Header().Set("WWW-Authenticate", `Bearer realm="leadbridge"`)
			refuse(w, http.StatusUnauthorized, phrase.New("not_signed_in", "sign in, or send a token as a bearer token"))
		case by.role < least:
			s.audit("denied", by).Str("request", r.Pattern).Stringer("role", by.role).Msg("page: a request was denied")
			refuse(w, http.StatusForbidden, phrase.New("role_too_low", "this needs the role {needed}, and {who} has {has}", "needed", least.String(), "who", by.name, "has", by.role.String()))
		default:
			r, done := s.whileAdmitted(r, least, by)
			defer done()
			next(w, r, by)
		}
	}
}

// admits returns the caller of a request, with roleNone if it may not use the API. If the caller has failed too often,
// wait is how long it must wait.
func (s *Server) admits(r *http.Request) (by caller, wait time.Duration) {
	by.remote = remoteHost(r)
	if !s.needsSignIn() {
		by.name, by.role = "open", roleAct
		return by, 0
	}
	if c, err := r.Cookie(s.sessionCookie(r)); err == nil {
		if h, ok := s.holderOf(c.Value); ok {
			by.name, by.role = cmp.Or(h.name, nameOf(c.Value)), h.role
			return by, 0
		}
	}
	scheme, given, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return by, 0
	}
	h, right, wait := s.guard.check(strings.TrimSpace(given), peerOf(r))
	if !right {
		s.failed(r, given, "bearer token")
		return by, wait
	}
	by.name, by.role = cmp.Or(h.name, "bearer"), h.role
	return by, 0
}

// holderOf returns the holder of a session. A session that was begun with a token ends when the token is no longer in
// force. While no token at all is in force, as when the file is being replaced, such sessions let nobody in, but do not
// end.
func (s *Server) holderOf(id string) (h holder, ok bool) {
	one, ok := s.sessions.of(id)
	if !ok {
		return h, false
	}
	if one.person.role != roleNone {
		return one.person, true
	}
	h, ok = s.guard.tokens.of(one.token)
	if !ok && len(s.guard.tokens.current()) > 0 {
		s.sessions.end(id)
	}
	return h, ok
}

// failed logs a failed sign-in, without any part of the token.
func (s *Server) failed(r *http.Request, given, what string) {
	count, now := s.guard.logDue(peerOf(r))
	if !now {
		return
	}
	msg := "page: wrong " + what
	if s.guard.tokens.was(digestOf(strings.TrimSpace(given))) {
		msg = "page: old " + what + ", which is not in force any more"
	}
	s.log.Warn().Str("remote", remoteHost(r)).Int("failures", count).Msg(msg)
}

// peerOf returns the address by which a request's failures are counted. For IPv6 this is the /64 network, as a provider
// gives its customers whole ones.
func peerOf(r *http.Request) string {
	host := remoteHost(r)
	if a, err := netip.ParseAddr(host); err == nil && a.Is6() && !a.Is4In6() {
		if p, err := a.WithZone("").Prefix(64); err == nil {
			return p.String()
		}
	}
	return host
}

// delayAnswer delays the answer to a caller who failed too often, so that guessing takes time on each connection.
func (s *Server) delayAnswer(r *http.Request) {
	select {
	case <-time.After(failureDelay):
	case <-r.Context().Done():
	case <-s.work.Done():
	}
}

// failureDelay is how long the answer to a failure over the limit is delayed.
const failureDelay = time.Second

// tooMany answers a caller who has failed too often.
func tooMany(w http.ResponseWriter, wait time.Duration) {
	w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(wait.Seconds()))))
	refuse(w, http.StatusTooManyRequests, phrase.New("too_many_tokens", "too many wrong tokens: wait a moment"))
}

// remoteHost returns the host of the other end of the connection, which may be a proxy.
func remoteHost(r *http.Request) string {
	host, _, _ := net.SplitHostPort(r.RemoteAddr)
	return cmp.Or(host, r.RemoteAddr)
}
