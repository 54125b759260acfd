package admin

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/leadbridge/leadbridge/dlt"
	"github.com/leadbridge/leadbridge/internal/phrase"
	"github.com/leadbridge/leadbridge/transform"
)

// erase erases all letters of a letter's event. In a dry run it only answers which letters these are.
func (s *Server) erase(w http.ResponseWriter, r *http.Request, by caller) {
	var body struct {
		DryRun bool `json:"dryRun"`
	}
	if !decode(w, r, smallBody, &body) {
		return
	}
	l, ok := s.requestedLetter(w, r)
	if !ok {
		return
	}
	if l.State == dlt.StateErased || l.EventID == "" {
		refuse(w, http.StatusConflict, phrase.New("cannot_erase", "the letter was erased before, or the record does not say which event it is of"))
		return
	}
	// An erasure takes the turn of a replay, as it would end one that runs.
	end, ok := s.replays.begin(body.DryRun)
	if !ok {
		refuse(w, http.StatusConflict, phrase.New("replay_runs", "a replay runs: wait until it has ended"))
		return
	}
	defer end()
	ctx, done := s.working(r.Context())
	defer done()
	ctx, cancel := context.WithTimeout(ctx, dryRunLimit)
	defer cancel()
	e, err := s.letters.topic.Erase(ctx, dlt.Filter{EventIDs: []string{l.EventID}}, body.DryRun)
	s.audit("erase", by).Str("place", l.Position.String()).Str("event_id", transform.PublicID(l.EventID)).Bool("dry_run", body.DryRun).
		Int("letters", e.Letters).Bool("failed", err != nil).Msg("page: an erasure was asked for")
	if err != nil {
		refuse(w, http.StatusServiceUnavailable, s.letters.problem(err))
		return
	}
	answer(w, e)
}

// export answers with unmasked letters, as lines that can be imported.
func (s *Server) export(w http.ResponseWriter, r *http.Request, by caller) {
	var body chosen
	if !decode(w, r, replayBody, &body) {
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), dryRunLimit)
	defer cancel()
	places, wrong := s.placesOf(ctx, body)
	if wrong != nil {
		fieldProblem(w, wrong.status, wrong.field, wrong.detail)
		return
	}
	s.audit("export", by).Int("places", len(places)).Msg("page: an export was asked for")
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	n := 0
	err := s.letters.topic.Each(ctx, dlt.Filter{Places: places}, func(l dlt.Letter) error {
		if err := context.Cause(ctx); err != nil { // Each calls this for many letters before it looks at ctx
			return err
		}
		if n++; n == 1 {
			w.Header().Set("Content-Type", "application/x-ndjson")
			w.Header().Set("Content-Disposition", `attachment; filename="letters.jsonl"`)
		}
		return enc.Encode(s.letters.topic.Whole(l))
	})
	s.audit("export", by).Int("letters", n).Bool("failed", err != nil).Msg("page: an export ended")
	switch {
	case err != nil && n == 0:
		refuse(w, http.StatusServiceUnavailable, s.letters.problem(err))
	case err != nil:
		panic(http.ErrAbortHandler) // the client must notice that the file is not complete
	}
}
