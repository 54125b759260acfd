package consumer

import (
	"fmt"
	"time"
)

// logEnd is how far a partition's log reaches. It is a plain value.
type logEnd struct {
	offset        int64     // after the last record, as far as it is known
	readAt        time.Time // when the broker last told it
	shortReadings int       // how many readings in a row had it below what was dispatched
}

// maxShortReadings is how many readings in a row have the log end below what was dispatched until the topic counts as
// replaced. Fewer may come from a new leader.
const maxShortReadings = 3

// fetched takes over what a fetch showed at now: the end that the broker told, 0 when it did not, and the offset after the
// records that it returned, which the log reaches at least.
func (l *logEnd) fetched(end, next int64, now time.Time) {
	l.offset = max(l.offset, end, next)
	if end > 0 {
		l.readAt = now
	}
}

// read takes over the end as it was read at now; dispatched is what was dispatched before it was asked for, as what is
// dispatched meanwhile may lie beyond an answer that is correct. It fails when the topic was replaced.
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
