package limit

import "time"

// floodInterval is the shortest time between two refused events that are sent again in a flood.
const floodInterval = time.Second

// floodFormat is the format of a flood's name: the time when it began, in UTC.
const floodFormat = "20060102T150405Z"

// Flood distinguishes refusals that are the set-up's fault from refusals of single events. If many
// different events are refused in a row and none passes in between, there is a flood: further dead letters
// wait until a create passes. Creates go on. Create it by [NewFlood].
type Flood struct {
	limit   int           // CRM_FLOOD_LIMIT; 0: off
	longest time.Duration // CRM_BACKOFF_MAX

	passes  uint64              // creates that have passed
	refused map[string]struct{} // ids of the events that were refused since the last pass, at most limit
	began   time.Time           // when the flood in force began; zero: there is none

	probes int       // how many probes NextProbe has scheduled
	last   time.Time // when the last of these probes was due
}

// NewFlood returns a Flood without refusals. A flood begins when limit different events were refused; 0:
// never. The interval between two events that are sent again in a flood grows from a second to longest.
func NewFlood(limit int, longest time.Duration) *Flood {
	return &Flood{limit: limit, longest: longest, refused: map[string]struct{}{}}
}

// Passes returns how many creates have passed. Its value at the time when an event's attempt leaves is
// needed by [Flood.Refused] if the attempt is refused.
func (f *Flood) Passes() uint64 { return f.passes }

// Pass notes that a create passed. It reports whether that ended a flood.
func (f *Flood) Pass() (ended bool) {
	ended = f.full()
	f.passes++
	clear(f.refused)
	f.began, f.probes, f.last = time.Time{}, 0, time.Time{}
	return ended
}

// Refused returns what becomes of a refused event: either its letter is written, or the event waits for the end of
// the flood, whose name is returned; "" if the letter is written. firstRefusedAt is the value of [Flood.Passes] when the first of the
// event's refused attempts left: if a create has passed since, the event itself is at fault. A replayed
// event does not count towards a flood, as its letter was written before, but it waits like any other.
func (f *Flood) Refused(id string, firstRefusedAt uint64, replayed bool, now time.Time) (write bool, flood string) {
	if f.limit == 0 || firstRefusedAt < f.passes {
		return true, ""
	}
	if f.full() {
		return false, f.Name()
	}
	if !replayed {
		f.refused[id] = struct{}{}
	}
	if f.full() {
		f.began = now
	}
	return true, ""
}

// Name returns the name of the flood in force, such as 20261128T224100Z; "" if there is none.
func (f *Flood) Name() string {
	if !f.full() {
		return ""
	}
	return f.began.UTC().Format(floodFormat)
}

// NextProbe returns when one more of the events that wait for the end of the flood may be sent again. All these
// events share one schedule, and each call takes the next time in it. The intervals grow until a create passes.
func (f *Flood) NextProbe(now time.Time) time.Time {
	f.last = later(f.last, now).Add(interval(f.probes, floodInterval, max(floodInterval, f.longest)))
	f.probes++
	return f.last
}

// full reports whether a flood is in force.
func (f *Flood) full() bool { return f.limit > 0 && len(f.refused) >= f.limit }

// Release ends a flood although no create passed, because somebody says that its refusals are right. From then on
// refusals are counted anew. It reports whether there was a flood.
func (f *Flood) Release() (ended bool) {
	ended = f.full()
	clear(f.refused)
	f.began, f.probes, f.last = time.Time{}, 0, time.Time{}
	return ended
}
