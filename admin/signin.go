package admin

import (
	"net/http"
)

// signIn begins a session for somebody who has the token.
func (s *Server) signIn(w http.ResponseWriter, r *http.Request) {
	var body struct {
		Token string `json:"token"`
	}
	if !decode(w, r, smallBody, &body) {
		return
	}
	if !s.guard.token.needed() {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	right, wait := s.guard.check(body.Token, peerOf(r))
	if !right {
		s.failed(r, body.Token, "token")
	}
	switch value, _ := s.guard.token.current(); {
	case wait > 0:
		s.slowly(r)
		tooMany(w, wait)
	case !right:
		problem(w, http.StatusUnauthorized, "this is not the token")
	default:
		id := s.sessions.begin(value)
		http.SetCookie(w, cookie(r, id))
		s.log.Info().Str("who", nameOf(id)).Str("remote", remoteHost(r)).Msg("page: signed in")
		w.WriteHeader(http.StatusNoContent)
	}
}

// signOut ends the session of the request, if there is one.
func (s *Server) signOut(w http.ResponseWriter, r *http.Request) {
	if c, err := r.Cookie(cookieName); err == nil {
		s.sessions.end(c.Value)
		s.log.Info().Str("who", nameOf(c.Value)).Str("remote", remoteHost(r)).Msg("page: signed out")
	}
	http.SetCookie(w, cookie(r, ""))
	w.WriteHeader(http.StatusNoContent)
}

// signedIn answers whether the page must ask for the token.
func (s *Server) signedIn(w http.ResponseWriter, r *http.Request) {
	name, _ := s.admits(r)
	answer(w, struct {
		Needed   bool `json:"needed"`
		SignedIn bool `json:"signedIn"`
	}{s.guard.token.needed(), name != ""})
}
