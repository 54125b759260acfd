package consumer

import "time"

// waitTimes is what is known about how long a partition's events have waited. It needs no lock.
type waitTimes struct {
	since time.Time // since when events are known to wait; zero when none waits
	next  struct {  // the record to dispatch next; zero until it is fetched
		offset int64
		at     time.Time
	}
	newest time.Time // the time of the last dispatched record
}

// note notes how many events wait at now.
func (w *waitTimes) note(lag int64, now time.Time) {
	switch {
	case lag == 0:
		w.since = time.Time{}
	case w.since.IsZero():
		w.since = now
	}
}

// oldest returns the time of the oldest event that is neither done nor parked. If this event was not fetched yet, its time is
// not known. Then oldest returns the later of two times: that of the last dispatched event, and since, when a reading of the
// log's end first showed a waiting event.
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
