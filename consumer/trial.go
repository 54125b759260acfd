package consumer

import (
	"context"
	"fmt"
)

const (
	// carefulAfter is how many openings in a row at the same offset make the
	// owner transform that part of the log one record at a time.
	carefulAfter = 3
	// maxTrials is how often a record may be transformed alone without the
	// process surviving it.
	maxTrials = 3
)

// trial is the record that is being transformed alone, and how often that was
// begun, over all owners. A record that kills the process kills each new
// owner as well; the commit before each trial is what tells on it. Only the
// transformation counts: what kills there is the record, while a process
// that dies waiting for the CRM was killed by something else.
type trial struct {
	offset int64
	begun  int
}

// tryAlone transforms the record under a trial when the partition was opened
// too often at its offset; false says that it need not.
func (p *partition) tryAlone(ctx context.Context, f *flight) (bool, error) {
	if !p.careful() || f.Offset >= p.openedAt.left.granted {
		return false, nil
	}
	attempt := trial{offset: f.Offset, begun: 1}
	if p.openedAt.left.trial == f.Offset {
		attempt.begun += p.openedAt.left.trials
	}
	if attempt.begun > maxTrials {
		f.failure = &rejection{
			reason:  reasonProcessingFailed,
			message: "the process ended each time it transformed this event: please report it with the event",
		}
		f.event.ID = fmt.Sprintf("%s/%d/%d@%d", f.Topic, f.Partition, f.Offset, f.Time.UnixMilli()) // decoding it may be what kills
		return true, nil
	}
	p.setTrial(attempt)
	defer p.setTrial(trial{offset: -1})
	p.launch()
	if err := p.awaitCommit(ctx); err != nil {
		return true, err
	}
	p.decodeSafely(f)
	p.build(f)
	// Told before anything else is done with it: what ends the process from here
	// on is not its transformation.
	p.setTrial(trial{offset: -1})
	return true, p.awaitCommit(ctx)
}

// careful says that the partition was opened too often at its offset.
func (p *partition) careful() bool { return p.openedAt.left.openings >= carefulAfter }

func (p *partition) setTrial(t trial) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.trial = t
	p.changed = true
}

// awaitCommit waits until a commit that began after the call is acknowledged.
func (p *partition) awaitCommit(ctx context.Context) error {
	p.mu.Lock()
	target := p.commitsBegun + 1
	p.mu.Unlock()
	for {
		p.mu.Lock()
		p.changed = p.changed || p.commitsBegun < target
		done := p.commitsDone >= target
		p.mu.Unlock()
		if done {
			return nil
		}
		signal(p.urgent)
		select {
		case <-p.wake:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
