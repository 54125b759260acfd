package admin

import (
	"cmp"
	"net/http"

	"github.com/leadbridge/leadbridge/internal/phrase"
)

// signIn begins a session for somebody who has a token.
func (s *Server) signIn(w http.ResponseWriter, r *http.Request) {
	var body struct {
		Token string `json:"token"`
	}
	if !decode(w, r, smallBody, &body) {
		return
	}
	if !s.needsSignIn() {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	h, right, wait := s.guard.check(body.Token, peerOf(r))
	if !right {
		s.failed(r, body.Token, "token")
	}
	switch {
	case wait > 0:
		s.delayAnswer(r)
		tooMany(w, wait)
	case !right:
		refuse(w, http.StatusUnauthorized, phrase.New("not_the_token", "this is not the token"))
	default:
		id := s.sessions.begin(h, peerOf(r))
		http.SetCookie(w, s.cookie(r, id))
		s.log.Info().Str("who", cmp.Or(h.name, nameOf(id))).Str("remote", remoteHost(r)).Msg("page: signed in")
		w.WriteHeader(http.StatusNoContent)
	}
}

// signOut ends the session of the request, if there is one.
func (s *Server) signOut(w http.ResponseWriter, r *http.Request) {
	if c, err := r.Cookie(s.sessionCookie(r)); err == nil {
		h, _ := s.holderOf(c.Value)
		s.sessions.end(c.Value)
		s.log.Info().Str("who", cmp.Or(h.name, nameOf(c.Value))).Str("remote", remoteHost(r)).Msg("page: signed out")
	}
	http.SetCookie(w, s.cookie(r, ""))
	w.WriteHeader(http.StatusNoContent)
}

// signedIn answers whether and how people must sign in, and what the caller may do.
func (s *Server) signedIn(w http.ResponseWriter, r *http.Request) {
	by, _ := s.admits(r)
	answer(w, struct {
		Needed   bool   `json:"needed"`
		SignedIn bool   `json:"signedIn"`
		Role     string `json:"role"` // look, reveal, act; "" if the caller is not signed in
		// OIDC is missing when people cannot sign in by OpenID Connect.
		OIDC *oidcOffer `json:"oidc,omitempty"`
		// Playground is the address of the demo's playground; missing when there is none.
		Playground string `json:"playground,omitempty"`
	}{s.needsSignIn(), by.role != roleNone, by.role.String(), s.oidcOffer(), s.cfg.Playground})
}

// oidcOffer is what the page needs to offer a sign-in by OpenID Connect.
type oidcOffer struct {
	Title string `json:"title"`
	Alone bool   `json:"alone"` // there are no tokens
	Away  bool   `json:"away"`  // the issuer cannot be reached
}

func (s *Server) oidcOffer() *oidcOffer {
	if s.oidc == nil {
		return nil
	}
	return &oidcOffer{s.oidc.cfg.Title, !s.guard.tokens.needed(), s.oidc.away()}
}
