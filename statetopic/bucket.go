package statetopic

import (
	"maps"
	"time"
)

// The widths of buckets, and for how long they are kept.
const (
	fineWidth   = time.Minute
	fineKept    = 26 * time.Hour // longer than a day, even one in which the clocks change
	coarseWidth = 30 * time.Minute
	coarseKept  = 30 * 24 * time.Hour
)

// widths returns all widths of buckets, each with how long its buckets are kept.
func widths() map[time.Duration]time.Duration {
	return map[time.Duration]time.Duration{fineWidth: fineKept, coarseWidth: coarseKept}
}

// Counts are how many events ended in which way, and how long the delivery was held.
type Counts struct {
	Created int64 `json:"created,omitempty"` // events for which an object was created
	Found   int64 `json:"found,omitempty"`   // events whose object was there already
	Matched int64 `json:"matched,omitempty"` // events that were given to a contact of the same person
	Letters int64 `json:"letters,omitempty"` // dead letters
	// HeldSeconds is how long each cause held the delivery, in seconds; nil: it was not held.
	HeldSeconds map[string]float64 `json:"heldSeconds,omitempty"`
}

// since returns what was counted since before. A counter that has become smaller counts nothing.
func (c Counts) since(before Counts) Counts {
	d := Counts{
		Created: max(c.Created-before.Created, 0), Found: max(c.Found-before.Found, 0),
		Matched: max(c.Matched-before.Matched, 0), Letters: max(c.Letters-before.Letters, 0),
	}
	for cause, seconds := range c.HeldSeconds {
		if more := seconds - before.HeldSeconds[cause]; more > 0 {
			d.hold(cause, more)
		}
	}
	return d
}

// add adds other counts, held times included.
func (c *Counts) add(other Counts) {
	c.Created += other.Created
	c.Found += other.Found
	c.Matched += other.Matched
	c.Letters += other.Letters
	for cause, seconds := range other.HeldSeconds {
		c.hold(cause, c.HeldSeconds[cause]+seconds)
	}
}

// hold sets how long a cause held the delivery.
func (c *Counts) hold(cause string, seconds float64) {
	if c.HeldSeconds == nil {
		c.HeldSeconds = map[string]float64{}
	}
	c.HeldSeconds[cause] = seconds
}

// bucket is what one process did in a span of time.
type bucket struct {
	Start int64         `json:"start"` // Unix seconds
	Width time.Duration `json:"-"`
	Counts
	// Lag is how many records were neither done nor parked at the end; nil: not known.
	Lag *int64 `json:"lag,omitempty"`
	// LagSeconds is the greatest age that the oldest of such records had during the bucket; nil: not known.
	LagSeconds *float64 `json:"lagSeconds,omitempty"`
}

// end returns when the bucket ends, in Unix seconds.
func (b bucket) end() int64 { return b.Start + int64(b.Width/time.Second) }

// expired reports whether the bucket is too old to be kept.
func (b bucket) expired(now time.Time) bool {
	return b.end() < now.Add(-widths()[b.Width]).Unix()
}

// openBucket returns an empty bucket of a width that includes now.
func openBucket(width time.Duration, now time.Time) bucket {
	seconds := int64(width / time.Second)
	return bucket{Start: now.Unix() / seconds * seconds, Width: width}
}

// note adds what was counted since the last reading, and the present lag.
func (b *bucket) note(counts Counts, lag *int64, lagSeconds *float64) {
	b.add(counts)
	b.Lag = lag
	if lagSeconds != nil && (b.LagSeconds == nil || *lagSeconds > *b.LagSeconds) {
		b.LagSeconds = lagSeconds
	}
}

// clone returns a copy that shares no map with b.
func (b bucket) clone() bucket {
	b.HeldSeconds = maps.Clone(b.HeldSeconds)
	return b
}
