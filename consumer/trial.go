package consumer

import "context"

const (
	// crashLoopOpenings is how many openings in a row at one offset make the owner transform one record at a time.
	crashLoopOpenings = 3
	// maxTrials is how often transforming a record alone may end the process until the record becomes a letter.
	maxTrials = 3
)

// A trial is a record that is transformed alone. A record whose transformation ends the process would also end the process
// of each later owner. So each trial is committed before it begins: if the process ends, the next owner sees at which record.
// Only the transformation counts: a process that ends while it waits for the CRM was ended by something else.
type trial struct {
	offset int64 // -1 for none
	begun  int   // how many trials of the record the owners have begun so far, this one included
}

// tryAlone transforms the record in a trial if the record may be what ended earlier owners; if not, it returns false. After
// maxTrials it fails the record instead of transforming it. The error is ctx's.
func (in *intake) tryAlone(ctx context.Context, d *delivery) (bool, error) {
	if !in.opening.inCrashLoop(d.Offset) {
		return false, nil
	}
	attempt := trial{offset: d.Offset, begun: 1}
	if in.opening.inherited.trial == d.Offset {
		attempt.begun += in.opening.inherited.trials
	}
	if attempt.begun > maxTrials {
		d.failure = &rejection{
			reason:  reasonProcessingFailed,
			message: "the process ended each time it transformed this event: please report it with the event",
		}
		d.event.ID = d.placeID() // decoding the event for its id may be what ends the process
		return true, nil
	}
	in.trials.Lock() // the partition's run and the reader of parked records may both have a record to try
	defer in.trials.Unlock()
	in.records.setTrial(attempt)
	defer in.records.setTrial(trial{offset: -1})
	if err := in.records.awaitCommit(ctx, in.wakeOf(d)); err != nil {
		return true, err
	}
	in.transformSafely(d)
	// The end of the trial is committed too: if the process ends after this, the transformation was not the cause.
	in.records.setTrial(trial{offset: -1})
	return true, in.records.awaitCommit(ctx, in.wakeOf(d))
}
