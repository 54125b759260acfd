package admin

import (
	"context"
	"errors"
	"net/http"

	"github.com/leadbridge/leadbridge/dlt"
	"github.com/leadbridge/leadbridge/internal/phrase"
)

// Controls are what the person on duty can do to the running service.
type Controls interface {
	// ProbeNow sends the next probe of the CRM at once.
	ProbeNow()
	// ReleaseFlood writes the letters of the events that were refused in a flood and wait for its end. It returns how
	// many there are.
	ReleaseFlood() int
}

// probe asks for a probe of the CRM at once, and answers with the holds of the delivery before it.
func (s *Server) probe(w http.ResponseWriter, r *http.Request, by caller) {
	if !decode(w, r, smallBody, &struct{}{}) {
		return
	}
	holds := s.holdsOf(s.cfg.Situation().Holds)
	causes := make([]string, 0, len(holds))
	for _, h := range holds {
		causes = append(causes, h.Cause)
	}
	s.audit("probe", by).Strs("holds", causes).Msg("page: a probe was asked for")
	s.cfg.Controls.ProbeNow()
	answer(w, struct {
		Holds []hold `json:"holds"`
	}{holds})
}

// releaseFlood writes the letters of a flood.
func (s *Server) releaseFlood(w http.ResponseWriter, r *http.Request, by caller) {
	if !decode(w, r, smallBody, &struct{}{}) {
		return
	}
	n := s.cfg.Controls.ReleaseFlood()
	s.audit("release_flood", by).Int("letters", n).Msg("page: a flood was released")
	answer(w, struct {
		Letters int `json:"letters"`
	}{n})
}

// chosen says which letters a request is about: by their places, or by a filter.
type chosen struct {
	Places []string `json:"places"`
	Filter *filter  `json:"filter"`
}

// closeRequest is the body of a request to close letters.
type closeRequest struct {
	chosen
	Word string `json:"word"`
}

// closeLetters closes letters: somebody has seen them, and nothing needs to be done.
func (s *Server) closeLetters(w http.ResponseWriter, r *http.Request, by caller) {
	var body closeRequest
	if !decode(w, r, replayBody, &body) {
		return
	}
	word, err := dlt.Word(body.Word)
	if err != nil {
		fieldProblem(w, http.StatusBadRequest, "word", phrase.New("wrong_word", "the word must be one line of at most 200 characters, and must not hold an e-mail address or a phone number, as it is kept in Kafka and shown to all"))
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), lettersLimit)
	defer cancel()
	places, wrong := s.placesOf(ctx, body.chosen)
	if wrong != nil {
		fieldProblem(w, wrong.status, wrong.field, wrong.detail)
		return
	}
	done, err := s.letters.topic.CloseLetters(ctx, dlt.CloseOptions{Filter: dlt.Filter{Places: places}, Word: word})
	s.audit("close", by).Int("places", len(places)).Int("closed", done.Letters).Int("already", done.Already).Bool("failed", err != nil).
		Msg("page: letters were closed")
	switch {
	case errors.Is(err, dlt.ErrNoLetter):
		refuse(w, http.StatusNotFound, noLetter())
	case err != nil:
		refuse(w, http.StatusServiceUnavailable, s.letters.problem(err))
	default:
		answer(w, done)
	}
}

// placesOf returns the places of the letters that a request chooses. It fails when it chooses none.
func (s *Server) placesOf(ctx context.Context, c chosen) ([]dlt.Position, *fault) {
	places, err := positions(c.Places)
	if err != nil {
		return nil, badField("places", phrase.Verbatim(err.Error()))
	}
	if c.Filter != nil {
		query, err := c.Filter.query()
		if err != nil {
			return nil, badField("filter", phrase.Verbatim(err.Error()))
		}
		if err := s.letters.refresh(ctx); err != nil {
			return nil, &fault{http.StatusServiceUnavailable, "", s.letters.problem(err)}
		}
		for _, i := range s.letters.shelf.Search(query).Items {
			places = append(places, i.Position)
		}
	}
	if len(places) == 0 {
		return nil, badField("places", phrase.New("none_chosen", "no letter is chosen"))
	}
	return places, nil
}
