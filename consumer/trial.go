package consumer

import (
	"context"
	"fmt"
)

const (
	// crashLoopOpenings is after how many openings in a row at one offset the owner transforms one record at a time.
	crashLoopOpenings = 3
	// maxTrials is how often transforming a record alone may end the process until the record becomes a letter.
	maxTrials = 3
)

// A trial is a record that is transformed alone. A record whose transformation ends the process ends each new owner's
// process as well. So each trial is committed before it begins, and the next owner sees which record it was. Only the
// transformation counts: a process that ends while it waits for the CRM was ended by something else.
type trial struct {
	offset int64 // -1 for none
	begun  int   // how many trials of the record have begun, of all owners
}

// tryAlone transforms the record in a trial if it may be what ended earlier owners, else it returns false. The error is
// ctx's.
func (p *partition) tryAlone(ctx context.Context, d *delivery) (bool, error) {
	if !p.inCrashLoop(d.Offset) {
		return false, nil
	}
	attempt := trial{offset: d.Offset, begun: 1}
	if p.openedAt.inherited.trial == d.Offset {
		attempt.begun += p.openedAt.inherited.trials
	}
	if attempt.begun > maxTrials {
		d.failure = &rejection{
			reason:  reasonProcessingFailed,
			message: "the process ended each time it transformed this event: please report it with the event",
		}
		d.event.ID = fmt.Sprintf("%s/%d/%d@%d", d.Topic, d.Partition, d.Offset, d.Time.UnixMilli()) // without decoding it, which may be what ends the process
		return true, nil
	}
	p.trials.Lock() // run and the reader
	defer p.trials.Unlock()
	p.setTrial(attempt)
	defer p.setTrial(trial{offset: -1})
	if err := p.awaitCommit(ctx, p.wakeOf(d)); err != nil {
		return true, err
	}
	p.transformSafely(d)
	// The end of the trial is committed too, as what ends the process from here on is not the transformation.
	p.setTrial(trial{offset: -1})
	return true, p.awaitCommit(ctx, p.wakeOf(d))
}

// inCrashLoop reports whether the record at offset may be what ended earlier owners: the partition was opened too often in
// a row where it starts, and the record lay below the grant, so that it may have been dispatched.
func (p *partition) inCrashLoop(offset int64) bool {
	return p.openedAt.openedTooOften() && offset < p.openedAt.inherited.granted
}

// setTrial has the next commit say which record is in a trial.
func (p *partition) setTrial(t trial) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.state.trial = t
	p.state.changed = true
}

// awaitCommit waits until a commit that begins after the call is acknowledged. wake must be signalled when one is. The
// error is ctx's.
func (p *partition) awaitCommit(ctx context.Context, wake <-chan struct{}) error {
	p.mu.Lock()
	target := p.state.commitsBegun + 1
	p.mu.Unlock()
	for {
		p.mu.Lock()
		p.state.changed = p.state.changed || p.state.commitsBegun < target
		done := p.state.commitsDone >= target
		p.mu.Unlock()
		if done {
			return nil
		}
		signal(p.gen.urgent)
		select {
		case <-wake:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
