package consumer

import (
	"fmt"
	"time"
)

// logEnd is how far a partition's log reaches. It does no I/O and needs no lock.
type logEnd struct {
	offset        int64     // after the last record, as far as it is known
	readAt        time.Time // when a broker last said it
	shortReadings int       // how many readings in a row returned an end below the dispatched records
}

// maxShortReadings is after how many readings in a row of an end below the dispatched records the topic counts as replaced.
// A new leader may return such an end for a short time.
const maxShortReadings = 3

// fetched notes what a fetch showed at now: the end of the log, 0 when the broker did not say it, and the offset after the
// records that were returned, as the log reaches at least so far.
func (l *logEnd) fetched(end, next int64, now time.Time) {
	l.offset = max(l.offset, end, next)
	if end > 0 {
		l.readAt = now
	}
}

// read notes the end that was read at now. dispatched is the offset after the records that were dispatched before the end was
// asked for: those dispatched later may lie beyond a correct answer. It fails when the topic was replaced.
func (l *logEnd) read(end, dispatched int64, now time.Time) error {
	l.offset = max(end, l.offset)
	if end >= dispatched {
		l.shortReadings = 0
	} else if l.shortReadings++; l.shortReadings >= maxShortReadings {
		return fmt.Errorf("%w: it ends at %d, before %d", errOutOfRange, end, dispatched)
	}
	l.readAt = now
	return nil
}
