package consumer

import "time"

// waitTimes is what is known of since when a partition's events wait. It is a plain value.
type waitTimes struct {
	since time.Time // since when events are known to wait; zero when none does
	next  struct {  // the record that is to be dispatched next, once it is fetched
		offset int64
		at     time.Time
	}
	newest time.Time // the time of the last dispatched record
}

// note takes over how many events wait at now.
func (w *waitTimes) note(lag int64, now time.Time) {
	switch {
	case lag == 0:
		w.since = time.Time{}
	case w.since.IsZero():
		w.since = now
	}
}

// oldest returns the time of the oldest event that is neither done nor parked. The time of an event that was not fetched
// yet is not known: it is later than that of the last one dispatched, and not later than the reading of the log's end that
// showed it. The result is the later of these.
func (w *waitTimes) oldest(p *progress) time.Time {
	if oldest := p.oldest(); !oldest.IsZero() {
		return oldest
	}
	if w.next.offset >= p.next && !w.next.at.IsZero() {
		return w.next.at
	}
	if w.newest.After(w.since) {
		return w.newest
	}
	return w.since
}
