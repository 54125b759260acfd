package dlt

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/cenkalti/backoff/v4"

	"github.com/leadbridge/leadbridge/internal/tracing"
	"github.com/leadbridge/leadbridge/internal/wait"
)

// ReplayOptions say which letters are replayed, and how.
type ReplayOptions struct {
	// Filter chooses the letters. Without States these are open letters, and with Places closed ones as well. Replayed
	// letters are counted only; erased ones cannot be replayed, see [ErrStates].
	Filter
	DryRun bool // only report what would be done; false: replay
	// Transformer builds in a dry run what the events would become, to report which would be rejected again; nil: that is not
	// reported. It is that of package transform or of package schemas.
	Transformer Transformer
	Rate        float64 // events a second; 0: no limit
	MaxReplays  int     // letters whose events were replayed this often, or more often, are left; 0: all are left
	Edit        Editor  // changes values; nil: they stay as they are
	// Unframe returns, for Edit, the JSON of a value that a schema registry frames, or nil and why it cannot be read;
	// nil and "" for a value that is not framed, which Edit gets as it is. A value that Edit changes is written as plain
	// JSON, and one that it does not change keeps its frame. Nil: Edit gets every value as it is.
	Unframe func(l Letter) (text []byte, why string)

	// Tracer traces the events that are replayed; nil: nothing is traced.
	Tracer *tracing.Tracer

	// Written is called after each transaction, with the ids of the events that it wrote; nil: it is not called.
	Written func(eventIDs []string)
	// Progress is called with how many letters, of all, were replayed or left so far; nil: it is not called.
	Progress func(done, all int)
}

// Editor returns a changed value of an event; see [transform.Editor].
type Editor interface {
	Edit(value []byte) ([]byte, error)
}

// replay is one call of Replay. One goroutine uses it.
type replay struct {
	topic      *Topic
	opts       ReplayOptions
	writer     *writer
	partitions []int // ids of the partitions of the events' topic
	origin     *originals
	until      map[int]int64     // by partition, the end of the dead-letter topic at the first pass: later letters are not replayed; nil before it
	handled    map[letterID]bool // letters that were replayed, or are left where they are
	picked     map[letterID]bool // with a limit, the letters to replay; else nil
	batch      []planned         // what the next transaction will write
	bytes      int               // the size of batch
	unsure     []planned         // the batch of a failed write, of which the next pass finds out whether it was written
	pace       pace
	report     Report
	trace      *tracing.Replay // nil: it is not traced
}

// Replay puts the events of letters back into their topic. When it fails or ctx ends, the report says how far it has come;
// another call continues there. The error may wrap [ErrTakenOver], [ErrHeldBack], [ErrNoLetter] or [ErrStates].
func (t *Topic) Replay(ctx context.Context, o ReplayOptions) (Report, error) {
	return t.replayWith(ctx, o, newWriter(t.cfg))
}

func (t *Topic) replayWith(ctx context.Context, o ReplayOptions, w *writer) (Report, error) {
	defer w.close()
	r := &replay{topic: t, opts: o, writer: w, handled: map[letterID]bool{}, pace: newPace(o.Rate), origin: newOriginals(t.cfg)}
	defer r.origin.close()
	r.report = Report{DryRun: o.DryRun, Routes: []Route{}, Left: []Left{}, Rejected: []Rejected{}}
	var err error
	if r.opts.States, err = o.states(); err != nil {
		return r.report, err
	}
	if !o.DryRun {
		r.trace = o.Tracer.Replay()
	}
	err = r.run(ctx)
	r.trace.End(r.report.Replayed, err)
	slices.SortFunc(r.report.Routes, func(a, b Route) int {
		return cmp.Or(cmp.Compare(a.Reason, b.Reason), cmp.Compare(a.Topic, b.Topic), cmp.Compare(a.Partition, b.Partition))
	})
	slices.SortStableFunc(r.report.Rejected, func(a, b Rejected) int { return cmp.Compare(b.Letters, a.Letters) })
	return r.report, err
}

// ErrStates is wrapped by the error of a replay that is asked for letters which cannot be replayed.
var ErrStates = errors.New("erased letters cannot be replayed")

// states returns the states of the letters to look at: those that are asked for, and replayed ones, which are counted
// only. Without States these are open letters, and with Places closed ones as well. The error wraps [ErrStates].
func (o ReplayOptions) states() ([]State, error) {
	switch {
	case slices.Contains(o.States, StateErased):
		return nil, fmt.Errorf("%w: leave %q out of the states", ErrStates, StateErased)
	case len(o.States) > 0:
		return append(slices.Clone(o.States), StateReplayed), nil
	case len(o.Places) > 0:
		return []State{StateOpen, StateClosed, StateReplayed}, nil
	}
	return []State{StateOpen, StateReplayed}, nil
}

// maxFailures is after how many failed transactions in a row a replay ends.
const maxFailures = 5

func (r *replay) run(ctx context.Context) error {
	var err error
	if r.partitions, err = partitionIDs(ctx, r.origin.log); err != nil {
		return err
	}
	backOff := backoff.NewExponentialBackOff()
	for failures := 1; ; failures++ {
		before := r.report.Replayed
		err := r.pass(ctx)
		if err == nil {
			return nil
		}
		if !isWriteError(err) || isFinal(err) {
			return err
		}
		if r.report.Replayed > before {
			failures = 1
			backOff.Reset()
		}
		if failures >= maxFailures || wait.For(ctx, backOff.NextBackOff()) != nil {
			return err
		}
	}
}

// writeError is the error of a session or a write: another pass may succeed. Whether the write took effect may not be known.
type writeError struct{ error }

func (e *writeError) Unwrap() error { return e.error }

func isWriteError(err error) bool {
	_, ok := errors.AsType[*writeError](err)
	return ok
}

// openSession opens a session, which ends the open transaction of the one before.
func (r *replay) openSession(ctx context.Context) error {
	if err := r.writer.openSession(ctx); err != nil {
		return &writeError{err}
	}
	return nil
}

// pass replays what is still to be replayed. After a failed write it is called again: it opens a new session, which ends the open
// transaction, and reads the markers, which show whether that was committed.
func (r *replay) pass(ctx context.Context) error {
	if !r.opts.DryRun {
		// The session shuts out other replays, so that what is read after it stays true.
		if err := r.openSession(ctx); err != nil {
			return err
		}
		if err := r.topic.awaitMarkers(ctx); err != nil {
			return err
		}
	}
	filter := r.opts.Filter
	filter.Limit = 0 // pick applies it to the letters that are still to be replayed
	idx, err := r.topic.scan(ctx, filter, r.until)
	if err != nil {
		return err
	}
	if firstPass := r.until == nil; firstPass {
		if err := idx.placesExist(r.topic.cfg.DeadLetterTopic); err != nil {
			return err
		}
		r.until = idx.ends
		idx.chosen = r.pick(idx.chosen)
		r.countChosen(idx.chosen)
	}
	r.resolveUnsure(idx)
	rest := slices.DeleteFunc(idx.chosen, func(e entry) bool {
		return e.state() == StateReplayed || r.handled[e.id] || r.picked != nil && !r.picked[e.id]
	})
	err = r.topic.load(ctx, rest, func(letters []Letter) error { return r.replayLetters(ctx, letters) })
	if err == nil {
		err = r.flush(ctx)
	}
	if err != nil {
		return err
	}
	for _, e := range rest {
		if !r.handled[e.id] {
			r.noteLeft(e.id, Left{Place: e.Position.String(), EventID: e.id.event, Reason: e.reason, Why: LeftVanished, Message: "retention deleted the letter meanwhile"})
		}
	}
	return nil
}

// pick applies the limit: it keeps the first letters that are still to be replayed, so that another call continues after
// them. Letters that were replayed before are kept, to be counted.
func (r *replay) pick(chosen []entry) []entry {
	limit := r.opts.Limit
	if limit == 0 {
		return chosen
	}
	r.picked = map[letterID]bool{}
	return slices.DeleteFunc(chosen, func(e entry) bool {
		if e.state() == StateReplayed {
			return false
		}
		if len(r.picked) >= limit {
			return true
		}
		r.picked[e.id] = true
		return false
	})
}

// countChosen counts the letters that are to be replayed, and those that were replayed before.
func (r *replay) countChosen(chosen []entry) {
	for _, e := range chosen {
		if e.state() == StateReplayed {
			r.report.Already++
			continue
		}
		r.report.Letters++
	}
	r.progress()
}

func (r *replay) progress() {
	if r.opts.Progress != nil {
		r.opts.Progress(len(r.handled), r.report.Letters)
	}
}

// resolveUnsure finds out from the markers which letters of a batch whose write failed were replayed.
func (r *replay) resolveUnsure(idx *index) {
	written := slices.DeleteFunc(r.unsure, func(p planned) bool { return idx.marks[p.id].state != StateReplayed })
	r.noteReplayed(written)
	r.unsure, r.batch, r.bytes = nil, nil, 0
}

// noteReplayed adds letters to the report that were replayed, or, in a dry run, would be.
func (r *replay) noteReplayed(batch []planned) {
	if r.opts.Written != nil && !r.opts.DryRun && len(batch) > 0 {
		ids := make([]string, len(batch))
		for i, p := range batch {
			ids[i] = p.letter.EventID
		}
		r.opts.Written(ids)
	}
	for _, p := range batch {
		r.handled[p.id] = true
		if !r.opts.DryRun {
			r.report.Replayed++
		}
		if p.edited {
			r.report.Edited++
		}
		route := Route{Reason: p.letter.Reason, Topic: p.to.topic, Partition: p.to.partition}
		at := slices.IndexFunc(r.report.Routes, func(counted Route) bool {
			counted.Letters = 0
			return counted == route
		})
		if at < 0 {
			at = len(r.report.Routes)
			r.report.Routes = append(r.report.Routes, route)
		}
		r.report.Routes[at].Letters++
	}
	r.progress()
}

// noteLeft adds a letter to the report that is not replayed.
func (r *replay) noteLeft(id letterID, l Left) {
	r.handled[id] = true
	r.report.Left = append(r.report.Left, l)
	r.progress()
}
