package admin

import (
	"net/http"

	"github.com/leadbridge/leadbridge/internal/phrase"
)

// pauseBody is the largest body of a request to pause, in bytes.
const pauseBody = 1 << 10

type pauseRequest struct {
	Paused *bool `json:"paused"`
}

// pause pauses the delivery of this process, or resumes it.
func (s *Server) pause(w http.ResponseWriter, r *http.Request, by caller) {
	var body pauseRequest
	if !decode(w, r, pauseBody, &body) {
		return
	}
	switch {
	case body.Paused == nil:
		fieldProblem(w, http.StatusBadRequest, "paused", phrase.Verbatim("paused is true or false"))
		return
	case s.cfg.Pause == nil:
		refuse(w, http.StatusNotFound, phrase.New("no_pause", "this process cannot be paused here"))
		return
	}
	s.audit("pause", by).Bool("paused", *body.Paused).Msg("page: the delivery of this process was paused or resumed")
	s.cfg.Pause(*body.Paused, by.name+" from "+by.remote)
	answer(w, map[string]bool{"paused": *body.Paused})
}
