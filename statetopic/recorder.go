package statetopic

import "time"

// Reading is what a process has done since its start, and what it does now.
type Reading struct {
	Counts // since the start
	Now
}

// Now is what a process does now.
type Now struct {
	State      string   `json:"state"`                // as /statusz has it; "stopped" after the end
	Partitions []int    `json:"partitions,omitempty"` // those that it owns
	InFlight   int      `json:"inFlight"`             // requests to the CRM
	Waiting    int      `json:"waiting"`              // requests that wait for the CRM
	Lag        *int64   `json:"lag,omitempty"`        // of its partitions, in records; nil: not known
	LagSeconds *float64 `json:"lagSeconds,omitempty"` // age of the oldest of these; nil: not known
	Holds      []string `json:"holds,omitempty"`      // causes of what holds it
}

// recorder turns readings into buckets. It does no I/O.
type recorder struct {
	last Counts           // of the last reading
	at   time.Time        // when it was; zero: none yet
	open map[int64]bucket // by width in seconds
}

// take notes a reading, and returns the buckets that are over with it. What was counted since the last reading belongs to
// the bucket in which that was made: readings are made at the full minute, and some milliseconds late.
func (r *recorder) take(now time.Time, is Reading) (over []bucket) {
	first, back := r.at.IsZero(), r.wentBack(now)
	counts := is.since(r.last) // at first since the start of the process
	if first {
		r.open = map[int64]bucket{}
	}
	for width := range widths() {
		id := int64(width / time.Second)
		b, current := r.open[id], openBucket(width, now)
		if first {
			b = current
		}
		b.note(counts, is.Lag, is.LagSeconds)
		// A clock that was put back a little goes on with the open bucket.
		if current.Start > b.Start || !first && back {
			over = append(over, b)
			b = current
		}
		r.open[id] = b
	}
	r.last, r.at = is.Counts, now
	return over
}

// wentBack reports whether the clock was put back by more than it may differ, since the last reading.
func (r *recorder) wentBack(now time.Time) bool {
	return now.Round(0).Before(r.at.Round(0).Add(-clockSlack))
}

// stillOpen returns the buckets that are not over.
func (r *recorder) stillOpen() []bucket {
	all := make([]bucket, 0, len(r.open))
	for _, b := range r.open {
		all = append(all, b.clone())
	}
	return all
}
