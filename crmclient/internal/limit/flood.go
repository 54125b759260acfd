package limit

import "time"

// floodInterval is the shortest time between two refused events that are sent again in a flood.
const floodInterval = time.Second

// floodFormat makes the name of a flood of its start, in UTC.
const floodFormat = "20060102T150405Z"

// Flood tells refusals that are the set-up's fault from those of single events. Many different
// events refused in a row, none passing between, are a flood: their dead letters wait until
// something passes. Creates go on. Create it by [NewFlood].
type Flood struct {
	limit   int           // CRM_FLOOD_LIMIT; 0: off
	longest time.Duration // CRM_BACKOFF_MAX

	passes  uint64
	refused map[string]struct{} // ids, at most limit
	began   time.Time

	probes int       // that were given a time
	last   time.Time // the latest of these times
}

// NewFlood returns a value without refusals. From limit different events on they are a flood; 0:
// never. The time between two that are sent again grows from a second to longest.
func NewFlood(limit int, longest time.Duration) *Flood {
	return &Flood{limit: limit, longest: longest, refused: map[string]struct{}{}}
}

// Passes returns how many contacts were created. Take it when an event's first attempt leaves that
// is then refused.
func (f *Flood) Passes() uint64 { return f.passes }

// Pass notes that a contact was created. It reports whether that ended a flood.
func (f *Flood) Pass() (ended bool) {
	ended = f.full()
	f.passes++
	clear(f.refused)
	f.began, f.probes, f.last = time.Time{}, 0, time.Time{}
	return ended
}

// Refused returns what becomes of a refused event: its letter is written, or it waits for the end of
// the flood of that name. firstRefusedAt is what [Flood.Passes] returned when its first refused
// attempt left: if anything passed since, the refusal is the event's own. A replayed event does not
// count, as its letter was written before, but waits like any other.
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

// Name returns the flood in force by its start, as in 20261128T224100Z; "" without one.
func (f *Flood) Name() string {
	if !f.full() {
		return ""
	}
	return f.began.UTC().Format(floodFormat)
}

// NextProbe returns when one more event that waits for the end of the flood is to be sent again. All
// of them share one schedule: each call takes the next of its times, between which the interval
// grows until something passes.
func (f *Flood) NextProbe(now time.Time) time.Time {
	f.last = later(f.last, now).Add(interval(f.probes, floodInterval, max(floodInterval, f.longest)))
	f.probes++
	return f.last
}

func (f *Flood) full() bool { return f.limit > 0 && len(f.refused) >= f.limit }

// Release ends a flood though nothing passed, as its refusals are said to be right; they count anew. It reports whether
// there was one.
func (f *Flood) Release() (ended bool) {
	ended = f.full()
	clear(f.refused)
	f.began, f.probes, f.last = time.Time{}, 0, time.Time{}
	return ended
}
