package dlt

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/cenkalti/backoff/v4"
)

// ReplayOptions say what is replayed, and how.
type ReplayOptions struct {
	Filter
	DryRun     bool
	Rate       float64 // events a second; 0: no limit
	MaxReplays int     // letters of events that were replayed so often are left
	Edit       Editor  // nil: values stay as they are

	// Progress is told how many of the letters are done, one way or the other. Nil: nobody.
	Progress func(done, all int)
}

// Editor changes the value of an event; see [transform.Editor].
type Editor interface {
	Edit(value []byte) ([]byte, error)
}

// replay is one run. It is used by one goroutine.
type replay struct {
	topic      *Topic
	opts       ReplayOptions
	writer     *writer
	partitions []int // of the events' topic
	origin     *originals
	until      map[int]int64 // where the dead-letter topic ended at the begin
	handled    map[letterID]bool
	batch      []planned // not yet written
	bytes      int       // of the batch
	unsure     []planned // of the last write, when nobody knows what became of it
	pace       pace
	report     Report
}

// Replay puts events back into their topic. What ctx's end cuts short is told
// in the report, beside the error; the next run goes on there.
func (t *Topic) Replay(ctx context.Context, o ReplayOptions) (Report, error) {
	return t.replayWith(ctx, o, newWriter(t.cfg))
}

func (t *Topic) replayWith(ctx context.Context, o ReplayOptions, w *writer) (Report, error) {
	defer w.shut()
	r := &replay{topic: t, opts: o, writer: w, handled: map[letterID]bool{}, pace: newPace(o.Rate), origin: newOriginals(t.cfg)}
	defer r.origin.close()
	r.report = Report{DryRun: o.DryRun, Routes: []Route{}, Left: []Left{}}
	r.opts.States = []State{StateOpen, StateReplayed}
	err := r.run(ctx)
	slices.SortFunc(r.report.Routes, func(a, b Route) int {
		return cmp.Or(cmp.Compare(a.Reason, b.Reason), cmp.Compare(a.Topic, b.Topic), cmp.Compare(a.Partition, b.Partition))
	})
	return r.report, err
}

// maxFailures is how often in a row a transaction may fail.
const maxFailures = 5

func (r *replay) run(ctx context.Context) error {
	var err error
	if r.partitions, err = r.origin.partitions(ctx); err != nil {
		return err
	}
	wait := backoff.NewExponentialBackOff()
	for failures := 1; ; failures++ {
		before := r.report.Replayed
		err := r.pass(ctx)
		if !isWriteError(err) || isFinal(err) {
			return err
		}
		if r.report.Replayed > before {
			failures = 1
			wait.Reset()
		}
		if failures >= maxFailures || !sleep(ctx, wait.NextBackOff()) {
			return err
		}
	}
}

// writeError is a failure of which nobody knows whether it wrote something.
type writeError struct{ error }

func (e *writeError) Unwrap() error { return e.error }

func isWriteError(err error) bool {
	_, ok := errors.AsType[*writeError](err)
	return ok
}

// sleep tells whether ctx lasted that long.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// pass replays what is open. After a failed write it begins a new session,
// which settles the write, and reads the markers again.
func (r *replay) pass(ctx context.Context) error {
	if !r.opts.DryRun {
		// Before anything is read: from here on nobody else replays.
		if err := r.writer.begin(ctx); err != nil {
			return &writeError{err}
		}
		if err := r.topic.awaitMarkers(ctx); err != nil {
			return err
		}
	}
	idx, err := r.topic.scan(ctx, r.opts.Filter, r.until)
	if err != nil {
		return err
	}
	if r.until == nil {
		if err := idx.placesExist(r.topic.cfg.DeadLetterTopic); err != nil {
			return err
		}
		r.until = idx.ends
		r.count(idx.chosen)
	}
	r.settle(idx)
	open := slices.DeleteFunc(idx.chosen, func(e entry) bool { return e.state() != StateOpen || r.handled[e.id] })
	err = r.topic.load(ctx, open, func(letters []Letter) error { return r.window(ctx, letters) })
	if err == nil {
		err = r.flush(ctx)
	}
	if err != nil {
		return err
	}
	for _, e := range open {
		if !r.handled[e.id] {
			r.leave(e.id, Left{Place: e.Position.String(), EventID: e.id.event, Reason: e.reason, Why: LeftVanished, Message: "retention deleted the letter meanwhile"})
		}
	}
	return nil
}

// count says at the begin how much there is to do.
func (r *replay) count(chosen []entry) {
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

// settle finds out what became of the last write.
func (r *replay) settle(idx *index) {
	written := slices.DeleteFunc(r.unsure, func(p planned) bool { return idx.marks[p.id].state != StateReplayed })
	r.account(written)
	r.unsure, r.batch, r.bytes = nil, nil, 0
}

// account notes what was replayed.
func (r *replay) account(batch []planned) {
	for _, p := range batch {
		r.handled[p.id] = true
		if !r.opts.DryRun {
			r.report.Replayed++
		}
		if p.edited {
			r.report.Edited++
		}
		route := Route{Reason: p.letter.Reason, Topic: p.to.topic, Partition: p.to.partition}
		at := slices.IndexFunc(r.report.Routes, func(o Route) bool { o.Letters = 0; return o == route })
		if at < 0 {
			at = len(r.report.Routes)
			r.report.Routes = append(r.report.Routes, route)
		}
		r.report.Routes[at].Letters++
	}
	r.progress()
}

func (r *replay) leave(id letterID, l Left) {
	r.handled[id] = true
	r.report.Left = append(r.report.Left, l)
	r.progress()
}
