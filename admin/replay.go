package admin

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/leadbridge/leadbridge/dlt"
	"github.com/leadbridge/leadbridge/internal/phrase"
	"github.com/leadbridge/leadbridge/transform"
)

// replay puts events back into their topic, or reports what it would do. It answers with lines of JSON: the progress, and
// at the end the report.
func (s *Server) replay(w http.ResponseWriter, r *http.Request, by caller) {
	var body replayRequest
	if !decode(w, r, replayBody, &body) {
		return
	}
	s.audit(actOf(body.DryRun), by).Int("places", len(body.Places)).Bool("filter", body.Filter != nil).Bool("edit", body.Edit != nil || body.JQ != "").
		Msg("page: " + nounOf(body.DryRun) + " was asked for")
	// The turn begins before the request is checked, as that compiles a program and reads the topic.
	end, ok := s.replays.begin(body.DryRun)
	if !ok {
		refuse(w, http.StatusConflict, phrase.New("other_replay_runs", "another replay runs: wait until it has ended"))
		return
	}
	defer end()
	ctx := r.Context()
	if body.DryRun {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, dryRunLimit)
		defer cancel()
	}
	p, wrong := body.read()
	if wrong == nil {
		wrong = s.choose(ctx, body, &p)
	}
	if wrong != nil {
		fieldProblem(w, wrong.status, wrong.field, wrong.detail)
		return
	}
	s.run(ctx, w, p, body.DryRun, by)
}

// dryRunLimit is how long a dry run may take, as a program may take long for each letter.
const dryRunLimit = 2 * time.Minute

func actOf(dryRun bool) string {
	if dryRun {
		return "dry_run"
	}
	return "replay"
}

func nounOf(dryRun bool) string {
	if dryRun {
		return "a dry run"
	}
	return "a replay"
}

// choose sets the places of a plan. For a dry run, these are the letters that the filter chooses now; for a replay, those
// that its dry run showed.
func (s *Server) choose(ctx context.Context, q replayRequest, p *plan) *fault {
	if !q.DryRun {
		if shown, ok := s.replays.confirmed(p.asked, q.Confirm); ok {
			p.places = shown
			return nil
		}
	}
	if q.Filter != nil {
		if err := s.letters.refresh(ctx); err != nil {
			return &fault{http.StatusServiceUnavailable, "", s.letters.problem(err)}
		}
		query, _ := q.Filter.query() // read has checked it
		if len(query.States) == 0 {
			query.States = []dlt.State{dlt.StateOpen, dlt.StateReplayed} // closed letters are replayed only when they are named
		}
		for _, i := range s.letters.shelf.Search(query).Items {
			p.places = append(p.places, i.Position)
		}
		slices.SortFunc(p.places, dlt.Position.Compare)
	}
	if !q.DryRun && q.Confirm != s.replays.confirmation(*p) {
		return &fault{http.StatusConflict, "confirm", phrase.New("not_confirmed", "this is not what a dry run showed: make a dry run, and send what it calls confirm")}
	}
	return nil
}

// replayLine is a line of the answer to a replay.
type replayLine struct {
	Progress *progress   `json:"progress,omitempty"`
	Report   *dlt.Report `json:"report,omitempty"`
	Confirm  string      `json:"confirm,omitempty"` // must be sent with the request for the replay that the dry run showed
	Error    phrase.Text `json:"error,omitempty"`
	// ErrorSaid is Error in the form in which the page says it in its reader's language.
	ErrorSaid   []phrase.Sentence `json:"errorSaid,omitempty"`
	Interrupted bool              `json:"interrupted,omitempty"`
}

type progress struct {
	Done int `json:"done"`
	All  int `json:"all"`
}

// run replays the letters of a plan, or makes a dry run, and answers with lines.
func (s *Server) run(ctx context.Context, w http.ResponseWriter, p plan, dryRun bool, by caller) {
	ctx, done := s.working(ctx)
	defer done()
	out := newLines(w, done)
	line := replayLine{Report: &dlt.Report{DryRun: dryRun, Routes: []dlt.Route{}, Left: []dlt.Left{}, Rejected: []dlt.Rejected{}}}
	var err error
	if len(p.places) > 0 { // a filter without places would choose all letters
		var report dlt.Report
		report, err = s.letters.topic.Replay(ctx, dlt.ReplayOptions{
			Filter: dlt.Filter{Places: p.places, Exactly: true}, DryRun: dryRun, Transformer: s.cfg.Transformer, Rate: p.rate, MaxReplays: maxReplays, Edit: p.edit, Unframe: func(l dlt.Letter) ([]byte, string) { return l.Unframed(s.cfg.Transformer) }, Progress: out.progress, Tracer: s.cfg.Tracer,
			Written: func(eventIDs []string) { s.noteReplayed(by, eventIDs) },
		})
		line.Report = &report
		if !dryRun {
			// This must be done before the answer, after which the page reads the letters. The client may have gone, so
			// that ctx may have ended.
			s.letters.reread(s.work)
		}
	}
	line.Interrupted = ctx.Err() != nil
	switch {
	case line.Interrupted && s.work.Err() != nil:
		line.Error = phrase.New("replay_stopping", "the service is stopping: start the same replay again when it is back; letters that were replayed are remembered")
	case errors.Is(context.Cause(ctx), errRevoked):
		line.Error = phrase.New("replay_revoked", "it was ended, as you may not do this any more: letters that were replayed are remembered")
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		line.Error = phrase.New("dry_run_late", "the dry run took too long: choose fewer letters, or a simpler program")
	case line.Interrupted:
		line.Error = phrase.New("replay_interrupted", "the replay was interrupted: start the same replay again; letters that were replayed are remembered")
	case errors.Is(err, dlt.ErrNoLetter):
		line.Error = phrase.New("letter_gone", "one of the letters is no longer there: load the list again")
	case err != nil:
		line.Error = s.letters.problem(err)
	case dryRun:
		line.Confirm = s.replays.confirmation(p)
		s.replays.remember(p)
	}
	line.ErrorSaid = line.Error
	s.note(by, line, p, err)
	out.write(line)
}

// noteReplayed writes an audit line with the public ids of the events that one transaction has put back into their topic.
func (s *Server) noteReplayed(by caller, eventIDs []string) {
	public := make([]string, len(eventIDs))
	for i, id := range eventIDs {
		public[i] = transform.PublicID(id)
	}
	s.audit("replayed", by).Strs("event_ids", public).Msg("page: events were put back into their topic")
}

// note writes the audit line of a replay.
func (s *Server) note(by caller, line replayLine, p plan, err error) {
	r := line.Report
	reasons := make([]string, 0, len(r.Routes))
	for _, route := range r.Routes {
		reasons = append(reasons, route.Reason)
	}
	slices.Sort(reasons)
	s.audit(actOf(r.DryRun), by).Int("letters", r.Letters).Int("replayed", r.Replayed).Int("edited", r.Edited).Int("already", r.Already).
		Int("left", len(r.Left)).Strs("reasons", slices.Compact(reasons)).Bool("edit", p.edit != nil).
		Bool("interrupted", line.Interrupted).Bool("failed", err != nil && !line.Interrupted).Msg("page: " + nounOf(r.DryRun) + " ended")
}

// progressEvery is how often a line with the progress is written.
const progressEvery = 200 * time.Millisecond

// lines writes lines of JSON, and sends each at once.
type lines struct {
	enc      *json.Encoder
	rc       *http.ResponseController
	gone     func() // called when a write fails, as the client has gone
	reported time.Time
}

func newLines(w http.ResponseWriter, gone func()) *lines {
	w.Header().Set("Content-Type", "application/x-ndjson")
	w.Header().Set("X-Accel-Buffering", "no")
	rc := http.NewResponseController(w)
	// The server's write timeout is too short for a replay. Only writers of tests have no deadlines.
	_ = rc.SetReadDeadline(time.Time{})
	return &lines{enc: json.NewEncoder(w), rc: rc, gone: gone}
}

func (l *lines) progress(done, all int) {
	if now := time.Now(); done == 0 || done == all || now.Sub(l.reported) >= progressEvery {
		l.reported = now
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
