package admin

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

const (
	// attemptTime is how long a sign-in at the issuer may take.
	attemptTime = 10 * time.Minute
	// maxUsed is how many used states are remembered.
	maxUsed = 10_000
	// maxExchanges is how many codes are redeemed at a time; further ones are refused.
	maxExchanges = 8
	// exchangeTime bounds all requests to the issuer for one sign-in together.
	exchangeTime = 3 * issuerTime
)

// oidcSignIns are the sign-ins by OpenID Connect. A sign-in that has begun takes no memory, so that strangers cannot fill
// it: the browser keeps a random text in a cookie, from which state, nonce and PKCE verifier are derived by a key of this
// process.
type oidcSignIns struct {
	*issuer
	key       []byte
	exchanges chan struct{} // holds an element for each code that is being redeemed

	mu   sync.Mutex
	used map[string]time.Time // the states that came back, and when they would expire
}

func newOIDCSignIns(i *issuer) *oidcSignIns {
	key := make([]byte, sha256.Size)
	_, _ = rand.Read(key) // it never fails
	return &oidcSignIns{issuer: i, key: key, exchanges: make(chan struct{}, maxExchanges), used: map[string]time.Time{}}
}

// attempt holds the secrets of one sign-in, which issuer and browser must return.
type attempt struct{ state, nonce, verifier string }

// newAttempt returns the cookie's value for a sign-in that begins now: the time and a random text.
func (s *oidcSignIns) newAttempt(now time.Time) (cookie string) {
	return strconv.FormatInt(now.Unix(), 10) + "." + rand.Text()
}

// attempt derives the secrets of a sign-in from its cookie.
func (s *oidcSignIns) attempt(cookie string) attempt {
	part := func(label string) string {
		mac := hmac.New(sha256.New, s.key)
		_, _ = mac.Write([]byte(label + " " + cookie))
		return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
	}
	return attempt{state: part("state"), nonce: part("nonce"), verifier: part("verifier")}
}

// came returns the sign-in that comes back from the issuer. ok is false if it was not begun in this browser, took too
// long, or came back before.
func (s *oidcSignIns) came(cookie, state string, now time.Time) (a attempt, ok bool) {
	seconds, _, _ := strings.Cut(cookie, ".")
	began, err := strconv.ParseInt(seconds, 10, 64)
	a = s.attempt(cookie)
	if err != nil || !sameText(state, a.state) { // the state is derived from the time, too, which so cannot be changed
		return a, false
	}
	until := time.Unix(began, 0).Add(attemptTime)
	return a, now.Before(until) && s.use(a.state, until, now)
}

// use notes that a state came back, and reports whether it was the first time. If there are too many states, some are
// forgotten: the issuer, too, must accept a code only once.
func (s *oidcSignIns) use(state string, until, now time.Time) (first bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, again := s.used[state]; again {
		return false
	}
	if len(s.used) >= maxUsed {
		for one, end := range s.used {
			if !end.After(now) {
				delete(s.used, one)
			}
		}
		for one := range s.used {
			if len(s.used) < maxUsed {
				break
			}
			delete(s.used, one)
		}
	}
	s.used[state] = until
	return true
}

func sameText(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

// cookie returns the cookie of a sign-in; for "" one that deletes it. It is Lax, as the browser comes back from the
// issuer's site. With TLS its name has hostPrefix, so that no other host of the domain can set it.
func (s *oidcSignIns) cookie(value string) *http.Cookie {
	c := &http.Cookie{ //nolint:gosec // G124: over plain HTTP, as on loopback, a Secure cookie would never come back
		Name: s.cookieName(), Value: value, Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode,
		Secure: s.overTLS(), MaxAge: int(attemptTime.Seconds()),
	}
	if value == "" {
		c.MaxAge = -1
	}
	return c
}

func (s *oidcSignIns) cookieName() string {
	if s.overTLS() {
		return hostPrefix + "leadbridge-sign-in"
	}
	return "leadbridge-sign-in"
}

// overTLS reports whether browsers reach the page by https.
func (s *oidcSignIns) overTLS() bool { return strings.HasPrefix(s.cfg.RedirectURL, "https:") }

// isSecureHost reports whether a host is that of the redirect URL, and that is https.
func (s *oidcSignIns) isSecureHost(host string) bool {
	u, err := url.Parse(s.cfg.RedirectURL)
	return err == nil && s.overTLS() && strings.EqualFold(u.Host, host)
}

// beginOIDC begins a sign-in, and answers with the address of the issuer to which the page must go. It accepts only JSON,
// so that no other site can begin a sign-in.
func (s *Server) beginOIDC(w http.ResponseWriter, r *http.Request) {
	if s.oidc == nil {
		problem(w, http.StatusNotFound, "there is no OpenID Connect here")
		return
	}
	if !decode(w, r, smallBody, &struct{}{}) {
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), exchangeTime)
	defer cancel()
	party, err := s.oidc.relyingParty(ctx)
	if err != nil {
		problem(w, http.StatusServiceUnavailable, s.oidc.cfg.Title+" cannot be reached: try again in a minute. The log of this service says why")
		return
	}
	cookie := s.oidc.newAttempt(time.Now())
	a := s.oidc.attempt(cookie)
	http.SetCookie(w, s.oidc.cookie(cookie))
	answer(w, struct {
		URL string `json:"url"`
	}{party.oauth.AuthCodeURL(a.state, oidc.Nonce(a.nonce), oauth2.S256ChallengeOption(a.verifier))})
}

// refusal says why a sign-in by OpenID Connect failed.
type refusal struct {
	code string // for the page, which has words for it
	why  string // for the log
	who  string // the name of somebody without a role; "" if the person is not known
}

// The codes of refusals.
const (
	refusedAttempt = "attempt" // not begun in this browser, too late, or came back before
	refusedThere   = "refused" // the issuer refused the sign-in
	refusedIssuer  = "issuer"  // the issuer's answer cannot be used
	refusedRole    = "role"    // the person has no role
	refusedBusy    = "busy"    // too many sign-ins
)

// endOIDC handles the request with which the browser comes back from the issuer. It begins a session and redirects to the
// page, or only redirects, with the reason in the address.
func (s *Server) endOIDC(w http.ResponseWriter, r *http.Request) {
	if s.oidc == nil {
		problem(w, http.StatusNotFound, "there is nothing here")
		return
	}
	http.SetCookie(w, s.oidc.cookie(""))
	h, no := s.returned(r)
	if no != nil {
		s.refused(r, no)
		http.Redirect(w, r, "/#sign-in="+no.code, http.StatusSeeOther)
		return
	}
	id := s.sessions.beginOf(h, s.oidc.cfg.Session)
	c := s.cookie(r, id) //nolint:gosec // G124: see cookie
	c.MaxAge = int(s.oidc.cfg.Session.Seconds())
	http.SetCookie(w, c)
	s.log.Info().Str("who", h.name).Stringer("role", h.role).Str("remote", remoteHost(r)).Msg("page: signed in by OpenID Connect")
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

// returned returns the person who comes back from the issuer.
func (s *Server) returned(r *http.Request) (holder, *refusal) {
	query := r.URL.Query()
	var cookie string
	if c, err := r.Cookie(s.oidc.cookieName()); err == nil {
		cookie = c.Value
	}
	a, ok := s.oidc.came(cookie, query.Get("state"), time.Now())
	if !ok {
		return holder{}, &refusal{code: refusedAttempt, why: "it was not begun in this browser and at the host of ADMIN_OIDC_REDIRECT_URL, took longer than ten minutes, or had ended before"}
	}
	if from := query.Get("iss"); from != "" && from != s.oidc.cfg.Issuer { // RFC 9207
		return holder{}, &refusal{code: refusedIssuer, why: "the answer is of another issuer"}
	}
	if code := query.Get("error"); code != "" {
		if !oauthCode.MatchString(code) {
			code = "with an unknown code"
		}
		return holder{}, &refusal{code: refusedThere, why: "the issuer signed nobody in: " + code}
	}
	peer := peerOf(r)
	if s.guard.mayRedeem(peer) > 0 {
		return holder{}, &refusal{code: refusedBusy, why: "too many sign-ins from this address have failed: its next one counts in two seconds"}
	}
	select {
	case s.oidc.exchanges <- struct{}{}:
		defer func() { <-s.oidc.exchanges }()
	default:
		return holder{}, &refusal{code: refusedBusy, why: "too many sign-ins at a time"}
	}
	ctx, cancel := context.WithTimeout(r.Context(), exchangeTime)
	defer cancel()
	all, no := s.oidc.exchange(ctx, query.Get("code"), a)
	if no != nil {
		return holder{}, no
	}
	s.guard.redeemed(peer)
	return all.person(s.oidc.cfg)
}

// oauthCode matches the error codes of an issuer (RFC 6749, sections 4.1.2.1 and 5.2).
var oauthCode = regexp.MustCompile(`^[a-z_]{1,40}$`)

// refused logs a failed sign-in. Of the issuer's answer it logs nothing but the name of a person without a role.
func (s *Server) refused(r *http.Request, no *refusal) {
	if no.code == refusedRole {
		s.audit("denied", caller{name: no.who, remote: remoteHost(r)}).Str("why", no.why).Msg("page: a sign-in by OpenID Connect was denied")
		return
	}
	if count, now := s.guard.logDue(peerOf(r)); now {
		s.log.Warn().Str("remote", remoteHost(r)).Int("failures", count).Str("why", no.why).Msg("page: a sign-in by OpenID Connect failed")
	}
}
