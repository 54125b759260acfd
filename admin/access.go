package admin

import (
	"cmp"
	"math"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// contentPolicy lets the page load its own files and talk to its own server: nothing
// else, and nothing that stands in the page itself.
const contentPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"

// guarded puts what every answer has around a handler, and lets no foreign page through.
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
		if !s.guard.token.needed() && (!isLoopback(r.Host) || forwarded(r)) {
			problem(w, http.StatusForbidden, "without ADMIN_TOKEN this page answers to a loopback address only, such as http://127.0.0.1, and to no proxy: set ADMIN_TOKEN to reach it otherwise")
			return
		}
		if strings.HasPrefix(r.URL.Path, "/api/") && s.foreign(r) {
			problem(w, http.StatusForbidden, "the request comes from another site")
			return
		}
		next.ServeHTTP(w, r)
	})
}

// foreign tells whether a browser asks on behalf of another site. Even reading is not for
// those: their pages could not see the answer, but they could keep us busy.
func (s *Server) foreign(r *http.Request) bool {
	switch r.Header.Get("Sec-Fetch-Site") {
	case "", "none", "same-origin":
	default:
		return true
	}
	return s.origins.Check(r) != nil
}

// isLoopback tells whether a Host header names this machine: a name that somebody's DNS points
// here does not.
func isLoopback(host string) bool {
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

// forwarded tells whether a proxy asks for somebody: many put a loopback name of ours in Host.
func forwarded(r *http.Request) bool {
	for _, name := range []string{"Forwarded", "Via", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-Ip"} {
		if len(r.Header[name]) > 0 {
			return true
		}
	}
	return false
}

// who is somebody who may use the API.
type who struct {
	name   string // session …, bearer, or open
	remote string // host
}

// authorised lets only those through who have the token or a session.
func (s *Server) authorised(next func(http.ResponseWriter, *http.Request, who)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		name, wait := s.admits(r)
		switch {
		case wait > 0:
			tooMany(w, wait)
		case name == "":
			w.Header().Set("WWW-Authenticate", `Bearer realm="leadbridge"`)
			problem(w, http.StatusUnauthorized, "sign in, or send ADMIN_TOKEN as a bearer token")
		default:
			next(w, r, who{name, remoteHost(r)})
		}
	}
}

// admits tells who asks, "" for nobody who may.
func (s *Server) admits(r *http.Request) (name string, wait time.Duration) {
	if !s.guard.token.needed() {
		return "open", 0
	}
	if c, err := r.Cookie(cookieName); err == nil {
		if value, ok := s.guard.token.current(); ok && s.sessions.holds(c.Value, value) {
			return nameOf(c.Value), 0
		}
	}
	scheme, given, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return "", 0
	}
	right, wait := s.guard.check(strings.TrimSpace(given), true)
	if !right {
		return "", wait
	}
	return "bearer", 0
}

// tooMany answers whoever guesses too often.
func tooMany(w http.ResponseWriter, wait time.Duration) {
	w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(wait.Seconds()))))
	problem(w, http.StatusTooManyRequests, "too many wrong tokens: wait a moment")
}

// remoteHost is where a request comes from: our neighbour, a proxy as the case may be.
func remoteHost(r *http.Request) string {
	host, _, _ := net.SplitHostPort(r.RemoteAddr)
	return cmp.Or(host, r.RemoteAddr)
}
