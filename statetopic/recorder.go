package statetopic

import "time"

// Reading is what a process has done since its start, and what it does now.
type Reading struct {
	Counts // since the start
	Now
}

// Now is what a process does now.
type Now struct {
	State      string   `json:"state"`                // as in /statusz; "stopped" after the end
	Partitions []int    `json:"partitions,omitempty"` // partitions that it owns
	InFlight   int      `json:"inFlight"`             // requests to the CRM
	Waiting    int      `json:"waiting"`              // requests that wait for the CRM
	Lag        *int64   `json:"lag,omitempty"`        // of its partitions, in records; nil: not known
	LagSeconds *float64 `json:"lagSeconds,omitempty"` // age of the oldest record of the lag; nil: not known
	Holds      []string `json:"holds,omitempty"`      // causes of its holds
}

// recorder turns readings into buckets. It does no I/O.
type recorder struct {
	last Counts           // the counts of the last reading
	at   time.Time        // when the last reading was made; zero: none yet
	open map[int64]bucket // by width in seconds
}

// take notes a reading, and returns the buckets that end with it. What was counted since the last reading goes into the
// bucket that was open then: as readings are made some milliseconds after the full minute, it belongs to the bucket that
// ends.
func (r *recorder) take(now time.Time, is Reading) (over []bucket) {
	isFirst, wentBack := r.at.IsZero(), r.wentBack(now)
	counts := is.since(r.last) // in the first reading: since the start of the process
	if isFirst {
		r.open = map[int64]bucket{}
	}
	for width := range widths() {
		id := int64(width / time.Second)
		b, current := r.open[id], openBucket(width, now)
		if isFirst {
			b = current
		}
		b.note(counts, is.Lag, is.LagSeconds)
		// If the clock was put back by less than clockSlack, the open bucket stays open.
		if current.Start > b.Start || !isFirst && wentBack {
			over = append(over, b)
			b = current
		}
		r.open[id] = b
	}
	r.last, r.at = is.Counts, now
	return over
}

// wentBack reports whether the clock was put back by more than clockSlack since the last reading.
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
