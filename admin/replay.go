package admin

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/leadbridge/leadbridge/dlt"
)

// replay puts events back into their topic, or tells what it would do. It answers with
// lines of JSON: how far it is, and a report at the end.
func (s *Server) replay(w http.ResponseWriter, r *http.Request, by who) {
	var body replayRequest
	if !decode(w, r, replayBody, &body) {
		return
	}
	p, wrong := body.read()
	if wrong == nil {
		wrong = s.choose(r.Context(), body, &p)
	}
	if wrong != nil {
		fieldProblem(w, wrong.status, wrong.field, wrong.detail)
		return
	}
	end, ok := s.replays.begin(body.DryRun)
	if !ok {
		problem(w, http.StatusConflict, "another replay runs: wait until it has ended")
		return
	}
	defer end()
	s.run(w, r, p, body.DryRun, by)
}

// choose fills in the letters of a plan: those that its dry run showed, and for a dry run those
// that the filter chooses now.
func (s *Server) choose(ctx context.Context, q replayRequest, p *plan) *fault {
	if !q.DryRun {
		if shown, ok := s.replays.confirmed(p.asked, q.Confirm); ok {
			p.places = shown
			return nil
		}
	}
	if q.Filter != nil {
		if err := s.letters.refresh(ctx); err != nil {
			return &fault{http.StatusServiceUnavailable, "", readProblem(err, s.cfg.Kafka)}
		}
		query, _ := q.Filter.query() // it was read before
		for _, i := range s.letters.shelf.Search(query).Items {
			p.places = append(p.places, i.Position)
		}
		slices.SortFunc(p.places, dlt.Position.Compare)
	}
	if !q.DryRun && q.Confirm != s.replays.confirmation(*p) {
		return &fault{http.StatusConflict, "confirm", "this is not what a dry run showed: make a dry run, and send what it calls confirm"}
	}
	return nil
}

// replayLine is a line of the answer.
type replayLine struct {
	Progress    *progress   `json:"progress,omitempty"`
	Report      *dlt.Report `json:"report,omitempty"`
	Confirm     string      `json:"confirm,omitempty"` // to be sent back for the replay that the dry run showed
	Error       string      `json:"error,omitempty"`
	Interrupted bool        `json:"interrupted,omitempty"`
}

type progress struct {
	Done int `json:"done"`
	All  int `json:"all"`
}

func (s *Server) run(w http.ResponseWriter, r *http.Request, p plan, dryRun bool, by who) {
	ctx, done := s.working(r.Context())
	defer done()
	out := newLines(w, done)
	line := replayLine{Report: &dlt.Report{DryRun: dryRun, Routes: []dlt.Route{}, Left: []dlt.Left{}}}
	var err error
	if len(p.places) > 0 { // none would be all
		if !dryRun {
			s.audit("replay", by).Int("letters", len(p.places)).Bool("edit", p.edit != nil).Msg("page: a replay begins")
		}
		var report dlt.Report
		report, err = s.letters.topic.Replay(ctx, dlt.ReplayOptions{
			Filter: dlt.Filter{Places: p.places, Exactly: true}, DryRun: dryRun, Rate: p.rate, MaxReplays: maxReplays, Edit: p.edit, Progress: out.progress,
		})
		line.Report = &report
		if !dryRun {
			// Before the answer, after which the page asks again. Who asked may be gone: not by ctx.
			s.letters.reread(s.work)
		}
	}
	line.Interrupted = ctx.Err() != nil
	switch {
	case line.Interrupted && s.work.Err() != nil:
		line.Error = "the service is stopping: replay the same again when it is back, what was replayed is remembered"
	case line.Interrupted:
		line.Error = "the replay was interrupted: replay the same again, what was replayed is remembered"
	case errors.Is(err, dlt.ErrNoLetter):
		line.Error = "one of the letters lies there no more: load the list again"
	case err != nil:
		line.Error = readProblem(err, s.cfg.Kafka)
	case dryRun:
		line.Confirm = s.replays.confirmation(p)
		s.replays.remember(p)
	}
	s.note(by, line, p, err)
	out.write(line)
}

// note writes the audit line of a replay.
func (s *Server) note(by who, line replayLine, p plan, err error) {
	r := line.Report
	reasons := make([]string, 0, len(r.Routes))
	for _, route := range r.Routes {
		reasons = append(reasons, route.Reason)
	}
	slices.Sort(reasons)
	act, msg := "replay", "page: a replay ended"
	if r.DryRun {
		act, msg = "dry_run", "page: a dry run ended"
	}
	s.audit(act, by).Int("letters", r.Letters).Int("replayed", r.Replayed).Int("edited", r.Edited).Int("already", r.Already).
		Int("left", len(r.Left)).Strs("reasons", slices.Compact(reasons)).Bool("edit", p.edit != nil).
		Bool("interrupted", line.Interrupted).Bool("failed", err != nil && !line.Interrupted).Msg(msg)
}

// progressEvery is how often progress is told.
const progressEvery = 200 * time.Millisecond

// lines writes JSON lines, each at once.
type lines struct {
	enc  *json.Encoder
	rc   *http.ResponseController
	gone func() // called when nobody reads any more
	told time.Time
}

func newLines(w http.ResponseWriter, gone func()) *lines {
	w.Header().Set("Content-Type", "application/x-ndjson")
	w.Header().Set("X-Accel-Buffering", "no")
	rc := http.NewResponseController(w)
	// The server's own bound is for requests; a writer that knows no deadlines is one of tests.
	_ = rc.SetReadDeadline(time.Time{})
	return &lines{enc: json.NewEncoder(w), rc: rc, gone: gone}
}

func (l *lines) progress(done, all int) {
	if now := time.Now(); done == 0 || done == all || now.Sub(l.told) >= progressEvery {
		l.told = now
		l.write(replayLine{Progress: &progress{done, all}})
	}
}

func (l *lines) write(line replayLine) {
	_ = l.rc.SetWriteDeadline(time.Now().Add(writeLimit))
	err := l.enc.Encode(line)
	if err == nil {
		err = l.rc.Flush()
	}
	if err != nil && !errors.Is(err, http.ErrNotSupported) {
		l.gone()
	}
}
